//! Whether a sandbox ran out of memory: the kernel's own counters decide, not the signal that a program died of.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::size;

/// What the kernel says of processes it killed to get memory back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many it killed.
    pub killed: u64,
    /// In bytes; `None` where the sandbox had no limit of its own, or where the machine, or a cgroup above, ran out.
    pub limit: Option<u64>,
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

fn v2(directory: &Path) -> Option<OutOfMemory> {
    let events = fs::read_to_string(directory.join("memory.events")).ok()?;
    let killed = counter(&events, "oom_kill").unwrap_or(0);
    if killed == 0 {
        return Some(OutOfMemory { killed, limit: None, peak: None });
    }
    // `oom` counts only what this limit refused; `oom_kill` also counts victims of a limit above.
    let own = counter(&events, "oom").is_some_and(|own| own > 0);
    let limit = own.then(|| number(directory, "memory.max")).flatten();
    Some(OutOfMemory { killed, limit, peak: number(directory, "memory.peak") })
}

fn v1(directory: &Path) -> Option<OutOfMemory> {
    let control = fs::read_to_string(directory.join("memory.oom_control")).ok()?;
    let killed = counter(&control, "oom_kill").unwrap_or(0);
    if killed == 0 {
        return Some(OutOfMemory { killed, limit: None, peak: None });
    }
    let refused = |file| number(directory, file).is_some_and(|count| count > 0);
    let own = refused("memory.failcnt") || refused("memory.memsw.failcnt");
    let limit = own.then(|| number(directory, "memory.limit_in_bytes")).flatten();
    Some(OutOfMemory { killed, limit, peak: number(directory, "memory.max_usage_in_bytes") })
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
        let files = [("memory.events", "oom 0\noom_kill 3\n"), ("memory.max", "268435456\n")];
        assert_eq!(verdict(&files), Some(format!("3 out of memory; {above}")));
        let files = [
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
            ("memory.failcnt", "12\n"),
            ("memory.limit_in_bytes", "67108864\n"),
            ("memory.max_usage_in_bytes", "66060288\n"),
        ];
        assert_eq!(verdict(&files), Some(format!("1 out of memory, limit 64M, peak 63M; {raise}")));
        assert_eq!(verdict(&[("memory.events", "nonsense\noom_kill x\n")]), None);
        assert_eq!(verdict(&[]), None);
    }
}
