//! What ioctl_tty(2) has and termios(3) lacks.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use super::check;

/// Whether nobody but root may open it again.
pub fn is_exclusive(terminal: BorrowedFd<'_>) -> Result<bool, Errno> {
    let mut exclusive: libc::c_int = 0;
    // SAFETY: TIOCGEXCL writes one int.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGEXCL, &raw mut exclusive) }.into())?;
    Ok(exclusive != 0)
}

pub fn set_exclusive(terminal: BorrowedFd<'_>, exclusive: bool) -> Result<(), Errno> {
    let request = if exclusive { libc::TIOCEXCL } else { libc::TIOCNXCL };
    // SAFETY: neither takes an argument.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), request) }.into()).map(drop)
}
