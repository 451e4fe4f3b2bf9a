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

# write_table FILE: between the two marks in it; the words around them stay.
write_table() {
    local kernel variant
    for kernel in "${every_kernel[@]}"; do
        for variant in "${every_variant[@]}"; do
            cat "$cache/results/$kernel-$variant" 2>/dev/null || say "$kernel/$variant has not run yet"
        done
    done >"$scratch/results"
    [ "$(builds "$scratch/results" | cut -d' ' -f2- | sort -u | wc -l)" -le 1 ] ||
        say "these results are of different builds: $(builds "$scratch/results" | sed 's/ /: /' | paste -sd, | sed 's/,/, /g')"
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

# `WHERE COMMIT HASH` of each result; one from before this was recorded has no build.
builds() {
    awk '
        !($2 in known) { known[$2]; order[++places] = $2 }
        $1 == "fact" && $3 == "build" { build[$2] = $4 " " $5 }
        END { for (i = 1; i <= places; i++) print order[i], (order[i] in build) ? build[order[i]] : "unknown" }' "$1"
}

# Passed of all that ran, by variant and by section; what `doctor` misses there.
tables() {
    awk '
        $1 == "fact" && $3 == "set" { set[$2] = ", " $4 }
        $1 == "fact" && $3 == "kernel" { kernel[$2] = $4 }
        $1 == "fact" && $3 == "build" { build[$2] = $4 " (" $5 ")" }
        $1 == "fact" && $3 == "userns" { add($2, substr($0, index($0, " userns ") + 8)) }
        $1 == "fact" && $3 == "lacks" { add($2, substr($0, index($0, $5)) ($4 == "root" ? "" : " (as a user)")) }
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
                printf "| %s | %s | %s | %s | %s |\n", kernel[where], variant set[where],
                    cell(where SUBSEP "root"), cell(where SUBSEP "sandbox-test"), list[where]
                if (variant == "v2") column[++columns] = where
            }
            # Numbers of different programs say nothing of each other.
            for (i = 1; i <= places; i++) {
                own = order[i] in build ? build[order[i]] : "unknown builds"
                if (!(own in of)) builds[++different] = own
                of[own] = of[own] (of[own] ? ", " : "") order[i]
            }
            if (different == 1) printf "\nAll of %s.\n", builds[1]
            if (different > 1) {
                printf "\n**These rows are of different builds:**"
                for (i = 1; i <= different; i++) printf "%s %s: %s", (i > 1 ? ";" : ""), builds[i], of[builds[i]]
                print "."
            }
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
