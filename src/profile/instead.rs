//! What to write instead of a name that the language does not have.

use super::keys::{Keys, SECTIONS, TOP, not_yet, section, shape};
use crate::isolation::nearest;

/// Words of other tools, and what they are called here: (theirs, section, key).
const FOREIGN: &[(&str, &str, &str)] = &[
    ("cmd", "process", "command"),
    ("entrypoint", "process", "command"),
    ("exec", "process", "command"),
    ("exec-start", "process", "command"),
    ("program", "process", "command"),
    ("arguments", "process", "args"),
    ("workdir", "process", "cwd"),
    ("working-dir", "process", "cwd"),
    ("working-directory", "process", "cwd"),
    ("environment", "process", "env"),
    ("setenv", "process", "env"),
    ("pass-env", "process", "env-pass"),
    ("keep-env", "process", "env-pass"),
    ("terminal", "process", "tty"),
    ("ulimits", "process", "rlimits"),
    ("rlimit", "process", "rlimits"),
    ("limits", "process", "rlimits"),
    ("no-new-privs", "process", "no-new-privileges"),
    ("nonewprivs", "process", "no-new-privileges"),
    ("uid", "process", "user"),
    ("gid", "process", "groups"),
    ("id-maps", "namespaces", "id-map"),
    ("userns", "namespaces", "user"),
    ("sysctls", "namespaces", "sysctl"),
    ("host-name", "namespaces", "hostname"),
    ("image", "rootfs", "layers"),
    ("rootfs", "rootfs", "layers"),
    ("binds", "rootfs", "read-write"),
    ("bind", "rootfs", "read-write"),
    ("mounts", "rootfs", "read-write"),
    ("volumes", "rootfs", "read-write"),
    ("rw", "rootfs", "read-write"),
    ("writable", "rootfs", "read-write"),
    ("whitelist", "rootfs", "read-write"),
    ("ro", "rootfs", "read-only"),
    ("readonly", "rootfs", "read-only"),
    ("ro-bind", "rootfs", "read-only"),
    ("blacklist", "rootfs", "hide"),
    ("mask", "rootfs", "hide"),
    ("masked", "rootfs", "hide"),
    ("inaccessible", "rootfs", "hide"),
    ("tmp", "rootfs", "tmpfs"),
    ("links", "rootfs", "symlinks"),
    ("dev", "rootfs", "devices"),
    ("memory", "cgroup", "memory-max"),
    ("mem-limit", "cgroup", "memory-max"),
    ("cpus", "cgroup", "cpu-max"),
    ("cpu", "cgroup", "cpu-max"),
    ("cpu-quota", "cgroup", "cpu-max"),
    ("cpu-shares", "cgroup", "cpu-weight"),
    ("cpuset", "cgroup", "cpuset-cpus"),
    ("pids", "cgroup", "pids-max"),
    ("pids-limit", "cgroup", "pids-max"),
    ("tasks-max", "cgroup", "pids-max"),
    ("ports", "network", "publish"),
    ("expose", "network", "publish"),
    ("network", "network", "mode"),
    ("net", "network", "mode"),
    ("nameservers", "network", "dns"),
    ("extra-hosts", "network", "hosts"),
    ("cap-add", "capabilities", "keep"),
    ("caps-keep", "capabilities", "keep"),
    ("capabilities", "capabilities", "keep"),
    ("cap-drop", "capabilities", "keep"),
    ("syscalls", "seccomp", "allow"),
    ("filter", "seccomp", "preset"),
    ("default-action", "seccomp", "on-deny"),
];

/// Section names of other tools.
const FOREIGN_SECTIONS: &[(&str, &str)] = &[
    ("service", "process"),
    ("program", "process"),
    ("exec", "process"),
    ("unshare", "namespaces"),
    ("filesystem", "rootfs"),
    ("fs", "rootfs"),
    ("files", "rootfs"),
    ("mounts", "rootfs"),
    ("mount", "rootfs"),
    ("paths", "rootfs"),
    ("limits", "cgroup"),
    ("resources", "cgroup"),
    ("cgroups", "cgroup"),
    ("net", "network"),
    ("caps", "capabilities"),
    ("syscalls", "seccomp"),
    ("variables", "vars"),
];

/// What to write instead of an unknown key of a section.
pub fn of_key(section: &str, keys: Keys, key: &str) -> Option<String> {
    let word = key.to_ascii_lowercase().replace('_', "-");
    if let Some((_, there, name)) = FOREIGN.iter().find(|(theirs, there, _)| *theirs == word && *there == section) {
        return Some(format!("in [{there}] it is called `{name}`{}", when(there, name)));
    }
    if shape(keys, &word).is_none()
        && let Some(hint) = above(&word).or_else(|| elsewhere(&word))
    {
        return Some(hint);
    }
    match nearest(key, keys.iter().map(|(name, _)| *name)) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => foreign(&word),
    }
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
pub fn stray(word: &str) -> Option<(&'static str, &str)> {
    let (section, _) = SECTIONS.iter().find(|(_, keys)| shape(keys, word).is_some())?;
    Some((section, word))
}

/// What is written below a section's line belongs to the section.
fn above(word: &str) -> Option<String> {
    shape(TOP, word).map(|_| format!("`{word}` stands above the first section, at the top of the file"))
}

fn elsewhere(word: &str) -> Option<String> {
    stray(word).map(|(section, word)| format!("`{word}` belongs in [{section}]{}", when(section, word)))
}

fn foreign(word: &str) -> Option<String> {
    let (_, section, key) = FOREIGN.iter().find(|(theirs, _, _)| *theirs == word)?;
    Some(match when(section, key) {
        "" => format!("write `{key}` in [{section}]"),
        later => format!("it is `{key}` in [{section}]{later}"),
    })
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
            ("rootfs", "read_only", "did you mean `read-only`?"),
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
