//! `[cgroup]`, `[network]`, `[capabilities]`, `[seccomp]` and `[landlock]`.

use serde_json::{Value, json};

use super::Section;
use super::takes::{any, boolean, integer, list, named, pattern, record, reference, set, table, words};
use crate::isolation::seccomp;
use crate::profile::decode::{cgroup, landlock, network, seccomp as words_of};
use crate::profile::keys;
use crate::profile::names::ERRNOS;

pub const CGROUP: Section = Section {
    name: "cgroup",
    about: "how much of the machine the program may use",
    rows: &[
        ("memory-max", bytes, "", "the program is killed beyond this; on v1 as much again for buffers of sockets"),
        (
            "memory-high",
            bytes,
            "",
            "beyond this the program is slowed down and its memory reclaimed; on v1 the soft limit, which is weaker: \
             `check` says so",
        ),
        ("memory-low", bytes, "", "below this its memory is reclaimed last"),
        ("memory-swap-max", bytes, "", "swap space; on v1 memory and swap together"),
        ("memory-oom-group", boolean, "false", "out of memory, all of it is killed, not one process"),
        ("cpu-max", cpu_max, "", "`\"50%\"`, `\"250%\"`: time in each period of 100 ms"),
        ("cpu-weight", weight, "", "its share where several want the CPU; on v1 converted to shares"),
        ("cpuset-cpus", cpuset, "", "the CPUs and memory nodes that it may use"),
        ("cpuset-mems", cpuset, "", "the CPUs and memory nodes that it may use"),
        (
            "pids-max",
            pids_max,
            "",
            "how many processes and threads, from 2 unless `init = false`, as init is one; by default an rlimit in an own user namespace, for root and whoever may change users, whom that does not bind, this file where it takes no more than a directory: else `check` says so",
        ),
        (
            "io-max",
            io_max,
            "[]",
            "bytes (a size) and operations a second, from 1; a path names the disk that \
             it lies on: no two may differ about one",
        ),
        ("io-weight", weight, "", "its share of the disks"),
        ("hugetlb-max", hugetlb_max, "", "`{ \"2M\" = \"64M\" }`"),
        (
            "delegate",
            boolean,
            "false",
            "a part of its cgroup that the program may divide, writable at `/sys/fs/cgroup`",
        ),
        (
            "enforce",
            enforce,
            "\"require\"",
            "whether a limit that this host cannot set stops the launch, or is reported; of a list, those alone stop it",
        ),
    ],
};

pub const NETWORK: Section = Section {
    name: "network",
    about: "whom the program can talk to",
    rows: &[
        ("mode", || words(&network::MODES), "\"none\"", "`\"none\"`: loopback alone; `\"host\"`: the host's network"),
        ("publish", Vec::new, "", ""),
        ("dns", Vec::new, "", ""),
        ("hosts", Vec::new, "", ""),
        ("allow", Vec::new, "", ""),
        ("deny", Vec::new, "", ""),
        ("egress-rate", Vec::new, "", ""),
        ("ingress-rate", Vec::new, "", ""),
    ],
};

pub const CAPABILITIES: Section = Section {
    name: "capabilities",
    about: "which parts of root's power the program holds",
    rows: &[("keep", keep, "[]", "what the program holds, in all five sets")],
};

pub const SECCOMP: Section = Section {
    name: "seccomp",
    about: "which system calls the program may make",
    rows: &[
        (
            "preset",
            || words(&words_of::PRESETS),
            "\"default\"",
            "which calls are allowed to begin with; `\"compat\"` denies least, `\"none\"` is no filter",
        ),
        ("allow", || set(calls()), "[]", "further calls"),
        ("deny", || set(calls()), "[]", "calls refused; decided before `rules`, `allow` and the preset"),
        (
            "rules",
            rules,
            "[]",
            "calls decided by their arguments; a condition is `{ index, op, value, mask }` with `eq ne lt le gt ge \
             masked-eq`, and all must hold; of several rules for a call the first that holds decides",
        ),
        ("architectures", architectures, "[\"native\"]", "whose system calls are accepted"),
        ("on-deny", || words(&words_of::ON_DENY), "\"errno\"", "what becomes of a refused call"),
    ],
};

pub const LANDLOCK: Section = Section {
    name: "landlock",
    about: "what the mounts grant, enforced once more; its rules follow from `[rootfs]` and `[network]`",
    rows: &[
        (
            "enforce",
            || words(&landlock::ENFORCE),
            "\"require\"",
            "whether a kernel that lacks what is needed stops the launch",
        ),
        ("min-abi", || integer(1, 1000), "1", "the oldest Landlock that is good enough"),
        ("scope", || set(words(&landlock::SCOPES)), "", "what may not cross the sandbox's border"),
    ],
};

fn max() -> Value {
    json!({ "const": "max" })
}

fn bytes() -> Vec<Value> {
    vec![reference("size"), max()]
}

fn cpu_max() -> Vec<Value> {
    let some = json!({ "allOf": [pattern("^[0-9]+(\\.[0-9]{1,2})?%$"), { "pattern": "[1-9]" }] });
    vec![some, max(), reference("variable")]
}

fn weight() -> Vec<Value> {
    integer(1, 10_000)
}

fn cpuset() -> Vec<Value> {
    vec![pattern("^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"), reference("variable")]
}

fn pids_max() -> Vec<Value> {
    let mut takes = integer(1, 4_194_304);
    takes.push(max());
    takes
}

fn io_max() -> Vec<Value> {
    let operations = || integer(1, u32::MAX.into());
    let limits = ["read-bps", "write-bps", "read-iops", "write-iops"];
    let mut entry = record(
        &["device"],
        &[
            ("device", vec![reference("path")]),
            (limits[0], rate()),
            (limits[1], rate()),
            (limits[2], operations()),
            (limits[3], operations()),
        ],
    );
    entry["anyOf"] = limits.iter().map(|limit| json!({ "required": [limit] })).collect();
    set(vec![entry])
}

fn rate() -> Vec<Value> {
    let zero = json!({ "anyOf": [{ "const": 0 }, { "pattern": "^0+[KMGT]?$", "type": "string" }] });
    vec![json!({ "allOf": [reference("size"), { "not": zero }] })]
}

fn hugetlb_max() -> Vec<Value> {
    let mut limits = bytes();
    limits.push(reference("removed"));
    vec![table(pattern("^[0-9]+[KMGT]?$"), limits)]
}

fn enforce() -> Vec<Value> {
    let limits = keys::section("cgroup").into_iter().flat_map(|(_, keys)| keys).map(|(key, _)| *key);
    let mut takes = words(&cgroup::ENFORCE);
    takes.extend(list(named(limits.filter(|key| *key != "enforce"))));
    takes
}

fn keep() -> Vec<Value> {
    let mut known: Vec<String> =
        caps::all().iter().map(|known| known.to_string().trim_start_matches("CAP_").to_ascii_lowercase()).collect();
    known.sort();
    // However its letters are written, and with dashes.
    let letter = |c: char| if c == '_' { "[_-]".to_owned() } else { format!("[{}{c}]", c.to_ascii_uppercase()) };
    let spelled: Vec<String> = known.iter().map(|name| name.chars().map(letter).collect()).collect();
    known.push("all".to_owned());
    let names = vec![
        json!({ "enum": known }),
        pattern(&format!("^([Cc][Aa][Pp]_)?({}|[Aa][Ll][Ll])$", spelled.join("|"))),
        reference("variable"),
    ];
    let mut takes = set(names);
    // "all" holds what stands beside it.
    let beside = json!({ "not": { "anyOf": [{ "const": "all" }, { "pattern": "^!" }] } });
    takes[0]["not"] = json!({ "allOf": [{ "contains": { "const": "all" } }, { "contains": beside }] });
    takes.push(json!({ "const": "all" }));
    takes
}

fn calls() -> Vec<Value> {
    vec![reference("system-calls"), pattern("^-@?[a-z0-9_-]+$"), reference("variable")]
}

/// The names of calls and groups, once for the keys that take them.
pub fn system_calls() -> Value {
    let groups = seccomp::group_names().chain(seccomp::call_names());
    json!({ "description": "a system call, or a group of them", "enum": groups.collect::<Vec<_>>() })
}

fn rules() -> Vec<Value> {
    let number = || integer(0, u64::MAX);
    let mut condition = record(
        &["index", "value"],
        &[("index", integer(0, 5)), ("op", words(&words_of::OPERATORS)), ("value", number()), ("mask", number())],
    );
    // Only `masked-eq` has a mask, and it needs one.
    let masked = json!({ "required": ["op"], "properties": { "op": { "const": "masked-eq" } } });
    condition["if"] = masked;
    condition["then"] = json!({ "required": ["mask"] });
    condition["else"] = json!({
        "anyOf": [
            { "not": { "required": ["mask"] } },
            { "required": ["op"], "properties": { "op": reference("variable") } },
        ],
    });
    let numbers = "0*([1-9][0-9]{0,2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-5])";
    let names: Vec<&str> = ERRNOS.iter().map(|(name, _)| *name).collect();
    let action = vec![
        json!({ "enum": ["allow", "kill", "log", "errno:EPERM", "errno:ENOSYS"] }),
        pattern(&format!("^errno:({}|{numbers})$", names.join("|"))),
        reference("variable"),
    ];
    let calls = json!({ "type": "array", "minItems": 1, "items": any(calls()) });
    let args = json!({ "type": "array", "items": condition });
    let rule = record(&["syscalls", "action"], &[("syscalls", vec![calls]), ("args", vec![args]), ("action", action)]);
    // A rule has no name to take it away by.
    list(vec![rule, json!({ "const": "!*", "description": "takes away all that parents wrote" })])
}

fn architectures() -> Vec<Value> {
    let known = json!({ "enum": words_of::ARCHITECTURES });
    list(vec![known, pattern("^-."), reference("variable")])
}
