//! Limits of disks, read back from outside as those of in_force.rs.

use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::in_force::{Has, ended, has, refused, started, value};
use crate::harness::{Sandbox, alone, is_root};

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

/// A disk that nothing uses, scheduled by bfq while a test looks.
struct Bfq {
    file: PathBuf,
    before: String,
}

impl Bfq {
    /// `None` where this kernel has no bfq, or no such disk.
    fn on_a_loop_device() -> Option<Bfq> {
        let unused = |entry: fs::DirEntry| {
            let path = entry.path();
            let is_loop = entry.file_name().to_string_lossy().starts_with("loop");
            (is_loop && !path.join("loop/backing_file").exists()).then(|| path.join("queue/scheduler"))
        };
        let file = fs::read_dir("/sys/block").ok()?.flatten().find_map(unused)?;
        let text = fs::read_to_string(&file).ok()?;
        let before = text.split(['[', ']']).nth(1)?.to_owned();
        fs::write(&file, "bfq").ok()?;
        let bfq = Bfq { file, before };
        fs::read_to_string(&bfq.file).is_ok_and(|text| text.contains("[bfq]")).then_some(bfq)
    }
}

impl Drop for Bfq {
    fn drop(&mut self) {
        let _ = fs::write(&self.file, &self.before);
    }
}

#[test]
fn a_weight_of_disks_is_in_force_where_one_acts_on_it() {
    alone();
    let sandbox = Sandbox::new().with("cgroup", "io-weight = 1090");
    let acts = || {
        let disks = fs::read_dir("/sys/block").into_iter().flatten().flatten();
        let mut schedulers = disks.map(|disk| fs::read_to_string(disk.path().join("queue/scheduler")));
        let cost = fs::read_to_string("/sys/fs/cgroup/io.cost.qos").unwrap_or_default();
        schedulers.any(|scheduler| scheduler.is_ok_and(|text| text.contains("[bfq]"))) || cost.contains("enable=1")
    };
    if !acts() {
        let reason = if has("io") == Has::Nothing { "io-weight: " } else { "shares its time by weight" };
        refused(&sandbox, &["io-weight: ", reason, "hint: "]);
    }
    let bfq = if is_root() { Bfq::on_a_loop_device() } else { None };
    if bfq.is_none() {
        return;
    }
    let (file, reads) = match has("io") {
        Has::Nothing => return refused(&sandbox, &["io-weight: ", "hint: "]),
        Has::V1 => ("blkio.bfq.weight", "190"),
        Has::V2 => ("io.bfq.weight", "default 190"),
    };
    let running = started(&sandbox);
    let value = value(&sandbox, &running, file);
    assert!(value.lines().any(|line| line == reads), "{value}");
    ended(running);
}
