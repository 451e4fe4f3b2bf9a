//! Where a mount goes.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;

use super::make::{c_string, directory_at, empty_file, inside};
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::{descriptor, mount};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub path: PathBuf,
    /// The mount point stands in our own memory, so it is ours to make.
    pub make: bool,
    /// Only our own memory and the host's own trees lie on the way to it, so its path may be walked.
    pub trusted: bool,
}

impl Target {
    /// A mount point in our own memory.
    pub fn ours(path: &str) -> Target {
        Target { path: path.into(), make: true, trusted: true }
    }

    pub fn put(&self, context: &mut Context, mount: OwnedFd, directory: bool) -> Applied {
        self.attach(context, mount.as_fd(), directory)?;
        context.spend(mount);
        Ok(())
    }

    pub fn attach(&self, context: &Context, mount: BorrowedFd<'_>, directory: bool) -> Applied {
        let root = context.get(Slot::Root)?;
        if self.make {
            let made = if directory { directory_at(root, &self.path, 0o755) } else { empty_file(root, &self.path) };
            made.or_else(|fault| if fault.errno == Errno::EEXIST { Ok(()) } else { Err(fault) })?;
        }
        let about = |failure| Fault::from(failure).about(self);
        let path = inside(&self.path);
        if self.trusted {
            return mount::attach_at(mount, root, &c_string(path)?).map_err(about);
        }
        // The tree's content belongs to others: no link of theirs is followed, and what was opened is mounted on.
        let resolve = descriptor::IN_ROOT | descriptor::NO_SYMLINKS;
        let target = descriptor::locate(root, path, resolve, false)
            .map_err(|errno| Fault::new(Operation::Openat2, errno, self.to_string()))?;
        mount::attach(mount, target.as_fd()).map_err(about)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}
