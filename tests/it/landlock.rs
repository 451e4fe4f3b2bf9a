//! `[landlock]`: each rule seen by itself, with the layers that would refuse the same put aside.

use std::os::unix::net::UnixListener;

use crate::harness::{Sandbox, landlock_abi, outside, skip};

/// With capabilities and without a filter: what refuses now is Landlock.
fn alone(enforce: &str) -> Sandbox {
    Sandbox::new()
        .with("process", r#"user = "root""#)
        .with("seccomp", r#"preset = "none""#)
        .with("capabilities", r#"keep = ["sys_admin", "dac_override"]"#)
        .with("landlock", &format!("enforce = {enforce:?}"))
}

fn has_landlock() -> bool {
    std::fs::read_to_string("/sys/kernel/security/lsm").map_or(true, |text| text.contains("landlock"))
}

#[test]
fn it_forbids_every_mount() {
    if !has_landlock() {
        return skip("this kernel has no Landlock");
    }
    let words = "mount tmpfs x /tmp + bind /tmp /var/tmp + umount /tmp";
    let seen = alone("require").probe(words).exits(0);
    for attempt in words.split(" + ") {
        seen.refuses(attempt, &["EPERM"]);
    }
    let seen = alone("off").probe(words).exits(0);
    seen.allows("mount tmpfs x /tmp").allows("bind /tmp /var/tmp");
}

#[test]
fn what_was_not_granted_is_not_even_readable() {
    if !has_landlock() {
        return skip("this kernel has no Landlock");
    }
    // A tree that only a mount made after the rules would bring has no rule; without one nothing in it can be opened.
    let seen = alone("require").probe("list / + read /etc/passwd + create /tmp/x + list /usr").exits(0);
    seen.allows("read /etc/passwd").allows("create /tmp/x").allows("list /usr");
}

#[test]
fn files_are_renamed_and_linked_between_writable_directories() {
    // Without REFER it would be EXDEV.
    let words = "mkdir /tmp/a + mkdir /tmp/b + create /tmp/a/x + rename /tmp/a/x /tmp/b/x + link /tmp/b/x /tmp/a/y";
    let seen = Sandbox::new().probe(words).succeeds();
    for attempt in words.split(" + ") {
        seen.allows(attempt);
    }
}

#[test]
fn a_shared_pid_namespace_keeps_signals_inside() {
    let mut victim = std::process::Command::new("sleep").arg("1000").spawn().expect("starting");
    let words = format!("kill {0} 0 + kill {0} 15", victim.id());
    let shared = || Sandbox::new().with("namespaces", "pid = false");
    let seen = shared().probe(&words);
    let open = shared().with("landlock", r#"enforce = "off""#).probe(&format!("kill {} 0", victim.id()));
    let still_there = victim.try_wait().expect("asking").is_none();
    victim.kill().expect("killing");
    victim.wait().expect("waiting");
    if seen.status.code() == Some(125) {
        return drop(seen.refused(125, &["pid"]));
    }
    let seen = seen.exits(0);
    if landlock_abi() < 6 {
        // Documented: before Linux 6.12 the scope is missing, and that is said.
        seen.says(&["cannot refuse signals to processes outside", "hint: "])
            .allows(&format!("kill {} 15", victim.id()));
    } else {
        seen.refuses(&format!("kill {} 0", victim.id()), &["EPERM"])
            .refuses(&format!("kill {} 15", victim.id()), &["EPERM"]);
        assert!(still_there);
    }
    // The control: without the scope nothing else is in the way.
    if open.status.code() == Some(0) {
        open.allows(&format!("kill {} 0", victim.id()));
    }
}

#[test]
fn a_shared_network_keeps_abstract_sockets_apart() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("sandbox-it-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes()).expect("a short name");
    let _listener = UnixListener::bind_addr(&address).expect("listening");
    let words = format!("connect-unix @{name}");
    outside(&words).allows(&words);
    let shared = || Sandbox::new().with("network", r#"mode = "host""#);
    let seen = shared().probe(&words).exits(0);
    if landlock_abi() < 6 {
        // Documented: before Linux 6.12 the scope is missing, and that is said.
        seen.says(&["cannot refuse abstract sockets outside", "hint: "]).allows(&words);
        shared().with("landlock", r#"scope = ["abstract-unix"]"#).probe(&words).refused(125, &["landlock", "6.12"]);
    } else {
        seen.refuses(&words, &["EPERM"]);
    }
    let open = shared().with("landlock", "scope = []").probe(&words);
    open.exits(0).allows(&words);
}

#[test]
fn devices_take_requests_and_terminals_can_be_reopened() {
    let seen =
        Sandbox::bare().run(&["sh", "-c", "echo through > /dev/stdout; cat /dev/null; echo over > /proc/self/fd/1"]);
    seen.succeeds().prints("through\nover\n");
}

/// What is allowed in a place to write to holds beneath it too, whatever is mounted there: docs/security.md says so.
#[test]
fn a_fifo_that_is_granted_to_be_read_is_closed_but_beneath_places_to_write() {
    let sandbox = || {
        let sandbox = Sandbox::bare();
        let tree = sandbox.dir().join("tree");
        std::fs::create_dir(&tree).expect("making a directory");
        nix::unistd::mkfifo(&tree.join("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o600))
            .expect("making a FIFO");
        let grant = |target: &str| format!("{}:{target}", tree.display());
        sandbox.read_only(&grant("/srv/app")).read_only(&grant("/run/app"))
    };
    let opens = |sandbox: Sandbox, at: &str| {
        let seen = sandbox.run(&["sh", "-c", &format!("exec 3<>{at}/app/fifo && echo opened")]);
        seen.stdout == "opened\n"
    };
    assert!(!opens(sandbox(), "/srv"));
    assert!(opens(sandbox(), "/run"), "no longer so: the page may promise more");
    // The control: it is Landlock that closes it.
    assert!(opens(sandbox().with("landlock", r#"enforce = "off""#), "/srv"));
}
