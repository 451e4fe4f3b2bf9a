//! Removing a directory tree below a descriptor: links are not followed, and no mount is entered, not even one of the
//! same file system.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use anyhow::{Context, Result, bail};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, ResolveFlag};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::sys::descriptor::openat2;

/// Each level holds a descriptor open.
const DEEPEST: u32 = 128;

/// Removes a file, a link or a whole directory by its name; what does not exist is no error.
pub fn remove(parent: BorrowedFd, name: &OsStr) -> Result<()> {
    let name = CString::new(name.as_bytes())?;
    remove_entry(parent, &name, 0)
}

fn remove_entry(parent: BorrowedFd, name: &CStr, depth: u32) -> Result<()> {
    let unlink = |flag| match unlinkat(parent, name, flag) {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    };
    let described = || format!("removing {}", name.to_string_lossy().escape_debug());
    match unlink(UnlinkatFlags::NoRemoveDir) {
        Ok(()) => return Ok(()),
        // EPERM is what POSIX, and some file systems, say of a directory.
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(errno) => return Err(errno).with_context(described),
    }
    if depth == DEEPEST {
        bail!("{} lies more than {DEEPEST} directories deep", name.to_string_lossy().escape_debug());
    }
    let directory = match enter(parent, name) {
        Ok(directory) => directory,
        Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(errno).with_context(described),
    };
    for child in names(directory.as_fd()).with_context(described)? {
        remove_entry(directory.as_fd(), &child, depth + 1)?;
    }
    unlink(UnlinkatFlags::RemoveDir).with_context(described)
}

fn enter(below: BorrowedFd, name: &CStr) -> nix::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    openat2(below, name, flags, resolve)
}

/// The names in a directory, without `.` and `..`.
pub fn names(directory: BorrowedFd) -> nix::Result<Vec<CString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut stream = Dir::openat(directory, ".", flags, nix::sys::stat::Mode::empty())?;
    let mut names = Vec::new();
    for entry in stream.iter() {
        let name = entry?.file_name().to_owned();
        if name.as_bytes() != b"." && name.as_bytes() != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn links_are_removed_and_what_they_lead_to_stays() {
        let place = std::env::temp_dir().join(format!("sandbox-tree-{}", std::process::id()));
        fs::create_dir_all(place.join("tree/a/b")).unwrap();
        fs::create_dir_all(place.join("kept")).unwrap();
        fs::write(place.join("kept/file"), "").unwrap();
        fs::write(place.join("tree/a/b/file"), "").unwrap();
        for link in ["tree/link", "tree/a/link"] {
            std::os::unix::fs::symlink(place.join("kept"), place.join(link)).unwrap();
        }
        std::os::unix::net::UnixListener::bind(place.join("tree/socket")).unwrap();
        let parent = fs::File::open(&place).unwrap();
        let remove = |name: &str| remove(parent.as_fd(), name.as_ref());
        remove("tree").unwrap();
        remove("tree").unwrap();
        assert!(!place.join("tree").exists() && place.join("kept/file").exists());

        std::os::unix::fs::symlink("kept", place.join("link")).unwrap();
        remove("link").unwrap();
        assert!(place.join("kept/file").exists());
        assert!(remove("a\0b").is_err());
        remove("kept").unwrap();
        fs::remove_dir(&place).unwrap();
    }
}
