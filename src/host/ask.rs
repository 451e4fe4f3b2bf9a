//! The questions themselves: each asks the kernel for one fact.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::{Limit, Node};
use crate::sys::descriptor;
use crate::sys::errno;
use crate::sys::namespace::Namespace;

pub fn kernel() -> String {
    nix::sys::utsname::uname().map(|names| names.release().to_string_lossy().into_owned()).unwrap_or_default()
}

pub fn uid() -> u32 {
    nix::unistd::getuid().as_raw()
}

pub fn gid() -> u32 {
    nix::unistd::getgid().as_raw()
}

pub fn groups() -> Vec<u32> {
    nix::unistd::getgroups().map(|groups| groups.iter().map(|group| group.as_raw()).collect()).unwrap_or_default()
}

pub fn limits() -> BTreeMap<String, Limit> {
    use crate::sys::process::{RESOURCES, limits};
    let ask = |resource| limits(resource).ok().map(|limits| Limit { soft: limits.soft, hard: limits.hard });
    RESOURCES.iter().filter_map(|(name, resource)| Some(((*name).to_owned(), ask(*resource)?))).collect()
}

pub fn raises_limits() -> bool {
    /// As in linux/capability.h.
    const CAP_SYS_RESOURCE: u32 = 24;
    crate::sys::capabilities::get().is_ok_and(|sets| sets.effective & 1 << CAP_SYS_RESOURCE != 0)
}

pub fn capabilities() -> u64 {
    crate::sys::capabilities::get().map_or(0, |sets| sets.permitted)
}

pub fn uptime() -> u64 {
    nix::sys::sysinfo::sysinfo().map(|info| info.uptime().as_secs()).unwrap_or_default()
}

pub fn memory() -> u64 {
    nix::sys::sysinfo::sysinfo().map(|info| info.ram_total()).unwrap_or_default()
}

pub fn max_user_namespaces() -> u64 {
    // The file is missing where the kernel was built without user namespaces.
    limit_of(Namespace::User).unwrap_or(0)
}

pub fn max_namespaces() -> BTreeMap<String, u64> {
    let others = Namespace::ALL.into_iter().filter(|kind| *kind != Namespace::User);
    others.filter_map(|kind| Some((kind.link().to_owned(), limit_of(kind)?))).collect()
}

/// How many namespaces of a kind a user may make.
pub fn limit_of(kind: Namespace) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/sys/{}", kind.limit().replace('.', "/"))).ok()?.trim().parse().ok()
}

pub fn env() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

pub fn cwd() -> PathBuf {
    // One that lies outside the root reads as a path that does not start with `/`.
    std::env::current_dir().ok().filter(|path| path.is_absolute()).unwrap_or_default()
}

pub fn terminals() -> [bool; 3] {
    [std::io::stdin().is_terminal(), std::io::stdout().is_terminal(), std::io::stderr().is_terminal()]
}

pub fn list(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

pub fn node(path: &Path) -> Node {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR) => Node::Missing,
                _ => Node::Unreadable { errno: errno::behind(&error) },
            };
        }
    };
    let (kind, uid, mode) = (metadata.file_type(), metadata.uid(), metadata.mode() & 0o7777);
    let device = |kind| Node::Device {
        kind,
        major: libc::major(metadata.rdev()) as u32,
        minor: libc::minor(metadata.rdev()) as u32,
    };
    if kind.is_dir() {
        Node::Directory { uid, mode }
    } else if kind.is_file() {
        Node::File { uid, mode }
    } else if kind.is_symlink() {
        match std::fs::read_link(path) {
            Ok(to) => Node::Symlink { to },
            Err(error) => Node::Unreadable { errno: errno::behind(&error) },
        }
    } else if kind.is_char_device() {
        device('c')
    } else if kind.is_block_device() {
        device('b')
    } else {
        Node::Other
    }
}

pub fn text(path: &Path) -> Option<String> {
    String::from_utf8(contents(follow(path)?)?).ok()
}

pub fn lossy_text(path: &Path) -> Option<String> {
    Some(String::from_utf8_lossy(&contents(follow(path)?)?).into_owned())
}

pub fn text_of_others(path: &Path) -> Option<String> {
    String::from_utf8(contents(open_of_others(path)?)?).ok()
}

fn follow(path: &Path) -> Option<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()
}

/// Who may write to the tree can put a link, a FIFO or a lease where a file was found: the link would lead us, with our
/// rights, to any file, and opening some devices is an act of its own.
pub fn open_of_others(path: &Path) -> Option<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    descriptor::openat2(descriptor::here(), path, flags, descriptor::NO_SYMLINKS).ok().map(File::from)
}

/// What is no file could keep us waiting for ever, and no file of accounts is this large.
fn contents(file: File) -> Option<Vec<u8>> {
    const LARGEST: u64 = 16 << 20;
    let metadata = file.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= LARGEST)?;
    let mut contents = Vec::with_capacity(metadata.len() as usize + 1);
    file.take(LARGEST).read_to_end(&mut contents).ok()?;
    Some(contents)
}

pub fn links(path: &Path) -> u64 {
    std::fs::symlink_metadata(path).map_or(1, |metadata| metadata.nlink())
}

pub fn writable(path: &Path) -> bool {
    use nix::unistd::AccessFlags;
    nix::unistd::access(path, AccessFlags::W_OK).is_ok()
}

pub fn delegated(cgroup: &Path) -> bool {
    // systemd marks it for everybody in user.delegate, and before version 251 for root alone.
    [c"user.delegate", c"trusted.delegate"]
        .into_iter()
        .any(|name| descriptor::attribute(cgroup, name).is_some_and(|value| value == b"1"))
}

pub fn device(path: &Path) -> Option<(u32, u32)> {
    let metadata = std::fs::metadata(path).ok()?;
    let device = if metadata.file_type().is_block_device() { metadata.rdev() } else { metadata.dev() };
    Some((libc::major(device) as u32, libc::minor(device) as u32))
}
