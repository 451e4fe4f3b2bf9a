//! The tree as it will be seen inside, while it is only planned: what stands where.

mod find;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::join;
use crate::isolation::Access;

pub use find::{Found, Obstacle};

/// What is put at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A directory of the skeleton, or in a directory in memory.
    Directory,
    Link(PathBuf),
    /// Of the host.
    Bind {
        source: PathBuf,
        kind: Kind,
        access: Access,
        exec: bool,
        /// A layer in memory over it takes all writes.
        discard: bool,
        /// The host's own, in directories that only root changes: its paths may be walked.
        system: bool,
    },
    /// A writable directory in the memory that all of them share.
    Scratch {
        mode: u32,
        exec: bool,
    },
    /// Memory of its own.
    Tmpfs {
        size: u64,
        mode: u32,
        exec: bool,
        owner: u32,
    },
    File {
        text: String,
        mode: u32,
        owner: Option<u32>,
    },
    Hidden(Kind),
    Proc,
    Sys,
    /// The sandbox's own part of cgroup v2.
    Cgroup {
        writable: bool,
    },
    Devpts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
    Device { block: bool, major: u32, minor: u32 },
}

/// Entries by their path inside, free of links. The paths are compared as bytes: comparing them name by name took most
/// of the time that planning takes.
#[derive(Debug, Default)]
pub struct Tree {
    entries: BTreeMap<OsString, Content>,
}

impl Tree {
    pub fn put(&mut self, path: PathBuf, content: Content) {
        self.entries.insert(path.into_os_string(), content);
    }

    pub fn get(&self, path: &Path) -> Option<&Content> {
        self.entries.get(path.as_os_str())
    }

    pub fn remove(&mut self, path: &Path) {
        self.entries.remove(path.as_os_str());
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Content)> {
        self.entries.iter().map(|(path, content)| (Path::new(path), content))
    }

    /// What lies below a path, however deep.
    pub fn beneath(&self, at: &Path) -> impl Iterator<Item = (&Path, &Content)> {
        let mut start = at.as_os_str().to_owned();
        if at.as_os_str() != "/" {
            start.push("/");
        }
        let from = (Bound::Excluded(start.clone()), Bound::Unbounded);
        let entries = self.entries.range::<OsString, _>(from);
        let entries = entries.take_while(move |(path, _)| path.as_bytes().starts_with(start.as_bytes()));
        entries.map(|(path, content)| (Path::new(path), content))
    }

    /// Takes out all that lies below a path; those that `named` holds for are told.
    pub fn take_beneath(&mut self, at: &Path, named: fn(&Content) -> bool) -> Vec<PathBuf> {
        let beneath: Vec<PathBuf> = self.beneath(at).map(|(path, _)| path.to_owned()).collect();
        let taken = |path: &PathBuf| self.entries.remove(path.as_os_str()).is_some_and(|content| named(&content));
        beneath.into_iter().filter(taken).collect()
    }

    /// The shallowest first, in the order of their names.
    pub fn by_depth(&self) -> Vec<(&Path, &Content)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by_cached_key(|(path, _)| depth(path));
        entries
    }

    /// The content that provides what stands at `path`, and where that is within it.
    pub fn provider(&self, path: &Path) -> Option<(&Path, &Content)> {
        upwards(path).find_map(|at| {
            let (at, content) = self.entries.get_key_value(at.as_os_str())?;
            Some((Path::new(at), content))
        })
    }

    /// The host's path of what a bind shows at `path`; `None` where no bind does.
    pub fn source(&self, path: &Path) -> Option<PathBuf> {
        let (at, content) = self.provider(path)?;
        let Content::Bind { source, .. } = content else { return None };
        Some(rebased(path, at, source))
    }

    /// The binds of something above a path of the host, and what each calls it, whether or not something else stands there.
    pub fn reaching<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Path, &'a Content, PathBuf)> {
        self.iter().filter_map(move |(at, content)| {
            let Content::Bind { source, .. } = content else { return None };
            Some((at, content, join(at, below(path, source)?)))
        })
    }
}

/// How many names lead to a path that is free of links.
pub fn depth(path: &Path) -> usize {
    path.as_os_str().as_bytes().iter().filter(|byte| **byte == b'/').count()
}

/// What `path` is called that is `from`, or lies below it, where that is called `to`: as a bind has it, to and fro.
pub fn rebased(path: &Path, from: &Path, to: &Path) -> PathBuf {
    below(path, from).map_or_else(|| to.to_owned(), |rest| join(to, rest))
}

/// A path that is free of links, and the directories that it lies in, up to the root.
pub fn upwards(path: &Path) -> impl Iterator<Item = &Path> {
    std::iter::successors(Some(path), |path| above(path))
}

/// The directory that a path free of links lies in; the root lies in none.
pub fn above(path: &Path) -> Option<&Path> {
    let bytes = path.as_os_str().as_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/')?;
    (bytes.len() > 1).then(|| Path::new(OsStr::from_bytes(&bytes[..slash.max(1)])))
}

/// Whether a path is `at` or lies below it; both are free of links.
pub fn within(path: &Path, at: &str) -> bool {
    path.as_os_str() == at || below(path, Path::new(at)).is_some()
}

/// What is left of `path` below `above`; both are free of links, so their bytes can be compared.
pub fn below<'a>(path: &'a Path, above: &Path) -> Option<&'a Path> {
    let (path, above) = (path.as_os_str().as_bytes(), above.as_os_str().as_bytes());
    let rest = path.strip_prefix(above)?;
    let rest = if above == b"/" { rest } else { rest.strip_prefix(b"/")? };
    (!rest.is_empty()).then(|| Path::new(OsStr::from_bytes(rest)))
}
