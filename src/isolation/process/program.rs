//! Finding the program, inside, as execvp(3) would.

use std::ffi::{CStr, CString};

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{AccessFlags, access};

use crate::isolation::Fault;
use crate::sys::descriptor;

/// What the operation of the fault is called when nothing of that name is there: the exit code is 127.
pub const NOT_FOUND: &str = "find the program";
/// When it is there and cannot be executed: the exit code is 126.
pub const NOT_EXECUTABLE: &str = "execute the program";

/// The path to execute. The first match that may be executed wins; a name with a slash is not searched for.
pub fn find(command: &CStr, path: Option<&[CString]>) -> Result<CString, Fault> {
    let Some(path) = path else { return candidate(command).map(|()| command.to_owned()) };
    let mut refused = None;
    for directory in path {
        let whole = [directory.to_bytes(), b"/", command.to_bytes()].concat();
        let Ok(whole) = CString::new(whole) else { continue };
        match candidate(&whole) {
            Ok(()) => return Ok(whole),
            Err(fault) if fault.operation == NOT_EXECUTABLE => refused = refused.or(Some(fault)),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| Fault::new(NOT_FOUND, Errno::ENOENT, command.to_string_lossy())))
}

fn candidate(path: &CStr) -> Result<(), Fault> {
    let noun = path.to_string_lossy();
    // /proc/self/exe would be this launcher itself: a host file that no mount of the sandbox covers (CVE-2019-5736).
    let file =
        descriptor::locate(descriptor::here(), path, descriptor::NO_MAGICLINKS, true).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR => Fault::new(NOT_FOUND, errno, noun.clone()),
            _ => Fault::new(NOT_EXECUTABLE, errno, noun.clone()),
        })?;
    let status = fstat(&file).map_err(|errno| Fault::new("fstat", errno, noun.clone()))?;
    if SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Fault::new(NOT_EXECUTABLE, Errno::EACCES, format!("{noun}: not a regular file")));
    }
    access(path, AccessFlags::X_OK).map_err(|errno| Fault::new(NOT_EXECUTABLE, errno, noun))
}
