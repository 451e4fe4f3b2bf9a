//! Where an entry goes in the tree, and what makes room for it.

use std::path::{Path, PathBuf};

use super::Planner;
use crate::host::{Node, join};
use crate::isolation::rootfs::Access;
use crate::isolation::rootfs::tree::{Content, Found, Kind, Obstacle, above, below, within};
use crate::isolation::{Origin, Section};

impl Planner<'_> {
    pub(super) fn put_default(&mut self, target: impl AsRef<Path>, content: Content) {
        self.put(target.as_ref(), content, None);
    }

    /// Refuses what would stand where the kernel shows something of its own.
    fn kernels(&mut self, target: &Path, at: &Path, origin: Option<&Origin>) {
        let noun = target.display();
        let message = match at == target {
            true => format!("target {noun} {}", Obstacle::Kernel),
            false => format!("target {noun} leads to {}, which {}", at.display(), Obstacle::Kernel),
        };
        let hint = match ["/sys", "/proc", "/dev/pts"].into_iter().find(|ours| within(at, ours)) {
            Some("/sys") => "leave it out; sys = \"read-only\" shows what there is",
            Some("/proc") => "leave it out: /proc is made anew inside, and shows the sandbox alone",
            Some(_) => "leave it out: /dev/pts is made anew inside, for terminals of the sandbox's own",
            None => "/dev is made anew inside: list nodes in devices, and put other things below it one by one",
        };
        self.findings.error(Section::Rootfs, message, hint, origin);
    }

    /// Puts an entry where its target leads, with the directories that are missing above it.
    pub(super) fn put(&mut self, target: &Path, content: Content, origin: Option<&Origin>) {
        let follow = !matches!(content, Content::Link(_));
        let noun = target.display();
        let path = match self.tree.find(target, follow, self.host) {
            Found::There { path, kind } => {
                if let Some(message) = clash(&content, kind) {
                    let hint = "choose another target".to_string();
                    return self.findings.error(Section::Rootfs, format!("target {noun} {message}"), hint, origin);
                }
                path
            }
            Found::Missing { directory, rest } => {
                let made = join(&directory, &rest);
                if origin.is_none() || !in_kernels(&made) {
                    self.make_room(&directory, &rest, origin);
                }
                made
            }
            Found::Nowhere { at, why: Obstacle::Kernel } => return self.kernels(target, &at, origin),
            Found::Nowhere { at, why } => {
                let message = format!("target {noun} cannot be made: {} {why}", at.display());
                let hint = "choose a target with nothing but directories on the way to it";
                return self.findings.error(Section::Rootfs, message, hint, origin);
            }
        };
        let made_anew = || ["/dev", "/dev/pts"].iter().any(|ours| path.as_os_str() == *ours) || in_kernels(&path);
        if origin.is_some() && made_anew() {
            return self.kernels(target, &path, origin);
        }
        if path.as_os_str() == "/" && self.tree.get(&path).is_some() {
            let hint = "set base, or bind directories below it".to_string();
            return self.findings.error(Section::Rootfs, "target / is the root itself", hint, origin);
        }
        if matches!(content, Content::Hidden(Kind::Directory) | Content::Link(_)) {
            self.clear(&path, target, origin);
        }
        if matches!(content, Content::Tmpfs { .. } | Content::Scratch { .. }) {
            self.empty(&path);
        }
        if origin.is_some() {
            self.written.insert(path.clone());
        }
        let granted = origin.filter(|_| matches!(content, Content::Bind { kind: Kind::Directory, .. }));
        self.tree.put(path.clone(), content);
        if granted.is_some() {
            self.settle(&path, origin);
        }
    }

    /// What only the defaults put beneath a granted directory needs a mount point there. Where a writable one has none,
    /// none is made; nor is the runtime directory added to a read-only one: through the layer that would bring it nobody
    /// reaches the sockets in /run, which the kernel finds by their inodes.
    fn settle(&mut self, at: &Path, origin: Option<&Origin>) {
        let Some(Content::Bind { source, access, .. }) = self.tree.get(at) else { return };
        let (source, access) = (source.clone(), *access);
        let runtime = self.runtime();
        let defaults: Vec<(PathBuf, Content)> =
            self.tree.beneath(at).map(|(path, content)| (path.to_owned(), content.clone())).collect();
        for (path, content) in defaults {
            let above = above(&path).and_then(|above| self.tree.provider(above)).map(|(above, _)| above);
            let Some(there) = below(&path, at).map(|rest| join(&source, rest)).filter(|_| above == Some(at)) else {
                continue;
            };
            let directory = matches!(self.host.canonical(&there), (path, Node::Directory { .. }) if path == there);
            let missing = !directory && self.host.node(&there) == Node::Missing && self.host.place(&there) == there;
            let stays = match content {
                // The tree's own, or made with what is deeper.
                Content::Directory => false,
                Content::Hidden(_) => !missing,
                Content::Scratch { .. } => directory || missing && access == Access::ReadOnly && path != runtime,
                Content::Bind { .. } if missing && access == Access::ReadWrite => {
                    let message = format!("target {} does not exist in a writable tree", path.display());
                    let hint = format!("create {} first: mount points are never made on the host", there.display());
                    self.findings.error(Section::Rootfs, message, hint, origin);
                    true
                }
                _ => true,
            };
            if !stays && !self.written.contains(&path) {
                self.tree.remove(&path);
            }
        }
        for secret in self.emptied.iter().filter(|secret| below(secret, at).is_some()) {
            if let Found::There { path, kind } = self.tree.find(secret, true, self.host)
                && self.tree.provider(&path).is_some_and(|(above, _)| above == at)
                && path != at
            {
                self.tree.put(path, Content::Hidden(kind));
            }
        }
    }

    /// A directory in memory has nothing to hide, nor the directories that its cover would stand in.
    fn empty(&mut self, at: &Path) {
        let hidden = |(path, content): &(&Path, &Content)| {
            matches!(content, Content::Hidden(_)) && !self.written.contains(*path)
        };
        let secrets: Vec<PathBuf> = self.tree.beneath(at).filter(hidden).map(|(path, _)| path.to_owned()).collect();
        for secret in secrets {
            self.tree.remove(&secret);
            self.emptied.push(secret);
        }
    }

    /// What is hidden, or a link, has nothing beneath it: what only the defaults put there goes.
    fn clear(&mut self, path: &Path, target: &Path, origin: Option<&Origin>) {
        for beneath in self.tree.take_beneath(path, |content| !matches!(content, Content::Hidden(_))) {
            if self.written.contains(&beneath) {
                let message =
                    format!("target {} leaves no place for {} beneath it", target.display(), beneath.display());
                self.findings.error(Section::Rootfs, message, "leave out one of the two", origin);
            }
        }
    }

    /// Directories above a missing target: in our own memory they are made, in a tree of the host never.
    fn make_room(&mut self, directory: &Path, rest: &Path, origin: Option<&Origin>) {
        let writable = match self.tree.provider(directory).map(|(_, content)| content) {
            Some(Content::Bind { access: Access::ReadWrite, .. }) => self.tree.source(directory),
            Some(Content::Bind { .. }) => None,
            _ => {
                let mut path = directory.to_owned();
                for name in rest.parent().into_iter().flat_map(Path::components) {
                    path.push(name);
                    self.tree.put(path.clone(), Content::Directory);
                }
                return;
            }
        };
        if let Some(source) = writable {
            let missing = join(&source, rest);
            let message = format!("target {} does not exist in a writable tree", join(directory, rest).display());
            let hint = format!("create {} first: mount points are never made on the host", missing.display());
            self.findings.error(Section::Rootfs, message, hint, origin);
        }
    }
}

/// In a file system that the kernel fills.
fn in_kernels(path: &Path) -> bool {
    ["/proc", "/sys"].iter().any(|ours| within(path, ours))
}

/// Why `content` cannot be put over something of this kind.
fn clash(content: &Content, there: Kind) -> Option<&'static str> {
    let directory = match content {
        Content::Bind { kind, .. } | Content::Hidden(kind) => *kind == Kind::Directory,
        Content::File { .. } => false,
        // It replaces the name, whatever it was.
        Content::Link(_) => return None,
        _ => true,
    };
    match (directory, there == Kind::Directory) {
        (true, false) => Some("is a file inside, and a directory is put there"),
        (false, true) => Some("is a directory inside, and a file is put there"),
        _ => None,
    }
}
