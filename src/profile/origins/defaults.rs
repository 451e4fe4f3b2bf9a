//! What holds where nobody wrote anything.

/// A default, which is a value of the language, or a rule in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// As TOML.
    Value(&'static str),
    Words(&'static str),
}

use Unwritten::{Value, Words};

const NONE: Unwritten = Words("none");

/// As docs/profile.md has them; keys that this version refuses are left out.
pub const DEFAULTS: &[(&str, &str, Unwritten)] = &[
    ("process", "command", Words("the command line's arguments")),
    ("process", "args", NONE),
    ("process", "user", Words("the caller")),
    ("process", "groups", Words("the user's")),
    ("process", "cwd", Words("the caller's if the program may enter it inside, else the home, else `/`")),
    ("process", "env", Value("{}")),
    ("process", "env-pass", Value("[]")),
    ("process", "init", Value("true")),
    ("process", "tty", Value("\"inherit\"")),
    ("process", "stop-signal", Value("\"TERM\"")),
    ("process", "stop-timeout", Value("\"10s\"")),
    ("process", "timeout", NONE),
    ("process", "restart", Value("\"no\"")),
    ("process", "rlimits", Value("{}")),
    ("process", "umask", Value("\"0022\"")),
    ("process", "nice", Words("the caller's")),
    ("process", "oom-score-adj", Words("the caller's")),
    ("process", "no-new-privileges", Value("true")),
    ("namespaces", "user", Value("true")),
    ("namespaces", "id-map", Value("\"auto\"")),
    ("namespaces", "pid", Value("true")),
    ("namespaces", "ipc", Value("true")),
    ("namespaces", "uts", Value("true")),
    ("namespaces", "cgroup", Value("true")),
    ("namespaces", "time", Value("{}")),
    ("namespaces", "hostname", Words("the sandbox's name")),
    ("namespaces", "nested", Value("false")),
    ("namespaces", "sysctl", Value("{}")),
    ("rootfs", "base", Value("\"system\"")),
    ("rootfs", "writes", Value("\"deny\"")),
    ("rootfs", "home", Value("\"empty\"")),
    ("rootfs", "persist", Value("[]")),
    ("rootfs", "read-only", Value("[]")),
    ("rootfs", "read-write", Value("[]")),
    ("rootfs", "tmpfs", Value("[]")),
    ("rootfs", "hide", Value("[]")),
    ("rootfs", "files", Value("{}")),
    ("rootfs", "symlinks", Value("{}")),
    ("rootfs", "devices", Value("[]")),
    ("rootfs", "sys", Value("\"none\"")),
    ("cgroup", "memory-max", NONE),
    ("cgroup", "memory-high", NONE),
    ("cgroup", "memory-low", NONE),
    ("cgroup", "memory-swap-max", NONE),
    ("cgroup", "memory-oom-group", Value("false")),
    ("cgroup", "cpu-max", NONE),
    ("cgroup", "cpu-weight", Value("100")),
    ("cgroup", "cpuset-cpus", NONE),
    ("cgroup", "cpuset-mems", NONE),
    ("cgroup", "pids-max", Value("4096")),
    ("cgroup", "io-max", Value("[]")),
    ("cgroup", "io-weight", Value("100")),
    ("cgroup", "hugetlb-max", NONE),
    ("cgroup", "delegate", Value("false")),
    ("cgroup", "enforce", Value("\"require\"")),
    ("network", "mode", Value("\"none\"")),
    ("capabilities", "keep", Value("[]")),
    ("seccomp", "preset", Value("\"default\"")),
    ("seccomp", "allow", Value("[]")),
    ("seccomp", "deny", Value("[]")),
    ("seccomp", "rules", Value("[]")),
    ("seccomp", "architectures", Value("[\"native\"]")),
    ("seccomp", "on-deny", Value("\"errno\"")),
    ("landlock", "enforce", Value("\"require\"")),
    ("landlock", "min-abi", Value("1")),
    (
        "landlock",
        "scope",
        Words("`\"signal\"` where the kernel has it (6.12), `\"abstract-unix\"` without an own network"),
    ),
];

pub fn of(section: &str, key: &str) -> Option<Unwritten> {
    DEFAULTS.iter().find(|(known, name, _)| (*known, *name) == (section, key)).map(|(_, _, default)| *default)
}
