# The results, counted: on the terminal, and as the tables of docs/kernels.md.

summary() {
    awk '
        $1 == "fact" && $3 == "seconds" { seconds[$2] = $4 }
        $1 == "ok" || $1 == "FAILED" || $1 == "skipped" {
            if (!($2 in known)) { known[$2]; order[++places] = $2 }
            count[$2, $1]++
            total[$1]++
        }
        END {
            for (i = 1; i <= places; i++) {
                where = order[i]
                printf "--- %s: %d passed, %d failed, %d skipped, in %d s\n", where,
                    count[where, "ok"], count[where, "FAILED"], count[where, "skipped"], seconds[where]
            }
            printf "%d passed, %d failed, %d skipped\n", total["ok"], total["FAILED"], total["skipped"]
        }' "$1"
}

# write_table FILE: between the two marks in it; the words around them stay. Numbers of different programs say nothing of
# each other: of the results, those of the build that most of them are of.
write_table() {
    local kernel variant result build
    for kernel in "${every_kernel[@]}"; do
        for variant in "${every_variant[@]}"; do
            result=$cache/results/$kernel-$variant
            [ -e "$result" ] || { say "$kernel/$variant has not run yet" && continue; }
            echo "$(build_in "$result") $kernel-$variant"
        done
    done >"$scratch/builds"
    [ -s "$scratch/builds" ] || die "there are no results to make tables of (hint: tests/vm/run)"
    build=$(cut -d' ' -f1,2 "$scratch/builds" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2, $3 }')
    : >"$scratch/results"
    while read -r commit programs result; do
        if [ "$commit $programs" = "$build" ]; then
            cat "$cache/results/$result" >>"$scratch/results"
        else
            say "$result is left out: it is of $commit ($programs), not of ${build% *} (${build#* })"
        fi
    done <"$scratch/builds"
    tables "$scratch/results" >"$scratch/tables"
    awk -v tables="$scratch/tables" '
        /^<!-- up to here -->$/ { skip = 0 }
        !skip { print }
        /^<!-- printed by tests\/vm\/run --table -->$/ {
            print ""
            while ((getline line <tables) > 0) print line
            print ""
            skip = 1
        }' "$1" >"$scratch/document" && cat "$scratch/document" >"$1"
}

# build_in RESULT: its commit and the hash of the programs; one from before this was recorded has none.
build_in() {
    awk '$1 == "fact" && $3 == "build" { build = $4 " " $5 } END { print build ? build : "unknown build" }' "$1"
}

# Passed of all that ran, by variant and by section; what `doctor` misses there.
tables() {
    awk '
        $1 == "fact" && $3 == "set" { set[$2] = ", " $4 }
        $1 == "fact" && $3 == "kernel" { kernel[$2] = $4 }
        $1 == "fact" && $3 == "build" { built = $4 " (" $5 ")" }
        $1 == "fact" && $3 == "userns" { add($2, substr($0, index($0, " userns ") + 8)) }
        $1 == "fact" && $3 == "lacks" { add($2, substr($0, index($0, $5)) ($4 == "root" ? "" : " (as a user)")) }
        # What failed is the guest itself: of the tests that did not run any more nothing is counted.
        $1 == "FAILED" && $3 == "-" { broken[$2] = ", **" $4 "**" }
        $1 == "ok" || $1 == "FAILED" || $1 == "skipped" {
            if (!($2 in known)) { known[$2]; order[++places] = $2 }
            section = $4
            sub(/::.*/, "", section)
            if (!(section in seen)) { seen[section]; sections[++count] = section }
            if ($1 != "skipped") { ran[$2, $3, section]++; ran[$2, $3]++ }
            if ($1 == "ok") { passed[$2, $3, section]++; passed[$2, $3]++ }
        }
        # What root lacks the user lacks too, and is not said twice.
        function add(where, text) {
            bare = text
            sub(/ \(as a user\)$/, "", bare)
            if ((where, bare) in listed) return
            listed[where, bare]
            list[where] = list[where] (list[where] ? "<br>" : "") text
        }
        function cell(key) { return ran[key] ? passed[key] + 0 " of " ran[key] : "–" }
        END {
            print "| kernel | variant | as root | as a user | what `sandbox doctor` misses there |"
            print "| --- | --- | --- | --- | --- |"
            for (i = 1; i <= places; i++) {
                where = order[i]
                variant = where
                sub(/.*\//, "", variant)
                printf "| %s | %s | %s | %s | %s |\n", kernel[where], variant set[where] broken[where],
                    cell(where SUBSEP "root"), cell(where SUBSEP "sandbox-test"), list[where]
                if (variant == "v2") column[++columns] = where
            }
            printf "\nAll of %s.\n", built
            printf "\nOn v2, by section, as root · as a user:\n\n| section |"
            for (i = 1; i <= columns; i++) printf " %s |", kernel[column[i]]
            printf "\n| --- |"
            for (i = 1; i <= columns; i++) printf " --- |"
            print ""
            for (s = 1; s <= count; s++) {
                for (i = 1; i <= columns && !ran[column[i], "root", sections[s]]; i++);
                if (i > columns) continue
                printf "| %s |", sections[s]
                for (i = 1; i <= columns; i++)
                    printf " %s · %s |", cell(column[i] SUBSEP "root" SUBSEP sections[s]),
                        cell(column[i] SUBSEP "sandbox-test" SUBSEP sections[s])
                print ""
            }
        }' "$1"
}
