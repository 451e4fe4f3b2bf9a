//! The files that the kernel counts in, of both versions.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, fstatfs};

use super::super::layout::ROOT;
use super::super::oom::counter;
use super::{Cpu, Io, Memory, Pids, Stall};

/// One directory, held open, so that no path is walked twice.
pub struct Directory {
    opened: OwnedFd,
    pub is_v2: bool,
    /// On cgroup v1, by the names that everybody mounts hierarchies under; empty where it is none of these.
    controllers: Vec<&'static str>,
}

/// Those of cgroup v1 that count something here.
const COUNTING: [&str; 6] = ["blkio", "cpu", "cpuacct", "memory", "pids", "freezer"];

impl Directory {
    pub fn open(path: &Path) -> Option<Directory> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = nix::fcntl::open(path, flags, Mode::empty()).ok()?;
        let is_v2 = fstatfs(&opened).is_ok_and(|system| system.filesystem_type() == CGROUP2_SUPER_MAGIC);
        let mount = path.strip_prefix(ROOT).ok().and_then(|below| below.iter().next()?.to_str()).unwrap_or_default();
        let controllers = COUNTING.into_iter().filter(|name| mount.split(',').any(|mounted| mounted == *name));
        Some(Directory { opened, is_v2, controllers: controllers.collect() })
    }

    /// The kernel hands such a file out whole, as far as there is room.
    pub fn text(&self, file: &str) -> Option<String> {
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

pub type Read<T> = fn(&Directory) -> Option<T>;

/// From wherever a controller counts for the sandbox; the name is that of cgroup v1, where a controller is if anything of
/// the sandbox is there by its name.
pub fn of<T>(controller: &str, directories: &[Directory], v2: Read<T>, v1: Read<T>) -> Option<T> {
    let named = directories.iter().find(|one| !one.is_v2 && one.controllers.contains(&controller)).and_then(v1);
    named
        .or_else(|| directories.iter().filter(|one| one.is_v2).find_map(v2))
        .or_else(|| directories.iter().filter(|one| !one.is_v2 && one.controllers.is_empty()).find_map(v1))
}

/// On a hybrid machine one version counts the time, and the other holds the program back.
pub fn cpu(directories: &[Directory]) -> Option<Cpu> {
    let counted = of("cpuacct", directories, cpu_v2, cpu_v1)?;
    let throttled = counted.throttled.or_else(|| of("cpu", directories, |_| None, throttled_v1));
    Some(Cpu { throttled, ..counted })
}

/// Cgroup v2 counts time even where no controller is given to it.
pub fn cpu_v2(directory: &Directory) -> Option<Cpu> {
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

pub fn spent_v1(directory: &Directory) -> Option<Cpu> {
    let usage = directory.number("cpuacct.usage")? / 1000;
    Some(Cpu { usage, ..Cpu::default() })
}

fn throttled_v1(directory: &Directory) -> Option<u64> {
    Some(counter(&directory.text("cpu.stat")?, "throttled_time")? / 1000)
}

pub fn memory_v2(directory: &Directory) -> Option<Memory> {
    let charged = directory.number("memory.current")?;
    let stat = directory.text("memory.stat").unwrap_or_default();
    Some(Memory {
        used: charged.saturating_sub(counter(&stat, "inactive_file").unwrap_or(0)),
        charged,
        peak: directory.number("memory.peak"),
        swap: directory.number("memory.swap.current"),
    })
}

pub fn memory_v1(directory: &Directory) -> Option<Memory> {
    let charged = directory.number("memory.usage_in_bytes")?;
    let stat = directory.text("memory.stat").unwrap_or_default();
    Some(Memory {
        used: charged.saturating_sub(counter(&stat, "total_inactive_file").unwrap_or(0)),
        charged,
        peak: directory.number("memory.max_usage_in_bytes"),
        swap: counter(&stat, "total_swap"),
    })
}

pub fn pids(directory: &Directory) -> Option<Pids> {
    directory.number("pids.current").map(|current| Pids { current })
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`, a line a device.
pub fn io_v2(directory: &Directory) -> Option<Io> {
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
pub fn io_v1(directory: &Directory) -> Option<Io> {
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
pub fn some(text: &str) -> Option<Stall> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let (whole, hundredths) = field("avg10")?.split_once('.')?;
    let last_10s = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    Some(Stall { last_10s, total: field("total")?.parse().ok()? })
}
