//! A kernel, or a filter around us, that answers a system call with ENOSYS: a named refusal, or the documented
//! fall-back; never less isolation.

use crate::harness::{Sandbox, Seen, is_root};

const CALLS: [&str; 21] = [
    "openat2",
    "clone3",
    "pidfd_open",
    "pidfd_send_signal",
    "pidfd_getfd",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
    "close_range",
    "mount_setattr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "open_tree",
    "move_mount",
    "pivot_root",
    "seccomp",
    "sethostname",
    "unshare",
    "setns",
    "memfd_create",
];

/// What tells one isolation from another.
const LOOK: &str = "privilege + fds + ids + names + interfaces + ls / + ls /dev + ls /proc + ls /home + ls /tmp \
                    + write /usr/x + create /usr/x + mknod c 1 3 /tmp/null + mount tmpfs x /tmp + unshare user \
                    + unshare mount + ptrace 1 + kill 1 9 + read /proc/kcore + write /proc/sysrq-trigger \
                    + rename /tmp /x + create /home/x + signals";

#[test]
fn no_missing_call_makes_less_of_the_sandbox() {
    let whole = isolated(Sandbox::new().probe(LOOK).succeeds());
    for call in CALLS {
        for errno in [38, 1] {
            let sandbox = Sandbox::new().called_with(&format!("errno {errno} {call}"));
            let seen = sandbox.probe(LOOK);
            match seen.status.code() {
                // It fell back, or did without: inside nothing is different.
                Some(0) => {
                    // One's own filter answers for landlock_*: then the mounts alone stand, and it says so.
                    let told = seen.stderr.clone();
                    assert_eq!(isolated(seen), whole, "{call} answered with errno {errno}; it said {told}");
                    if call.starts_with("landlock_create") && errno == 38 {
                        assert!(told.contains("landlock"), "nothing was said of {call}: {told:?}");
                    }
                }
                _ => drop(seen.refused(125, &[named(call)])),
            }
        }
    }
}

/// A call that is made through a library goes by its purpose.
fn named(call: &'static str) -> &'static str {
    match call {
        call if call.starts_with("landlock") => "landlock",
        call => call,
    }
}

/// Without what no two launches have in common.
fn isolated(seen: Seen) -> Vec<String> {
    let changes = |line: &&str| !line.starts_with("hostname ") && !line.starts_with("entry sandbox-it");
    let mut lines: Vec<String> = seen.stdout.lines().filter(changes).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_layer_that_the_profile_requires_is_not_done_without() {
    for enforce in ["require", "best-effort", "off"] {
        let sandbox = Sandbox::new()
            .called_with("enosys landlock_create_ruleset")
            .with("landlock", &format!("enforce = {enforce:?}"));
        let seen = sandbox.probe("privilege");
        match enforce {
            "require" => drop(seen.refused(125, &["landlock", "hint: "])),
            "best-effort" => drop(seen.exits(0).says(&["landlock"])),
            _ => drop(seen.succeeds()),
        }
    }
    let sandbox = Sandbox::new().called_with("enosys seccomp").with("seccomp", r#"preset = "default""#);
    sandbox.probe("privilege").refused(125, &["seccomp"]);
}

#[test]
fn a_higher_landlock_than_the_kernels_is_refused() {
    let sandbox = Sandbox::new().with("landlock", "min-abi = 99");
    sandbox.probe("say").refused(125, &["landlock", "99"]);
}

/// Containers and services start programs with these already set.
#[test]
fn a_caller_without_new_privileges_or_with_a_filter_is_as_good_as_any() {
    Sandbox::new().called_with("nnp").probe("privilege").succeeds().has_value("no-new-privs", "1");
    let seen = Sandbox::new().called_with("enosys memfd_create").probe("privilege").succeeds();
    seen.has_value("seccomp", "2").has_value("effective", "0");
    if is_root() {
        let seen = Sandbox::new().called_with("enosys memfd_create").probe("privilege").succeeds();
        seen.has_value("no-new-privs", "1");
    }
}
