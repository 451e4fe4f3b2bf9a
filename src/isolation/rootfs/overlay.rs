//! A layer in memory over a directory of the host: it brings what the directory lacks, or takes what is written to it.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, fchown};

use super::Addition;
use super::make::{directory_at, empty_file, link_at};
use crate::isolation::{Fault, Operation};
use crate::sys::{descriptor, mount};

/// A detached overlay of `lower` and a directory `number` of the scratch memory.
pub fn mount_over(
    scratch: BorrowedFd<'_>,
    number: usize,
    lower: BorrowedFd<'_>,
    additions: &[Addition],
    writable: bool,
    userxattr: bool,
    attributes: u64,
) -> Result<OwnedFd, Fault> {
    let upper = fresh(scratch, &format!("layer{number}"))?;
    look_like(upper.as_fd(), lower)?;
    for addition in additions {
        add(upper.as_fd(), lower, addition)?;
    }
    // Descriptors stand for paths: no name of the host's can be mistaken for the option's own `:` and `,`.
    let path = |descriptor: BorrowedFd<'_>| CString::new(format!("/proc/self/fd/{}", descriptor.as_raw_fd()));
    let invalid = |_| Fault::new(Operation::Fsconfig, Errno::EINVAL, "");
    let mut options = Vec::new();
    let (layers, upper_path, work_path, work);
    if writable {
        work = fresh(scratch, &format!("work{number}"))?;
        (upper_path, work_path) = (path(upper.as_fd()).map_err(invalid)?, path(work.as_fd()).map_err(invalid)?);
        layers = path(lower).map_err(invalid)?;
        options.push((c"lowerdir", Some(layers.as_c_str())));
        options.push((c"upperdir", Some(upper_path.as_c_str())));
        options.push((c"workdir", Some(work_path.as_c_str())));
    } else {
        let both = format!("/proc/self/fd/{}:/proc/self/fd/{}", upper.as_raw_fd(), lower.as_raw_fd());
        layers = CString::new(both).map_err(invalid)?;
        options.push((c"lowerdir", Some(layers.as_c_str())));
    }
    if userxattr {
        // Without it the mount works, and deleting a merged directory later fails with EIO.
        options.push((c"userxattr", None));
    }
    Ok(mount::new_filesystem(c"overlay", &options, attributes)?)
}

fn fresh(scratch: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Fault> {
    let fault = |call| move |errno| Fault::new(call, errno, "a layer in memory");
    mkdirat(scratch, name, Mode::from_bits_truncate(0o755)).map_err(fault(Operation::Mkdirat))?;
    open_directory(scratch, Path::new(name), OFlag::O_RDONLY).map_err(fault(Operation::Openat2))
}

fn open_directory(at: BorrowedFd<'_>, path: &Path, access: OFlag) -> Result<OwnedFd, Errno> {
    descriptor::openat2(at, path, access | OFlag::O_DIRECTORY, descriptor::NO_SYMLINKS)
}

/// The top layer's directory is the one that is seen: with any other mode or owner than those of the directory that it
/// covers it would open what that one keeps closed.
fn look_like(directory: BorrowedFd<'_>, lower: BorrowedFd<'_>) -> Result<(), Fault> {
    let covered = fstat(lower).map_err(|errno| Fault::new(Operation::Fstat, errno, "the lower directory"))?;
    let own = fstat(directory).map_err(|errno| Fault::new(Operation::Fstat, errno, "the layer"))?;
    if (own.st_uid, own.st_gid) != (covered.st_uid, covered.st_gid) {
        let (uid, gid) = (Uid::from_raw(covered.st_uid), Gid::from_raw(covered.st_gid));
        match fchown(directory, Some(uid), Some(gid)) {
            // An id that is not mapped can be given to nothing; the kernel still asks the directory beneath.
            Ok(()) | Err(Errno::EINVAL | Errno::EPERM) => {}
            Err(errno) => return Err(Fault::new(Operation::Fchown, errno, "the layer")),
        }
    }
    fchmod(directory, Mode::from_bits_truncate(covered.st_mode))
        .map_err(|errno| Fault::new(Operation::Fchmod, errno, "the layer"))
}

fn add(layer: BorrowedFd<'_>, lower: BorrowedFd<'_>, addition: &Addition) -> Result<(), Fault> {
    let path = addition.path();
    let mut above = std::path::PathBuf::new();
    for name in path.parent().into_iter().flat_map(Path::components) {
        above.push(name);
        match directory_at(layer, &above, 0o755) {
            Err(fault) if fault.errno == Errno::EEXIST => continue,
            made => made?,
        }
        match open_directory(lower, &above, OFlag::O_PATH) {
            Ok(covered) => {
                let made = open_directory(layer, &above, OFlag::O_RDONLY)
                    .map_err(|errno| Fault::new(Operation::Openat2, errno, above.display().to_string()))?;
                look_like(made.as_fd(), covered.as_fd())?;
            }
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Fault::new(Operation::Openat2, errno, above.display().to_string())),
        }
    }
    match addition {
        Addition::Directory { path } => match directory_at(layer, path, 0o755) {
            // A deeper addition has made it already.
            Err(fault) if fault.errno == Errno::EEXIST => Ok(()),
            made => made,
        },
        Addition::File { path } => empty_file(layer, path),
        Addition::Link { path, text } => link_at(layer, path, text),
    }
}
