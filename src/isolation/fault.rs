//! Why a step could not be applied.

use std::fmt;
use std::io;

use nix::errno::Errno;

use super::Operation;
use crate::sys::mount;

pub type Applied = Result<(), Fault>;

/// It crosses the fork on a shared page, so it stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub operation: Operation,
    pub errno: Errno,
    /// The noun (a path, a name), or the kernel's own text; cut to 200 bytes on its way.
    pub detail: String,
}

impl Fault {
    pub fn new(operation: Operation, errno: Errno, detail: impl Into<String>) -> Fault {
        Fault { operation, errno, detail: detail.into() }
    }

    /// Of a call by the standard library.
    pub fn of_io(operation: Operation, error: &io::Error, detail: impl Into<String>) -> Fault {
        Fault::new(operation, Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)), detail)
    }

    /// A layer is not what the plan says, though every call succeeded.
    pub fn mismatch(what: Operation, detail: impl Into<String>) -> Fault {
        Fault { operation: what, errno: Errno::UnknownErrno, detail: detail.into() }
    }

    /// Names what the call was about, where the kernel itself said nothing.
    pub fn about(mut self, noun: impl fmt::Display) -> Fault {
        if self.detail.is_empty() {
            self.detail = noun.to_string();
        } else {
            self.detail = format!("{noun}: {}", self.detail);
        }
        self
    }
}

impl From<mount::Failure> for Fault {
    fn from(failure: mount::Failure) -> Fault {
        Fault::new(failure.call.into(), failure.errno, failure.log)
    }
}
