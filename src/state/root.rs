//! The directory that holds the records: where it is, and that nobody else can reach into it.

use std::fs::DirBuilder;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};

use super::remedy::Refused;
use crate::host::{Host, Node};

/// The state directory, opened and found to be ours alone.
#[derive(Debug)]
pub struct Root {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// Where the state of this caller's sandboxes is kept: on a file system in memory where there is one, because it then
/// ends with the machine's run as the sandboxes do.
pub fn locate(host: &Host) -> PathBuf {
    if host.is_root() {
        return PathBuf::from("/run/sandbox");
    }
    let runtime = host.env("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(runtime) = runtime
        && matches!(host.node(&runtime), Node::Directory { uid, mode } if uid == host.uid() && mode & 0o022 == 0)
    {
        return runtime.join("sandbox");
    }
    match host.env("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(state) => state.join("sandbox"),
        None => home(host).join(".local/state/sandbox"),
    }
}

/// Of the account, not of the environment: $HOME may be anyone's.
fn home(host: &Host) -> PathBuf {
    host.user_by_uid(host.uid()).map_or_else(|| PathBuf::from("/"), |user| user.home)
}

impl Root {
    /// Opens it, and makes it where it is missing.
    pub fn create(path: &Path) -> Result<Root> {
        if let Some(root) = Root::open(path)? {
            return Ok(root);
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("making the state directory {}", path.display()))?;
        Root::open(path)?.with_context(|| format!("the state directory {} has vanished", path.display()))
    }

    /// `None` where it does not exist: nothing was ever run.
    pub fn open(path: &Path) -> Result<Option<Root>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let descriptor = match open(path, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                let message = format!("the state directory {} is a link or no directory at all", path.display());
                return Err(Refused { message, hint: "remove it, and the next launch makes it".to_owned() }.into());
            }
            Err(errno) => return Err(errno).with_context(|| format!("opening the state directory {}", path.display())),
        };
        let stat = fstat(&descriptor).with_context(|| format!("examining the state directory {}", path.display()))?;
        let caller = nix::unistd::geteuid().as_raw();
        if stat.st_uid != caller {
            let message =
                format!("the state directory {} belongs to uid {}, not to {caller}", path.display(), stat.st_uid);
            let hint = "is the environment another account's? XDG_RUNTIME_DIR and XDG_STATE_HOME say where it is";
            return Err(Refused { message, hint: hint.to_owned() }.into());
        }
        if stat.st_mode & 0o077 != 0 {
            let mode = stat.st_mode & 0o777;
            let message =
                format!("the state directory {} has mode {mode:04o}, so that others reach into it", path.display());
            let hint = format!("chmod 0700 {}", path.display());
            return Err(Refused { message, hint }.into());
        }
        Ok(Some(Root { descriptor, path: path.to_owned() }))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";

    fn located(uid: u32, env: &[(&str, &str)], runtime: Option<(u32, u32)>) -> PathBuf {
        let mut facts = Facts { uid: Some(uid), ..Facts::default() };
        facts.env = Some(env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
        facts.texts.insert("/etc/passwd".into(), Some(PASSWD.into()));
        if let Some((uid, mode)) = runtime {
            facts.paths.insert("/run/user/1000".into(), Node::Directory { uid, mode });
        }
        locate(&Host::known(facts))
    }

    #[test]
    fn it_is_in_memory_where_that_is_safe() {
        let runtime = [("XDG_RUNTIME_DIR", "/run/user/1000"), ("HOME", "/tmp/evil")];
        assert_eq!(located(0, &runtime, Some((0, 0o700))), Path::new("/run/sandbox"));
        assert_eq!(located(1000, &runtime, Some((1000, 0o700))), Path::new("/run/user/1000/sandbox"));
        let home = Path::new("/home/ann/.local/state/sandbox");
        for unsafe_directory in [None, Some((0, 0o700)), Some((1000, 0o770)), Some((1000, 0o1777))] {
            assert_eq!(located(1000, &runtime, unsafe_directory), home, "{unsafe_directory:?}");
        }
        assert_eq!(located(1000, &[("XDG_RUNTIME_DIR", "run")], None), home);
        assert_eq!(located(1000, &[("XDG_STATE_HOME", "/st")], None), Path::new("/st/sandbox"));
        assert_eq!(located(1000, &[("XDG_STATE_HOME", "st")], None), home);
    }
}
