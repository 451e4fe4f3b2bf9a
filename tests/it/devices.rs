//! DEV: the listed nodes and no others, and none can be made.

use crate::harness::{Sandbox, is_root, outside};

#[test]
fn the_nodes_are_the_usual_ones_and_what_they_should_be() {
    let nodes =
        [("null", "1:3"), ("zero", "1:5"), ("full", "1:7"), ("random", "1:8"), ("urandom", "1:9"), ("tty", "5:0")];
    let words: Vec<String> = nodes.iter().map(|(name, _)| format!("stat /dev/{name}")).collect();
    let seen = Sandbox::new().probe(&format!("{} + ls /dev + ls /dev/pts", words.join(" + "))).succeeds();
    for (name, device) in nodes {
        let value = seen.value(&format!("stat /dev/{name}"));
        assert!(value.starts_with("c 0666") && value.ends_with(device), "{name}\n{seen}");
    }
    let mut names: Vec<&str> = seen.values("entry").collect();
    names.sort_unstable();
    let expected = [
        "fd", "full", "null", "ptmx", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom",
        "zero",
    ];
    assert_eq!(names, expected, "{seen}");
}

#[test]
fn terminals_are_of_its_own_instance() {
    let seen = Sandbox::bare().run(&["python3", "-c", "import os; m, s = os.openpty(); print(os.ttyname(s))"]);
    seen.succeeds().prints("/dev/pts/0\n");
}

#[test]
fn no_device_can_be_made() {
    // The device 0:0 is no device, and anybody's to make: the control of the others for an ordinary user.
    let harmless = std::env::temp_dir().join(format!("sandbox-it-harmless-{}", std::process::id()));
    let control = format!("mknod c 0 0 {}", harmless.display());
    outside(&control).allows(&control);
    std::fs::remove_file(harmless).expect("removing the node");
    let words = "mknod c 0 0 /tmp/harmless + mknod c 1 3 /tmp/null + mknod b 254 0 /tmp/disk + mknod c 1 3 /dev/x + mknod c 1 1 /dev/shm/mem + mknod p 0 0 /tmp/pipe";
    for user in ["root", "nobody"] {
        let seen = Sandbox::new().with("process", &format!("user = {user:?}")).probe(words).succeeds();
        for attempt in words.split(" + ").filter(|words| !words.contains("mknod p")) {
            seen.refuses(attempt, &["EPERM", "EROFS", "EACCES"]);
        }
        seen.allows("mknod p 0 0 /tmp/pipe");
    }
    if is_root() {
        let path = std::env::temp_dir().join(format!("sandbox-it-node-{}", std::process::id()));
        let words = format!("mknod c 1 3 {}", path.display());
        outside(&words).allows(&words);
        std::fs::remove_file(path).expect("removing the node");
        // Even with the capability: the kernel takes none from a user namespace, and no mount would honour it.
        let sandbox = Sandbox::new()
            .with("capabilities", r#"keep = ["mknod"]"#)
            .with("seccomp", r#"preset = "none""#)
            .with("landlock", r#"enforce = "off""#);
        sandbox.probe("mknod c 1 3 /tmp/null").exits(0).refuses("mknod c 1 3 /tmp/null", &["EPERM"]);
    }
}

/// They are the host's own nodes, and root's: whoever is that inside may write to the devices and not change their modes.
#[test]
fn the_nodes_stay_as_they_are() {
    let chmod = "chmod 0666 /dev/full";
    if is_root() {
        outside(chmod).allows(chmod);
    }
    let words = format!("{chmod} + write /dev/null + read /dev/zero");
    let bare = Sandbox::new().with("namespaces", "user = false").with("capabilities", r#"keep = ["fowner"]"#);
    for sandbox in [Sandbox::new()].into_iter().chain(is_root().then_some(bare)) {
        let seen = sandbox.probe(&words).exits(0);
        seen.refuses(chmod, &["EROFS"]).allows("write /dev/null").allows("read /dev/zero");
    }
}

#[test]
fn every_writable_mount_is_nodev_and_nosuid() {
    let seen = Sandbox::new().probe("cat /proc/self/mountinfo").succeeds();
    for line in seen.stdout.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let (target, options, kind) = (fields[4], fields[5], line.split(" - ").nth(1).unwrap_or_default());
        let device = target.starts_with("/dev/") && kind.starts_with("devtmpfs");
        assert!(device || options.contains("nosuid"), "{line}");
        assert!(device || kind.starts_with("devpts") || options.contains("nodev"), "{line}");
        assert!(
            !device
                || ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"].contains(&target),
            "{line}"
        );
    }
}

#[test]
fn devices_are_granted_by_name_and_by_path() {
    let path = "/dev/kmsg";
    let seen = Sandbox::new().with("rootfs", &format!("devices = [{path:?}]")).probe(&format!("stat {path}")).exits(0);
    assert!(seen.value(&format!("stat {path}")).starts_with("c "), "{seen}");
    Sandbox::new()
        .with("rootfs", r#"devices = ["/dev/no-such-device"]"#)
        .probe("say")
        .refused(125, &["no-such-device", "hint: "]);
    Sandbox::new().with("rootfs", r#"devices = ["-/dev/no-such-device"]"#).probe("say").succeeds();
    Sandbox::new().with("rootfs", r#"devices = ["gpuu"]"#).probe("say").refused(125, &["gpuu", "gpu"]);
    for impostor in ["/dev/../etc/passwd", "/dev/stdin", "/dev"] {
        let seen = Sandbox::new().with("rootfs", &format!("devices = [{impostor:?}]")).probe("say");
        seen.refused(125, &["devices"]);
    }
}

/// A disk is granted by its node, as any other device is.
#[test]
fn a_disk_that_is_named_is_there_and_no_other() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut disks = entries.filter(|entry| entry.metadata().is_ok_and(|data| data.file_type().is_block_device()));
    let Some(disk) = disks.next() else { return crate::harness::skip("this machine shows no disk in /dev") };
    let path = disk.path().display().to_string();
    let number = disk.metadata().expect("looking").rdev();
    let number = format!("{}:{}", nix::sys::stat::major(number), nix::sys::stat::minor(number));
    let sandbox = Sandbox::new().with("rootfs", &format!("devices = [{path:?}]"));
    let seen = sandbox.probe(&format!("stat {path}")).succeeds();
    let value = seen.value(&format!("stat {path}"));
    assert!(value.starts_with("b ") && value.ends_with(&number), "{number}\n{seen}");
    let seen = Sandbox::new().probe(&format!("stat {path}")).succeeds();
    seen.has_value(&format!("stat {path}"), "ENOENT");
}
