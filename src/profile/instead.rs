//! What to write instead of a name that the language does not have.

use super::foreign::{ANSWERS, FOREIGN, FOREIGN_SECTIONS};
use super::keys::{Keys, SECTIONS, TOP, not_yet, section, shape};
use super::names::RLIMITS;
use crate::isolation::nearest;

/// What to write instead of an unknown key of a section.
pub fn of_key(section: &str, keys: Keys, key: &str) -> Option<String> {
    let word = key.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    if let Some((_, there, name)) = FOREIGN.iter().find(|(theirs, there, _)| alike(theirs, &word) && *there == section)
    {
        return Some(format!("in [{there}] it is called `{name}`{}", when(there, name)));
    }
    if shape(keys, &word).is_none()
        && let Some(hint) = above(&word).or_else(|| elsewhere(&word))
    {
        return Some(hint);
    }
    // A word that is known is no slip for another.
    foreign(&word).or_else(|| {
        let near = nearest(key, keys.iter().map(|(name, _)| *name))?;
        Some(format!("did you mean `{near}`?"))
    })
}

/// systemd's `TasksMax` is `tasks-max` for all that matters here.
fn alike(theirs: &str, word: &str) -> bool {
    let letters = |byte: &u8| *byte != b'-';
    theirs.bytes().filter(letters).eq(word.bytes().filter(letters))
}

/// What to write instead of an unknown name outside all sections.
pub fn of_section(name: &str) -> Option<String> {
    let word = name.to_ascii_lowercase().replace('_', "-");
    let sections = SECTIONS.iter().map(|(name, _)| *name);
    let near = nearest(name, sections.chain(["vars"]).chain(TOP.iter().map(|(name, _)| *name)));
    if let Some(near) = near {
        let section = section(near).is_some() || near == "vars";
        return Some(if section { format!("did you mean [{near}]?") } else { format!("did you mean `{near}`?") });
    }
    if let Some(hint) = elsewhere(&word).or_else(|| foreign(&word)) {
        return Some(hint);
    }
    FOREIGN_SECTIONS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| format!("did you mean [{ours}]?"))
}

/// The section of a key that stands in the wrong place.
pub fn stray(word: &str) -> Option<(&'static str, &'static str)> {
    let mut keys = SECTIONS.iter().flat_map(|(section, keys)| keys.iter().map(move |(key, _)| (*section, *key)));
    keys.find(|(_, key)| alike(key, word))
}

/// What is written below a section's line belongs to the section.
fn above(word: &str) -> Option<String> {
    shape(TOP, word).map(|_| format!("`{word}` stands above the first section, at the top of the file"))
}

fn elsewhere(word: &str) -> Option<String> {
    stray(word).map(|(section, key)| format!("`{key}` belongs in [{section}]{}", when(section, key)))
}

fn foreign(word: &str) -> Option<String> {
    if let Some((_, answer)) = ANSWERS.iter().find(|(theirs, _)| alike(theirs, word)) {
        return Some((*answer).to_owned());
    }
    // Each limit has a word of its own: LimitNOFILE, rlimit-nofile.
    if word.strip_prefix("rlimit-").or(word.strip_prefix("limit")).is_some_and(is_limit) {
        return Some("write it in `rlimits` in [process]: rlimits = { nofile = 1024 }".into());
    }
    let (_, section, key) = FOREIGN.iter().find(|(theirs, _, _)| alike(theirs, word))?;
    Some(match when(section, key) {
        "" => format!("write `{key}` in [{section}]"),
        later => format!("it is `{key}` in [{section}]{later}"),
    })
}

fn is_limit(name: &str) -> bool {
    RLIMITS.iter().any(|limit| limit.0 == name)
}

/// Nobody is sent to a key only to be refused there.
fn when(section: &str, key: &str) -> &'static str {
    if not_yet(section, key, None) { ", which is not available in this version yet" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::keys::NOT_YET;

    #[test]
    fn the_lists_name_only_keys_that_exist() {
        let known =
            |section_name: &str, key: &str| section(section_name).and_then(|(_, keys)| shape(keys, key)).is_some();
        for (section, key, _) in NOT_YET {
            assert!(known(section, key), "[{section}] {key}");
        }
        for (_, section, key) in FOREIGN {
            assert!(known(section, key), "[{section}] {key}");
        }
        for (_, name) in FOREIGN_SECTIONS {
            assert!(section(name).is_some() || *name == "vars", "[{name}]");
        }
    }

    #[test]
    fn an_unknown_word_gets_the_nearest_help() {
        let keys = |name| section(name).unwrap().1;
        for (section, key, hint) in [
            ("process", "comand", "did you mean `command`?"),
            ("process", "environment", "in [process] it is called `env`"),
            ("process", "pids_max", "`pids-max` belongs in [cgroup]"),
            ("process", "volumes", "write `read-write` in [rootfs]"),
            ("process", "MemoryMax", "`memory-max` belongs in [cgroup]"),
            ("process", "ExecStart", "in [process] it is called `command`"),
            ("process", "LimitNOFILE", "write it in `rlimits` in [process]: rlimits = { nofile = 1024 }"),
            ("process", "nogroups", "write groups = [] in [process]"),
            ("rootfs", "private-tmp", "leave it out: `/tmp` is always its own"),
            ("rootfs", "TasksMax", "write `pids-max` in [cgroup]"),
            ("rootfs", "read_only", "in [rootfs] it is called `read-only`"),
            ("process", "extends", "`extends` stands above the first section, at the top of the file"),
            ("rootfs", "Name", "`name` stands above the first section, at the top of the file"),
        ] {
            assert_eq!(of_key(section, keys(section), key).as_deref(), Some(hint), "[{section}] {key}");
        }
        assert_eq!(of_section("command").as_deref(), Some("`command` belongs in [process]"));
        assert_eq!(of_section("filesystem").as_deref(), Some("did you mean [rootfs]?"));
        assert_eq!(of_section("Process").as_deref(), Some("did you mean [process]?"));
        assert_eq!(of_section("zzzzzz"), None);
    }
}
