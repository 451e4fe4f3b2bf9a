//! KEY: keys of the host can be neither read nor asked for.

use std::process::Command;

use crate::harness::{Sandbox, outside, probe};

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
    // The user namespace by itself gives a user keyring of its own.
    let open = Sandbox::new().with("seccomp", r#"preset = "none""#).probe(&format!("find-key {name}")).exits(0);
    open.refuses(&format!("find-key {name}"), &["ENOKEY", "EACCES"]);
    let listed = Sandbox::new().probe("cat /proc/keys + cat /proc/key-users").succeeds();
    assert!(!listed.stdout.contains(&name), "{listed}");
    forget(&name);
}

/// The caller's session keyring is inherited over fork and exec, past every namespace.
#[test]
fn the_callers_session_keyring_is_not_the_programs() {
    let search = "find-session-key sandbox-it";
    let holding = |command: &Command| {
        let script = "import ctypes, os, sys\ncall = ctypes.CDLL(None).syscall\n\
            assert call(250, 1, None) > 0 and call(248, b'user', b'sandbox-it', b'x', 1, -3) > 0\n\
            os.execv(sys.argv[1], sys.argv[1:])";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(command.get_program()).args(command.get_args()).env_clear().current_dir("/");
        python.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = python.output().expect("starting python3");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("words")
    };
    let mut control = Command::new(probe());
    control.args(search.split(' '));
    assert_eq!(holding(&control), format!("{search}: ok\n"));
    for open in [r#"preset = "none""#, r#"allow = ["@keyring"]"#] {
        let words: Vec<&str> = std::iter::once("/probe").chain(search.split(' ')).collect();
        let said = holding(&Sandbox::new().with("seccomp", open).command("run", &words));
        assert_eq!(said, format!("{search}: ENOKEY\n"), "{open}");
    }
}

fn forget(name: &str) {
    // 250 is keyctl, 21 KEYCTL_INVALIDATE; it takes the serial number that /proc/keys shows first.
    let keys = std::fs::read_to_string("/proc/keys").expect("reading the keys");
    let line = keys.lines().find(|line| line.contains(name)).expect("the key was added");
    let serial = line.split_whitespace().next().unwrap_or_default();
    let words = format!("syscall 250 21 0x{serial}");
    outside(&words).allows(&words);
}
