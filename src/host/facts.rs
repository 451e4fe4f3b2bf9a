//! The facts themselves, as text that can be kept and handed in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Format;
use crate::sys::errno;

/// The remembered facts, as `doctor --json` prints them and records keep them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Facts {
    /// `uname -r`.
    pub kernel: Option<String>,
    /// The caller's real ids; a launcher with privilege of its own refuses to run.
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub groups: Option<Vec<u32>>,
    /// The caller's resource limits, by the names of prlimit(1).
    pub limits: Option<BTreeMap<String, Limit>>,
    /// The caller may raise hard limits: it has CAP_SYS_RESOURCE.
    pub raises_limits: Option<bool>,
    /// The caller's priority.
    pub nice: Option<i32>,
    /// The caller's permitted capabilities, a bit each.
    pub capabilities: Option<u64>,
    /// Seconds since it was started, suspended or not.
    pub uptime: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// The highest Landlock ABI; 0 where there is none.
    pub landlock_abi: Option<u32>,
    /// `/proc/sys/user/max_user_namespaces`; 0 forbids them.
    pub max_user_namespaces: Option<u64>,
    /// `/proc/sys/user/max_*_namespaces` of the other kinds, where the kernel has them.
    pub max_namespaces: Option<BTreeMap<String, u64>>,
    /// The caller's environment.
    pub env: Option<BTreeMap<String, String>>,
    /// Empty where it has been removed.
    #[serde(serialize_with = "of_some")]
    pub cwd: Option<PathBuf>,
    /// Descriptors 0–2 that are terminals.
    pub terminals: Option<[bool; 3]>,
    /// What is at a path, links not followed.
    pub paths: BTreeMap<String, Node>,
    /// The names in a directory.
    pub directories: BTreeMap<String, Vec<String>>,
    /// Small text files, by path; `None` where it cannot be read.
    pub texts: BTreeMap<String, Option<String>>,
    /// How many names files have.
    pub links: BTreeMap<String, u64>,
    /// What the caller may write to.
    pub writable: BTreeMap<String, bool>,
    /// Cgroups that systemd has delegated.
    pub delegated: BTreeMap<String, bool>,
    /// Major and minor number of the device that a path is on, or is.
    pub devices: BTreeMap<String, Option<(u32, u32)>>,
    /// What files would be executed as.
    pub formats: BTreeMap<String, Format>,
}

/// A resource limit; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub soft: Option<u64>,
    pub hard: Option<u64>,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    Missing,
    Directory {
        uid: u32,
        mode: u32,
    },
    File {
        uid: u32,
        mode: u32,
    },
    Symlink {
        #[serde(serialize_with = "of")]
        to: PathBuf,
    },
    /// `b` or `c`, major, minor.
    Device {
        kind: char,
        major: u32,
        minor: u32,
    },
    /// A socket or a FIFO.
    Other,
    /// It may exist; the caller may not look.
    Unreadable {
        #[serde(serialize_with = "name_of", deserialize_with = "errno_of")]
        errno: Errno,
    },
}

fn name_of<S: Serializer>(errno: &Errno, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{errno:?}"))
}

fn errno_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Errno, D::Error> {
    let name = String::deserialize(deserializer)?;
    errno::named(&name).ok_or_else(|| D::Error::custom(format!("`{name}` is no errno's name, as EACCES is")))
}

/// A path as facts are kept: they are text, and a name need not be. What cannot be told is marked as such, so that it
/// names nothing.
fn of<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn of_some<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

impl Facts {
    /// A directory on the way to `path` was listed, and what follows was not there: that is an answer too.
    pub(super) fn list_without(&self, path: &Path) -> bool {
        path.ancestors().any(|at| {
            let (Some(directory), Some(name)) = (at.parent().and_then(Path::to_str), at.file_name()) else {
                return false;
            };
            // An empty list may be one that could not be read.
            let names = self.directories.get(directory).filter(|names| !names.is_empty());
            names.is_some_and(|names| !names.iter().any(|listed| name == listed.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn names_that_are_no_text_do_not_keep_facts_from_being_kept() {
        let path = PathBuf::from(OsStr::from_bytes(b"/a\xff"));
        let paths = [("/link".to_owned(), Node::Symlink { to: path.clone() })].into();
        let kept = serde_json::to_string(&Facts { cwd: Some(path), paths, ..Facts::default() }).unwrap();
        let read: Facts = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.cwd, Some("/a\u{fffd}".into()));
        assert_eq!(read.paths["/link"], Node::Symlink { to: "/a\u{fffd}".into() });
    }
}
