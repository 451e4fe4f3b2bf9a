//! Where a path leads inside: followed as the program would, links of bound trees included.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::{Content, Kind, Tree, depth, rebased};
use crate::host::{Host, Node, join, names};
use crate::sys::errno::words;

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
    Unreadable(Errno),
}

/// As many links as the kernel follows in one path.
const LINKS: u32 = 40;

impl Tree {
    /// A link at the path's end is followed only if `follow`.
    pub fn find(&self, path: &Path, follow: bool, host: &Host) -> Found {
        self.walk(path, follow, host, |_| {})
    }

    /// The same, and which links were followed: where they stand, without links themselves.
    pub fn walk(&self, path: &Path, follow: bool, host: &Host, mut passed: impl FnMut(&Path)) -> Found {
        let mut links = 0;
        let mut at = PathBuf::from("/");
        let mut kind = Kind::Directory;
        let mut left: Vec<_> = names(path).map(Cow::Borrowed).collect();
        while let Some(name) = left.pop() {
            if kind != Kind::Directory {
                return Found::Nowhere { at, why: Obstacle::NoDirectory };
            }
            if &*name == ".." {
                at.pop();
                continue;
            }
            let next = join(&at, Path::new(&name));
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
                    left.extend(names(&text).map(|name| Cow::Owned(name.to_owned())));
                }
                Look::Missing => {
                    let rest = std::iter::once(name).chain(left.into_iter().rev()).collect();
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

    pub fn is_directory(&self, path: &Path, host: &Host) -> bool {
        matches!(self.find(path, true, host), Found::There { kind: Kind::Directory, .. })
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
        match self.provider(path) {
            Some((_, Content::Proc | Content::Sys | Content::Devpts)) => Look::Closed(Obstacle::Kernel),
            Some((_, Content::Hidden(_))) => Look::Closed(Obstacle::Hidden),
            Some((at, Content::Bind { source, .. })) => match host.node(&rebased(path, at, source)) {
                Node::Directory { .. } => Look::Is(Kind::Directory),
                Node::File { .. } | Node::Other => Look::Is(Kind::File),
                Node::Device { kind, major, minor } => Look::Is(Kind::Device { block: kind == 'b', major, minor }),
                Node::Symlink { to } => Look::Link(to),
                Node::Unreadable { errno } => Look::Closed(Obstacle::Unreadable(errno)),
                Node::Missing => Look::Missing,
            },
            _ => Look::Missing,
        }
    }
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
            Obstacle::Unreadable(errno) => write!(f, "cannot be looked at: {}", words(*errno)),
        }
    }
}
