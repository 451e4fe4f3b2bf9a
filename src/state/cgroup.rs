//! Removing a cgroup: everything in it is killed, then its directories go, the deepest first.

mod below;

use std::ffi::{CStr, OsStr};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, Statfs, fstatfs, statfs};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::isolation::cgroup::{control, value};
use crate::sys::pidfd;
use below::{DIRECTORY, remove_children, walk};

/// How long the killed may take to leave: they do so one by one, after the signal.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Removes it at once if nothing is in it, as after a normal exit. Whether it has gone.
pub fn remove_empty(path: &Path) -> Result<bool> {
    match statfs(path) {
        Ok(about) if is_cgroup(&about) => {}
        Ok(_) => bail!("refused: it is not on a cgroup file system"),
        Err(Errno::ENOENT) => return Ok(true),
        Err(errno) => return Err(errno).context("examining it"),
    }
    // The launcher may be in its own leaf; its sandbox's cgroup was made later, and has gone by now.
    control::give_back(path);
    Ok(remove_directory(path).is_ok())
}

/// Kills what is in it and removes it with all below it, trying until the deadline.
pub fn remove(path: &Path, deadline: Instant) -> Result<()> {
    let mut pause = Duration::from_millis(1);
    while !remove_empty(path)? {
        // Again each time: without cgroup.kill, a fork may have outrun the last one.
        kill(path)?;
        match remove_below(path) {
            Ok(()) => return Ok(()),
            Err(Errno::EBUSY | Errno::ENOTEMPTY) if Instant::now() < deadline => {}
            Err(errno) => return Err(errno.into()),
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    Ok(())
}

/// Kills every process in it and below it, frozen ones included.
pub fn kill(path: &Path) -> Result<()> {
    let Some(top) = open_cgroup(path)? else { return Ok(()) };
    if is_ours(path)? {
        bail!("this very process is in it");
    }
    if write(top.as_fd(), c"cgroup.kill", "1")? {
        return Ok(());
    }
    // Version 1, or before Linux 5.14. What is frozen cannot fork while it is counted, and dies when it thaws (version 1)
    // or at once (version 2).
    let freezer = [(c"freezer.state", "FROZEN"), (c"cgroup.freeze", "1")];
    for (file, freeze) in freezer {
        write(top.as_fd(), file, freeze)?;
    }
    let killed = walk(top.as_fd(), |cgroup| {
        kill_members(cgroup)?;
        // The program may have frozen a part by itself. Below a frozen one that has no effect yet.
        write(cgroup, c"freezer.state", "THAWED").map(drop)
    });
    write(top.as_fd(), c"cgroup.freeze", "0")?;
    write(top.as_fd(), c"freezer.state", "THAWED")?;
    killed
}

/// We ourselves are in it, or below: no other directory of whatever hierarchy has its name.
fn is_ours(path: &Path) -> Result<bool> {
    let own = std::fs::read("/proc/self/cgroup").context("reading /proc/self/cgroup")?;
    let name = path.file_name().unwrap_or_default().as_bytes();
    Ok(own.split(|byte| matches!(byte, b'/' | b'\n')).any(|part| part == name))
}

fn kill_members(cgroup: BorrowedFd) -> Result<()> {
    for pids in members(cgroup)?.chunks(128) {
        let mut held = Vec::new();
        for pid in pids {
            match pidfd::open(*pid) {
                Ok(process) => held.push((pid, process)),
                Err(Errno::ESRCH) => {}
                Err(errno) => return Err(errno).with_context(|| format!("holding process {pid}")),
            }
        }
        // A number may have passed to a process outside after the list was read, but not since it is held.
        let still = members(cgroup)?;
        for (pid, process) in held.iter().filter(|(pid, _)| still.contains(pid)) {
            match pidfd::send_signal(process.as_fd(), libc::SIGKILL) {
                // One that has ended meanwhile is as good.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(errno).with_context(|| format!("killing process {pid}")),
            }
        }
    }
    Ok(())
}

/// The processes in a cgroup. Those of a foreign pid namespace read as 0: kill(2) would take that for the caller's own
/// group.
fn members(cgroup: BorrowedFd) -> Result<Vec<i32>> {
    let mut text = String::new();
    match openat(cgroup, c"cgroup.procs", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(file) => match std::fs::File::from(file).read_to_string(&mut text) {
            // Removed meanwhile; or threaded, where the processes are listed further up.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EOPNOTSUPP)) => 0,
            other => other.context("reading cgroup.procs")?,
        },
        Err(Errno::ENOENT) => 0,
        Err(errno) => return Err(errno).context("opening cgroup.procs"),
    };
    Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect())
}

/// Removes a cgroup and those below it, however deep, where nothing is left in them.
fn remove_below(path: &Path) -> nix::Result<()> {
    match open(path, DIRECTORY, Mode::empty()) {
        Ok(top) => remove_children(top)?,
        Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    remove_directory(path)
}

fn remove_directory(path: &Path) -> nix::Result<()> {
    super::missing_is_fine(unlinkat(AT_FDCWD, path, UnlinkatFlags::RemoveDir))
}

/// Opens a directory that is really one of a cgroup file system, and not its root.
fn open_cgroup(path: &Path) -> Result<Option<OwnedFd>> {
    let directory = match open(path, DIRECTORY, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno).context("opening it"),
    };
    let parent = openat(&directory, "..", DIRECTORY, Mode::empty()).context("opening its parent")?;
    if !is_cgroup(&fstatfs(&directory)?) || !is_cgroup(&fstatfs(&parent)?) {
        bail!("refused: it is not a directory of a cgroup file system");
    }
    Ok(Some(directory))
}

fn is_cgroup(about: &Statfs) -> bool {
    [CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC].contains(&about.filesystem_type())
}

/// Writes to one of a cgroup's files; false where this hierarchy has no such file.
fn write(cgroup: BorrowedFd, name: &CStr, text: &str) -> Result<bool> {
    let about = || format!("writing {} to {}", text, OsStr::from_bytes(name.to_bytes()).display());
    match openat(cgroup, name, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(file) => match value::write(&file.into(), text) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(true),
            other => other.map(|()| true).with_context(about),
        },
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno).with_context(about),
    }
}
