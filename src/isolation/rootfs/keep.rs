//! Directories on the host that outlive the sandbox because the profile says so.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::descriptor;

/// A launch that is refused leaves none of those that it made; what has become of use to somebody is not empty.
pub fn take_back(context: &mut Context) {
    while let Some(made) = context.made.pop() {
        if let (Some(above), Some(name)) = (made.parent(), made.file_name())
            && let Ok(above) = enter(descriptor::here(), above, OFlag::O_PATH)
        {
            let _ = unlinkat(above, name, UnlinkatFlags::RemoveDir);
        }
    }
}

/// Makes what is missing of `path`, and takes its lock: two sandboxes never hold the same directory.
pub fn create(context: &mut Context, path: &Path, mode: u32, lock: Option<Slot>, owner: Option<(u32, u32)>) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, path.display().to_string());
    let mut directory = enter(descriptor::here(), Path::new("/"), OFlag::O_PATH).map_err(fault(Operation::Open))?;
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
            Err(errno) => return Err(fault(Operation::Mkdirat)(errno)),
        };
        // A directory above may be closed to reading.
        let access = if last { OFlag::O_RDONLY } else { OFlag::O_PATH };
        directory = enter(directory.as_fd(), name.as_ref(), access).map_err(fault(Operation::Open))?;
        if !(made && last) {
            continue;
        }
        if let Some((uid, gid)) = owner {
            fchown(&directory, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).map_err(fault(Operation::Fchown))?;
        }
        // The umask has taken its part of what was asked for.
        fchmod(&directory, Mode::from_bits_truncate(mode)).map_err(fault(Operation::Fchmod))?;
    }
    let Some(slot) = lock else { return Ok(()) };
    // Of the open file, so it ends with the last process of the sandbox that has it, however that ends.
    match descriptor::lock(&directory) {
        Ok(()) => {
            context.fill(slot, directory);
            Ok(())
        }
        Err(Errno::EWOULDBLOCK) => Err(Fault::new(
            Operation::Flock,
            Errno::EWOULDBLOCK,
            format!("{} is held by another sandbox", path.display()),
        )),
        Err(errno) => Err(fault(Operation::Flock)(errno)),
    }
}

/// Follows no link: those of the path were followed when it was planned, and whoever may write to a directory above can
/// put another in its place at any time.
fn enter(at: BorrowedFd<'_>, path: &Path, access: OFlag) -> Result<OwnedFd, Errno> {
    descriptor::openat2(at, path, access | OFlag::O_DIRECTORY, descriptor::NO_SYMLINKS)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_was_made_is_taken_back_and_nothing_else() {
        let place =
            fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("sandbox-keep-{}", std::process::id()));
        let (own, other) = (place.join("own"), place.join("other"));
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(other.join("made/deeper")).unwrap();
        let made = |context: &mut Context| create(context, &own.join("made/deeper"), 0o700, None, None).unwrap();

        let mut context = Context::default();
        made(&mut context);
        take_back(&mut context);
        assert!(own.is_dir() && !own.join("made").exists());

        made(&mut context);
        fs::rename(&own, place.join("moved")).unwrap();
        symlink(&other, &own).unwrap();
        take_back(&mut context);
        assert!(other.join("made/deeper").is_dir());
        fs::remove_dir_all(&place).unwrap();
    }
}
