//! PATH: set-up through paths that the content of a tree controls. The launch refuses, or stays inside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::harness::{Sandbox, alone};
use crate::oracle::{Canary, Snapshot};

/// Makes something at the first path; the canary is at the second.
type Make = fn(&Path, &Path);

/// Each makes something at a path that leads elsewhere, or nowhere, when it is followed.
fn traps() -> Vec<(&'static str, Make)> {
    fn link(to: impl AsRef<Path>, at: &Path) {
        symlink(to, at).expect("making a trap");
    }
    vec![
        ("a link to the canary", |at, canary| link(canary, at)),
        ("a link up and out", |at, canary| {
            let up = "../".repeat(20);
            link(format!("{up}{}", canary.display()), at);
        }),
        ("a link to a root of /proc", |at, canary| link(format!("/proc/self/root{}", canary.display()), at)),
        ("a link to a directory of /proc", |at, _| link("/proc/self/cwd", at)),
        ("a link to a descriptor", |at, _| link("/proc/self/fd/3", at)),
        ("a link to the host's pid 1", |at, canary| link(format!("/proc/1/root{}", canary.display()), at)),
        ("a link to nothing", |at, _| link("/no/such/thing", at)),
        ("a link to itself", |at, _| link(at.file_name().expect("named"), at)),
        ("a link to a file", |at, canary| link(canary.join("file"), at)),
        ("a hard link to a file", |at, canary| std::fs::hard_link(canary.join("file"), at).expect("making a trap")),
        ("a pipe", |at, _| {
            nix::unistd::mkfifo(at, nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("making a trap")
        }),
        ("a socket", |at, _| drop(std::os::unix::net::UnixListener::bind(at).expect("making a trap"))),
        ("a file", |at, _| std::fs::write(at, "a file").expect("making a trap")),
        ("a directory", |at, _| std::fs::create_dir(at).expect("making a trap")),
    ]
}

/// The tree with a trap at a place, `canary` beside it on the host.
fn trapped(place: &str, make: Make) -> (Sandbox, Canary) {
    let sandbox = Sandbox::new();
    let mut canary = Canary::in_directory(sandbox.dir());
    let at = sandbox.dir().join("tree").join(place);
    std::fs::create_dir_all(at.parent().expect("joined")).expect("making the tree");
    make(&at, &canary.path);
    // A hard link is the canary's own file.
    canary.look_again();
    (sandbox, canary)
}

/// Started or refused: nothing of the host has changed, and nothing hangs.
#[track_caller]
fn holds(what: &str, sandbox: Sandbox, canary: &Canary) {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("reading the mounts");
    let words = "create /data/trap/mark + create /data/trap/new/mark + write /data/trap x + create /tmp/mark + create /run/mark";
    let seen = sandbox.probe(words);
    let code = seen.status.code();
    assert!(code == Some(0) || code == Some(125), "{what}\n{seen}");
    if code == Some(125) {
        assert!(seen.stderr.starts_with("sandbox: ") || seen.stderr.starts_with("error: "), "{what}\n{seen}");
    }
    canary.lives();
    for path in ["/tmp/mark", "/run/mark", "/data"] {
        assert!(!Path::new(path).exists(), "{what}: {path} on the host\n{seen}");
    }
    let after = std::fs::read_to_string("/proc/self/mountinfo").expect("reading the mounts");
    assert_eq!(after, mounts, "{what}: mounts on the host");
}

#[test]
fn every_kind_of_target_may_be_trapped() {
    let lines: [fn(&Sandbox) -> String; 8] = [
        |_| r#"tmpfs = ["/data/trap"]"#.into(),
        |_| r#"tmpfs = ["/data/trap/new"]"#.into(),
        |sandbox| format!("read-write = [\"{}:/data/trap\"]", sandbox.file("bound", "bound").display()),
        |sandbox| {
            let source = sandbox.dir().join("source");
            std::fs::create_dir_all(&source).expect("making a source");
            format!("read-write = [\"{}:/data/trap/new\"]", source.display())
        },
        |_| r#"files = { "/data/trap" = "written" }"#.into(),
        |_| r#"files = { "/data/trap/new" = "written" }"#.into(),
        |_| r#"symlinks = { "/data/trap" = "/probe" }"#.into(),
        |_| r#"hide = ["/data/trap"]"#.into(),
    ];
    for (what, make) in traps() {
        for line in lines {
            let (sandbox, canary) = trapped("trap", make);
            let line = line(&sandbox);
            let entry = format!("{}:/data", sandbox.dir().join("tree").display());
            let sandbox = sandbox.read_only(&entry).with("rootfs", &line);
            holds(&format!("{what}, {line}"), sandbox, &canary);
        }
    }
}

#[test]
fn every_place_of_a_root_may_be_trapped() {
    let places = [
        "proc",
        "sys",
        "dev",
        "dev/pts",
        "dev/shm",
        "dev/null",
        "dev/ptmx",
        "tmp",
        "run",
        "run/user",
        "var/tmp",
        "etc/passwd",
    ];
    for place in places {
        for (what, make) in traps() {
            let (sandbox, canary) = trapped(place, make);
            let tree = sandbox.dir().join("tree");
            // Each entry of the tree becomes one of the root: what a layer will be.
            let mut sandbox = sandbox.with("rootfs", r#"base = "none""#);
            for entry in std::fs::read_dir(&tree).expect("listing the tree").flatten() {
                let name = entry.file_name();
                let line = format!("{}:/{}", entry.path().display(), name.display());
                sandbox = sandbox.read_only(&line);
            }
            holds(&format!("{what} at /{place}"), sandbox, &canary);
        }
    }
}

/// RACE: what a target is when it is looked up need not be what it is when something is put there.
#[test]
fn a_target_that_is_exchanged_meanwhile_leads_nowhere() {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    use std::sync::atomic::{AtomicBool, Ordering};
    let lines = [
        r#"tmpfs = ["/data/trap/new"]"#,
        r#"read-write = ["./source:/data/trap/new"]"#,
        r#"files = { "/data/trap/new" = "written" }"#,
        r#"hide = ["/data/trap/inner"]"#,
    ];
    for line in lines {
        let (sandbox, canary) =
            trapped("trap", |at, _| std::fs::create_dir_all(at.join("inner")).expect("a directory"));
        let tree = sandbox.dir().join("tree");
        std::fs::create_dir(sandbox.dir().join("source")).expect("making a source");
        symlink(&canary.path, tree.join("other")).expect("making a trap");
        let entry = format!("{}:/data", tree.display());
        let sandbox = sandbox.read_only(&entry).with("rootfs", line);
        let (trap, other, over) = (tree.join("trap"), tree.join("other"), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let exchanging = scope.spawn(|| {
                let mut turns = 0u64;
                while !over.load(Ordering::Relaxed) {
                    renameat2(AT_FDCWD, &trap, AT_FDCWD, &other, RenameFlags::RENAME_EXCHANGE).expect("exchanging");
                    turns += 1;
                }
                turns
            });
            let mut codes = Vec::new();
            for _ in 0..25 {
                let seen =
                    sandbox.probe("create /data/trap/new/mark + create /data/trap/mark + write /data/trap/file x");
                let code = seen.status.code();
                assert!(code == Some(0) || code == Some(125), "{line}\n{seen}");
                codes.push(code);
            }
            over.store(true, Ordering::Relaxed);
            let turns = exchanging.join().expect("exchanging");
            // The control: every launch met both, many times over.
            assert!(turns > 100 * codes.len() as u64, "{turns} exchanges");
        });
        canary.lives();
        assert!(!sandbox.dir().join("canary/new").exists(), "{line}");
    }
}

#[test]
fn a_way_may_lead_through_a_name_that_is_no_text() {
    let sandbox = Sandbox::new();
    let tree = sandbox.dir().join("tree");
    let named = tree.join(OsStr::from_bytes(b"a b\xff"));
    std::fs::create_dir_all(&named).expect("making the tree");
    symlink(named.file_name().expect("joined"), tree.join("near")).expect("making a link");
    let sandbox = sandbox.read_only(&format!("{}:/data", tree.display())).with("rootfs", r#"tmpfs = ["/data/near"]"#);
    let seen = sandbox.probe("create /data/near/mark + create /data/mark").exits(0);
    seen.allows("create /data/near/mark").refuses("create /data/mark", &["EROFS", "EACCES"]);
    assert!(!named.join("mark").exists(), "{seen}");
}

#[test]
fn a_trap_in_the_working_directory_leads_nowhere() {
    for (what, make) in traps() {
        let (sandbox, canary) = trapped("trap", make);
        let entry = format!("{}:/data", sandbox.dir().join("tree").display());
        let sandbox = sandbox.read_only(&entry).with("process", r#"cwd = "/data/trap""#);
        let seen = sandbox.probe("cwd");
        if seen.status.code() == Some(0) {
            let cwd = seen.value("cwd");
            assert!(cwd.starts_with('/') && !cwd.contains("canary"), "{what}\n{seen}");
        }
        canary.lives();
    }
}

#[test]
fn a_trap_as_a_source_is_followed_once_and_only_outside() {
    // The author may name a link; what it leads to is bound, and nothing is made there.
    for (what, make) in traps() {
        let (sandbox, canary) = trapped("trap", make);
        let entry = format!("{}:/bound", sandbox.dir().join("tree/trap").display());
        let sandbox = sandbox.read_only(&entry);
        let seen = sandbox.probe("create /bound/mark + write /bound x");
        assert!([Some(0), Some(125)].contains(&seen.status.code()), "{what}\n{seen}");
        canary.lives();
    }
}

#[test]
fn traps_leave_nothing_on_the_host() {
    alone();
    let before = Snapshot::take();
    for (_, make) in traps() {
        let (sandbox, canary) = trapped("trap", make);
        let entry = format!("{}:/data", sandbox.dir().join("tree").display());
        let sandbox = sandbox.read_only(&entry).with("rootfs", r#"tmpfs = ["/data/trap"]"#);
        sandbox.probe("say");
        canary.lives();
    }
    before.still_holds();
}
