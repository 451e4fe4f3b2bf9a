//! A program that may mount file systems mounts the cgroups too, and finds no more of them than its own part.

use std::fs;
use std::path::{Path, PathBuf};

use super::cleaning::directories;
use crate::harness::{Running, Sandbox, alone, eventually, is_root, lacks, seconds, step_removal};
use crate::oracle::Snapshot;
use crate::process::{alive, descendants};

/// It may make namespaces and mounts, and is limited where the caller may limit it.
fn mounting() -> Sandbox {
    let sandbox = Sandbox::new().with("namespaces", r#"nested = "mounts""#).with("landlock", r#"enforce = "off""#);
    match is_root() {
        true => limited(sandbox.with("process", r#"user = "root""#)),
        false => sandbox,
    }
}

fn limited(sandbox: Sandbox) -> Sandbox {
    let sandbox = sandbox.with("cgroup", "pids-max = 30");
    if lacks("memory") { sandbox } else { sandbox.with("cgroup", r#"memory-max = "64M""#) }
}

/// The file that limits processes: below a mount of its own hierarchy, or of cgroup v2.
fn pids_max() -> &'static str {
    if Path::new("/sys/fs/cgroup/pids/tasks").exists() { "pids/pids.max" } else { "unified/pids.max" }
}

/// What it would do to the directory of another, were it to find it.
fn attacks(victim: &str) -> Vec<String> {
    [
        ("pids/", "pids.max max"),
        ("pids/", "cgroup.procs 0"),
        ("memory/", "memory.limit_in_bytes -1"),
        ("freezer/", "freezer.state FROZEN"),
        ("unified/", "pids.max max"),
        ("unified/", "memory.max max"),
        ("unified/", "cgroup.freeze 1"),
        ("unified/", "cgroup.kill 1"),
    ]
    .map(|(hierarchy, file)| format!("write /tmp/c/{hierarchy}{victim}/{file}"))
    .to_vec()
}

/// All that limits the sandboxes of these directories, and whether they are frozen.
fn state(directories: &[PathBuf]) -> Vec<(PathBuf, String)> {
    const FILES: [&str; 6] =
        ["pids.max", "memory.max", "memory.limit_in_bytes", "cpu.max", "cgroup.freeze", "freezer.state"];
    let files = directories.iter().flat_map(|directory| FILES.map(|file| directory.join(file)));
    files.filter_map(|file| Some((file.clone(), fs::read_to_string(&file).ok()?))).collect()
}

fn started(sandbox: &Sandbox, words: &str) -> (Running, Vec<PathBuf>) {
    let mut running = sandbox.start_probe(&format!("{words} + await 1"));
    running.line("running");
    let directories = directories(&sandbox.name);
    (running, directories)
}

fn ended(running: Running) -> crate::harness::Seen {
    running.signal(nix::sys::signal::Signal::SIGUSR1);
    running.ends()
}

#[test]
fn neither_its_own_limits_nor_another_sandbox_are_there() {
    alone();
    let before = Snapshot::take();
    // A user's files are in reach of the user's program alone, so the victim is the same user's.
    let victim = if is_root() { limited(Sandbox::new()) } else { Sandbox::new() };
    let (harmed, victims) = started(&victim, "say here");
    let name = victims.first().map_or("sandbox-none".into(), |path| path.file_name().unwrap().to_string_lossy());
    let attacks = attacks(&name);
    let words = format!("cgroups /tmp/c + write /tmp/c/{} max + forks 60 + {}", pids_max(), attacks.join(" + "));
    let attacker = mounting();
    let untouched = state(&victims);
    let (running, own) = started(&attacker, &words);
    assert_eq!(state(&victims), untouched);
    assert!(descendants(harmed.pid()).into_iter().all(alive), "the victim has been killed");
    if is_root() {
        assert!(!own.is_empty() && !victims.is_empty(), "there is nothing to be harmed");
        let value = |file: &str| own.iter().find_map(|directory| fs::read_to_string(directory.join(file)).ok());
        assert_eq!(value("pids.max").as_deref(), Some("30\n"));
        if !lacks("memory") {
            assert_eq!(value("memory.max").or(value("memory.limit_in_bytes")).as_deref(), Some("67108864\n"));
        }
        assert!(value("cgroup.freeze").is_none_or(|value| value == "0\n"));
        assert!(value("freezer.state").is_none_or(|value| value == "THAWED\n"));
        below_a_part(&running, &own);
    }
    let seen = ended(running).exits(0);
    assert!(seen.stdout.contains("mounted unified: ok") || lacks("pids"), "{seen}");
    for attack in &attacks {
        seen.refuses(attack, &["ENOENT", "EACCES", "ENOTDIR"]);
    }
    match is_root() {
        true => drop(seen.answers("forks 60", "EAGAIN")),
        // Nothing limits a user's processes here but an rlimit.
        false => drop(seen.refuses(&format!("write /tmp/c/{} max", pids_max()), &["ENOENT", "EACCES"])),
    }
    ended(harmed);
    before.still_holds();
}

/// In whatever hierarchy: where it is is what its mounts begin with.
fn below_a_part(running: &Running, own: &[PathBuf]) {
    let part = format!("/{}/payload", own[0].file_name().unwrap().to_string_lossy());
    let program = *descendants(running.pid()).last().expect("it runs");
    let places = fs::read_to_string(format!("/proc/{program}/cgroup")).expect("reading its cgroups");
    let shown = |line: &&str| !line.starts_with("0::") || own.iter().any(|path| path.join("cgroup.events").exists());
    for line in places.lines().filter(shown) {
        assert!(line.ends_with(&part), "{line} is not {part}");
    }
}

/// The controls: without the part it lifts its own limit, and without a directory of its own another's.
#[test]
fn without_a_part_of_its_own_it_lifts_limits() {
    if !is_root() {
        return crate::harness::left_to_root("a user's cgroups are root's here");
    }
    alone();
    let before = Snapshot::take();
    let (harmed, victims) = started(&limited(Sandbox::new()), "say here");
    let name = victims[0].file_name().unwrap().to_string_lossy().into_owned();
    let own = format!("cgroups /tmp/c + write /tmp/c/{} max + forks 60", pids_max());
    let seen = without(&own, |step| step.ends_with("/payload"));
    let write = format!("write /tmp/c/{} max", pids_max());
    let v1 = pids_max().starts_with("pids");
    // There the kernel itself closes the root of a cgroup namespace.
    let closed = |line: &str| line.contains(" - cgroup2 ") && line.contains("nsdelegate");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("reading the mounts");
    match !v1 && mounts.lines().any(closed) {
        true => drop(seen.answers(&write, "EPERM").answers("forks 60", "EAGAIN")),
        false => drop(seen.allows(&write).allows("forks 60")),
    }
    if v1 {
        let file = format!("/sys/fs/cgroup/pids/{name}/pids.max");
        let attack = format!("write /tmp/c/pids/{name}/pids.max max");
        assert_eq!(fs::read_to_string(&file).expect("its limit"), "30\n");
        let seen = without(&format!("cgroups /tmp/c + {attack}"), |step| {
            step.contains("/pids/") || step.starts_with("pids.max") || step == "join the cgroup of pids"
        });
        seen.allows(&attack);
        assert_eq!(fs::read_to_string(&file).expect("its limit"), "max\n");
    }
    ended(harmed);
    before.still_holds();
}

/// What the program freezes by itself on cgroup v1 is not ended by any signal, and not thawed from above.
#[test]
fn what_has_frozen_itself_is_ended_nevertheless() {
    if !is_root() {
        return crate::harness::left_to_root("a user's cgroups are root's here");
    }
    alone();
    let exists = |file: &&str| Path::new("/sys/fs/cgroup").join(file).exists();
    let v1 = Some("freezer/tasks").filter(exists).map(|_| ("freezer", "", "freezer.state", "FROZEN"));
    let v2 = ["cgroup.controllers", "unified/cgroup.controllers"].iter().any(exists);
    // With nsdelegate the root of its namespace is closed, and what it makes below is not.
    let v2 = v2.then_some(("unified", "x", "cgroup.freeze", "1"));
    assert!(v1.is_some() || v2.is_some());
    let time = format!("{}s", seconds(2).as_secs());
    for ((hierarchy, below, file, word), killed) in
        v1.into_iter().chain(v2).flat_map(|each| [(each, false), (each, true)])
    {
        let before = Snapshot::take();
        let sandbox = mounting().with("process", r#"stop-timeout = "100ms""#);
        let sandbox = if killed { sandbox } else { sandbox.option("--timeout").option(&time) };
        let place = format!("/tmp/c/{hierarchy}/{below}");
        let enter =
            if below.is_empty() { String::new() } else { format!("mkdir {place} + write {place}/cgroup.procs 0 + ") };
        let freeze = format!("cgroups /tmp/c + {enter}say now + write {place}/{file} {word} + hang");
        let mut running = sandbox.start_probe(&freeze);
        running.line("now");
        let own = directories(&sandbox.name);
        let part = own
            .iter()
            .map(|top| top.join("payload").join(below).join(file))
            .find(|file| file.exists())
            .expect("a part");
        eventually("it has frozen itself", || fs::read_to_string(&part).is_ok_and(|state| state.trim_end() == word));
        if killed {
            running.signal(nix::sys::signal::Signal::SIGKILL);
            drop(running);
            mounting().sandbox(&["gc"]).exits(0);
        } else {
            // On cgroup v2 the frozen die of a signal, and here of the first.
            running.ends().exits(if below.is_empty() { 137 } else { 143 });
        }
        assert_eq!(directories(&sandbox.name), [] as [PathBuf; 0], "{hierarchy}, {killed}");
        before.still_holds();
    }
}

/// Who cannot mount costs nothing; and a filter, or Landlock, is not all that refuses it.
#[test]
fn only_who_can_mount_gets_a_part() {
    if !is_root() {
        return crate::harness::left_to_root("a user's cgroups are root's here");
    }
    let parts = |lines: &[(&'static str, &str)]| {
        let sandbox = Sandbox::new().with("process", r#"user = "root""#);
        let sandbox = lines.iter().fold(sandbox, |sandbox, (section, line)| sandbox.with(section, line));
        sandbox.ask("plan", &["/probe"]).exits(0).stdout.matches("/payload").count()
    };
    let (off, none) = (("landlock", r#"enforce = "off""#), ("seccomp", r#"preset = "none""#));
    let (namespaces, mounts) = (("namespaces", r#"nested = "namespaces""#), ("namespaces", r#"nested = "mounts""#));
    let sys_admin = ("capabilities", r#"keep = ["sys_admin"]"#);
    for neither in [&[][..], &[off, none], &[namespaces], &[namespaces, off], &[sys_admin], &[sys_admin, off]] {
        assert_eq!(parts(neither), 0, "{neither:?}");
    }
    let everywhere = parts(&[mounts, off]);
    assert!(everywhere > 0);
    // Landlock knows nothing of mounts that are attached to nothing.
    let mount = ("seccomp", r#"allow = ["mount"]"#);
    for either in [&[namespaces, off, none][..], &[namespaces, none], &[sys_admin, off, none], &[sys_admin, off, mount]]
    {
        assert_eq!(parts(either), everywhere, "{either:?}");
    }
    assert_eq!(parts(&[sys_admin, mount]), 0);
}

/// Runs it without these steps.
fn without(words: &str, removed: impl Fn(&str) -> bool) -> crate::harness::Seen {
    let seen = mounting().option("--json").ask("plan", &["/probe"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&seen.stdout).expect("JSON");
    let mut places = Vec::new();
    for stage in plan["stages"].as_array().expect("stages") {
        let steps = stage["steps"].as_array().expect("steps").iter().enumerate();
        // The last one first: whatever follows a removed one moves up.
        for (index, step) in steps.rev().filter(|(_, step)| removed(step["step"].as_str().expect("text"))) {
            assert_eq!(step["section"], "cgroup");
            places.push(format!("{}:{index}", stage["stage"].as_str().expect("text")));
        }
    }
    assert!(!places.is_empty(), "there is no such step");
    let sandbox = mounting().of(step_removal()).env("SANDBOX_REMOVE", &format!("{},read-back", places.join(",")));
    sandbox.probe(words).exits(0)
}
