//! A look into a directory that may hold thousands of names.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use super::check;

/// The first names in a directory, `.` and `..` among them: 42 of 72 bytes each, whichever they are, or more that are
/// shorter. readdir(3) has the kernel fill 32 KiB, which are a thousand, for the sake of the first.
pub fn first_names(directory: BorrowedFd<'_>) -> Result<Vec<CString>, Errno> {
    const ROOM: usize = 4096;
    // `struct linux_dirent64` of getdents64(2).
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut entries = [0u8; ROOM];
    // SAFETY: the kernel writes at most `ROOM` bytes.
    let length = unsafe { libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), entries.as_mut_ptr(), ROOM) };
    let mut left = &entries[..check(length)? as usize];
    let mut names = Vec::new();
    while let Some(&[low, high]) = left.get(LENGTH..LENGTH + 2) {
        let (entry, others) = left.split_at_checked(u16::from_ne_bytes([low, high]).into()).ok_or(Errno::EIO)?;
        let name = entry.get(NAME..).ok_or(Errno::EIO)?;
        names.extend(CStr::from_bytes_until_nul(name).map(CStr::to_owned));
        left = others;
    }
    Ok(names)
}
