//! The processes of a sandbox, told from later ones with the same numbers, and their end where nobody supervises it.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::cgroup::PATIENCE;
use crate::sys::pidfd;

/// Written once init exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// `/proc/sys/kernel/random/boot_id`: pids and start times mean nothing after a reboot.
    pub boot: String,
    pub supervisor: Process,
    pub init: Process,
}

/// A process, told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Process {
    pub pid: i32,
    /// Field 22 of proc_pid_stat(5), in clock ticks since the machine booted.
    pub start_time: u64,
}

impl Process {
    /// Of a process that has not been waited for.
    pub fn of(pid: i32) -> Result<Process> {
        let path = format!("/proc/{pid}/stat");
        let start_time =
            start_time(&of_proc(&path)?).with_context(|| format!("reading {path}: field 22 is missing"))?;
        Ok(Process { pid, start_time })
    }
}

impl Started {
    /// `init` must not have been waited for.
    pub fn now(supervisor: i32, init: i32) -> Result<Started> {
        Ok(Started { boot: boot()?, supervisor: Process::of(supervisor)?, init: Process::of(init)? })
    }

    /// Ends what was started, and waits until it is gone; nobody else, whoever has the number by now.
    pub fn end(&self) -> Result<()> {
        if self.boot != boot()? {
            return Ok(());
        }
        let process = match pidfd::open(self.init.pid) {
            Ok(process) => process,
            Err(Errno::ESRCH | Errno::EINVAL) => return Ok(()),
            Err(errno) => return Err(errno).context("pidfd_open"),
        };
        // In this order: what has the start time now has had the number since, so the descriptor is of no other.
        match Process::of(self.init.pid) {
            Ok(now) if now == self.init => {}
            Ok(_) => return Ok(()),
            Err(_) if pidfd::has_ended(process.as_fd())? => return Ok(()),
            Err(error) => return Err(error),
        }
        // Without a pid namespace it is init that ends the others, and it has been told to.
        if shares_our_pids(self.init.pid) && pidfd::ends_within(process.as_fd(), PATIENCE)? {
            return Ok(());
        }
        match pidfd::send_signal(process.as_fd(), libc::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno).with_context(|| format!("killing process {}", self.init.pid)),
        }
        if !pidfd::ends_within(process.as_fd(), PATIENCE)? {
            bail!("process {} was killed and does not end", self.init.pid);
        }
        Ok(())
    }
}

/// A process of another pid namespace has a number there too.
fn shares_our_pids(pid: i32) -> bool {
    let status = of_proc(&format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = |line: &str| line.strip_prefix("NSpid:").map(|numbers| numbers.split_ascii_whitespace().count());
    String::from_utf8_lossy(&status).lines().find_map(numbers) == Some(1)
}

fn boot() -> Result<String> {
    let boot = of_proc("/proc/sys/kernel/random/boot_id")?.trim_ascii().to_owned();
    String::from_utf8(boot).context("reading the boot id")
}

/// A file of /proc that is shorter than a page: the kernel hands it out whole, in one read.
fn of_proc(path: &str) -> Result<Vec<u8>> {
    let mut text = vec![0; 4096];
    let read = File::open(path).and_then(|mut file| file.read(&mut text)).with_context(|| format!("reading {path}"))?;
    text.truncate(read);
    Ok(text)
}

/// The second field is a name that may hold anything, spaces and parentheses included.
fn start_time(stat: &[u8]) -> Option<u64> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end_of_name + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_times_survive_hostile_names() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20 21\n";
        for name in ["sh", "a b", ") S 1 1", "((", "\u{fffd}"] {
            assert_eq!(start_time(format!("42 ({name}) {rest}").as_bytes()), Some(777), "{name}");
        }
        assert_eq!(start_time(b"42 (sh"), None);
        assert_eq!(start_time(b"42 (sh)"), None);
        assert!(Process::of(std::process::id() as i32).unwrap().start_time > 0);
        assert!(Process::of(-1).is_err());
    }
}
