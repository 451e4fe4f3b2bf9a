//! What a sandbox uses, as its cgroups count it, on every layout. What nothing counts is absent, never zero.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, fstatfs};
use serde::Serialize;

use super::layout::ROOT;
use super::oom::counter;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<Pids>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io: Option<Io>,
    #[serde(skip_serializing_if = "Pressure::is_none")]
    pub pressure: Pressure,
}

/// In microseconds, since the sandbox began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cpu {
    pub usage: u64,
    pub user: Option<u64>,
    pub system: Option<u64>,
    /// How long it was held back by cpu-max.
    pub throttled: Option<u64>,
}

/// In bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Memory {
    /// Without pages of files that nothing has used lately: they are given back before anything is refused.
    pub used: u64,
    /// All that counts against memory-max.
    pub charged: u64,
    pub peak: Option<u64>,
    pub swap: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pids {
    pub current: u64,
}

/// Of all devices together, since the sandbox began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Io {
    pub read_bytes: u64,
    pub written_bytes: u64,
    pub reads: u64,
    pub writes: u64,
}

/// Pressure stall information: the share of time in which processes waited for something.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pressure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Stall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Stall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io: Option<Stall>,
}

/// Of at least one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Stall {
    /// In hundredths of a percent of the last ten seconds.
    pub last_10s: u32,
    /// In microseconds.
    pub total: u64,
}

/// Everything about one sandbox, from all of its directories.
pub fn usage(directories: &[PathBuf]) -> Usage {
    read(&open(directories), true)
}

/// What a line of a table shows: a thousand of them are read in a moment, so nothing else is.
pub fn brief(directories: &[PathBuf]) -> Usage {
    read(&open(directories), false)
}

fn open(directories: &[PathBuf]) -> Vec<Directory> {
    directories.iter().filter_map(|path| Directory::open(path)).collect()
}

fn read(opened: &[Directory], whole: bool) -> Usage {
    Usage {
        cpu: if whole { cpu(opened) } else { of("cpuacct", opened, cpu_v2, spent_v1) },
        memory: of("memory", opened, memory_v2, memory_v1),
        pids: of("pids", opened, pids, pids),
        io: of("blkio", opened, io_v2, io_v1),
        pressure: if whole { Pressure::of(opened) } else { Pressure::default() },
    }
}

/// One directory, held open, so that no path is walked twice.
struct Directory {
    opened: OwnedFd,
    is_v2: bool,
    /// On cgroup v1, by the names that everybody mounts hierarchies under; empty where it is none of these.
    controllers: Vec<&'static str>,
}

/// Those of cgroup v1 that count something here.
const COUNTING: [&str; 6] = ["blkio", "cpu", "cpuacct", "memory", "pids", "freezer"];

impl Directory {
    fn open(path: &Path) -> Option<Directory> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = nix::fcntl::open(path, flags, Mode::empty()).ok()?;
        let is_v2 = fstatfs(&opened).is_ok_and(|system| system.filesystem_type() == CGROUP2_SUPER_MAGIC);
        let mount = path.strip_prefix(ROOT).ok().and_then(|below| below.iter().next()?.to_str()).unwrap_or_default();
        let controllers = COUNTING.into_iter().filter(|name| mount.split(',').any(|mounted| mounted == *name));
        Some(Directory { opened, is_v2, controllers: controllers.collect() })
    }

    /// The kernel hands such a file out whole, as far as there is room.
    fn text(&self, file: &str) -> Option<String> {
        let opened = openat(&self.opened, file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
        let mut text = Vec::with_capacity(4096);
        let mut block = [0; 4096];
        loop {
            let read = nix::unistd::read(&opened, &mut block).ok()?;
            text.extend_from_slice(&block[..read]);
            if read < block.len() {
                return String::from_utf8(text).ok();
            }
        }
    }

    fn number(&self, file: &str) -> Option<u64> {
        self.text(file)?.trim_end().parse().ok()
    }
}

type Read<T> = fn(&Directory) -> Option<T>;

/// From wherever a controller counts for the sandbox; the name is that of cgroup v1, where a controller is if anything of
/// the sandbox is there by its name.
fn of<T>(controller: &str, directories: &[Directory], v2: Read<T>, v1: Read<T>) -> Option<T> {
    let named = directories.iter().find(|one| !one.is_v2 && one.controllers.contains(&controller)).and_then(v1);
    named
        .or_else(|| directories.iter().filter(|one| one.is_v2).find_map(v2))
        .or_else(|| directories.iter().filter(|one| !one.is_v2 && one.controllers.is_empty()).find_map(v1))
}

impl Pressure {
    fn is_none(&self) -> bool {
        *self == Pressure::default()
    }

    /// Cgroup v2 counts it even where no controller is given to it.
    fn of(directories: &[Directory]) -> Pressure {
        let stall = |file| some(&directories.iter().filter(|one| one.is_v2).find_map(|one| one.text(file))?);
        Pressure { cpu: stall("cpu.pressure"), memory: stall("memory.pressure"), io: stall("io.pressure") }
    }
}

/// On a hybrid machine one version counts the time, and the other holds the program back.
fn cpu(directories: &[Directory]) -> Option<Cpu> {
    let counted = of("cpuacct", directories, cpu_v2, cpu_v1)?;
    let throttled = counted.throttled.or_else(|| of("cpu", directories, |_| None, throttled_v1));
    Some(Cpu { throttled, ..counted })
}

/// Cgroup v2 counts time even where no controller is given to it.
fn cpu_v2(directory: &Directory) -> Option<Cpu> {
    let text = directory.text("cpu.stat")?;
    Some(Cpu {
        usage: counter(&text, "usage_usec")?,
        user: counter(&text, "user_usec"),
        system: counter(&text, "system_usec"),
        throttled: counter(&text, "throttled_usec"),
    })
}

fn cpu_v1(directory: &Directory) -> Option<Cpu> {
    let time = |file| directory.number(file).map(|nanoseconds| nanoseconds / 1000);
    Some(Cpu { user: time("cpuacct.usage_user"), system: time("cpuacct.usage_sys"), ..spent_v1(directory)? })
}

fn spent_v1(directory: &Directory) -> Option<Cpu> {
    let usage = directory.number("cpuacct.usage")? / 1000;
    Some(Cpu { usage, ..Cpu::default() })
}

fn throttled_v1(directory: &Directory) -> Option<u64> {
    Some(counter(&directory.text("cpu.stat")?, "throttled_time")? / 1000)
}

fn memory_v2(directory: &Directory) -> Option<Memory> {
    let charged = directory.number("memory.current")?;
    let stat = directory.text("memory.stat").unwrap_or_default();
    Some(Memory {
        used: charged.saturating_sub(counter(&stat, "inactive_file").unwrap_or(0)),
        charged,
        peak: directory.number("memory.peak"),
        swap: directory.number("memory.swap.current"),
    })
}

fn memory_v1(directory: &Directory) -> Option<Memory> {
    let charged = directory.number("memory.usage_in_bytes")?;
    let stat = directory.text("memory.stat").unwrap_or_default();
    Some(Memory {
        used: charged.saturating_sub(counter(&stat, "total_inactive_file").unwrap_or(0)),
        charged,
        peak: directory.number("memory.max_usage_in_bytes"),
        swap: counter(&stat, "total_swap"),
    })
}

fn pids(directory: &Directory) -> Option<Pids> {
    directory.number("pids.current").map(|current| Pids { current })
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`, a line a device.
fn io_v2(directory: &Directory) -> Option<Io> {
    let text = directory.text("io.stat")?;
    let mut io = Io::default();
    for word in text.split_ascii_whitespace() {
        let Some((name, Ok(value))) = word.split_once('=').map(|(name, value)| (name, value.parse::<u64>())) else {
            continue;
        };
        let sum = match name {
            "rbytes" => &mut io.read_bytes,
            "wbytes" => &mut io.written_bytes,
            "rios" => &mut io.reads,
            "wios" => &mut io.writes,
            _ => continue,
        };
        *sum = sum.saturating_add(value);
    }
    Some(io)
}

/// `8:0 Read 1`, a line a device and direction.
fn io_v1(directory: &Directory) -> Option<Io> {
    let sums = |what: &str| {
        let text = directory.text(&format!("blkio.throttle.{what}_recursive"))?;
        let sum = |direction: &str| {
            let of =
                text.lines().filter_map(|line| line.split_once(' ')?.1.strip_prefix(direction)?.trim().parse().ok());
            of.fold(0u64, u64::saturating_add)
        };
        Some((sum("Read"), sum("Write")))
    };
    let ((read_bytes, written_bytes), (reads, writes)) = (sums("io_service_bytes")?, sums("io_serviced")?);
    Some(Io { read_bytes, written_bytes, reads, writes })
}

/// `some avg10=1.50 avg60=0.00 avg300=0.00 total=123`; where pressure is switched off, reading the file fails.
fn some(text: &str) -> Option<Stall> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let (whole, hundredths) = field("avg10")?.split_once('.')?;
    let last_10s = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    Some(Stall { last_10s, total: field("total")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("sandbox-stats-{}-{name}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn unified() {
        let files = [
            ("cpu.stat", "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 1\nthrottled_usec 7\n"),
            ("memory.current", "10000\n"),
            ("memory.stat", "anon 6000\ninactive_file 4000\nactive_file 0\n"),
            ("memory.peak", "12000\n"),
            ("memory.swap.current", "0\n"),
            ("pids.current", "3\n"),
            (
                "io.stat",
                "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 rbytes=10 wbytes=20 rios=30 wios=40\n",
            ),
            ("cpu.pressure", "some avg10=1.05 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 total=9\n"),
        ];
        let directory = directory("v2", &files);
        // No directory but a cgroup's is on that file system.
        let opened = Directory { is_v2: true, ..Directory::open(&directory).unwrap() };
        let usage = read(&[opened], true);
        fs::remove_dir_all(directory).unwrap();
        assert_eq!(usage.cpu, Some(Cpu { usage: 300, user: Some(200), system: Some(100), throttled: Some(7) }));
        assert_eq!(usage.memory, Some(Memory { used: 6000, charged: 10000, peak: Some(12000), swap: Some(0) }));
        assert_eq!(usage.pids, Some(Pids { current: 3 }));
        assert_eq!(usage.io, Some(Io { read_bytes: 11, written_bytes: 22, reads: 33, writes: 44 }));
        assert_eq!(usage.pressure.cpu, Some(Stall { last_10s: 105, total: 123 }));
        assert_eq!(usage.pressure.memory, None);
    }

    #[test]
    fn v1_in_a_directory_a_controller() {
        let cpu = directory("cpu", &[("cpu.stat", "nr_periods 4\nnr_throttled 2\nthrottled_time 5000\n")]);
        let account = directory(
            "cpuacct",
            &[("cpuacct.usage", "900000\n"), ("cpuacct.usage_user", "600000\n"), ("cpuacct.usage_sys", "300000\n")],
        );
        let memory = directory(
            "memory",
            &[
                ("memory.usage_in_bytes", "10000\n"),
                ("memory.max_usage_in_bytes", "11000\n"),
                ("memory.stat", "inactive_file 1\ntotal_inactive_file 2000\ntotal_swap 500\n"),
            ],
        );
        let blkio = directory(
            "blkio",
            &[
                (
                    "blkio.throttle.io_service_bytes_recursive",
                    "8:0 Read 5\n8:0 Write 6\n8:0 Total 11\n9:0 Read 1\nTotal 12\n",
                ),
                ("blkio.throttle.io_serviced_recursive", "8:0 Read 2\n8:0 Write 3\nTotal 5\n"),
            ],
        );
        let all = [cpu, account, memory, blkio];
        let usage = usage(&all);
        all.iter().for_each(|directory| fs::remove_dir_all(directory).unwrap());
        assert_eq!(usage.cpu, Some(Cpu { usage: 900, user: Some(600), system: Some(300), throttled: Some(5) }));
        assert_eq!(usage.memory, Some(Memory { used: 8000, charged: 10000, peak: Some(11000), swap: Some(500) }));
        assert_eq!(usage.io, Some(Io { read_bytes: 6, written_bytes: 6, reads: 2, writes: 3 }));
        assert_eq!((usage.pids, usage.pressure), (None, Pressure::default()));
    }

    #[test]
    fn nothing_counts_for_a_sandbox_without_cgroups() {
        assert_eq!(usage(&[]), Usage::default());
        assert_eq!(serde_json::to_string(&usage(&["/nowhere".into()])).unwrap(), "{}");
    }
}
