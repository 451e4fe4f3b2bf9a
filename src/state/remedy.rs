//! What a person can do where no record can be kept: the kernel says only which call it refused.

use std::fmt;
use std::io;

use nix::errno::Errno;

use crate::isolation::{Fault, Operation};
use crate::sys::errno::chain;

/// What is refused with a remedy of its own.
#[derive(Debug)]
pub struct Refused {
    pub message: String,
    pub hint: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

/// Of what was refused, or of a record that could not be begun.
pub fn remedy(error: &anyhow::Error) -> Option<String> {
    refused(error).or_else(|| of_errno(errno(error)?).map(str::to_owned))
}

/// Of what was refused, wherever that was.
pub fn refused(error: &anyhow::Error) -> Option<String> {
    error.downcast_ref::<Refused>().map(|refused| refused.hint.clone())
}

/// A record could not be written to: the launch ends, and says so as of any other step.
pub fn fault(error: &anyhow::Error) -> Fault {
    match errno(error) {
        Some(errno) => Fault::new(Operation::Record, errno, error.to_string()),
        None => Fault::new(Operation::Record, Errno::EIO, chain(error)),
    }
}

pub fn of_errno(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::EROFS | Errno::EACCES | Errno::EPERM if nix::unistd::geteuid().is_root() => {
            "root's records are in /run/sandbox, where root must be able to write"
        }
        Errno::EROFS | Errno::EACCES | Errno::EPERM => {
            "set XDG_RUNTIME_DIR, or without one XDG_STATE_HOME, to a directory of your own that you can write to"
        }
        Errno::ENOSPC | Errno::EDQUOT => {
            "make room on its file system; `sandbox gc` removes what sandboxes that were killed have left"
        }
        Errno::EFBIG => "the limit of file sizes (ulimit -f) leaves no room for a record: set process.rlimits instead",
        Errno::ENOLCK | Errno::EOPNOTSUPP => "the state directory must be on a file system with locks",
        _ => return None,
    })
}

/// What the kernel said, beneath the words for what was being done.
fn errno(error: &anyhow::Error) -> Option<Errno> {
    error.chain().find_map(|cause| {
        let of_file = || cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error).map(Errno::from_raw);
        cause.downcast_ref::<Errno>().copied().or_else(of_file)
    })
}
