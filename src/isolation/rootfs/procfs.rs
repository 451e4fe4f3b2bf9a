//! The covers of the sandbox's own /proc.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use super::apply::cover;
use super::kernel::{PROC_HIDDEN, PROC_READ_ONLY};
use super::make::c_string;
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::mount::{self, READ_ONLY};

pub fn read_only(context: &Context, names: &[&'static str]) -> Applied {
    let proc = context.get(Slot::Proc)?;
    for name in names {
        let about = |failure| Fault::from(failure).about(format!("/proc/{name}"));
        let path = c_string(Path::new(name))?;
        let tree = mount::copy_tree_at(proc, &path, false).map_err(about)?;
        mount::set_attributes(tree.as_fd(), READ_ONLY, false).map_err(about)?;
        mount::attach_at(tree.as_fd(), proc, &path).map_err(about)?;
    }
    let left_out = PROC_READ_ONLY.iter().filter(|name| !names.contains(name));
    absent(proc, left_out)
}

pub fn hide(context: &mut Context, names: &[(&'static str, bool)], attributes: u64) -> Applied {
    for (name, directory) in names {
        let cover = cover(context, *directory, attributes)?;
        mount::attach_at(cover.as_fd(), context.get(Slot::Proc)?, &c_string(Path::new(name))?)
            .map_err(|failure| Fault::from(failure).about(format!("/proc/{name}")))?;
        context.spend(cover);
    }
    let left_out = PROC_HIDDEN.iter().filter(|name| !names.iter().any(|(hidden, _)| hidden == *name));
    absent(context.get(Slot::Proc)?, left_out)
}

/// What the caller's /proc does not show was not planned for: where that is no whole procfs, ours may have it all the same.
fn absent<'a>(proc: BorrowedFd<'_>, names: impl Iterator<Item = &'a &'static str>) -> Applied {
    for name in names {
        match fstatat(proc, *name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Fault::new(Operation::Fstatat, errno, format!("/proc/{name}"))),
            Ok(_) => {
                return Err(Fault::mismatch(
                    Operation::CoversOfProc,
                    format!("/proc/{name} is there, and the caller's /proc hid it"),
                ));
            }
        }
    }
    Ok(())
}
