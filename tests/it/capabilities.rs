//! CAP: what the program holds is what `keep` names, and nothing gives it more.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{Sandbox, Seen, is_root, left_to_root, outside, probe, skip};

const SETS: [&str; 5] = ["effective", "permitted", "inheritable", "bounding", "ambient"];
/// NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE of capabilities(7), each with its lock.
const LOCKED: &str = "0xcf";

#[track_caller]
fn holds(seen: &Seen, set: &str) {
    for name in SETS {
        seen.has_value(name, set);
    }
}

#[test]
fn it_holds_none() {
    for user in ["root", "nobody"] {
        for init in [true, false] {
            let sandbox =
                Sandbox::new().with("process", &format!("user = {user:?}")).with("process", &format!("init = {init}"));
            let seen = sandbox.probe("privilege + cat /proc/self/status").succeeds();
            holds(&seen, "0");
            seen.has_value("securebits", LOCKED).has_value("no-new-privs", "1");
            // The same by the program's own status, as anybody else reads it.
            for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                seen.has_value(name, "0000000000000000");
            }
            seen.has_value("NoNewPrivs", "1");
        }
    }
    if is_root() {
        assert_ne!(outside("privilege").value("effective"), "0", "the control");
    }
}

#[test]
fn it_holds_what_is_kept() {
    for (keep, set) in [(r#"["net_bind_service"]"#, "0x400"), (r#"["setuid", "setgid", "chown"]"#, "0xc1")] {
        for user in ["root", "nobody"] {
            let sandbox = Sandbox::new()
                .with("capabilities", &format!("keep = {keep}"))
                .with("process", &format!("user = {user:?}"));
            let seen = sandbox.probe("privilege").succeeds();
            holds(&seen, set);
        }
    }
}

#[test]
fn a_capability_that_does_not_exist_is_refused() {
    Sandbox::new()
        .with("capabilities", r#"keep = ["net_bind_servce"]"#)
        .probe("say")
        .refused(125, &["net_bind_service"]);
}

#[test]
fn authority_against_the_purpose_is_refused() {
    Sandbox::new()
        .with("capabilities", r#"keep = ["sys_resource"]"#)
        .probe("say")
        .refused(125, &["sys_resource", "hint: "]);
}

/// A copy of the probe that would give privilege to whoever starts it.
fn privileged(mode: u32, file_capability: bool) -> Option<Sandbox> {
    let sandbox = Sandbox::new();
    let copy = sandbox.dir().join("privileged");
    std::fs::copy(probe(), &copy).expect("copying the probe");
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(mode)).expect("its mode");
    std::fs::set_permissions(sandbox.dir(), PermissionsExt::from_mode(0o755)).expect("opening the directory");
    if file_capability {
        let status = Command::new("setcap").arg("cap_net_raw,cap_sys_admin+ep").arg(&copy).status();
        if !status.is_ok_and(|status| status.success()) {
            return None;
        }
    }
    let entry = format!("{}:/privileged", copy.display());
    Some(sandbox.read_only(&entry))
}

#[test]
fn setuid_programs_and_file_capabilities_give_nothing() {
    if !is_root() {
        return left_to_root("only root can make programs that give root's privilege");
    }
    for (mode, file_capability) in [(0o4755, false), (0o6755, false), (0o755, true)] {
        let Some(sandbox) = privileged(mode, file_capability) else {
            return skip("setcap is missing (hint: apt-get install libcap2-bin)");
        };
        let copy = sandbox.dir().join("privileged");
        // The control: as an ordinary user, outside, it does give something.
        let control = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args([copy.as_os_str(), "privilege".as_ref()])
            .output()
            .expect("starting");
        let control = String::from_utf8_lossy(&control.stdout).into_owned();
        assert!(!control.contains("effective 0\n"), "{control}");
        for user in ["nobody", "root"] {
            let sandbox =
                privileged(mode, file_capability).expect("made before").with("process", &format!("user = {user:?}"));
            let seen = sandbox.probe("become /privileged privilege").succeeds();
            holds(&seen, "0");
        }
        // Nor where something is kept: the bounding set holds.
        let sandbox = privileged(mode, file_capability)
            .expect("made before")
            .with("process", r#"user = "nobody""#)
            .with("capabilities", r#"keep = ["net_bind_service"]"#);
        let seen = sandbox.probe("become /privileged privilege").succeeds();
        let effective = seen.value("effective");
        assert!(effective == "0x400" || effective == "0", "{seen}");
    }
}

/// What /usr/bin/su and its like rest on, by a user too, who can make none of root's.
#[test]
fn no_mount_honours_setuid_programs() {
    // Of devices, which are no programs, single nodes are mounted.
    let honours = |seen: &Seen| -> Vec<String> {
        let lines = seen.stdout.lines().filter(|line| !line.contains(" nosuid") && !line.contains(",nosuid"));
        lines.filter(|line| !line.contains(" /dev/")).map(str::to_owned).collect()
    };
    for base in ["system", "host"] {
        let sandbox = Sandbox::new().with("rootfs", &format!("base = {base:?}"));
        let granted = sandbox.dir().display().to_string();
        let sandbox = sandbox.with("rootfs", &format!("read-write = [\"{granted}:/granted\"]"));
        let seen = sandbox.probe("cat /proc/self/mountinfo").exits(0);
        assert!(seen.stdout.contains(" /granted ") && seen.stdout.lines().count() > 10, "{seen}");
        assert_eq!(honours(&seen), [""; 0], "{seen}");
    }
    // The control: some of the host's do.
    assert_ne!(honours(&outside("cat /proc/self/mountinfo")), [""; 0]);
    // And where the mounts did, no-new-privileges would not: the probe as a program of its caller's own.
    let own = privileged(0o6755, false).expect("without a file capability");
    let seen = own.probe("become /privileged privilege").succeeds();
    holds(&seen, "0");
    seen.has_value("no-new-privs", "1");
}

/// In a user namespace its root may give a file capabilities: they are good wherever that root is uid 0, as in a sandbox
/// whose program is called root.
#[test]
fn file_capabilities_of_the_callers_own_give_nothing() {
    if is_root() {
        // Root's are good everywhere; they are tested above.
        return;
    }
    let sandbox = Sandbox::new().with("process", r#"user = "root""#);
    let copy = sandbox.dir().join("privileged");
    std::fs::copy(probe(), &copy).expect("copying the probe");
    let within = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "sh", "-c", script]).arg(&copy).current_dir("/");
        let output = unshare.output().expect("starting unshare");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert_eq!(within("setcap cap_net_raw,cap_sys_admin+ep \"$0\""), "");
    // The control: to a root who is nothing special by his uid, who has given up all, the file gives it back.
    let reduced = "exec setpriv --securebits +noroot --inh-caps -all --ambient-caps -all";
    let none = within(&format!("{reduced} cat /proc/self/status"));
    assert!(none.contains("CapEff:\t0000000000000000\n"), "{none}");
    let control = within(&format!("{reduced} \"$0\" privilege"));
    assert!(control.starts_with("effective 0x202000\n"), "{control}");
    let granted = sandbox.read_only(&format!("{}:/privileged", copy.display()));
    holds(&granted.probe("become /privileged privilege").succeeds(), "0");
}

#[test]
fn new_privileges_may_be_wanted_only_without_the_layers_that_need_their_absence() {
    let sandbox = Sandbox::new().with("process", "no-new-privileges = false");
    sandbox.probe("say").refused(125, &["no-new-privileges", "hint: "]);
    let sandbox = sandbox.with("seccomp", r#"preset = "none""#).with("landlock", r#"enforce = "off""#);
    sandbox.probe("privilege").exits(0).has_value("no-new-privs", "0");
}
