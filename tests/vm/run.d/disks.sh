# What a kernel boots into: a Debian root, made once; the programs under test, made each run.

# Everything that a test starts, and systemd for the variant that boots it.
root_packages=(bash coreutils util-linux passwd uidmap procps kmod iproute2 nftables strace libcap2-bin keyutils passt
    bubblewrap busybox-static python3 nginx-light redis-server make
    systemd systemd-sysv dbus dbus-user-session libpam-systemd)

# disk DIRECTORY FILE [MEGABYTES]: an ext4 file system of what the directory holds, and room beyond that.
disk() {
    local size
    size=$(($(du -sm --apparent-size "$1" | cut -f1) * 12 / 10 + ${3:-0} + 8))
    rm -f "$2" && truncate --size="${size}M" "$2" &&
        mke2fs -q -F -t ext4 -O ^has_journal -E root_owner=0:0 -d "$1" "$2" || die "cannot make $2"
}

# The root's path; it is made anew when its recipe changes. Guests write to a copy that is thrown away.
root_disk() {
    local recipe image work path exclude=()
    recipe=$( (echo "${root_packages[@]}" && declare -f root_disk disk) | sha256sum | cut -c1-12)
    image=$cache/root-$recipe.img
    if [ ! -e "$image" ]; then
        [ "$(id -u)" = 0 ] || die "making the guest's root takes root, once (hint: sudo tests/vm/run --fetch)"
        say "making the guest's root from Debian packages"
        work=$(mktemp -d "$cache/work.$$.XXXXXX")
        sources bookworm >"$work/sources.list" || exit 1
        for path in doc man info locale lintian; do exclude+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
        mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
            "${exclude[@]}" --include="$(IFS=,; echo "${root_packages[*]}")" \
            --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash sandbox-test' \
            --customize-hook='chroot "$1" systemctl -q disable nginx redis-server' \
            bookworm "$work/root" "$work/sources.list" >&2 || die "mmdebstrap failed"
        rm -f "$cache"/root-*
        cp "$work/root/bin/busybox" "${image%.img}.busybox"
        disk "$work/root" "$work/image" 1024
        mv "$work/image" "$image"
        rm -rf "$work"
    fi
    echo "$image"
}

# build_of STAGE: the commit, whether there was more than that, and a hash of the programs.
build_of() {
    local commit
    commit=$(git describe --always --abbrev=12 --exclude='*' --dirty 2>/dev/null) || commit=no-commit
    echo "$commit $(cat "$1"/{sandbox,it} | sha256sum | cut -c1-12)"
}

# The programs' path, in a directory that goes with this run.
program_disk() {
    local stage=$scratch/stage
    mkdir -p "$stage"
    say "building the programs"
    build_stage "$stage" >&2 || die "cannot build the tests"
    cp -r tests/vm/guest "$stage/"
    # Without what only a debugger reads: the guest's memory is small.
    strip --strip-debug "$stage"/{it,sandbox}
    chmod -R a+rX "$stage"
    disk "$stage" "$scratch/programs.img"
    echo "$scratch/programs.img"
}
