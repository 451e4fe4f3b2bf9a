//! Directories on the host that outlive the sandbox because the profile says so.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, fchown};

use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault};
use crate::sys::descriptor;

/// A launch that is refused leaves none of those that it made; what has become of use to somebody is not empty.
pub fn take_back(context: &mut Context) {
    while let Some(made) = context.made.pop() {
        let _ = std::fs::remove_dir(made);
    }
}

/// Makes what is missing of `path`, and takes its lock: two sandboxes never hold the same directory.
pub fn create(context: &mut Context, path: &Path, mode: u32, lock: Option<Slot>, owner: Option<(u32, u32)>) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, path.display().to_string());
    // No link is followed: those of the path were when it was planned. A directory above may be closed to reading.
    let enter = |at: BorrowedFd<'_>, name: &Path, last: bool| {
        let flags = libc::O_DIRECTORY | if last { libc::O_RDONLY } else { libc::O_PATH };
        let name = CString::new(name.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
        descriptor::openat2(at, &name, flags, 0, descriptor::NO_SYMLINKS)
    };
    let mut directory = enter(descriptor::here(), Path::new("/"), false).map_err(fault("open"))?;
    let names: Vec<_> = path.components().skip(1).collect();
    for (position, name) in names.iter().enumerate() {
        let last = position + 1 == names.len();
        let bits = if last { mode } else { 0o700 };
        let made = match mkdirat(&directory, name.as_os_str(), Mode::from_bits_truncate(bits)) {
            Ok(()) => {
                context.made.push(names[..=position].iter().fold(PathBuf::from("/"), |path, name| path.join(name)));
                true
            }
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(fault("mkdirat")(errno)),
        };
        directory = enter(directory.as_fd(), name.as_ref(), last).map_err(fault("open"))?;
        if !(made && last) {
            continue;
        }
        if let Some((uid, gid)) = owner {
            fchown(&directory, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).map_err(fault("fchown"))?;
        }
        // The umask has taken its part of what was asked for.
        fchmod(&directory, Mode::from_bits_truncate(mode)).map_err(fault("fchmod"))?;
    }
    let Some(slot) = lock else { return Ok(()) };
    // Of the open file, so it ends with the last process of the sandbox that has it, however that ends.
    match descriptor::lock(&directory) {
        Ok(()) => {
            context.fill(slot, directory);
            Ok(())
        }
        Err(Errno::EWOULDBLOCK) => {
            Err(Fault::new("flock", Errno::EWOULDBLOCK, format!("{} is held by another sandbox", path.display())))
        }
        Err(errno) => Err(fault("flock")(errno)),
    }
}
