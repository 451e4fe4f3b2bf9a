//! `[rootfs]`: the tree that the program sees as `/`.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::harness::{Sandbox, is_root, left_to_root, quoted};
use crate::oracle::Canary;

#[test]
fn an_empty_profile_shows_a_read_only_system() {
    let seen = Sandbox::new()
        .probe("write /usr/bin/env + create /usr/x + create /etc/x + mkdir /x + create /x + unlink /etc/passwd + chmod 0 /usr")
        .succeeds();
    for attempt in ["write /usr/bin/env", "create /usr/x", "create /etc/x", "mkdir /x", "create /x"] {
        seen.refuses(attempt, &["EROFS", "EACCES"]);
    }
    seen.refuses("unlink /etc/passwd", &["EROFS", "EACCES"]).refuses("chmod 0 /usr", &["EROFS", "EPERM", "EACCES"]);
    // The mounts alone refuse as well, where neither ownership nor Landlock has a say.
    let bare = Sandbox::new().with("landlock", r#"enforce = "off""#).probe("create /usr/x + mkdir /x").succeeds();
    if is_root() {
        bare.answers("create /usr/x", "EROFS").answers("mkdir /x", "EROFS");
    }
}

#[test]
fn secrets_of_the_system_are_not_in_it() {
    let words = "cat /etc/shadow + cat /etc/gshadow + read /etc/shadow + ls /etc/ssl/private + ls /etc/sudoers.d";
    let seen = Sandbox::new().probe(words).succeeds();
    assert!(!seen.stdout.contains("root:"), "{seen}");
    assert_eq!(seen.values("entry").count(), 0, "{seen}");
    let host = Sandbox::new().with("rootfs", r#"base = "host""#).probe("cat /etc/shadow").succeeds();
    assert!(!host.stdout.contains("root:"), "{host}");
}

#[test]
fn places_for_files_are_always_there() {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let home = crate::harness::home();
    let home = home.display();
    for base in ["system", "host", "none"] {
        let sandbox = Sandbox::new().with("rootfs", &format!("base = {base:?}"));
        let places =
            ["/tmp".to_owned(), "/var/tmp".into(), "/dev/shm".into(), format!("{home}"), format!("/run/user/{uid}")];
        let words: Vec<String> =
            places.iter().map(|place| format!("stat {place} + create {place}/new + ls {place}")).collect();
        let seen = sandbox.probe(&words.join(" + ")).succeeds();
        for place in &places {
            let mode = if place.contains("tmp") || place.contains("shm") { "1777" } else { "0700" };
            let rest = seen.value(&format!("stat {place}"));
            assert_eq!(rest, format!("d {mode} {uid} {gid} 0:0"), "{base} {place}\n{seen}");
            seen.allows(&format!("create {place}/new"));
        }
        assert_eq!(seen.values("entry").filter(|name| *name != "new").count(), 0, "all are empty\n{seen}");
    }
}

#[test]
fn nothing_is_in_a_root_without_a_base_but_what_was_asked_for() {
    let seen = Sandbox::new().with("rootfs", r#"base = "none""#).probe("ls / + ls /dev").succeeds();
    let mut names: Vec<&str> = seen.values("entry").collect();
    names.sort_unstable();
    for name in ["usr", "bin", "lib", "opt", "sys", "boot", "srv", "mnt"] {
        assert!(!names.contains(&name), "{name}\n{seen}");
    }
    assert!(names.contains(&"probe"), "{seen}");
}

#[test]
fn the_hosts_tree_is_shown_read_only_and_without_homes() {
    let seen = Sandbox::new()
        .with("rootfs", r#"base = "host""#)
        .probe("list /var/lib + create /var/lib/x + ls /home + ls /root + read /boot/x + create /srv/x + ls /tmp")
        .succeeds();
    seen.allows("list /var/lib").refuses("create /var/lib/x", &["EROFS", "EACCES"]);
    seen.refuses("create /srv/x", &["EROFS", "EACCES", "ENOENT"]);
    let others: Vec<&str> =
        seen.values("entry").filter(|name| *name != "sandbox-test" && !name.starts_with('.')).collect();
    assert!(others.is_empty(), "{others:?}\n{seen}");
}

#[test]
fn grants_are_read_only_or_read_write_as_written() {
    let sandbox = Sandbox::new();
    let canary = Canary::in_directory(sandbox.dir());
    let writable = sandbox.dir().join("writable");
    std::fs::create_dir(&writable).expect("making a directory");
    let read = format!("{}:/canary", canary.path.display());
    let write = format!("read-write = [\"{}:/writable\"]", writable.display());
    let sandbox = sandbox.read_only(&read).with("rootfs", &write);
    let seen = sandbox
        .probe(
            "read /canary/file + write /canary/file x + create /canary/new + chmod 0 /canary/file \
             + setxattr user.x /canary/file + unlink /canary/file + rename /canary/file /canary/x \
             + create /writable/new + write /writable/new text + mkdir /writable/d + rename /writable/new /writable/d/moved",
        )
        .succeeds();
    seen.allows("read /canary/file");
    for attempt in
        ["write /canary/file x", "create /canary/new", "unlink /canary/file", "rename /canary/file /canary/x"]
    {
        seen.refuses(attempt, &["EROFS", "EACCES"]);
    }
    for attempt in ["chmod 0 /canary/file", "setxattr user.x /canary/file"] {
        seen.refuses(attempt, &["EROFS", "EACCES", "EPERM"]);
    }
    for attempt in ["create /writable/new", "mkdir /writable/d", "rename /writable/new /writable/d/moved"] {
        seen.allows(attempt);
    }
    canary.lives();
    assert_eq!(std::fs::read_to_string(writable.join("d/moved")).expect("written inside"), "text");
    let owner = writable.join("d/moved").metadata().expect("written inside").uid();
    assert_eq!(owner, nix::unistd::geteuid().as_raw());
}

#[test]
fn read_only_goes_down_to_every_mount_below() {
    if !is_root() {
        return left_to_root("only root can mount on the host");
    }
    let sandbox = Sandbox::new();
    let below = sandbox.dir().join("tree/below");
    std::fs::create_dir_all(&below).expect("making a directory");
    let entry = format!("{}:/tree", below.parent().expect("joined").display());
    let sandbox = sandbox.read_only(&entry);
    let launch = sandbox.command("run", &["/probe", "create", "/tree/below/x", "+", "create", "/tree/x"]);
    let mut command = std::process::Command::new("unshare");
    let script = format!("mount -t tmpfs x {} && exec \"$@\"", below.display());
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(launch.get_program()).args(launch.get_args());
    command.current_dir("/");
    let output = command.output().expect("starting");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("create /tree/below/x: EROFS") || text.contains("create /tree/below/x: EACCES"),
        "{output:?}"
    );
}

#[test]
fn grants_carry_no_devices_and_no_setuid_programs_and_programs_only_with_exec() {
    let sandbox = Sandbox::new();
    let program = sandbox.dir().join("program");
    std::fs::copy("/bin/true", &program).expect("copying a program");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).expect("its mode");
    let directory = quoted(&sandbox.dir().display().to_string());
    let sandbox = sandbox
        .with("rootfs", &format!("read-write = [{{ source = {directory}, target = \"/plain\", exec = false }}]"))
        .read_only(&format!("{}:/with", sandbox_dir(&directory)));
    let seen = sandbox
        .probe("exec /with/program + exec /plain/program + map-exec /plain/program + cat /proc/self/mountinfo")
        .succeeds();
    seen.allows("exec /with/program").refuses("exec /plain/program", &["EACCES"]);
    seen.refuses("map-exec /plain/program", &["EPERM", "EACCES"]);
    for target in ["/with", "/plain"] {
        let line = seen.stdout.lines().find(|line| line.split(' ').nth(4) == Some(target)).expect("mounted");
        assert!(line.contains("nosuid") && line.contains("nodev"), "{line}");
    }
}

fn sandbox_dir(quoted: &str) -> String {
    quoted.trim_matches('"').to_owned()
}

#[test]
fn the_deepest_target_wins_whatever_the_list() {
    let sandbox = Sandbox::new();
    sandbox.file("outer/inner/deep/file", "here");
    sandbox.file("other/file", "there");
    let at = |path: &str| sandbox.dir().join(path).display().to_string();
    let read_write = format!("read-write = [\"{}:/a/inner\", \"{}:/b\"]", at("outer/inner"), at("outer"));
    let tmpfs = r#"tmpfs = ["/a/inner/deep"]"#;
    let (outer, other) = (format!("{}:/a", at("outer")), format!("{}:/b/inner", at("other")));
    let sandbox = sandbox.with("rootfs", &read_write).with("rootfs", tmpfs).read_only(&outer).read_only(&other);
    let seen = sandbox
        .probe(
            "create /a/x + create /a/inner/x + ls /a/inner/deep + create /b/x + create /b/inner/x + cat /b/inner/file",
        )
        .succeeds();
    seen.refuses("create /a/x", &["EROFS", "EACCES"]).allows("create /a/inner/x").allows("create /b/x");
    seen.refuses("create /b/inner/x", &["EROFS", "EACCES"]);
    assert!(seen.stdout.contains("there"), "{seen}");
    assert_eq!(seen.values("entry").count(), 0, "{seen}");
}

#[test]
fn a_mount_point_in_a_read_only_tree_leaves_no_trace_on_the_host() {
    // bubblewrap #413: empty files and directories stayed behind.
    let sandbox = Sandbox::new();
    let canary = Canary::in_directory(sandbox.dir());
    let entry = format!("{}:/canary", canary.path.display());
    let file = sandbox.file("source", "bound");
    let bind = format!("read-write = [\"{}:/canary/directory/new/bound\"]", file.display());
    let sandbox = sandbox
        .read_only(&entry)
        .with("rootfs", &bind)
        .with("rootfs", r#"tmpfs = ["/canary/new/tmpfs"]"#)
        .with("rootfs", r#"files = { "/canary/text" = "written", "/canary/file" = "covered" }"#)
        .with("rootfs", r#"symlinks = { "/canary/pointer" = "file" }"#)
        .with("rootfs", r#"hide = ["/canary/secret"]"#);
    let seen = sandbox
        .probe(
            "cat /canary/directory/new/bound + create /canary/new/tmpfs/x + cat /canary/text + cat /canary/file \
             + stat /canary/pointer + cat /canary/secret + cat /canary/directory/deep + cat /canary/hard",
        )
        .succeeds();
    seen.allows("create /canary/new/tmpfs/x");
    for text in ["bound", "written", "covered", "deep", "sing", "-> file"] {
        assert!(seen.stdout.contains(text), "{text}\n{seen}");
    }
    assert!(!seen.stdout.contains("hush"), "{seen}");
    canary.lives();
}

#[test]
fn hidden_things_are_empty_unreadable_and_stay_so() {
    let sandbox = Sandbox::new();
    sandbox.file("tree/secret", "hush");
    sandbox.file("tree/private/key", "hush");
    let entry = format!("{}:/tree", sandbox.dir().join("tree").display());
    let sandbox =
        sandbox.read_only(&entry).with("rootfs", r#"hide = ["/tree/secret", "/tree/private", "-/tree/none"]"#);
    let seen = sandbox
        .probe(
            "cat /tree/secret + ls /tree/private + write /tree/secret x + create /tree/private/x \
             + read /tree/private/key + umount /tree/private + rename /tree/private /tree/x",
        )
        .succeeds();
    assert!(!seen.stdout.contains("hush"), "{seen}");
    seen.refuses("write /tree/secret x", &["EROFS", "EACCES", "ENXIO"]);
    seen.refuses("create /tree/private/x", &["EROFS", "EACCES"])
        .refuses("read /tree/private/key", &["ENOENT", "EACCES"]);
    seen.refuses("umount /tree/private", &["EPERM"])
        .refuses("rename /tree/private /tree/x", &["EROFS", "EBUSY", "EACCES"]);
    Sandbox::new().with("rootfs", r#"hide = ["/not/there"]"#).probe("say").refused(125, &["/not/there", "hint: "]);
}

#[test]
fn files_and_links_are_as_written() {
    let seen = Sandbox::new()
        .with(
            "rootfs",
            r#"files = { "/etc/motd" = "hi\n", "/opt/deep/er/app.conf" = { text = "x=${HOME}\n", mode = "0600" } }"#,
        )
        .with("rootfs", r#"symlinks = { "/link" = "etc/motd", "/usr/bin/a-link" = "../../probe" }"#)
        .probe("cat /etc/motd + cat /opt/deep/er/app.conf + stat /opt/deep/er/app.conf + stat /link + exec /usr/bin/a-link")
        .succeeds();
    assert!(seen.stdout.starts_with("hi\nx=${HOME}\n"), "contents are not expanded\n{seen}");
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    seen.has_value("stat /opt/deep/er/app.conf", &format!("- 0600 {uid} {gid} 0:0"));
    assert!(seen.value("stat /link").ends_with("-> etc/motd"), "{seen}");
    seen.allows("exec /usr/bin/a-link");
}

#[test]
fn a_tmpfs_has_the_size_and_mode_written() {
    let sandbox =
        Sandbox::bare().with("rootfs", r#"tmpfs = ["/scratch", { target = "/work", size = "1M", mode = "1777" }]"#);
    let script = "stat -c %a /scratch /work; head -c 900000 /dev/zero > /work/a && echo fits; \
                  head -c 2000000 /dev/zero > /work/b 2>/dev/null || echo full";
    let seen = sandbox.run(&["sh", "-c", script]).exits(0);
    assert!(seen.stdout.contains("1777\nfits\nfull\n"), "{seen}");
}

#[test]
fn memory_for_files_is_limited_in_bytes_and_in_number() {
    // A fraction of memory for all: a program cannot use the host's up.
    let script = "df --output=size -B1 /tmp | tail -1; df --output=itotal /tmp | tail -1";
    let seen = Sandbox::bare().run(&["sh", "-c", script]).succeeds();
    let numbers: Vec<u64> = seen.stdout.lines().filter_map(|line| line.trim().parse().ok()).collect();
    let memory = nix::sys::sysinfo::sysinfo().expect("asking the kernel").ram_total();
    assert!(numbers.len() == 2 && numbers[0] > 0 && numbers[0] <= memory / 4 + 4096, "{seen}");
    assert!(numbers[1] > 0 && numbers[1] < 100_000_000, "{seen}");
}

#[test]
fn writes_are_forgotten_where_the_profile_says_discard() {
    let sandbox = Sandbox::new().with("rootfs", r#"writes = "discard""#).with("process", r#"user = "root""#);
    let before = std::fs::metadata("/usr/bin").expect("looking at the host");
    let seen = sandbox.probe("create /opt/new + write /opt/new text + cat /opt/new + create /x + ls /opt");
    if !is_root() {
        // With one id mapped, what root owns outside belongs to nobody inside.
        return drop(seen.exits(0));
    }
    // Not without a word before Linux 6.6, which `removals_are_forgotten_too` is about.
    let seen = seen.exits(0);
    seen.allows("create /opt/new").allows("create /x");
    sandbox.probe("stat /opt/new").exits(0).has_value("stat /opt/new", "ENOENT");
    assert!(!Path::new("/opt/new").exists());
    let after = std::fs::metadata("/usr/bin").expect("looking at the host");
    assert_eq!((before.ctime(), before.ctime_nsec()), (after.ctime(), after.ctime_nsec()));
}

/// What lies beneath is locked to it in a user namespace, and overlayfs takes a directory without what is mounted in it.
#[test]
fn an_overlay_of_a_directory_with_a_mount_in_it_is_refused_with_the_reason() {
    let link = r#"symlinks = { "/usr/bin/a-link" = "env" }"#;
    let sandbox = || Sandbox::new().called_with("mounted /usr/local");
    sandbox().with("rootfs", link).probe("say").refused(125, &["/usr", "mounted beneath", "hint: "]);
    sandbox().probe("say").exits(0);
    Sandbox::new().with("rootfs", link).probe("say").succeeds();
}

#[test]
fn removals_are_forgotten_too() {
    if !is_root() {
        return left_to_root("with one id mapped, what root owns outside belongs to nobody inside");
    }
    let host = directory_of_the_hosts();
    let directory = host.display();
    let sandbox = Sandbox::new().with("rootfs", r#"writes = "discard""#).with("process", r#"user = "root""#);
    let words = format!("unlink {directory}/file + rmdir {directory}");
    let seen = sandbox.probe(&words).exits(0);
    let kept = host.join("file").exists();
    std::fs::remove_dir_all(&host).expect("tidying up");
    assert!(kept, "{seen}");
    seen.allows(&format!("unlink {directory}/file"));
    if kernel() < (6, 6) {
        // Documented: tmpfs has no user.* attributes before, and that is said.
        seen.answers(&format!("rmdir {directory}"), "EIO");
        seen.says(&["cannot hold the mark of a removed directory", "hint: "]);
    } else {
        seen.allows(&format!("rmdir {directory}"));
        seen.succeeds();
    }
}

/// A directory of the host's own, with a file in it.
fn directory_of_the_hosts() -> PathBuf {
    let path = PathBuf::from(format!("/opt/sandbox-it-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("making a directory");
    std::fs::write(path.join("file"), "kept").expect("writing a file");
    path
}

/// As uname(2) has it.
fn kernel() -> (u32, u32) {
    let release = nix::sys::utsname::uname().expect("asking the kernel").release().to_string_lossy().into_owned();
    let mut numbers = release.split('.').map_while(|number| number.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[test]
fn what_persists_is_there_the_next_time_for_one_at_a_time() {
    let sandbox =
        Sandbox::new().with("rootfs", r#"persist = ["/var/lib/kept", { target = "/var/lib/seen", mode = "0755" }]"#);
    let data = sandbox.dir().join("data");
    let place = data.display().to_string();
    let sandbox = sandbox.env("XDG_DATA_HOME", &place);
    let seen =
        sandbox.probe("create /var/lib/kept/file + write /var/lib/kept/file text + stat /var/lib/kept").succeeds();
    seen.allows("create /var/lib/kept/file");
    for (path, mode) in [("/var/lib/kept", "d 0700 "), ("/var/lib/seen", "d 0755 ")] {
        let seen = sandbox.probe(&format!("stat {path}")).succeeds();
        assert!(seen.stdout.contains(mode), "{path}: {seen}");
    }
    let seen = sandbox.probe("cat /var/lib/kept/file").succeeds();
    assert_eq!(seen.stdout, "text\n");
    let mut holder = sandbox.start_probe("hang");
    holder.line("running");
    sandbox.probe("say").refused(125, &["held", "hint: "]);
    drop(holder);
    crate::harness::eventually("the holder has let go", || sandbox.probe("say").status.success());
    let kept = if is_root() { "/var/lib/sandbox".into() } else { data.join("sandbox") };
    let _ = std::fs::remove_dir_all(kept.join("persist").join(&sandbox.name));
}

#[test]
fn the_home_is_granted_as_written() {
    let home = crate::harness::home();
    let marker = home.join(format!(".sandbox-it-{}", std::process::id()));
    std::fs::write(&marker, "home").expect("writing to the home");
    let name = marker.display();
    for (access, reads, writes) in [("empty", false, false), ("read-only", true, false), ("read-write", true, true)] {
        let sandbox = Sandbox::new().with("rootfs", &format!("home = {access:?}"));
        let seen = sandbox.probe(&format!("read {name} + write {name} x")).succeeds();
        assert_eq!(seen.answer(&format!("read {name}")) == "ok", reads, "{access}\n{seen}");
        assert_eq!(seen.answer(&format!("write {name} x")) == "ok", writes, "{access}\n{seen}");
    }
    std::fs::remove_file(&marker).expect("tidying up");
}

#[test]
fn a_grant_that_contains_the_home_or_the_profile_is_not_given_by_accident() {
    let home = crate::harness::home();
    let parent = home.parent().expect("a home below /").display();
    let line = format!("read-write = [\"{parent}:/above\"]");
    if home.parent() != Some(Path::new("/")) {
        Sandbox::new().with("rootfs", &line).probe("say").refused(125, &["home", "hint: "]);
    }
    // Its own profile lies in a granted tree, and is read-only there.
    let sandbox = Sandbox::new();
    let line = format!("read-write = [\"{}:/data\"]", sandbox.dir().display());
    let name = sandbox.name.clone();
    let profile = sandbox.dir().join(&name).with_extension("toml");
    let sandbox = sandbox.with("rootfs", &line);
    let words = format!(
        "write /data/{name}.toml x + unlink /data/{name}.toml + rename /data/{name}.toml /data/x + create /data/new"
    );
    let seen = sandbox.probe(&words).exits(0);
    seen.allows("create /data/new");
    seen.refuses(&format!("write /data/{name}.toml x"), &["EROFS", "EACCES"]);
    seen.refuses(&format!("unlink /data/{name}.toml"), &["EBUSY", "EROFS", "EACCES"]);
    assert!(std::fs::read_to_string(profile).expect("still there").contains("[rootfs]"));
}

#[test]
fn sys_is_shown_only_when_asked_for_and_read_only() {
    Sandbox::new().probe("stat /sys/kernel").succeeds().has_value("stat /sys/kernel", "ENOENT");
    let seen = Sandbox::new()
        .with("rootfs", r#"sys = "read-only""#)
        .probe("list /sys/kernel + write /sys/kernel/profiling x + list /sys/kernel/debug + ls /sys/firmware + ls /sys/class/net")
        .succeeds();
    seen.allows("list /sys/kernel").refuses("write /sys/kernel/profiling x", &["EROFS", "EACCES"]);
    let names: Vec<&str> = seen.values("entry").collect();
    assert!(names.iter().all(|name| !name.starts_with("eth")), "the host's interfaces\n{seen}");
    let host = Sandbox::new().with("rootfs", r#"sys = "read-only""#).with("network", r#"mode = "host""#);
    host.probe("say").refused(125, &["sys", "hint: "]);
}

#[test]
fn the_hosts_root_is_no_bind_source() {
    // With it came the host's procfs without covers, and the sandbox's own half-made root.
    let refused = Sandbox::new().read_only("/:/host").probe("ls /host");
    refused.refused(125, &["bind source / holds the host's /proc", "base = \"host\""]);
}

/// Which entry lies in which is decided where the links lead, not as they were written: /bin is a link on most machines.
#[test]
fn what_lies_in_a_hidden_directory_is_hidden_with_it() {
    let hiding = |list: &str| {
        let sandbox = Sandbox::new().with("rootfs", &format!("hide = [{list}]"));
        sandbox.ask("check", &["/probe"]).exits(0);
        sandbox
    };
    for list in
        ["\"/bin/echo\", \"/usr/bin\"", "\"/usr/bin\", \"/bin/echo\"", "\"/usr/bin/echo\", \"/usr\", \"/bin/sh\""]
    {
        let seen = hiding(list).probe("read /bin/echo + read /usr/bin/echo");
        seen.refuses("read /bin/echo", &["EACCES", "ENOENT"]).refuses("read /usr/bin/echo", &["EACCES", "ENOENT"]);
    }
    hiding("\"/usr/bin/echo\"").probe("read /bin/env").allows("read /bin/env");
    // What the defaults put there goes with it: secrets, and places in memory.
    for place in ["/etc", "/run", "/var"] {
        let within = hiding(&format!("{place:?}")).probe(&format!("create {place}/x + list {place}"));
        within
            .refuses(&format!("create {place}/x"), &["EACCES", "EROFS"])
            .refuses(&format!("list {place}"), &["EACCES"]);
        let link = format!("symlinks = {{ {place:?} = \"elsewhere\" }}");
        Sandbox::new().with("rootfs", &link).probe("say linked").succeeds().prints("linked\n");
    }
}

/// What the author put there himself does not go in silence, whatever links lead there.
#[test]
fn an_entry_beneath_a_hidden_directory_is_refused_ahead() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.dir().join("tree/deep/inner")).expect("making directories");
    sandbox.file("tree/deep/inner/file", "x");
    std::os::unix::fs::symlink("/data/deep/inner", sandbox.dir().join("tree/link")).expect("linking");
    let tree = sandbox.dir().join("tree").display().to_string();
    for (entry, noun) in
        [("/usr/bin:/bin/below", "/usr/bin"), ("/etc/hostname:/data/link/file", "/data/deep/inner/file")]
    {
        let hide = "hide = [\"/usr/bin\", \"/data/deep/inner\"]";
        let sandbox = Sandbox::new().read_only(&format!("{tree}:/data")).read_only(entry).with("rootfs", hide);
        for (subcommand, code) in [("check", 1), ("plan", 1), ("run", 125)] {
            let said = sandbox.ask(subcommand, &["/probe"]).exits(code).stderr;
            assert!(said.contains("error: rootfs: target ") && said.contains(noun) && said.contains("^^^"), "{said}");
        }
    }
}
