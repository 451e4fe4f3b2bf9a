//! Directories on the host that outlive the sandbox because the profile says so.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Gid, Uid, fchown};

use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault};

/// Makes what is missing of `path`, and takes its lock: two sandboxes never hold the same directory.
pub fn create(context: &mut Context, path: &Path, mode: u32, lock: Option<Slot>, owner: Option<(u32, u32)>) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, path.display().to_string());
    let open = |at: &Path| nix::fcntl::open(at, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let mut above = PathBuf::from("/");
    let mut directory: OwnedFd = open(&above).map_err(fault("open"))?;
    let names: Vec<_> = path.components().skip(1).collect();
    for (position, name) in names.iter().enumerate() {
        let last = position + 1 == names.len();
        let bits = if last { mode } else { 0o700 };
        above.push(name);
        let made = match mkdirat(&directory, name.as_os_str(), Mode::from_bits_truncate(bits)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(fault("mkdirat")(errno)),
        };
        directory = open(&above).map_err(fault("open"))?;
        if let (true, true, Some((uid, gid))) = (made, last, owner) {
            fchown(&directory, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).map_err(fault("fchown"))?;
        }
    }
    let Some(slot) = lock else { return Ok(()) };
    // Of the open file, so it ends with the last process of the sandbox that has it, however that ends.
    match crate::sys::descriptor::lock(&directory) {
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
