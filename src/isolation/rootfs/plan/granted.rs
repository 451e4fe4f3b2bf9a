//! Grants of what is on the host: what they may name, and what a writable one may hold.

use std::path::{Path, PathBuf};

use super::Planner;
use super::held::is_writable;
use crate::host::Node;
use crate::isolation::rootfs::tree::{Content, Kind, Tree};
use crate::isolation::rootfs::{Access, Bind, Home, Step};
use crate::isolation::{Origin, Rewrite, Section};
use crate::sys::errno::words;

impl Planner<'_> {
    pub(super) fn bind(&mut self, bind: &Bind) {
        let noun = bind.source.display();
        let origin = bind.origin.as_ref();
        let (source, kind) = match self.host.canonical(&bind.source) {
            (source, Node::Directory { .. }) => (source, Kind::Directory),
            (source, Node::File { .. } | Node::Other) => (source, Kind::File),
            (_, Node::Device { .. }) => {
                let hint = format!("list it in devices: devices = [{:?}]", bind.source);
                return self.findings.error_alone(Section::Rootfs, format!("{noun} is a device node"), hint, origin);
            }
            (_, Node::Missing | Node::Symlink { .. }) if bind.optional => return,
            (_, Node::Missing | Node::Symlink { .. }) if bind.create => {
                let path = self.host.place(&bind.source);
                self.check_create(&path, bind);
                self.host_before.push(Step::Create { path: path.clone(), mode: 0o755, lock: None, owner: None });
                (path, Kind::Directory)
            }
            (_, Node::Missing | Node::Symlink { .. }) => {
                let message = format!("bind source {noun} does not exist");
                let hint = "create it, or put `-` before the entry to skip it where it is missing";
                self.findings.error_alone(Section::Rootfs, message, hint, origin);
                let writable = bind.access == Access::ReadWrite;
                return self.findings.rewritten(if writable { Rewrite::Created } else { Rewrite::Optional });
            }
            (_, Node::Unreadable { errno }) => {
                let hint = "grant a directory that the caller can reach".to_string();
                return self.findings.error_alone(
                    Section::Rootfs,
                    format!("bind source {noun}: {}", words(errno)),
                    hint,
                    origin,
                );
            }
        };
        if source == Path::new("/") {
            let hint = "set base = \"host\", or grant the directories in it that are needed".to_string();
            return self.findings.error_alone(
                Section::Rootfs,
                "bind source / holds the host's /proc, /sys and /dev",
                hint,
                origin,
            );
        }
        if source.starts_with("/proc") {
            let hint = "the sandbox has a /proc of its own".to_string();
            return self.findings.error_alone(
                Section::Rootfs,
                format!("bind source {noun} belongs to the kernel"),
                hint,
                origin,
            );
        }
        if bind.access == Access::ReadWrite {
            self.check_write(&source, origin);
        }
        let content =
            Content::Bind { source, kind, access: bind.access, exec: bind.exec, discard: false, system: false };
        self.put(&bind.target, content, origin);
    }

    /// What is missing of it is made by the caller.
    fn check_create(&mut self, path: &Path, bind: &Bind) {
        let Some((why, in_directory)) = self.not_to_be_made(path) else { return };
        let noun = bind.source.display();
        let hint = match in_directory {
            true => format!("as root: make {noun}, and give it to the caller"),
            false => "name a source that lies in directories".to_string(),
        };
        self.findings.error(Section::Rootfs, format!("{noun} cannot be created: {why}"), hint, bind.origin.as_ref());
    }

    /// Why the caller cannot make a directory that is missing, and whether what is above it is one at all.
    pub(super) fn not_to_be_made(&self, path: &Path) -> Option<(String, bool)> {
        let above = path.ancestors().skip(1).find(|above| self.host.node(above) != Node::Missing);
        let above = above.filter(|above| self.host.tells_of(above))?;
        let place = above.display();
        match self.host.node(above) {
            // Its group may be the caller's.
            Node::Directory { uid, mode }
                if self.host.is_root() || mode & if uid == self.host.uid() { 0o200 } else { 0o022 } != 0 =>
            {
                None
            }
            Node::Directory { .. } => Some((format!("the caller may not write to {place}"), true)),
            _ => Some((format!("{place} is no directory"), false)),
        }
    }

    /// Refuses a writable grant that holds more than it can mean to give.
    fn check_write(&mut self, source: &Path, origin: Option<&Origin>) {
        let home = self.host.user_by_uid(self.host.uid()).map(|user| user.home);
        let noun = source.display();
        if self.section.home != Home::ReadWrite && home.is_some_and(|home| home.starts_with(source)) {
            let hint = "grant the directories in it that the program needs, or set home = \"read-write\"".to_string();
            self.findings.error(Section::Rootfs, format!("read-write {noun} contains the whole home"), hint, origin);
            return;
        }
        if self.section.home == Home::ReadWrite {
            return;
        }
        let kept = self.given.kept_root(self.host);
        let kept = kept.map(|kept| ("what sandboxes keep", kept));
        let state = ("the records of all sandboxes", (self.given.state)(self.host));
        for (what, path) in kept.into_iter().chain([state]) {
            if path.starts_with(source) || source.starts_with(&path) {
                let message = format!("read-write {noun} reaches {what}, {}", path.display());
                let hint = "`persist` gives a program what it keeps; grant other directories by name";
                return self.findings.error(Section::Rootfs, message, hint, origin);
            }
        }
    }
    /// Refuses a grant that a program may have turned to something else: by a link that it left where it may write, the
    /// launch before. What the link shows is no matter where the program has it anyway.
    pub(super) fn check_links(&mut self) {
        if !self.tree.iter().any(|(_, content)| is_writable(content)) {
            return;
        }
        for bind in &self.section.binds {
            let (link, source, node) = self.first_link(&bind.source);
            let Some(link) = link else { continue };
            let missing = matches!(node, Node::Missing | Node::Symlink { .. });
            if missing || writable_names(&self.tree, &source).next().is_some() {
                continue;
            }
            let (noun, source) = (bind.source.display(), source.display());
            let at = if link == bind.source { "is".to_owned() } else { format!("leads through {},", link.display()) };
            let message =
                format!("{} {noun} {at} a link to {source} in a tree that the program may write to", bind.access);
            let hint = format!("if that is what is meant, write {source}: the program may have made the link");
            self.findings.error(Section::Rootfs, message, hint, bind.origin.as_ref());
        }
    }
}

/// The names inside by which a path of the host lies in what a writable grant shows, if only with less than that allows.
pub(super) fn writable_names<'a>(tree: &'a Tree, path: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
    let writable = tree.reaching(path).filter(|(_, content, _)| is_writable(content)).map(|(_, _, name)| name);
    writable.filter(move |name| tree.source(name).is_some_and(|source| source == path))
}
