//! What a sandbox uses, as its cgroups count it, on every layout. What nothing counts is absent, never zero.

mod read;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::Serialize;

use read::{Directory, cpu, cpu_v2, io_v1, io_v2, memory_v1, memory_v2, of, pids, some, spent_v1};

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
