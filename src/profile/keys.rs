//! Every key of the language, in the order of its description: how it merges, and whether it is built yet.

/// How a child's value meets its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The last one holds, lists included; `false` takes it away.
    Value,
    /// The last one holds; `false` is a value like any other.
    Switch,
    /// A list that grows; `"!x"` takes one entry away, `"!*"` all, `false` the list itself.
    Set,
    /// A table that merges by key; `KEY = false` takes one away.
    Map,
    /// Like `Map`, where `false` for the whole is a value.
    SwitchMap,
    /// A table whose keys are paths: compared once variables are replaced.
    Placed,
}

use Shape::{Map, Placed, Set, Switch, SwitchMap, Value};

pub type Keys = &'static [(&'static str, Shape)];

/// What stands outside all sections.
pub const TOP: Keys = &[("name", Value), ("description", Value), ("extends", Value)];

pub const SECTIONS: &[(&str, Keys)] = &[
    (
        "process",
        &[
            ("command", Value),
            ("args", Value),
            ("user", Value),
            ("groups", Value),
            ("cwd", Value),
            ("env", Map),
            ("env-pass", Set),
            ("init", Switch),
            ("tty", Value),
            ("stop-signal", Value),
            ("stop-timeout", Value),
            ("timeout", Value),
            ("restart", Value),
            ("rlimits", Map),
            ("umask", Value),
            ("nice", Value),
            ("oom-score-adj", Value),
            ("no-new-privileges", Switch),
        ],
    ),
    (
        "namespaces",
        &[
            ("user", Switch),
            ("id-map", Value),
            ("pid", Switch),
            ("ipc", Switch),
            ("uts", Switch),
            ("cgroup", Switch),
            ("time", SwitchMap),
            ("hostname", Value),
            ("nested", Switch),
            ("sysctl", Map),
        ],
    ),
    (
        "rootfs",
        &[
            ("base", Value),
            ("layers", Set),
            ("writes", Value),
            ("writes-size", Value),
            ("home", Value),
            ("persist", Set),
            ("overlay", Set),
            ("read-only", Set),
            ("read-write", Set),
            ("tmpfs", Set),
            ("hide", Set),
            ("files", Placed),
            ("symlinks", Placed),
            ("devices", Set),
            ("sockets", Set),
            ("sys", Value),
        ],
    ),
    (
        "cgroup",
        &[
            ("memory-max", Value),
            ("memory-high", Value),
            ("memory-low", Value),
            ("memory-swap-max", Value),
            ("memory-oom-group", Switch),
            ("cpu-max", Value),
            ("cpu-weight", Value),
            ("cpuset-cpus", Value),
            ("cpuset-mems", Value),
            ("pids-max", Value),
            ("io-max", Set),
            ("io-weight", Value),
            ("hugetlb-max", Map),
            ("delegate", Switch),
            ("enforce", Value),
        ],
    ),
    (
        "network",
        &[
            ("mode", Value),
            ("publish", Set),
            ("dns", Value),
            ("hosts", Map),
            ("allow", Set),
            ("deny", Set),
            ("egress-rate", Value),
            ("ingress-rate", Value),
        ],
    ),
    ("capabilities", &[("keep", Set)]),
    (
        "seccomp",
        &[
            ("preset", Value),
            ("allow", Set),
            ("deny", Set),
            ("rules", Set),
            ("architectures", Value),
            ("on-deny", Value),
        ],
    ),
    ("landlock", &[("enforce", Value), ("min-abi", Value), ("scope", Set)]),
];

/// What the language has and this version does not, as (section, key, value); no value: the whole key.
/// A feature that gets built deletes its rows here.
pub const NOT_YET: &[(&str, &str, Option<&str>)] = &[
    ("process", "tty", Some("auto")),
    ("process", "restart", Some("on-failure")),
    ("process", "restart", Some("always")),
    ("rootfs", "layers", None),
    ("rootfs", "writes", Some("keep")),
    ("rootfs", "writes-size", None),
    ("rootfs", "overlay", None),
    ("rootfs", "sockets", None),
    ("network", "mode", Some("private")),
    ("network", "mode", Some("bridge")),
    ("network", "mode", Some("macvlan")),
    ("network", "mode", Some("join")),
    ("network", "publish", None),
    ("network", "dns", None),
    ("network", "hosts", None),
    ("network", "allow", None),
    ("network", "deny", None),
    ("network", "egress-rate", None),
    ("network", "ingress-rate", None),
];

pub fn section(name: &str) -> Option<(&'static str, Keys)> {
    SECTIONS.iter().find(|(section, _)| *section == name).copied()
}

/// Every section's keys, and whether this version refuses them altogether.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    SECTIONS
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(move |(key, _)| (*section, *key, not_yet(section, key, None))))
}

pub fn shape(keys: Keys, key: &str) -> Option<Shape> {
    keys.iter().find(|(name, _)| *name == key).map(|(_, shape)| *shape)
}

pub fn not_yet(section: &str, key: &str, value: Option<&str>) -> bool {
    NOT_YET.contains(&(section, key, value))
}
