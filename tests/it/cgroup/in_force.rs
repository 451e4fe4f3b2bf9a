//! Limits as the kernel says them back, outside and without the program under test; and what is refused where the machine
//! has no such limit.

use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::unistd::{AccessFlags, access};

use super::cleaning::directories;
use crate::harness::{Running, Sandbox, is_root};

/// The version of cgroups that has a controller for this caller to use.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Has {
    V1,
    V2,
    Nothing,
}

fn has(controller: &str) -> Has {
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
    let top = Path::new("/sys/fs/cgroup");
    let Some(place) = own("").filter(|_| top.join("cgroup.controllers").exists()) else { return Has::Nothing };
    // Whoever may divide a cgroup sits in a leaf of it, or in the root.
    let place = top.join(place);
    let divided = if place == top { top } else { place.parent().expect("below the top") };
    let known = fs::read_to_string(divided.join("cgroup.controllers")).unwrap_or_default();
    let ours = access(&divided.join("cgroup.procs"), AccessFlags::W_OK).is_ok();
    if ours && known.split_ascii_whitespace().any(|name| name == controller) { Has::V2 } else { Has::Nothing }
}

/// A file of the sandbox's cgroups, in the directory that holds the program.
fn value(sandbox: &Sandbox, running: &Running, file: &str) -> String {
    let holds = |directory: &PathBuf| {
        let members = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
        crate::process::descendants(running.pid()).iter().any(|pid| members.lines().any(|one| one == pid.to_string()))
    };
    let found = directories(&sandbox.name).into_iter().filter(holds).find(|directory| directory.join(file).exists());
    let found = found.unwrap_or_else(|| panic!("no cgroup with a process of it has {file}"));
    fs::read_to_string(found.join(file)).expect("reading a limit").trim_end().to_owned()
}

fn started(sandbox: &Sandbox) -> Running {
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    running
}

fn ended(running: Running) {
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
}

#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str]) {
    sandbox.probe("say started").refused(125, words).prints("");
}

/// Major and minor number of the disk that `/` and `/usr` are on, as sysfs has them.
fn disk() -> Option<String> {
    let number = fs::metadata("/").expect("looking at the root").st_dev();
    assert_eq!(number, fs::metadata("/usr").expect("looking at /usr").st_dev(), "a test of two paths on one disk");
    let number = format!("{}:{}", nix::sys::stat::major(number), nix::sys::stat::minor(number));
    let device = fs::canonicalize(Path::new("/sys/dev/block").join(number)).ok()?;
    let whole = if device.join("partition").exists() { device.parent()?.to_owned() } else { device };
    Some(fs::read_to_string(whole.join("dev")).ok()?.trim_end().to_owned())
}

#[test]
fn two_paths_on_one_disk_are_limited_together() {
    let paths = |root: &str, usr: &str| {
        let limit = format!(r#"io-max = [{{ device = "/", {root} }}, {{ device = "/usr", {usr} }}]"#);
        Sandbox::new().with("cgroup", &limit)
    };
    let sandbox = paths(r#"read-bps = "1M""#, "write-iops = 7");
    let contradiction = paths(r#"read-bps = "1M""#, r#"read-bps = "900M""#);
    let Some(disk) = disk() else {
        return refused(&sandbox, &["io-max: ", "which is no disk", "hint: "]);
    };
    refused(&contradiction, &["/ and /usr are on one disk", "read-bps cannot be both 1M and 900M", "hint: "]);
    let has = has("io");
    if has == Has::Nothing {
        return refused(&sandbox, &["io-max: ", "hint: "]);
    }
    let running = started(&sandbox);
    let reads = |[read, write, operations]: [&str; 3]| {
        if has == Has::V2 {
            let line = format!("{disk} rbps={read} wbps={write} riops=max wiops={operations}");
            return assert_eq!(value(&sandbox, &running, "io.max"), line);
        }
        for (what, limit) in [("read_bps", read), ("write_bps", write), ("write_iops", operations)] {
            let line = if limit == "max" { String::new() } else { format!("{disk} {limit}") };
            assert_eq!(value(&sandbox, &running, &format!("blkio.throttle.{what}_device")), line);
        }
    };
    reads(["1048576", "max", "7"]);
    let update = |limits: &str| sandbox.sandbox(&["update", &sandbox.name, &format!("io-max={limits}")]);
    update(r#"[{ device = "/", read-bps = "2M" }, { device = "/usr", write-bps = "3M" }]"#).exits(0);
    reads(["2097152", "3145728", "7"]);
    let refused = update(r#"[{ device = "/", write-bps = "4M" }, { device = "/usr", write-bps = "5M" }]"#);
    refused.refused(1, &["write-bps cannot be both 4M and 5M", "hint: "]);
    reads(["2097152", "3145728", "7"]);
    ended(running);
}
