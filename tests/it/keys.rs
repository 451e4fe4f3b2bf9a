//! KEY: keys of the host can be neither read nor asked for.

use crate::harness::{Sandbox, outside};

#[test]
fn key_calls_are_refused() {
    let name = format!("sandbox-it-{}", std::process::id());
    let words =
        format!("add-key {name} + find-key {name} + request-key {name} + read-key -3 + read-key -4 + read-key -5");
    // The control, and what there is to be found: a key of the same user outside.
    let seen = outside(&words);
    seen.allows(&format!("add-key {name}")).allows(&format!("find-key {name}"));
    let seen = Sandbox::new().probe(&words).succeeds();
    for words in words.split(" + ") {
        seen.refuses(words, &["EPERM"]);
    }
    // The user namespace by itself gives a user keyring of its own; the session's is inherited, hence the filter.
    let open = Sandbox::new().with("seccomp", r#"preset = "none""#).probe(&format!("find-key {name}")).exits(0);
    open.refuses(&format!("find-key {name}"), &["ENOKEY", "EACCES"]);
    let listed = Sandbox::new().probe("cat /proc/keys + cat /proc/key-users").succeeds();
    assert!(!listed.stdout.contains(&name), "{listed}");
    forget(&name);
}

fn forget(name: &str) {
    // 250 is keyctl, 21 KEYCTL_INVALIDATE; it takes the serial number that /proc/keys shows first.
    let keys = std::fs::read_to_string("/proc/keys").expect("reading the keys");
    let line = keys.lines().find(|line| line.contains(name)).expect("the key was added");
    let serial = line.split_whitespace().next().unwrap_or_default();
    let words = format!("syscall 250 21 0x{serial}");
    outside(&words).allows(&words);
}
