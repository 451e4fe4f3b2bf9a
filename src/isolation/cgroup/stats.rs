//! What a sandbox uses, as its cgroups count it, on every layout. What nothing counts is absent, never zero.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::oom::{counter, number};

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

/// Reads all directories of one sandbox.
pub fn usage(directories: &[PathBuf]) -> Usage {
    let find = directories.iter();
    Usage {
        cpu: find.clone().find_map(|directory| cpu_v2(directory).or_else(|| cpu_v1(directory))).map(|cpu| Cpu {
            // On a hybrid machine one version counts the time, and the other holds the program back.
            throttled: find.clone().find_map(|directory| throttled(directory)),
            ..cpu
        }),
        memory: find.clone().find_map(|directory| memory_v2(directory).or_else(|| memory_v1(directory))),
        pids: find.clone().find_map(|directory| number(directory, "pids.current")).map(|current| Pids { current }),
        io: find.clone().find_map(|directory| io_v2(directory).or_else(|| io_v1(directory))),
        pressure: Pressure {
            cpu: find.clone().find_map(|directory| stall(directory, "cpu.pressure")),
            memory: find.clone().find_map(|directory| stall(directory, "memory.pressure")),
            io: find.clone().find_map(|directory| stall(directory, "io.pressure")),
        },
    }
}

impl Pressure {
    fn is_none(&self) -> bool {
        *self == Pressure::default()
    }
}

/// Cgroup v2 counts time even where no controller is given to it.
fn cpu_v2(directory: &Path) -> Option<Cpu> {
    let text = fs::read_to_string(directory.join("cpu.stat")).ok()?;
    Some(Cpu {
        usage: counter(&text, "usage_usec")?,
        user: counter(&text, "user_usec"),
        system: counter(&text, "system_usec"),
        throttled: None,
    })
}

fn cpu_v1(directory: &Path) -> Option<Cpu> {
    let nanoseconds = |file| number(directory, file).map(|time| time / 1000);
    let (user, system) = (nanoseconds("cpuacct.usage_user"), nanoseconds("cpuacct.usage_sys"));
    Some(Cpu { usage: nanoseconds("cpuacct.usage")?, user, system, throttled: None })
}

fn throttled(directory: &Path) -> Option<u64> {
    let text = fs::read_to_string(directory.join("cpu.stat")).ok()?;
    counter(&text, "throttled_usec").or_else(|| Some(counter(&text, "throttled_time")? / 1000))
}

fn memory_v2(directory: &Path) -> Option<Memory> {
    let charged = number(directory, "memory.current")?;
    let stat = fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
    Some(Memory {
        used: charged.saturating_sub(counter(&stat, "inactive_file").unwrap_or(0)),
        charged,
        peak: number(directory, "memory.peak"),
        swap: number(directory, "memory.swap.current"),
    })
}

fn memory_v1(directory: &Path) -> Option<Memory> {
    let charged = number(directory, "memory.usage_in_bytes")?;
    let stat = fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
    Some(Memory {
        used: charged.saturating_sub(counter(&stat, "total_inactive_file").unwrap_or(0)),
        charged,
        peak: number(directory, "memory.max_usage_in_bytes"),
        swap: counter(&stat, "total_swap"),
    })
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`, a line a device.
fn io_v2(directory: &Path) -> Option<Io> {
    let text = fs::read_to_string(directory.join("io.stat")).ok()?;
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
fn io_v1(directory: &Path) -> Option<Io> {
    let sums = |what: &str| {
        let text = fs::read_to_string(directory.join(format!("blkio.throttle.{what}_recursive"))).ok()?;
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

/// `some avg10=1.50 avg60=0.00 avg300=0.00 total=123`
fn stall(directory: &Path, file: &str) -> Option<Stall> {
    // Where pressure is switched off the file is there, and reading it fails.
    let text = fs::read_to_string(directory.join(file)).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let (whole, hundredths) = field("avg10")?.split_once('.')?;
    let last_10s = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    Some(Stall { last_10s, total: field("total")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
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
        let usage = usage(std::slice::from_ref(&directory));
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
