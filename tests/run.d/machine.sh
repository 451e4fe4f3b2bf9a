# What the tests need of the machine.

user=sandbox-test

prepare_machine() {
    command -v cargo >/dev/null || { echo "tests/run: cargo is missing (hint: https://rustup.rs)"; exit 1; }
    if [ "$(id -u)" != 0 ]; then
        for program in cc bwrap strace nginx redis-server python3 make setpriv unshare ip; do
            PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || skip "what needs $program (not installed)"
        done
        return
    fi
    install_packages bubblewrap strace nginx-light redis-server python3 make gcc libc6-dev uidmap util-linux procps \
        iproute2 libcap2-bin bash coreutils mawk python3-jsonschema node-ajv
    # The programs of profiles/, and what their tests need to make a file or be a client.
    install_packages nodejs perl ruby lua5.4 php-cli golang-go cargo python3-pip python3-setuptools python3-wheel \
        git curl wget rsync openssh-client openssh-server gdb sqlite3 jq ripgrep shellcheck gpg gpg-agent gpgv vim-tiny \
        ffmpeg imagemagick pandoc ghostscript poppler-utils graphviz gnuplot-nox sox tesseract-ocr tesseract-ocr-eng \
        libimage-exiftool-perl qemu-utils tar zip unzip p7zip-full xz-utils zstd openssl fontconfig fonts-dejavu-core \
        postgresql mariadb-server mariadb-client memcached lighttpd caddy mosquitto mosquitto-clients haproxy
    # Some packages of node bring their own, and conflict with Debian's.
    command -v npm >/dev/null || install_packages npm
    make_user
}

# Only Debian's own; on another system the tests say what they miss.
install_packages() {
    command -v dpkg-query >/dev/null || return 0
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    echo "--- installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # Servers are to be started by the tests, not by their packages.
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=$policy; fi
    apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
        echo "tests/run: apt-get could not install them all"
    [ -z "$made" ] || rm -f "$made"
}

make_user() {
    id $user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash $user || exit 1
    # Subordinate ids, which useradd gives only where the uidmap package was there before it.
    grep -q "^$user:" /etc/subuid 2>/dev/null || usermod --add-subuids 300000-365535 $user
    grep -q "^$user:" /etc/subgid 2>/dev/null || usermod --add-subgids 300000-365535 $user
}

# build_stage DIRECTORY: the program, the end-to-end tests, what they start inside, the profiles.
build_stage() {
    local it part
    cargo build --quiet || return 1
    it=$(cargo test --no-run --test it 2>&1 | sed -n 's/.*(\(.*\/it-[0-9a-f]*\))$/\1/p')
    [ -n "$it" ] && cp "$it" "$1/it" || return 1
    cp "$(dirname "$it")/../sandbox" "$1/sandbox" || return 1
    # The negative control of every step: elsewhere, so that neither build undoes the other.
    cargo build --quiet --features step-removal --target-dir "${it%/*/*/*}/step-removal" || return 1
    cp "$(find "${it%/*/*/*}/step-removal" -path '*/debug/sandbox' -type f | head -n 1)" "$1/sandbox-step-removal" || return 1
    for part in probe caller; do
        cc -O1 -Wall -Wextra -Wno-unused-parameter -static -o "$1/$part" tests/$part/*.c || return 1
    done
    cp -r profiles "$1/" && chmod -R a+rX "$1"
}

# What the tests of a user start with: an environment of their own, with words that hold no spaces. Beside it no signal
# is ignored, as it is for what a shell starts in the background.
environment() {
    echo "HOME=$(getent passwd "$1" | cut -d: -f6) USER=$1 LOGNAME=$1 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    echo "SANDBOX_TEST_PROGRAMS=$stage${CI:+ CI=$CI}"
}
