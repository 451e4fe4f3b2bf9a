//! `[namespaces]` and NS: which views are the program's own, and that it makes no further ones.

use std::path::PathBuf;

use crate::harness::{Sandbox, is_root, outside, program};
use crate::process::descendants;

const KINDS: [&str; 8] = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"];

/// Kinds of namespaces that the program shares with us, as the host sees it.
fn shared(sandbox: &Sandbox) -> Vec<&'static str> {
    let mut running = sandbox.start_probe("say running + cat");
    running.line("running");
    let inside = descendants(running.pid());
    let link = |pid: &str, kind: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
    // The deepest descendant is the program.
    let program: PathBuf = inside.first().expect("running").to_string().into();
    let program = program.display().to_string();
    let shared: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| {
            let theirs = link(&program, kind);
            assert!(theirs.is_some(), "{kind} of process {program} cannot be seen");
            theirs == link("self", kind)
        })
        .collect();
    running.ends().exits(0);
    shared
}

#[test]
fn every_namespace_is_its_own_by_default() {
    let none: Vec<&str> = Vec::new();
    assert_eq!(shared(&Sandbox::new()), none);
    assert_eq!(shared(&Sandbox::new().with("process", "init = false")), none);
}

#[test]
fn each_can_be_shared() {
    for (key, kind) in [("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"), ("pid", "pid")] {
        let sandbox = Sandbox::new().with("namespaces", &format!("{key} = false"));
        assert_eq!(shared(&sandbox), [kind], "{key} = false");
    }
    assert_eq!(shared(&Sandbox::new().with("network", r#"mode = "host""#)), ["net"]);
    assert_eq!(shared(&Sandbox::new().with("namespaces", "time = false")), ["time"]);
}

#[test]
fn the_user_namespace_can_be_shared_by_root_alone() {
    let sandbox = Sandbox::new().with("namespaces", "user = false");
    if is_root() {
        assert_eq!(shared(&sandbox), ["user"]);
        let seen = sandbox.probe("privilege + unshare user").succeeds();
        // The limit of nested user namespaces would be the host's: there only the filter forbids.
        seen.has_value("effective", "0").refuses("unshare user", &["EPERM"]);
        let limit = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").expect("reading the limit");
        assert_ne!(limit.trim(), "0", "the host's limit was changed");
    } else {
        sandbox.probe("say").refused(125, &["user", "hint: "]);
    }
}

#[test]
fn the_hostname_is_its_own() {
    let sandbox = Sandbox::new();
    let name = sandbox.name.clone();
    let ours = outside("names").value("hostname").to_owned();
    sandbox.probe("names").succeeds().has_value("hostname", &name);
    let seen = Sandbox::new()
        .with("namespaces", r#"hostname = "web-1.example""#)
        .probe("names + sethostname other")
        .succeeds();
    seen.has_value("hostname", "web-1.example").refuses("sethostname other", &["EPERM"]);
    assert_eq!(outside("names").value("hostname"), ours);
    for bad in ["", "-x", "a b", "a\u{0}b", &"x".repeat(65)] {
        Sandbox::new().with("namespaces", &format!("hostname = {bad:?}")).probe("say").refused(125, &["hostname"]);
    }
}

#[test]
fn clocks_are_moved_as_written() {
    let own = outside("clocks");
    let now = |seen: &crate::harness::Seen, clock: &str| seen.value(clock).parse::<i64>().expect("seconds");
    let shifted = Sandbox::new().with("namespaces", r#"time = { boottime = "1h", monotonic = "2h" }"#);
    let seen = shifted.probe("clocks").succeeds();
    let moved = |clock: &str| now(&seen, clock) - now(&own, clock);
    assert!((3600..3620).contains(&moved("boottime")) && (7200..7220).contains(&moved("monotonic")), "{seen}");
    let plain = Sandbox::new().probe("clocks").succeeds();
    assert!((0..20).contains(&(now(&plain, "boottime") - now(&own, "boottime"))), "{plain}");
    // Init has entered too, and still tells the time since the launch began.
    let timed = shifted.option("--timings").probe("say").exits(0);
    let times: Vec<u32> =
        timed.stderr.lines().filter_map(|line| line.trim().split_once(" µs")?.0.parse().ok()).collect();
    assert!(times.len() > 30 && times.iter().all(|micros| *micros < 60_000_000), "{timed}");
}

#[test]
fn no_further_namespace_can_be_made_or_entered() {
    let kinds = ["user", "mount", "pid", "net", "ipc", "uts", "cgroup", "time"];
    let mut words: Vec<String> = Vec::new();
    for kind in kinds {
        words.extend([format!("unshare {kind}"), format!("clone3 {kind}")]);
        // CLONE_NEWTIME is not for clone: it lies among the bits of the exit signal.
        words.extend((kind != "time").then(|| format!("clone {kind}")));
    }
    words.extend(KINDS.iter().map(|kind| format!("setns /proc/self/ns/{kind}")));
    words.push("clone3".into());
    let seen = Sandbox::new().probe(&words.join(" + ")).succeeds();
    for words in &words {
        // clone3 keeps its flags in memory, where no filter looks; libraries fall back to clone for ENOSYS.
        let errnos: &[&str] = if words.starts_with("clone3") { &["ENOSYS"] } else { &["EPERM"] };
        seen.refuses(words, errnos);
    }
    // Without the filter the limit still forbids user namespaces, and for the others a capability is missing.
    let open = Sandbox::new().with("seccomp", r#"preset = "none""#).probe(&words.join(" + ")).exits(0);
    for kind in kinds {
        for verb in ["unshare", "clone", "clone3"] {
            if kind == "time" && verb == "clone" {
                continue;
            }
            open.refuses(&format!("{verb} {kind}"), &["EPERM", "ENOSPC", "EUSERS"]);
        }
    }
    // The control: whoever holds the privilege over those that he is in may enter them again, as with unshare(1).
    let entered: Vec<String> = KINDS[1..].iter().map(|kind| format!("setns /proc/self/ns/{kind}")).collect();
    let mut control = std::process::Command::new("unshare");
    control.args(["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--cgroup", "--time", "--pid"]);
    control.args(["--fork", "--mount-proc"]).arg(crate::harness::probe());
    let output = control.args(entered.join(" + ").split(' ')).current_dir("/").output().expect("starting unshare");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(entered.iter().all(|words| said.contains(&format!("{words}: ok\n"))), "{said}");
    // Outside, a user namespace is anybody's.
    outside("unshare user + clone user + clone3 user")
        .allows("unshare user")
        .allows("clone user")
        .allows("clone3 user");
}

#[test]
fn nested_namespaces_are_made_where_the_profile_allows_them() {
    let seen = Sandbox::new()
        .with("namespaces", r#"nested = "namespaces""#)
        .probe("unshare user + clone user + mount tmpfs x /tmp");
    seen.exits(0).allows("unshare user").allows("clone user").refuses("mount tmpfs x /tmp", &["EPERM"]);
    let mounts = || Sandbox::bare().with("namespaces", r#"nested = "mounts""#).with("landlock", r#"enforce = "off""#);
    let program = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs x /tmp && echo mounted"];
    mounts().with("process", r#"user = "nobody""#).run(&program).exits(0).prints("mounted\n");
    // Uid 0 may be mapped only where whoever made the namespace held setfcap.
    let root = || mounts().with("process", r#"user = "root""#);
    assert!(root().run(&program).stderr.contains("uid_map"), "root maps itself");
    assert!(root().ask("check", &program).exits(0).stderr.contains("cannot map the program's own uid"));
    let keeps = root().with("capabilities", r#"keep = ["setfcap"]"#);
    keeps.run(&program).exits(0).prints("mounted\n");
    assert!(!keeps.ask("check", &program).stderr.contains("cannot map"), "there is nothing to warn of");
    let both = Sandbox::new().with("namespaces", r#"nested = "mounts""#);
    both.probe("say").refused(125, &["landlock", "hint: "]);
}

/// No setting of the machine stands in the way there.
#[test]
fn inside_a_sandbox_the_remedy_is_in_the_profile_around() {
    let launcher = program().display().to_string();
    let around = || Sandbox::new().read_only(&format!("{launcher}:/run/launcher"));
    let hint = "hint: this is inside a sandbox: let its profile say nested = \"mounts\"";
    around().run(&["/run/launcher", "run", "hello"]).exits(125).says(&["the sandbox around this one allows", hint]);
    around().run(&["/run/launcher", "check", "hello"]).exits(1).says(&[hint]);
    let doctor = around().run(&["/run/launcher", "doctor"]).exits(1);
    let within = ["this runs inside a sandbox", hint, "hint: in [rootfs] of the profile around: devices = [\"fuse\"]"];
    assert!(within.iter().all(|words| doctor.stdout.contains(words)), "{doctor}");
    let machine = ["modprobe", "CONFIG_", "mount -t cgroup", "sysctl"];
    assert!(!machine.iter().any(|words| doctor.stdout.contains(words)), "{doctor}");
    let namespaces = around().with("namespaces", r#"nested = "namespaces""#);
    namespaces.run(&["/run/launcher", "run", "hello"]).exits(125).says(&[hint]);
    let mounts = around().with("namespaces", r#"nested = "mounts""#).with("landlock", r#"enforce = "off""#);
    let again = ["/run/launcher", "run", "hello"];
    let mounts = match is_root() {
        true => {
            let lacks = r#"keep = ["setuid", "setgid", "setfcap"]"#;
            let seen = mounts.run(&again).exits(125).says(&["lacks setuid and setgid", lacks]);
            assert!(seen.stdout.is_empty(), "{seen}");
            mounts.with("capabilities", lacks)
        }
        false => mounts,
    };
    let seen = mounts.run(&again).exits(0);
    assert!(seen.stdout.starts_with("hello from a sandbox"), "{seen}");
}

#[test]
fn settings_of_its_own_namespaces_are_as_written() {
    // Those of the ipc namespace belong to its root, who does not exist where one other id is mapped.
    let (line, ipc) = match is_root() {
        true => (r#"sysctl = { "net.ipv4.ip_forward" = "1", "kernel.msgmax" = "4096" }"#, "4096"),
        false => (r#"sysctl = { "net.ipv4.ip_forward" = "1" }"#, "8192"),
    };
    let seen = Sandbox::new()
        .with("namespaces", line)
        .probe("cat /proc/sys/net/ipv4/ip_forward + cat /proc/sys/kernel/msgmax + cat /proc/sys/net/ipv4/ip_unprivileged_port_start");
    seen.succeeds().prints(&format!("1\n{ipc}\n0\n"));
    // A setting of the whole machine is nobody's own.
    for name in ["kernel.core_pattern", "vm.swappiness", "kernel.hostname/../x", "../kernel.msgmax"] {
        let line = format!("sysctl = {{ {name:?} = \"1\" }}");
        Sandbox::new().with("namespaces", &line).probe("say").refused(125, &["sysctl"]);
    }
    let shared = Sandbox::new()
        .with("network", r#"mode = "host""#)
        .with("namespaces", r#"sysctl = { "net.ipv4.ip_forward" = "1" }"#);
    shared.probe("say").refused(125, &["net.ipv4.ip_forward"]);
}
