//! The cgroups below one. A program may have made them as deep and as many as it liked: nothing is held but the directory
//! that is looked at, and the way back is `..`, which leads nowhere else as no cgroup can be moved.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result};
use nix::dir::{Dir, Entry, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

pub const DIRECTORY: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Visits all that lie below, and then it.
pub fn walk(top: BorrowedFd, mut visit: impl FnMut(BorrowedFd) -> Result<()>) -> Result<()> {
    let mut here = open_below(top, c".")?;
    let mut depth = 0u64;
    // Where we came up from; what has been removed meanwhile, with its place in the list, is left to the next walk.
    let mut from = None;
    loop {
        let mut deeper = None;
        let mut passed = from.is_none();
        for child in children(here.as_fd()).context("listing the cgroups below it")? {
            let (name, number) = child.context("listing the cgroups below it")?;
            if !passed {
                passed = from == Some(number);
                continue;
            }
            match open_below(here.as_fd(), &name) {
                // A list is begun anew after each that has more below it, and there may be thousands that have not.
                Ok(below) if is_leaf(&below)? => visit(below.as_fd())?,
                Ok(below) => {
                    deeper = Some(below);
                    break;
                }
                Err(Errno::ENOENT) => {}
                Err(errno) => return Err(errno).context("opening a cgroup below it"),
            }
        }
        if let Some(below) = deeper {
            (here, from) = (below, None);
            depth += 1;
            continue;
        }
        visit(here.as_fd())?;
        if depth == 0 {
            return Ok(());
        }
        depth -= 1;
        from = Some(fstat(&here).context("examining a cgroup below it")?.st_ino);
        here = open_below(here.as_fd(), c"..").context("leaving a cgroup below it")?;
    }
}

/// Removes those in which no process is left.
pub fn remove_children(top: OwnedFd) -> nix::Result<()> {
    let (mut here, mut depth) = (top, 0u64);
    // Where we came up from: nothing was left below it.
    let mut from = None;
    loop {
        let mut deeper = None;
        for child in children(here.as_fd())? {
            let (name, number) = child?;
            match unlinkat(&here, name.as_c_str(), UnlinkatFlags::RemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                // There are processes in it.
                Err(errno @ (Errno::EBUSY | Errno::ENOTEMPTY)) if from == Some(number) => return Err(errno),
                Err(Errno::EBUSY | Errno::ENOTEMPTY) => match open_below(here.as_fd(), &name) {
                    Ok(below) => {
                        deeper = Some(below);
                        break;
                    }
                    Err(Errno::ENOENT) => {}
                    Err(errno) => return Err(errno),
                },
                Err(errno) => return Err(errno),
            }
        }
        if let Some(below) = deeper {
            (here, from) = (below, None);
            depth += 1;
            continue;
        }
        if depth == 0 {
            return Ok(());
        }
        depth -= 1;
        from = Some(fstat(&here)?.st_ino);
        here = open_below(here.as_fd(), c"..")?;
    }
}

fn open_below(cgroup: BorrowedFd, name: &CStr) -> nix::Result<OwnedFd> {
    openat(cgroup, name, DIRECTORY, Mode::empty())
}

/// The cgroups directly below, with their numbers: everything else in such a directory is a file. Those that are removed
/// while they are listed are passed over.
fn children(cgroup: BorrowedFd) -> nix::Result<impl Iterator<Item = nix::Result<(CString, u64)>>> {
    let stream = match Dir::openat(cgroup, c".", DIRECTORY, Mode::empty()) {
        Ok(stream) => Some(stream),
        // Removed meanwhile.
        Err(Errno::ENOENT | Errno::ENODEV) => None,
        Err(errno) => return Err(errno),
    };
    let below = |entry: &Entry| {
        entry.file_type() == Some(Type::Directory) && !matches!(entry.file_name().to_bytes(), b"." | b"..")
    };
    let entries = stream.into_iter().flatten();
    Ok(entries.filter_map(move |entry| match entry {
        // Removed meanwhile, with all below it.
        Err(Errno::ENOENT) => None,
        Ok(entry) => below(&entry).then(|| Ok((entry.file_name().to_owned(), entry.ino()))),
        Err(errno) => Some(Err(errno)),
    }))
}

/// The kernel counts a directory's own two links, and one of each directory in it.
fn is_leaf(cgroup: &OwnedFd) -> Result<bool> {
    Ok(fstat(cgroup).context("examining a cgroup below it")?.st_nlink == 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    /// Leaves, and directories with others in them, in turn; one of them deeper than a path can be written.
    fn tree(name: &str) -> (PathBuf, usize) {
        let top = std::env::temp_dir().join(format!("sandbox-{name}-{}", std::process::id()));
        for number in 0..20 {
            fs::create_dir_all(top.join(format!("leaf-{number}"))).unwrap();
            fs::create_dir_all(top.join(format!("with-{number}/one/below"))).unwrap();
            fs::create_dir_all(top.join(format!("with-{number}/another"))).unwrap();
        }
        let mut here = nix::fcntl::open(&top, DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..2100 {
            nix::sys::stat::mkdirat(&here, "d", Mode::from_bits_truncate(0o700)).unwrap();
            here = openat(&here, "d", DIRECTORY, Mode::empty()).unwrap();
        }
        (top, 1 + 20 * 5 + 2100)
    }

    fn open_top(top: &Path) -> OwnedFd {
        nix::fcntl::open(top, DIRECTORY, Mode::empty()).unwrap()
    }

    #[test]
    fn each_is_visited_once_and_after_those_below_it() {
        let (top, count) = tree("walk");
        let mut visited = Vec::new();
        walk(open_top(&top).as_fd(), |directory| {
            visited.push(fstat(directory)?.st_ino);
            Ok(())
        })
        .unwrap();
        let different: std::collections::BTreeSet<_> = visited.iter().collect();
        assert_eq!((visited.len(), different.len()), (count, count));
        let at = |path: &str| {
            let number = top.join(path).metadata().unwrap().ino();
            visited.iter().position(|visited| *visited == number).unwrap()
        };
        assert!(at("with-7/one/below") < at("with-7/one") && at("with-7/one") < at("with-7"));
        assert!(at("d/d") < at("d"));
        assert_eq!(at(""), count - 1);
        let stopped = walk(open_top(&top).as_fd(), |_| anyhow::bail!("enough"));
        assert_eq!(stopped.unwrap_err().to_string(), "enough");
        remove_children(open_top(&top)).unwrap();
        fs::remove_dir(&top).unwrap();
    }

    #[test]
    fn what_something_is_in_stays_and_is_an_error() {
        let (top, _) = tree("remove");
        // As a process does it, a file keeps a directory from going.
        fs::write(top.join("with-15/one/file"), "").unwrap();
        assert_eq!(remove_children(open_top(&top)), Err(Errno::ENOTEMPTY));
        assert!(top.join("with-15/one/file").exists() && !top.join("with-15/one/below").exists());
        fs::remove_file(top.join("with-15/one/file")).unwrap();
        remove_children(open_top(&top)).unwrap();
        fs::remove_dir(&top).unwrap();
    }
}
