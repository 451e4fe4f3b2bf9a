//! No directory remains, whoever dies when, and whatever others do to them meanwhile.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::harness::{Running, Sandbox, alone, eventually, is_root, lacks, left_to_root};
use crate::oracle::Snapshot;

/// Limits of several controllers, so that on cgroup v1 there are several directories.
fn limited() -> Sandbox {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 50").with("cgroup", r#"cpu-max = "200%""#);
    if lacks("memory") { sandbox } else { sandbox.with("cgroup", r#"memory-max = "128M""#) }
}

/// Of the sandbox with this name, in every hierarchy.
pub fn directories(name: &str) -> Vec<PathBuf> {
    let (mut found, mut below) = (Vec::new(), vec![PathBuf::from("/sys/fs/cgroup")]);
    while let Some(directory) = below.pop() {
        let children = fs::read_dir(&directory).into_iter().flatten().flatten();
        below.extend(
            children.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
        );
        if directory.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("sandbox-{name}-"))) {
            found.push(directory);
        }
    }
    found
}

/// The probe doing this until it is running; `None` where this caller may make no cgroup, which is refused by name.
fn started(sandbox: &Sandbox, words: &str) -> Option<Running> {
    if !is_root() && sandbox.ask("check", &["/probe"]).status.code() == Some(1) {
        sandbox.probe("say").refused(125, &["cgroup: ", "hint: "]);
        return None;
    }
    let mut running = sandbox.start_probe(words);
    running.line("running");
    assert!(!directories(&sandbox.name).is_empty(), "it has none");
    Some(running)
}

#[test]
fn after_a_launch_that_failed_half_way() {
    alone();
    let before = Snapshot::take();
    for refused in ["errno 1 clone3", "enosys move_mount", "errno 12 landlock_restrict_self"] {
        let sandbox = limited().called_with(refused);
        sandbox.probe("say started").exits(125).prints("");
        assert_eq!(directories(&sandbox.name), [] as [PathBuf; 0], "{refused}");
    }
    before.still_holds();
}

#[test]
fn a_launch_whose_directory_vanishes_says_so() {
    if !is_root() {
        return left_to_root("a user's cgroups are root's here");
    }
    alone();
    let before = Snapshot::take();
    limited()
        .called_with("errno 2 clone3")
        .probe("say started")
        .refused(125, &["clone3", "removed the sandbox's cgroup"]);
    before.still_holds();
}

#[test]
fn after_its_supervisor_was_killed() {
    alone();
    let sandbox = limited();
    sandbox.sandbox(&["gc"]).exits(0);
    let before = Snapshot::take();
    // Without a pid namespace nobody but the cgroup knows who belongs to it.
    for pid in [true, false] {
        let sandbox = limited().with("namespaces", &format!("pid = {pid}"));
        let Some(running) = started(&sandbox, "daemon + crowd 5 + hang") else { return };
        let below = crate::process::descendants(running.pid());
        running.signal(Signal::SIGKILL);
        drop(running);
        sandbox.sandbox(&["gc"]).exits(0);
        assert_eq!(directories(&sandbox.name), [] as [PathBuf; 0]);
        eventually("all of them have ended", || below.iter().all(|pid| !crate::process::alive(*pid)));
    }
    before.still_holds();
}

#[test]
fn of_a_frozen_sandbox() {
    alone();
    let sandbox = limited();
    sandbox.sandbox(&["gc"]).exits(0);
    let before = Snapshot::take();
    // Its supervisor is killed; it is told to stop, and goes on or does not; its time is up.
    for (end, resumed) in
        [(Some(Signal::SIGKILL), false), (Some(Signal::SIGTERM), true), (Some(Signal::SIGTERM), false), (None, false)]
    {
        let time = if resumed { "1h" } else { "300ms" };
        let sandbox = limited().with("process", &format!("stop-timeout = {time:?}"));
        let sandbox = if end.is_none() { sandbox.option("--timeout").option("1s") } else { sandbox };
        let Some(running) = started(&sandbox, "crowd 3 + hang") else { return };
        let state = || {
            let listed = sandbox.sandbox(&["ps"]).succeeds().stdout;
            let line = listed.lines().find(|line| line.starts_with(&format!("{}-", sandbox.name)));
            line.expect("it is listed").split_whitespace().nth(1).map(str::to_owned)
        };
        assert_eq!(state().as_deref(), Some("running"));
        sandbox.sandbox(&["pause", &sandbox.name]).succeeds();
        assert_eq!(state().as_deref(), Some("paused"));
        match end {
            Some(Signal::SIGKILL) => {
                running.signal(Signal::SIGKILL);
                drop(running);
            }
            Some(signal) if !resumed => {
                running.signal(signal);
                running.ends().exits(137);
            }
            Some(signal) => {
                running.signal(signal);
                // What is frozen hears nothing until it goes on.
                std::thread::sleep(std::time::Duration::from_millis(100));
                assert!(!directories(&sandbox.name).is_empty(), "it has ended");
                sandbox.sandbox(&["resume", &sandbox.name]).succeeds();
                running.ends().exits(143);
            }
            None => drop(running.ends().exits(137)),
        }
        sandbox.sandbox(&["gc"]).exits(0);
        assert_eq!(directories(&sandbox.name), [] as [PathBuf; 0], "{end:?}");
    }
    before.still_holds();
}

/// As deep as a program might make it that gets hold of its own: each level by the one above, 200 times.
fn dig(top: &Path) {
    let mut below = top.to_owned();
    for _ in 0..200 {
        below.push("d");
        fs::create_dir(&below).expect("making a cgroup below it");
    }
    // What is frozen dies of no signal on cgroup v1, and cannot be thawed from above.
    let half = top.join(["d"; 100].join("/"));
    for (file, freeze) in [("freezer.state", "FROZEN"), ("cgroup.freeze", "1")] {
        if half.join(file).exists() {
            fs::write(half.join(file), freeze).expect("freezing a part");
        }
    }
}

#[test]
fn of_a_tree_of_two_hundred_levels() {
    alone();
    let sandbox = || Sandbox::new().with("cgroup", "pids-max = 50");
    sandbox().sandbox(&["gc"]).exits(0);
    let before = Snapshot::take();
    for killed in [false, true] {
        let sandbox = sandbox();
        let Some(mut running) = started(&sandbox, "await 1 + exit 7") else { return };
        let directories = directories(&sandbox.name);
        directories.iter().filter(|path| !path.ends_with(".launcher")).for_each(|top| dig(top));
        if killed {
            running.signal(Signal::SIGKILL);
            drop(running);
            sandbox.sandbox(&["gc"]).exits(0);
        } else {
            running.signal(Signal::SIGUSR1);
            running.line("signal USR1");
            running.ends().exits(7);
        }
        assert!(!directories.iter().any(|path| path.exists()), "it resists: {directories:?}");
    }
    before.still_holds();
}

#[test]
fn of_directories_that_vanish_meanwhile() {
    if !is_root() {
        return left_to_root("only root can move other processes out of a cgroup");
    }
    alone();
    let before = Snapshot::take();
    let sandbox = limited();
    let Some(mut running) = started(&sandbox, "await 1 + exit 7") else { return };
    for directory in directories(&sandbox.name) {
        let members = fs::read_to_string(directory.join("cgroup.procs")).expect("listing its processes");
        let above = directory.parent().expect("it has one");
        // On cgroup v2 the root may hold processes whatever it gives to its children.
        let out = if above.join("cgroup.events").exists() { Path::new("/sys/fs/cgroup") } else { above };
        for pid in members.lines() {
            fs::write(out.join("cgroup.procs"), pid).expect("moving a process out");
        }
        eventually("it can be removed", || fs::remove_dir(&directory).is_ok());
    }
    sandbox.sandbox(&["update", &sandbox.name, "pids-max=9"]).refused(1, &["cgroup: the cgroup ", " has gone"]);
    sandbox.sandbox(&["pause", &sandbox.name]).refused(1, &["no cgroup that can be frozen"]);
    sandbox.sandbox(&["stats", &sandbox.name]).exits(0);
    running.signal(Signal::SIGUSR1);
    running.line("signal USR1");
    running.ends().exits(7);
    before.still_holds();
}
