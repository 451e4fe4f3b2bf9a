//! Whether a sandbox ran out of memory: the kernel's own counters decide, not the signal that a program died of.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::{SysconfVar, sysconf};

use super::PAYLOAD;
use crate::isolation::size;

/// What the kernel says of processes it killed to get memory back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many it killed.
    pub killed: u64,
    /// In bytes; `None` where it was not the sandbox's own that was reached.
    pub limit: Option<u64>,
    /// Only limits that the program has set itself were reached, in the part that is delegated to it.
    pub below: bool,
    /// The most that the sandbox used, in bytes, where this kernel counts it.
    pub peak: Option<u64>,
}

impl OutOfMemory {
    /// `None` where nothing was killed, or where no memory controller counts for the sandbox.
    pub fn of(directories: &[PathBuf]) -> Option<OutOfMemory> {
        let counters = directories.iter().find_map(|directory| v2(directory).or_else(|| v1(directory)))?;
        (counters.killed > 0).then_some(counters)
    }

    pub fn hint(&self) -> String {
        match self.limit {
            Some(_) => "raise memory-max in [cgroup]".into(),
            None if self.below => "the program has set this limit itself, in the cgroup delegated to it".into(),
            None => "the sandbox's own limit was not reached: the machine, or a cgroup above, has too little".into(),
        }
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")?;
        if let Some(limit) = self.limit {
            write!(f, ", limit {}", size(limit))?;
        }
        if let Some(peak) = self.peak {
            write!(f, ", peak {}", size(peak))?;
        }
        Ok(())
    }
}

const NONE: OutOfMemory = OutOfMemory { killed: 0, limit: None, below: false, peak: None };

fn v2(directory: &Path) -> Option<OutOfMemory> {
    let events = fs::read_to_string(directory.join("memory.events")).ok()?;
    let killed = counter(&events, "oom_kill").unwrap_or(0);
    if killed == 0 {
        return Some(NONE);
    }
    // `oom_kill` also counts victims of a limit above; `oom` what this limit refused, and those below it. The local file
    // leaves these out.
    let refused = |events: &str| counter(events, "oom").is_some_and(|refused| refused > 0);
    let local = fs::read_to_string(directory.join("memory.events.local"));
    let own = refused(local.as_deref().unwrap_or(&events));
    let limit = own.then(|| number(directory, "memory.max")).flatten();
    Some(OutOfMemory { killed, limit, below: !own && refused(&events), peak: number(directory, "memory.peak") })
}

fn v1(directory: &Path) -> Option<OutOfMemory> {
    // Each directory counts its own victims alone.
    let killed = |directory: &Path| {
        let control = fs::read_to_string(directory.join("memory.oom_control")).ok()?;
        Some(counter(&control, "oom_kill").unwrap_or(0))
    };
    let killed = killed(directory)?.saturating_add(killed(&directory.join(PAYLOAD)).unwrap_or(0));
    if killed == 0 {
        return Some(NONE);
    }
    // Not every kernel counts what the limit of memory and swap together refused.
    let refused = |file| number(directory, file).is_some_and(|count| count > 0);
    let reached = |peak, limit| {
        let (peak, limit) = (number(directory, peak), number(directory, limit));
        peak.zip(limit).is_some_and(|(peak, limit)| limit.saturating_sub(peak) <= batch())
    };
    let own = refused("memory.failcnt")
        || refused("memory.memsw.failcnt")
        || reached("memory.max_usage_in_bytes", "memory.limit_in_bytes")
        || reached("memory.memsw.max_usage_in_bytes", "memory.memsw.limit_in_bytes");
    let limit = own.then(|| number(directory, "memory.limit_in_bytes")).flatten();
    Some(OutOfMemory { killed, limit, below: false, peak: number(directory, "memory.max_usage_in_bytes") })
}

/// The kernel charges 64 pages at once (MEMCG_CHARGE_BATCH), so a limit is reached that far below it.
fn batch() -> u64 {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|page| u64::try_from(page).ok());
    page.unwrap_or(4096).saturating_mul(64)
}

/// The number behind a name, a line each.
pub fn counter(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim_end().parse().ok())
}

pub fn number(directory: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(directory.join(file)).ok()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(files: &[(&str, &str)]) -> Option<String> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("sandbox-oom-{}-{number}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
        let found = OutOfMemory::of(&["/nowhere".into(), directory.clone()]);
        fs::remove_dir_all(directory).unwrap();
        found.map(|found| format!("{} {found}; {}", found.killed, found.hint()))
    }

    #[test]
    fn the_kernels_counters_decide() {
        let raise = "raise memory-max in [cgroup]";
        let above = "the sandbox's own limit was not reached: the machine, or a cgroup above, has too little";
        let files = [
            ("memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n"),
            ("memory.max", "268435456\n"),
            ("memory.peak", "268435456\n"),
        ];
        assert_eq!(verdict(&files), Some(format!("1 out of memory, limit 256M, peak 256M; {raise}")));
        let files = [("memory.events", "max 9\noom 2\noom_kill 0\n"), ("memory.max", "4096\n")];
        assert_eq!(verdict(&files), None);
        // Below it, where the program divides what it was given, this limit was not reached.
        let files = [
            ("memory.events", "oom 2\noom_kill 1\n"),
            ("memory.events.local", "oom 0\noom_kill 0\n"),
            ("memory.max", "268435456\n"),
        ];
        let own = "the program has set this limit itself, in the cgroup delegated to it";
        assert_eq!(verdict(&files), Some(format!("1 out of memory; {own}")));
        let files = [("memory.events", "oom 0\noom_kill 3\n"), ("memory.max", "268435456\n")];
        assert_eq!(verdict(&files), Some(format!("3 out of memory; {above}")));
        let files = [
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
            ("memory.failcnt", "12\n"),
            ("memory.limit_in_bytes", "67108864\n"),
            ("memory.max_usage_in_bytes", "66060288\n"),
        ];
        assert_eq!(verdict(&files), Some(format!("1 out of memory, limit 64M, peak 63M; {raise}")));
        // A refusal of memory and swap together is in neither counter.
        let together = |peak: &'static str| {
            [
                ("memory.oom_control", "oom_kill 1\n"),
                ("memory.failcnt", "0\n"),
                ("memory.limit_in_bytes", "33554432\n"),
                ("memory.max_usage_in_bytes", peak),
                ("memory.memsw.limit_in_bytes", "33554432\n"),
                ("memory.memsw.max_usage_in_bytes", peak),
            ]
        };
        assert_eq!(verdict(&together("33308672\n")), Some(format!("1 out of memory, limit 32M, peak 32528K; {raise}")));
        assert_eq!(verdict(&together("30408704\n")), Some(format!("1 out of memory, peak 29M; {above}")));
        assert_eq!(verdict(&[("memory.events", "nonsense\noom_kill x\n")]), None);
        assert_eq!(verdict(&[]), None);
    }
}
