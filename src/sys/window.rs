//! The size of a terminal's window, as ioctl_tty(2) has it.

use std::os::fd::{AsFd, AsRawFd};

use super::check;

/// Rows and columns; `None` where it is no terminal, or does not say.
pub fn size(terminal: impl AsFd) -> Option<(usize, usize)> {
    // SAFETY: an all-zero winsize is valid.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: TIOCGWINSZ writes one struct winsize.
    check(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) }.into()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row.into(), size.ws_col.into()))
}
