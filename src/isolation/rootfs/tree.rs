//! The tree as it will be seen inside, while it is only planned: what stands where, and where a path leads.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::{Host, Node, names};
use crate::isolation::Access;

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

/// Where a path leads inside.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It exists, at this path without links.
    There { path: PathBuf, kind: Kind },
    /// Its last existing directory, and the names that are missing below it.
    Missing { directory: PathBuf, rest: PathBuf },
    /// What is at this path keeps it from leading anywhere.
    Nowhere { at: PathBuf, why: Obstacle },
}

/// Why a path leads nowhere: said after the path that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    NoDirectory,
    Loop,
    /// In a file system that the kernel fills nothing can be put, or looked for.
    Kernel,
    Hidden,
    /// The caller may not look there, for this reason.
    Unreadable(String),
}

/// Entries by their path inside, free of links. The paths are compared as bytes: comparing them name by name took most
/// of the time that planning takes.
#[derive(Debug, Default)]
pub struct Tree {
    entries: BTreeMap<OsString, Content>,
}

/// As many links as the kernel follows in one path.
const LINKS: u32 = 40;

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

    pub fn is_directory(&self, path: &Path, host: &Host) -> bool {
        matches!(self.find(path, true, host), Found::There { kind: Kind::Directory, .. })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Content)> {
        self.entries.iter().map(|(path, content)| (Path::new(path), content))
    }

    /// What lies below a path, however deep.
    pub fn beneath(&self, at: &Path) -> impl Iterator<Item = (&Path, &Content)> {
        let mut start = at.as_os_str().to_owned();
        if at != Path::new("/") {
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
        entries.sort_by_key(|(path, _)| depth(path));
        entries
    }

    /// Follows `path` as the program would, links of bound trees included; a link at its end only if `follow`.
    pub fn find(&self, path: &Path, follow: bool, host: &Host) -> Found {
        self.walk(path, follow, host, |_| {})
    }

    /// The same, and which links were followed: where they stand, without links themselves.
    pub fn walk(&self, path: &Path, follow: bool, host: &Host, mut passed: impl FnMut(&Path)) -> Found {
        let mut links = 0;
        let mut at = PathBuf::from("/");
        let mut kind = Kind::Directory;
        let mut left: Vec<PathBuf> = names(path);
        while let Some(name) = left.pop() {
            if name.as_os_str() == ".." {
                at.pop();
                continue;
            }
            if kind != Kind::Directory {
                return Found::Nowhere { at, why: Obstacle::NoDirectory };
            }
            let next = at.join(&name);
            match self.look(&next, host) {
                Look::Is(is) => (at, kind) = (next, is),
                Look::Link(_) if !follow && left.is_empty() => return Found::There { path: next, kind: Kind::File },
                Look::Link(text) => {
                    links += 1;
                    passed(&next);
                    if links > LINKS {
                        return Found::Nowhere { at: next, why: Obstacle::Loop };
                    }
                    if text.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    left.extend(names(&text));
                }
                Look::Missing => {
                    let mut rest = name;
                    rest.extend(left.into_iter().rev());
                    return Found::Missing { directory: at, rest };
                }
                Look::Closed(why) => return Found::Nowhere { at: next, why },
            }
        }
        Found::There { path: at, kind }
    }

    /// How many names lead to where a path leads, as far as it exists.
    pub fn depth(&self, path: &Path, follow: bool, host: &Host) -> usize {
        match self.find(path, follow, host) {
            Found::There { path, .. } => depth(&path),
            Found::Missing { directory, rest } => depth(&directory.join(rest)),
            Found::Nowhere { .. } => depth(path),
        }
    }

    /// The content that provides what stands at `path`, and where that is within it.
    pub fn provider(&self, path: &Path) -> Option<(&Path, &Content)> {
        path.ancestors().find_map(|above| {
            let (at, content) = self.entries.get_key_value(above.as_os_str())?;
            Some((Path::new(at), content))
        })
    }

    /// The host's path of what a bind shows at `path`; `None` where no bind does.
    pub fn source(&self, path: &Path) -> Option<PathBuf> {
        let (at, content) = self.provider(path)?;
        let Content::Bind { source, .. } = content else { return None };
        Some(below(path, at).map_or_else(|| source.clone(), |rest| source.join(rest)))
    }

    fn look(&self, path: &Path, host: &Host) -> Look {
        if let Some(content) = self.get(path) {
            return match content {
                Content::Link(text) => Look::Link(text.clone()),
                Content::Bind { kind, .. } | Content::Hidden(kind) => Look::Is(*kind),
                Content::File { .. } => Look::Is(Kind::File),
                _ => Look::Is(Kind::Directory),
            };
        }
        match self.provider(path).map(|(_, content)| content) {
            Some(Content::Proc | Content::Sys | Content::Devpts) => Look::Closed(Obstacle::Kernel),
            Some(Content::Hidden(_)) => Look::Closed(Obstacle::Hidden),
            Some(Content::Bind { .. }) => match self.source(path).map(|source| host.node(&source)) {
                Some(Node::Directory { .. }) => Look::Is(Kind::Directory),
                Some(Node::File { .. } | Node::Other) => Look::Is(Kind::File),
                Some(Node::Device { kind, major, minor }) => {
                    Look::Is(Kind::Device { block: kind == 'b', major, minor })
                }
                Some(Node::Symlink { to }) => Look::Link(to),
                Some(Node::Unreadable { errno }) => Look::Closed(Obstacle::Unreadable(errno)),
                Some(Node::Missing) | None => Look::Missing,
            },
            _ => Look::Missing,
        }
    }
}

/// How many names lead to a path that is free of links.
pub fn depth(path: &Path) -> usize {
    path.as_os_str().as_bytes().iter().filter(|byte| **byte == b'/').count()
}

/// What is left of `path` below `above`; both are free of links, so their bytes can be compared.
pub fn below<'a>(path: &'a Path, above: &Path) -> Option<&'a Path> {
    let (path, above) = (path.as_os_str().as_bytes(), above.as_os_str().as_bytes());
    let rest = path.strip_prefix(above)?;
    let rest = if above == b"/" { rest } else { rest.strip_prefix(b"/")? };
    (!rest.is_empty()).then(|| Path::new(OsStr::from_bytes(rest)))
}

enum Look {
    Is(Kind),
    Link(PathBuf),
    Missing,
    Closed(Obstacle),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NoDirectory => f.write_str("is not a directory"),
            Obstacle::Loop => f.write_str("is part of a loop of links"),
            Obstacle::Kernel => f.write_str("belongs to the kernel"),
            Obstacle::Hidden => f.write_str("lies in a hidden directory"),
            Obstacle::Unreadable(errno) => write!(f, "cannot be looked at ({errno})"),
        }
    }
}

#[cfg(test)]
mod tests;
