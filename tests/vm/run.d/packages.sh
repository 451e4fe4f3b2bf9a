# Debian's packages of other suites, by apt with lists of our own: nothing is installed on this machine, and its own
# lists and caches stay as they are.

suites=(bookworm bookworm-backports trixie sid)

# The machine's own mirror, so that whatever it needs to reach one (proxies, certificates) holds here too.
mirror() {
    local uri=${SANDBOX_VM_MIRROR:-}
    [ -n "$uri" ] || uri=$(apt_mirror)
    # Without lists apt does not know whose a mirror is.
    [ -n "$uri" ] || [ "$(id -u)" != 0 ] || { apt-get -qq update && uri=$(apt_mirror); }
    [ -n "$uri" ] || die "no Debian mirror in apt's configuration (hint: SANDBOX_VM_MIRROR=URI)"
    echo "$uri"
}

apt_mirror() {
    apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' | sed -n 's/ Debian$//p' | head -1
}

# sources SUITE...: lines of a sources.list.
sources() {
    local uri suite
    uri=$(mirror) || exit 1
    for suite in "$@"; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    done
}

# apt_in_cache PROGRAM ARGUMENT...: the Release files of a mirror's snapshot may be past their date.
apt_in_cache() {
    local program=$1
    shift
    "$program" -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt/cache" \
        -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Sandbox::User= "$@"
}

# The lists, at most a day old.
update_lists() {
    [ "${1:-}" != again ] || rm -f "$cache/apt/updated"
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    sources "${suites[@]}" >"$cache/apt/sources.new" || exit 1
    if cmp -s "$cache/apt/sources.new" "$cache/apt/sources.list" &&
        [ -n "$(find "$cache/apt/updated" -mtime -1 2>/dev/null)" ]; then
        return 0
    fi
    mv "$cache/apt/sources.new" "$cache/apt/sources.list"
    say "fetching package lists"
    apt_in_cache apt-get -qq update && touch "$cache/apt/updated"
}
