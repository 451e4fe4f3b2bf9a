# Counting: every check is one, every test of a test program is one, and a visible skip is neither passed nor failed.

passed=0
failed=0
skipped=0

fail() {
    echo "FAILED: $1"
    failed=$((failed + 1))
}

skip() {
    echo "skipped: $1"
    skipped=$((skipped + 1))
}

# check NAME COMMAND...
check() {
    local name=$1
    shift
    echo "--- $name"
    if "$@"; then passed=$((passed + 1)); else fail "$name"; fi
}

# tests NAME COMMAND...: adds up what the test programs report.
tests() {
    local name=$1 log status counts
    shift
    echo "--- $name"
    log=$(mktemp)
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    # A skipped test has returned early, and the test program counts it as passed.
    local skips
    skips=$(grep -c '^skipped: ' "$log")
    counts=$(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed;.*/\1 \2/p' "$log" |
        awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }')
    rm -f "$log"
    set -- $counts
    if [ "$status" != 0 ] && [ "$2" = 0 ]; then fail "$name ended with $status"; fi
    if [ "$status" = 0 ] && [ "$1" = 0 ]; then fail "$name: no test ran"; fi
    passed=$((passed + $1 - skips))
    failed=$((failed + $2))
    skipped=$((skipped + skips))
}

finish() {
    if [ -n "${CI:-}" ] && [ "$skipped" -gt 0 ]; then fail "$skipped skipped, which CI does not allow"; fi
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}
