# One kernel in one variant, from power-on to the exit marker on its console.

need_programs() {
    local missing=() pair
    for pair in qemu-system-x86_64:qemu-system-x86 cpio:cpio mmdebstrap:mmdebstrap depmod:kmod mke2fs:e2fsprogs \
        xz:xz-utils strip:binutils; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "programs are missing (hint: apt-get install ${missing[*]})"
    install_packages "${missing[@]}" >&2
    for pair in "${missing[@]}"; do
        dpkg-query -W -f '${Status}' "$pair" 2>/dev/null | grep -q 'ok installed' || die "cannot install $pair"
    done
}

# boot KERNEL VARIANT: prints a line a test, and fails unless the guest said that all passed. What dies or hangs before the
# first word of the tests, or of what no real processor does, is the emulated machine, and is started again; `again` takes
# back what it said before.
boot() {
    local kernel=$1 variant=$2 directory=$cache/kernels/${releases[$1]} began=$SECONDS try status
    for try in 1 2 3; do
        initrd "$variant" "$directory/initial" "$scratch/initrd"
        say "booting ${releases[$kernel]}, $variant"
        power_on "$directory" "$cache/logs/$kernel-$variant.log" "$kernel/$variant"
        status=$?
        [ $status = 2 ] || break
        say "$kernel/$variant did not get through the tests; its last words are in $cache/logs/$kernel-$variant.log"
    done
    [ $status != 2 ] || echo "FAILED $kernel/$variant - guest::gets_through_the_tests"
    [ "$core$variant" != yesv2 ] || echo "fact $kernel/$variant set core"
    echo "fact $kernel/$variant seconds $((SECONDS - began))"
    echo "fact $kernel/$variant build $build"
    return $status
}

# power_on DIRECTORY LOG WHERE: 2 when nothing was heard of the tests, or the emulated machine broke.
power_on() {
    local directory=$1 log=$2 where=$3 ended
    local words="console=ttyS0 quiet loglevel=1 panic=-1 no_timer_check systemd.show_status=0 systemd.log_level=warning"
    # Writes to the root go to a file that qemu makes and forgets. Without cx16: emulated by qemu 7.2, cmpxchg16b now and
    # then leaves wrong flags behind, and the kernel's allocator, which does without it where it must, falls over them.
    (
        echo $BASHPID >"$scratch/pid"
        exec timeout -k 5 "$(patience)" qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,-cx16 -smp 2 -m 2048 \
            -no-reboot -nodefaults -display none -serial stdio \
            -kernel "$directory/vmlinuz" -initrd "$scratch/initrd" -append "$words" \
            -drive "file=$root,format=raw,if=virtio,snapshot=on" \
            -drive "file=$directory/modules.img,format=raw,if=virtio,readonly=on" \
            -drive "file=$programs,format=raw,if=virtio,readonly=on"
    ) </dev/null 2>&1 | sed -u 's|\r$||' | tee "$log" | report "$where"
    ended=("${PIPESTATUS[@]}")
    [ "${ended[0]}" != 124 ] || echo "FAILED $where - guest::is_done_within_$(patience)_seconds"
    # Where a kernel patches its own code, one emulated processor may run into a breakpoint that another has just removed.
    if grep -q '^\[.*\] Oops: int3: ' "$log"; then
        say "$where met a breakpoint that only the emulator still saw, and is started again"
        echo "again $where"
        return 2
    fi
    return "${ended[3]}"
}

# Seconds, many times what it takes: only a guest that hangs is to meet them.
patience() {
    if [ -n "$core" ]; then echo 900; else echo 3600; fi
}

# initrd VARIANT MODULES FILE: a shell, the script that finds the disks, the modules it takes, and the job.
initrd() {
    local tree=$scratch/initial
    rm -rf "$tree" && mkdir -p "$tree"/{bin,dev,proc,root}
    cp "${root%.img}.busybox" "$tree/bin/busybox"
    install -m 755 tests/vm/guest/initramfs "$tree/init"
    cp -r "$2" "$tree/modules"
    printf '%s=%q\n' variant "$1" tests "$(tests_of "$1")" >"$tree/job"
    (cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$3"
}

# What runs of the end-to-end tests: everything on v2, elsewhere what the variant has a bearing on.
tests_of() {
    # They take longer, emulated, than they tell about a kernel or a variant.
    local floods="--skip even_for_root --skip without_bound --skip at_any_moment"
    if [ ${#tests[@]} -gt 0 ]; then
        echo "${tests[*]}"
    elif [ "$1" = no_userns ]; then
        return
    elif [ "$1" != v2 ]; then
        echo "cgroup:: process:: state:: stats:: update:: profiles::hello profiles::shell $floods"
    elif [ -n "$core" ]; then
        echo "capabilities:: cgroup:: identity:: kill:: landlock:: namespaces:: network:: proc:: process:: rootfs::" \
            "--skip profiles_library:: $floods"
    else
        # What needs more programs than the guest's root holds is about them, not about the kernel.
        echo ":: --skip profiles_library:: --skip pages:: --skip profiles::build_ --skip new::installed_programs" \
            "--skip new::libraries_outside --skip environment::loaders_variables"
    fi
}

# report WHERE: the guest's lines as they come, with the kernel and variant; 1 without a marker of success, 2 without a word.
report() {
    local where=$1 line status= other=() heard=
    while IFS= read -r ${heard:--t 300} line; do
        case $line in
            "vm: "*) heard=-r ;;
        esac
        case $line in
            "vm: exit "*) status=${line#vm: exit } ;;
            "vm: | "*) echo "    ${line#vm: | }" ;;
            "vm: "*)
                line=${line#vm: }
                echo "${line%% *} $where ${line#* }"
                ;;
            *) other+=("$line") ;;
        esac
    done
    if [ -z "$heard" ]; then
        kill "$(cat "$scratch/pid")" 2>/dev/null
        return 2
    fi
    if [ -z "$status" ]; then
        echo "FAILED $where - guest::says_how_it_ended"
        [ ${#other[@]} = 0 ] || printf '    %s\n' "${other[@]: -$((${#other[@]} < 20 ? ${#other[@]} : 20))}"
    fi
    [ "$status" = 0 ]
}
