//! Processes by descriptor: no number that could be somebody else's by the time it is used.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::check;

/// A descriptor of this very process.
pub fn own() -> Result<OwnedFd, Errno> {
    // SAFETY: asks for a number.
    open(unsafe { libc::getpid() })
}

/// A descriptor of a process that is known by number; ESRCH where none has it.
pub fn open(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    let answer = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: the kernel has just returned this new descriptor, close-on-exec, to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(answer as i32) })
}

pub fn send_signal(process: BorrowedFd<'_>, signal: i32) -> Result<(), Errno> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo means the same as kill(2) would send.
    check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, no_info, 0) }).map(drop)
}

/// Whether the process has ended; a poll(2) that does not wait.
pub fn has_ended(process: BorrowedFd<'_>) -> Result<bool, Errno> {
    ends_within(process, Duration::ZERO)
}

/// Waits for the end of a process, no longer than that.
pub fn ends_within(process: BorrowedFd<'_>, time: Duration) -> Result<bool, Errno> {
    let mut poll = [nix::poll::PollFd::new(process, nix::poll::PollFlags::POLLIN)];
    let time = nix::poll::PollTimeout::try_from(time).unwrap_or(nix::poll::PollTimeout::MAX);
    nix::poll::poll(&mut poll, time).map(|ready| ready > 0)
}
