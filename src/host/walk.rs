//! Where a path leads on the host, link by link: every step is a fact that is remembered.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::{Host, Node};

impl Host {
    /// A path as the caller means it; `None` for a relative one where there is no working directory.
    pub fn absolute(&self, path: &Path) -> Option<PathBuf> {
        if path.is_absolute() { Some(path.to_owned()) } else { Some(self.cwd()?.join(path)) }
    }

    /// Where a path leads when every link is followed, and what stands there. A link that leads nowhere stays a link.
    pub fn canonical(&self, path: &Path) -> (PathBuf, Node) {
        self.follow(path, |_| {})
    }

    /// The same, and which links were followed: where they stand, without links themselves.
    pub fn follow(&self, path: &Path, mut passed: impl FnMut(&Path)) -> (PathBuf, Node) {
        const LINKS: u32 = 40;
        let mut links = 0;
        let mut at = PathBuf::from("/");
        let mut left: Vec<_> = names(path).map(Cow::Borrowed).collect();
        while let Some(name) = left.pop() {
            if &*name == ".." {
                at.pop();
                continue;
            }
            let next = join(&at, Path::new(&name));
            match self.node(&next) {
                Node::Symlink { to } if links < LINKS => {
                    links += 1;
                    passed(&next);
                    if to.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    left.extend(names(&to).map(|name| Cow::Owned(name.to_owned())));
                }
                Node::Directory { .. } => at = next,
                node if left.is_empty() => return (next, node),
                unreadable @ Node::Unreadable { .. } => return (path.to_owned(), unreadable),
                _ => return (path.to_owned(), Node::Missing),
            }
        }
        let node = self.node(&at);
        (at, node)
    }

    /// The same for a path that need not exist yet: what is missing of it stands at the end as it was written.
    pub fn place(&self, path: &Path) -> PathBuf {
        let existing = path.ancestors().find_map(|above| match self.canonical(above) {
            (_, Node::Missing | Node::Symlink { .. }) => None,
            (at, _) => Some((at, path.strip_prefix(above).unwrap_or(Path::new("")))),
        });
        match existing {
            // Joining nothing would add a slash.
            Some((at, rest)) if rest.as_os_str().is_empty() => at,
            Some((at, rest)) => at.join(rest),
            None => path.to_owned(),
        }
    }
}

/// The names of a path, the last first; `.` and the root are none.
pub fn names(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.components()
        .rev()
        .filter(|name| matches!(name, Component::Normal(_) | Component::ParentDir))
        .map(Component::as_os_str)
}

/// What a directory holds under a name, or a path below it. `Path::join` allocates twice.
pub fn join(directory: &Path, name: &Path) -> PathBuf {
    let (directory, name) = (directory.as_os_str(), name.as_os_str());
    let mut path = OsString::with_capacity(directory.len() + 1 + name.len());
    path.push(directory);
    if directory != "/" {
        path.push("/");
    }
    path.push(name);
    path.into()
}
