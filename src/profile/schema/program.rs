//! `[process]` and `[namespaces]`.

use serde_json::{Value, json};

use super::Section;
use super::takes::{
    account, any, boolean, duration, integer, list, mode, name, path, pattern, record, reference, set, string, table,
    words,
};
use crate::isolation::namespaces::sysctl::{IPC_SETTINGS, USER_SETTINGS};
use crate::profile::decode::namespaces::{ID_MAPS, NESTED};
use crate::profile::decode::process::{NOT_IN_A_NAME, RESTARTS, TTYS};
use crate::profile::names::{RLIMITS, SIGNALS, Unit};

pub const PROCESS: Section = Section {
    name: "process",
    about: "which program runs, as whom, in what surroundings",
    rows: &[
        ("command", command, "", "the program, searched in PATH inside, and its first arguments; it always runs"),
        ("args", || list(string()), "", "more arguments, replaced by what follows `--`"),
        ("user", account, "", "who the program sees itself as"),
        ("groups", || list(account()), "", "supplementary groups"),
        ("cwd", path, "", "working directory"),
        (
            "env",
            env,
            "{}",
            "variables; `PATH HOME USER LOGNAME SHELL XDG_RUNTIME_DIR`, and `TERM` with a terminal, are always set, all \
             others cleared",
        ),
        ("env-pass", env_pass, "[]", "variables taken over from the caller"),
        (
            "init",
            boolean,
            "true",
            "`false`: the program itself is pid 1, ignores signals it has no handler for, and can choose to outlive a killed supervisor",
        ),
        (
            "tty",
            || words(&TTYS),
            "\"inherit\"",
            "the caller's terminal if 0, 1 or 2 is one, or no controlling terminal",
        ),
        ("stop-signal", stop_signal, "\"TERM\"", "what asks the program to end, at its `timeout` or sent to `sandbox`"),
        ("stop-timeout", duration, "\"10s\"", "how long it may take, once asked to end, before all is killed"),
        ("timeout", timeout, "", "it is stopped after this time"),
        ("restart", || words(&RESTARTS), "\"no\"", "whether it is started again"),
        (
            "rlimits",
            rlimits,
            "{}",
            "soft and hard limits alike (setrlimit(2)); in an own user namespace `sigpending` and `memlock` are half of the caller's hard ones",
        ),
        ("umask", || mode(0o777), "\"0022\"", "permission bits taken from new files"),
        (
            "nice",
            || integer(-20, 19),
            "",
            "scheduling priority; below the caller's only as far as RLIMIT_NICE lets it, or with `sys_nice` and without a user namespace",
        ),
        (
            "oom-score-adj",
            || integer(-1000, 1000),
            "",
            "who is killed first when memory runs out; below the caller's own only with `sys_resource` and without a user namespace",
        ),
        ("no-new-privileges", boolean, "true", "`false` only with `[seccomp]` and `[landlock]` off"),
    ],
};

pub const NAMESPACES: Section = Section {
    name: "namespaces",
    about: "which views of the kernel's global names are the program's own",
    rows: &[
        ("user", boolean, "true", "own user namespace; `false` shares the host's ids (root only)"),
        (
            "id-map",
            id_map,
            "\"auto\"",
            "`\"auto\"`: one id for a user, all ids onto themselves for root; `\"range\"`: ids 0–65535 from /etc/subuid; a list that leaves out the caller makes set-up run as the program's account, which must then reach whatever is granted",
        ),
        ("pid", boolean, "true", "own process ids"),
        (
            "ipc",
            boolean,
            "true",
            "own System V and POSIX message queues, semaphores, shared memory; with `false` those that the program makes stay behind",
        ),
        ("uts", boolean, "true", "own host name"),
        ("cgroup", boolean, "true", "own view of the cgroup tree"),
        ("time", time, "{}", "own clocks, moved forward by this much"),
        ("hostname", hostname, "", "host name inside"),
        (
            "nested",
            nested,
            "false",
            "which namespaces the program may make: none, those that browsers need, or mounts too (needs Landlock off); a program that is root inside needs `keep = [\"setfcap\"]` to be mapped there",
        ),
        (
            "sysctl",
            sysctl,
            "{}",
            "settings of own namespaces: `net.*`, `fs.mqueue.*`, kernel's ipc and uts keys, and `user.max_inotify_instances` and `user.max_inotify_watches`, which are half of the caller's",
        ),
    ],
};

fn command() -> Vec<Value> {
    let program = json!({ "allOf": [reference("string"), { "minLength": 1 }] });
    vec![json!({ "type": "array", "minItems": 1, "items": [program], "additionalItems": reference("string") })]
}

fn env() -> Vec<Value> {
    let mut values = string();
    values.push(reference("removed"));
    vec![table(pattern("^[^=]+$"), values)]
}

fn env_pass() -> Vec<Value> {
    let not: String = NOT_IN_A_NAME.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    set(vec![pattern(&format!("^[^!\\-{not}][^{not}]*$")), reference("variable")])
}

fn stop_signal() -> Vec<Value> {
    let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| &name[3..]).collect();
    let prefixed = format!("^SIG({})$", names.join("|"));
    vec![
        json!({ "enum": names }),
        pattern(&prefixed),
        pattern("^(SIG)?(RTMIN(\\+0*([0-9]|[12][0-9]|30))?|RTMAX(-0*([0-9]|[12][0-9]|30))?)$"),
        pattern("^0*([1-9]|[1-5][0-9]|6[0-4])$"),
        json!({ "type": "integer", "minimum": 1, "maximum": 64 }),
        reference("variable"),
    ]
}

fn timeout() -> Vec<Value> {
    // Not nothing, which would never let it start.
    let some = json!({ "anyOf": [{ "pattern": "[1-9]" }, reference("variable")] });
    vec![json!({ "allOf": [reference("duration"), some] })]
}

fn rlimits() -> Vec<Value> {
    let removed = || reference("removed");
    let count = || json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX - 1 });
    let unlimited = || json!({ "const": "unlimited" });
    let limit = |unit: Unit| match unit {
        Unit::Count => vec![count(), unlimited(), removed()],
        Unit::Bytes => {
            vec![count(), unlimited(), pattern("^[0-9]+([KMGT]?$|.*\\$\\{)"), pattern("^[0-9].*\\$\\{"), removed()]
        }
    };
    let fields: Vec<_> = RLIMITS.iter().map(|(name, unit)| (*name, limit(*unit))).collect();
    vec![record(&[], &fields)]
}

fn id_map() -> Vec<Value> {
    let id = || integer(0, (u32::MAX - 1).into());
    let range = record(
        &["inside", "outside", "count"],
        &[("inside", id()), ("outside", id()), ("count", integer(1, (u32::MAX - 1).into()))],
    );
    let mut takes = words(&ID_MAPS);
    takes.push(json!({ "type": "array", "minItems": 1, "maxItems": 340, "items": range }));
    takes
}

fn time() -> Vec<Value> {
    let clock = || vec![reference("duration"), reference("removed")];
    let mut takes = boolean();
    takes.push(record(&[], &[("boottime", clock()), ("monotonic", clock())]));
    takes
}

fn hostname() -> Vec<Value> {
    let label = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
    let mut name = pattern(&format!("^{label}(\\.{label})*$"));
    name["maxLength"] = 64.into();
    vec![name, reference("variable")]
}

fn nested() -> Vec<Value> {
    let mut takes = words(&NESTED);
    takes.push(json!({ "const": false }));
    takes
}

fn sysctl() -> Vec<Value> {
    let part = "[./][A-Za-z0-9_-]+";
    let kernel = ["domainname"].iter().chain(&IPC_SETTINGS).copied().collect::<Vec<_>>().join("|");
    let user = USER_SETTINGS.join("|");
    let names = pattern(&format!("^(net({part})+|fs[./]mqueue{part}|kernel[./]({kernel})|user[./]({user}))$"));
    let value = any(vec![name(), json!({ "type": "integer" }), reference("removed")]);
    vec![table(names, vec![value])]
}
