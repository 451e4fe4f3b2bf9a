//! The nearest valid spelling of a word: one for all sections, and for the profile's own words.

/// The candidate that `word` was probably meant to be, if any is near enough.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Longer words name nothing we know, and the table below grows with them.
    if word.len() > 64 {
        return None;
    }
    let word = normal(word);
    let allowed = (word.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = normal(candidate);
            let distance = distance(&word, &other);
            // The beginning of a longer word is worth more than nothing.
            let cost = if distance <= allowed { distance } else { allowed + other.len() };
            (distance <= allowed || word.len() >= 4 && other.starts_with(&word)).then_some((cost, candidate))
        })
        .min_by_key(|(cost, _)| *cost)
        .map(|(_, candidate)| candidate)
}

/// Case, and `_` for `-`, are the commonest slips: they cost nothing.
fn normal(word: &str) -> Vec<char> {
    word.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    if a.len().abs_diff(b.len()) > 3 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_understood_and_strangers_are_not() {
        let keys = ["command", "cwd", "env", "env-pass", "memory-max"];
        for (word, meant) in [
            ("comand", Some("command")),
            ("commadn", Some("command")),
            ("Memory_Max", Some("memory-max")),
            ("envpass", Some("env-pass")),
            ("pwd", Some("cwd")),
            ("memory", Some("memory-max")),
            ("entrypoint", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), keys), None);
        let capabilities = ["net_admin", "net_raw", "sys_admin", "kill"];
        for (word, meant) in [
            ("net_admn", Some("net_admin")),
            ("net_adimn", Some("net_admin")),
            ("netadmin", Some("net_admin")),
            ("klil", Some("kill")),
            ("chown", None),
            ("\u{e9}\u{e9}\u{e9}\u{e9}", None),
        ] {
            assert_eq!(nearest(word, capabilities), meant, "{word}");
        }
    }
}
