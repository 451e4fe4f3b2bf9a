//! ID: who the program is.

use crate::harness::{Sandbox, eventually, is_root, left_to_root, outside, skip, step_removal};

#[test]
fn it_is_its_caller() {
    let seen = Sandbox::new().probe("ids").succeeds();
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    seen.has_value("uid", &format!("{uid} {uid} {uid}")).has_value("gid", &format!("{gid} {gid} {gid}"));
    // The caller's own groups do not come with it, unless the account of that name has them.
    if is_root() {
        seen.has_value("groups", "");
    }
}

#[test]
fn it_may_be_somebody_else_inside() {
    let nobody = Sandbox::new().with("process", r#"user = "nobody""#);
    let seen = nobody.probe("ids + env").succeeds();
    seen.has_value("uid", "65534 65534 65534");
    assert!(seen.stdout.contains("USER=nobody\n"), "{seen}");
    Sandbox::new().with("process", r#"user = "4242""#).probe("ids").succeeds().has_value("uid", "4242 4242 4242");
    Sandbox::new().with("process", r#"user = "0""#).probe("ids").succeeds().has_value("uid", "0 0 0");
}

#[test]
fn a_number_without_a_name_gets_one() {
    let sandbox = Sandbox::bare().with("process", r#"user = "4242""#);
    let seen = sandbox.run(&["sh", "-c", "id -un; getent passwd 4242"]).succeeds();
    assert!(seen.stdout.lines().all(|line| line.starts_with("user4242")), "{seen}");
}

/// The kernel shows them wider than they are written, and hands out a page at a time.
#[test]
fn as_many_ranges_as_the_kernel_takes_are_read_back() {
    if !is_root() {
        return left_to_root("only root may map any id");
    }
    let ranges = |first: u32, step: u32| {
        let range =
            |n| format!("{{ inside = {n}, outside = {}, count = 1 }}", if n == 0 { 0 } else { first + n * step });
        format!("id-map = [{}]", (0..340).map(range).collect::<Vec<_>>().join(", "))
    };
    let mapped = Sandbox::new().with("namespaces", &ranges(0, 2));
    mapped.probe("ids").succeeds().has_value("uid", "0 0 0");
    // 340 lines, and yet more than a page.
    let long = Sandbox::new().with("namespaces", &ranges(1_000_000, 2));
    long.probe("ids").refused(125, &["map users", "EINVAL", "fewer ranges"]);
    // Whose gate is not opened gives up, and its word is not the reason.
    let long = long.of(step_removal()).env("SANDBOX_REMOVE", "late");
    long.probe("ids").refused(125, &["map users", "EINVAL", "fewer ranges"]);
}

#[test]
fn it_cannot_become_anybody_else() {
    for user in ["root", "nobody"] {
        let sandbox = Sandbox::new().with("process", &format!("user = {user:?}"));
        let seen = sandbox.probe("setuid 1 + setgid 1 + setgroups + setgroups 0 + setgroups 27").succeeds();
        for attempt in ["setuid 1", "setgid 1"] {
            seen.refuses(attempt, &["EPERM", "EINVAL"]);
        }
        for attempt in ["setgroups", "setgroups 0", "setgroups 27"] {
            seen.refuses(attempt, &["EPERM"]);
        }
    }
    if is_root() {
        outside("setuid 1 + setgid 1 + setgroups 27").allows("setuid 1").allows("setgid 1").allows("setgroups 27");
        // The privilege makes the difference, not the namespace.
        let kept = Sandbox::new().with("capabilities", r#"keep = ["setuid", "setgid"]"#);
        kept.probe("setuid 1").succeeds().allows("setuid 1");
    }
}

/// The caller exists outside alone.
#[test]
fn a_map_may_leave_out_the_caller() {
    if !is_root() {
        return left_to_root("only root may map any id; a user's ranges are in /etc/subuid");
    }
    let map = "id-map = [{ inside = 0, outside = 100000, count = 65536 }]";
    let sandbox = Sandbox::new().with("namespaces", map).with("process", r#"user = "root""#);
    let seen = sandbox.probe("ids + cat /proc/self/uid_map + create /tmp/x + stat /tmp/x + read /root + stat /usr");
    seen.has_value("uid", "0 0 0").allows("create /tmp/x");
    assert!(seen.value("stat /tmp/x").ends_with(" 0 0 0:0"), "{seen}");
    // What is root's outside is nobody's inside.
    assert!(seen.value("stat /usr").contains(" 65534 65534 "), "{seen}");
    let kept = || Sandbox::new().with("namespaces", map).with("rootfs", r#"persist = ["/data"]"#);
    kept().probe("ids").refused(125, &["persist", "id-map", "hint: "]);
    // The lifeline outlasts the change of ids.
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let below = crate::process::descendants(running.pid());
    running.signal(nix::sys::signal::Signal::SIGKILL);
    eventually("they have ended with the supervisor", || below.iter().all(|pid| !crate::process::alive(*pid)));
}

#[test]
fn setgroups_is_denied_where_one_id_is_mapped() {
    let seen = Sandbox::new().probe("cat /proc/self/setgroups + cat /proc/self/uid_map").succeeds();
    if is_root() {
        // All ids are themselves: nothing that a group denies opens by leaving it, because leaving takes a capability.
        return assert!(seen.stdout.contains("allow\n"), "{seen}");
    }
    assert!(seen.stdout.starts_with("deny\n"), "{seen}");
    let uid = nix::unistd::geteuid().to_string();
    let map: Vec<&str> = seen.stdout.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!(map, [uid.as_str(), uid.as_str(), "1"], "{seen}");
}

/// A group whose members may *not* read: who leaves the group would read.
#[test]
fn a_file_that_denies_a_group_stays_denied() {
    use std::os::unix::fs::PermissionsExt;
    if !is_root() {
        return left_to_root("only root can be in a group at will");
    }
    let sandbox = Sandbox::new();
    let path = sandbox.file("denied", "no group 50");
    nix::unistd::chown(&path, Some(0.into()), Some(50.into())).expect("giving the file to a group");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o604)).expect("denying the group");
    let entry = format!("{}:/denied", path.display());
    let sandbox = sandbox
        .read_only(&entry)
        .with("process", r#"user = "nobody""#)
        .with("process", r#"groups = ["nogroup", "50"]"#);
    let seen = sandbox.probe("read /denied + setgroups + read /denied + ids").succeeds();
    seen.refuses("read /denied", &["EACCES"]).has_value("groups", "50");
    let other = Sandbox::new().read_only(&entry).with("process", r#"user = "nobody""#);
    other.probe("read /denied").succeeds().allows("read /denied");
}

#[test]
fn user_texts_mean_what_a_table_says() {
    // As CVE-2022-2989 and the user strings of other runtimes taught: no text becomes a number by accident.
    for (text, uid) in [
        ("1", Some("1")),
        ("0", Some("0")),
        ("root", Some("0")),
        ("4294967294", Some("4294967294")),
        ("01", None),
        ("+1", None),
        ("-1", None),
        ("4294967295", None),
        ("4294967296", None),
        ("1:2", None),
        (" 1", None),
        ("1 ", None),
        ("0x0", None),
        ("", None),
        ("no-such-user", None),
    ] {
        let seen = Sandbox::new().with("process", &format!("user = {text:?}")).probe("ids");
        match uid {
            // What one has no map for stays an error that names it; as root the highest number is not mapped.
            Some(uid) if seen.status.code() == Some(0) => {
                seen.has_value("uid", &format!("{uid} {uid} {uid}"));
            }
            Some("4294967294") => drop(seen.refused(125, &["4294967294"])),
            Some(_) => panic!("{text:?} is a user\n{seen}"),
            None => drop(seen.refused(125, &["user"])),
        }
    }
}

#[test]
fn a_range_of_ids_takes_them_from_etc_subuid() {
    let sandbox = Sandbox::new().with("namespaces", r#"id-map = "range""#);
    let seen = sandbox.probe("cat /proc/self/uid_map + ids");
    if is_root() && seen.status.code() == Some(125) {
        return drop(seen.refused(125, &["id-map = \"range\"", "hint: "]));
    }
    if seen.status.code() == Some(125) && !is_root() && seen.stderr.contains("newuidmap") {
        return skip("newuidmap is missing, or the caller has no range");
    }
    let seen = seen.succeeds();
    let mapped: u64 = seen
        .stdout
        .lines()
        .take_while(|line| !line.starts_with("uid"))
        .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok())
        .sum();
    assert_eq!(mapped, 65536, "{seen}");
    let outer = |line: &str| line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    if is_root() {
        let root = seen.stdout.lines().find(|line| line.trim_start().starts_with("0 ")).and_then(outer);
        assert_ne!(root, Some(0), "root inside is not root outside\n{seen}");
    }
}
