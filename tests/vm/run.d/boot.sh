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

# boot KERNEL VARIANT: prints a line a test, and fails unless the guest said that all passed.
boot() {
    local kernel=$1 variant=$2 directory=$cache/kernels/${releases[$1]} log=$cache/logs/$1-$2.log more= ended began=$SECONDS
    initrd "$variant" "$directory/initial" "$scratch/initrd"
    [ "$variant" != systemd ] || more="systemd.show_status=0 systemd.log_level=warning"
    say "booting ${releases[$kernel]}, $variant"
    # Writes to the root go to a file that qemu makes and forgets. Without cx16: emulated by qemu 7.2, cmpxchg16b now and
    # then leaves wrong flags behind, and the kernel's allocator, which does without it where it must, falls over them.
    timeout -k 5 "$(patience)" qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,-cx16 -smp 2 -m 2048 -no-reboot \
        -nodefaults -display none -serial stdio \
        -kernel "$directory/vmlinuz" -initrd "$scratch/initrd" -append "console=ttyS0 quiet loglevel=1 panic=-1 $more" \
        -drive "file=$root,format=raw,if=virtio,snapshot=on" \
        -drive "file=$directory/modules.img,format=raw,if=virtio,readonly=on" \
        -drive "file=$programs,format=raw,if=virtio,readonly=on" \
        </dev/null 2>&1 | sed -u 's|\r$||' | tee "$log" | report "$kernel/$variant"
    ended=("${PIPESTATUS[@]}")
    echo "fact $kernel/$variant seconds $((SECONDS - began))"
    [ "${ended[0]}" != 124 ] || echo "FAILED $kernel/$variant - guest::is_done_within_$(patience)_seconds"
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
    if [ ${#tests[@]} -gt 0 ]; then
        echo "${tests[*]}"
    elif [ "$1" = no_userns ]; then
        return
    elif [ -n "$core" ]; then
        # What the kernel has the most say in; not what floods it with processes.
        echo "capabilities:: cgroup:: identity:: kill:: landlock:: namespaces:: network:: proc:: process:: rootfs::" \
            "--skip profiles_library:: --skip even_for_root"
    elif [ "$1" = v2 ]; then
        # What needs more programs than the guest's root holds is about them, not about the kernel.
        echo ":: --skip profiles_library:: --skip pages:: --skip profiles::build_"
    else
        echo "cgroup:: process:: state:: profiles::hello profiles::shell --skip even_for_root --skip at_any_moment"
    fi
}

# report WHERE: the guest's lines as they come, with the kernel and variant; fails without a marker of success.
report() {
    local where=$1 line status= other=()
    while IFS= read -r line; do
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
    if [ -z "$status" ]; then
        echo "FAILED $where - guest::says_how_it_ended"
        [ ${#other[@]} = 0 ] || printf '    %s\n' "${other[@]: -$((${#other[@]} < 20 ? ${#other[@]} : 20))}"
    fi
    [ "$status" = 0 ]
}
