# Debian's cloud kernels: which there are, and what is booted of them.

# The image package of a series (`6.1`), or of the newest kernel there is (`newest`).
#
# A pinned one is not looked for while it is in the cache, so that a run needs no network; once the mirror has dropped
# it, its successor is taken and named.
image_package() {
    local kernel=$1 pinned= found
    [ -z "$core" ] || pinned=$(awk -v kernel="$kernel" '$1 == kernel { print $2 }' tests/vm/pinned)
    if [ -n "$pinned" ] && [ -e "$cache/kernels/${pinned#linux-image-}/complete" ]; then
        echo "$pinned"
        return
    fi
    update_lists || die "cannot fetch the package lists"
    if [ -n "$pinned" ]; then
        apt_in_cache apt-cache show "$pinned" >/dev/null 2>&1 && echo "$pinned" && return
        say "$kernel: the mirror has no $pinned any more, so the newest of that series is taken"
    fi
    found=$(image_packages | awk -v kernel="$kernel" '
        kernel == "newest" || index($1, kernel ".") == 1 { found = $2 } END { print found }')
    [ -n "$found" ] || die "the mirror has no cloud kernel $kernel (it has $(image_packages | cut -d' ' -f1 | xargs))"
    echo "$found"
}

# `VERSION PACKAGE` of what each suite's meta package stands for, the oldest first.
image_packages() {
    apt_in_cache apt-cache show linux-image-cloud-amd64 | awk '
        /^Version:/ { version = $2 }
        /^Depends:/ && match($0, /linux-image-[0-9][^ ,]*/) { print version, substr($0, RSTART, RLENGTH) }' | sort -Vu
}

# fetch_kernel PACKAGE DIRECTORY: DIRECTORY gets `vmlinuz`, `modules.img`, and in `initial` what finds the disks.
fetch_kernel() {
    local package=$1 directory=$2 release=${1#linux-image-} work parts deb
    [ ! -e "$directory/complete" ] || return 0
    update_lists || die "cannot fetch the package lists"
    say "fetching $package"
    work=$(mktemp -d "$cache/work.$$.XXXXXX")
    # From 7.0 on the image package is empty, and what it depends on has the kernel and the modules.
    parts=$(apt_in_cache apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-\(base\|binary\|modules\)-[0-9][^ ]*\)$/\1/p')
    # Lists of yesterday may name what the mirror has replaced since.
    (cd "$work" && apt_in_cache apt-get -qq download "$package" $parts) ||
        { update_lists again && (cd "$work" && apt_in_cache apt-get -qq download "$package" $parts); } ||
        die "cannot fetch $package"
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$work/tree"; done
    # Packages up to bookworm's have /lib apart from /usr/lib.
    if [ -d "$work/tree/lib" ]; then
        mkdir -p "$work/tree/usr/lib" && cp -r "$work/tree/lib/." "$work/tree/usr/lib/" && rm -r "$work/tree/lib"
    fi
    ln -s usr/lib "$work/tree/lib"
    depmod -b "$work/tree" "$release" || die "depmod: $release"
    mkdir -p "$directory"
    cp "$(find "$work/tree" -name 'vmlinuz*' -type f | head -1)" "$directory/vmlinuz" || die "$package holds no kernel"
    initial_modules "$work/tree" "$release" "$directory/initial"
    rm -f "$work/tree/usr/lib/modules/$release/vmlinuz"
    disk "$work/tree/usr/lib/modules" "$directory/modules.img"
    touch "$directory/complete"
    rm -rf "$work"
}

# initial_modules TREE RELEASE DIRECTORY: what finds the disks, in the order of loading, as plain .ko files.
initial_modules() {
    local tree=$1 release=$2 to=$3 number=10 word file plain module
    rm -rf "$to" && mkdir -p "$to"
    for module in virtio_pci virtio_blk ext4; do
        while read -r word file _; do
            [ "$word" = insmod ] || continue
            plain=$(basename "${file%.xz}")
            ! ls "$to" | grep -q "^[0-9]*-$plain$" || continue
            case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac >"$to/$number-$plain"
            number=$((number + 1))
        done < <(modprobe -d "$tree" -S "$release" --show-depends $module)
    done
}
