//! Limits as the kernel says them back, outside and without the program under test; and what is refused where the machine
//! has no such limit.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::unistd::{AccessFlags, access};

use super::cleaning::directories;
use crate::harness::{Running, Sandbox, is_root};

/// The version of cgroups that has a controller for this caller to use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Has {
    V1,
    V2,
    Nothing,
}

pub fn has(controller: &str) -> Has {
    let text = fs::read_to_string("/proc/self/cgroup").expect("reading our cgroups");
    let own = |names: &str| {
        text.lines().find_map(|line| {
            let (known, path) = line.split_once(':')?.1.split_once(':')?;
            (known.split(',').any(|name| name == names)).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let v1 = if controller == "io" { "blkio" } else { controller };
    if own(v1).is_some() {
        return if is_root() { Has::V1 } else { Has::Nothing };
    }
    let tops = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
    let top = tops.into_iter().find(|top| top.join("cgroup.controllers").exists());
    let (Some(place), Some(top)) = (own(""), top) else { return Has::Nothing };
    // Whoever may divide a cgroup sits in a leaf of it, or in the root.
    let place = top.join(place);
    let divided = if place == top { top } else { place.parent().expect("below the top") };
    let known = fs::read_to_string(divided.join("cgroup.controllers")).unwrap_or_default();
    let ours = access(&divided.join("cgroup.procs"), AccessFlags::W_OK).is_ok();
    // A user's manager before systemd 254 leaves no mark on what it delegates: nobody can tell it from what it keeps.
    let is_unit = |path: &&Path| matches!(path.extension(), Some(kind) if kind == "scope" || kind == "service");
    let unit = divided.ancestors().find(is_unit).filter(|_| Path::new("/run/systemd/system").exists());
    let ours = ours && unit.is_none_or(|unit| sandbox::host::Host::live().delegated(unit));
    if ours && known.split_ascii_whitespace().any(|name| name == controller) { Has::V2 } else { Has::Nothing }
}

/// A file of the sandbox's cgroups, in the directory that holds the program.
pub fn value(sandbox: &Sandbox, running: &Running, file: &str) -> String {
    let holds = |directory: &PathBuf| {
        let members = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
        crate::process::descendants(running.pid()).iter().any(|pid| members.lines().any(|one| one == pid.to_string()))
    };
    let found = directories(&sandbox.name).into_iter().filter(holds).find(|directory| directory.join(file).exists());
    let found = found.unwrap_or_else(|| panic!("no cgroup with a process of it has {file}"));
    fs::read_to_string(found.join(file)).expect("reading a limit").trim_end().to_owned()
}

pub fn started(sandbox: &Sandbox) -> Running {
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    running
}

pub fn ended(running: Running) {
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
}

#[track_caller]
pub fn refused(sandbox: &Sandbox, words: &[&str]) {
    sandbox.probe("say started").refused(125, words).prints("");
}

/// A key, what it is set to, and the file of each version with what it reads then; or what the refusal says.
struct Limit {
    key: &'static str,
    value: String,
    controller: &'static str,
    v2: (&'static str, String),
    v1: Result<(&'static str, String), &'static str>,
}

/// The last one of a list as `0-3,6`: what is inherited would be all of them.
fn last_of(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).expect("reading a list");
    let list = text.lines().find_map(|line| line.strip_prefix(name)).expect("it has one").trim();
    list.rsplit([',', '-']).next().expect("it is not empty").to_owned()
}

fn limits() -> Vec<Limit> {
    let allowed = |name| last_of("/proc/self/status", name);
    let (cpu, node) = (allowed("Cpus_allowed_list:"), allowed("Mems_allowed_list:"));
    let quoted = |text: &str| format!("{text:?}");
    let limit = |key, value: &str, controller, v2: (&'static str, &str), v1: Result<(&'static str, &str), _>| Limit {
        key,
        value: value.to_owned(),
        controller,
        v2: (v2.0, v2.1.to_owned()),
        v1: v1.map(|(file, reads)| (file, reads.to_owned())),
    };
    vec![
        limit(
            "memory-oom-group",
            "true",
            "memory",
            ("memory.oom.group", "1"),
            Err("cgroup v1 kills one process at a time"),
        ),
        limit(
            "memory-low",
            r#""8M""#,
            "memory",
            ("memory.low", "8388608"),
            Err("cgroup v1 protects no memory from reclaim"),
        ),
        limit(
            "memory-high",
            r#""64M""#,
            "memory",
            ("memory.high", "67108864"),
            Ok(("memory.soft_limit_in_bytes", "67108864")),
        ),
        limit("cpuset-cpus", &quoted(&cpu), "cpuset", ("cpuset.cpus", &cpu), Ok(("cpuset.cpus", &cpu))),
        limit("cpuset-mems", &quoted(&node), "cpuset", ("cpuset.mems", &node), Ok(("cpuset.mems", &node))),
        limit(
            "hugetlb-max",
            r#"{ "2M" = "5M" }"#,
            "hugetlb",
            ("hugetlb.2MB.max", "4194304"),
            Ok(("hugetlb.2MB.limit_in_bytes", "4194304")),
        ),
    ]
}

#[test]
fn each_limit_is_in_force_or_refused_by_name() {
    for Limit { key, value: set_to, controller, v2, v1 } in limits() {
        let sandbox = Sandbox::new().with("cgroup", &format!("{key} = {set_to}"));
        let named = format!("{key}: ");
        let (file, reads) = match (has(controller), v1) {
            (Has::Nothing, _) => {
                refused(&sandbox, &[&named, "hint: "]);
                continue;
            }
            (Has::V1, Err(reason)) => {
                refused(&sandbox, &[&named, reason, "hint: "]);
                continue;
            }
            (Has::V1, Ok(v1)) => v1,
            (Has::V2, _) => v2,
        };
        let running = started(&sandbox);
        assert_eq!(value(&sandbox, &running, file), reads, "{key}");
        // What the kernel makes of it for each process.
        if controller == "cpuset" {
            let list = if key == "cpuset-cpus" { "Cpus_allowed_list:" } else { "Mems_allowed_list:" };
            for pid in crate::process::descendants(running.pid()) {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("reading its status");
                let own = status.lines().find_map(|line| line.strip_prefix(list)).expect("it has one");
                assert_eq!(own.trim(), reads, "{key} of {pid}");
            }
        }
        ended(running);
    }
}

/// All of it dies with one process that takes too much, or that one alone.
#[test]
fn a_group_dies_together_where_the_kernel_can() {
    let sandbox = || Sandbox::new().with("cgroup", r#"memory-max = "32M""#).with("cgroup", r#"memory-swap-max = "0""#);
    let script = "/probe hold 80; echo survived";
    if has("memory") == Has::Nothing {
        return refused(&sandbox(), &["memory-max: ", "hint: "]);
    }
    sandbox().run(&["sh", "-c", script]).exits(0).prints("survived\n");
    let group = sandbox().with("cgroup", "memory-oom-group = true").run(&["sh", "-c", script]);
    match has("memory") {
        Has::V2 => drop(group.exits(137).prints("")),
        _ => drop(group.refused(125, &["memory-oom-group: ", "hint: "]).prints("")),
    }
}
