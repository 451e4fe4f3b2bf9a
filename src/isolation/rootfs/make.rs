//! What is made in a directory that is held open: directories, files, links.

use std::ffi::{CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, SFlag, mkdirat, mknodat};
use nix::unistd::{Gid, Uid, fchownat};

use crate::isolation::{Applied, Fault, Operation};

pub fn directory_at(at: BorrowedFd<'_>, path: &Path, mode: u32) -> Applied {
    mkdirat(at, inside(path), Mode::from_bits_truncate(mode))
        .map_err(|errno| Fault::new(Operation::Mkdirat, errno, path.display().to_string()))
}

pub fn empty_file(at: BorrowedFd<'_>, path: &Path) -> Applied {
    mknodat(at, inside(path), SFlag::S_IFREG, Mode::from_bits_truncate(0o644), 0)
        .map_err(|errno| Fault::new(Operation::Mknodat, errno, path.display().to_string()))
}

pub fn link_at(at: BorrowedFd<'_>, path: &Path, text: &Path) -> Applied {
    nix::unistd::symlinkat(text, at, inside(path))
        .map_err(|errno| Fault::new(Operation::Symlinkat, errno, path.display().to_string()))
}

pub fn inline_file(at: BorrowedFd<'_>, name: &str, text: &str, mode: u32, owner: Option<u32>) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, name);
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let file = nix::fcntl::openat(at, name, flags, Mode::from_bits_truncate(mode)).map_err(fault(Operation::Openat))?;
    let mut left = text.as_bytes();
    while !left.is_empty() {
        left = &left[nix::unistd::write(&file, left).map_err(fault(Operation::Write))?..];
    }
    owner.map_or(Ok(()), |owner| chown(at, Path::new(name), (owner, owner)))
}

pub fn chown(at: BorrowedFd<'_>, path: &Path, (uid, gid): (u32, u32)) -> Applied {
    let flags = AtFlags::AT_EMPTY_PATH | AtFlags::AT_SYMLINK_NOFOLLOW;
    fchownat(at, inside(path), Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), flags)
        .map_err(|errno| Fault::new(Operation::Fchownat, errno, path.display().to_string()))
}

/// A path of the sandbox, relative to the descriptor of its root.
pub fn inside(path: &Path) -> &Path {
    let bytes = path.as_os_str().as_bytes();
    let slashes = bytes.iter().take_while(|byte| **byte == b'/').count();
    Path::new(OsStr::from_bytes(&bytes[slashes..]))
}

pub fn c_string(path: &Path) -> Result<CString, Fault> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Fault::new(Operation::Path, Errno::EINVAL, path.display().to_string()))
}
