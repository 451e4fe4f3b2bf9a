//! Where a name leads to a profile: whoever writes there decides what the next launch of that name grants.

use std::path::{Path, PathBuf};

use super::Planner;
use super::granted::writable_names;
use super::held::is_writable;
use crate::host::{Host, Node};
use crate::isolation::rootfs::tree::{Content, Kind};
use crate::isolation::rootfs::{Access, Rootfs, Step};
use crate::isolation::{Findings, Section};

/// An author may mean it: what keeps profiles is a program too.
pub fn review_names(section: &Rootfs, looked_up: &[PathBuf], host: &Host, findings: &mut Findings) {
    let places: Vec<PathBuf> = looked_up.iter().map(|directory| host.place(directory)).collect();
    for bind in section.binds.iter().filter(|bind| bind.access == Access::ReadWrite) {
        let source = host.place(&bind.source);
        if !places.iter().any(|place| source.starts_with(place)) {
            continue;
        }
        let message = format!(
            "read-write {} is where names of profiles are looked up: the program decides what later launches grant",
            bind.source.display()
        );
        let hint = "leave it out, unless the program is trusted with all that its caller may do".to_owned();
        findings.warning(Section::Rootfs, message, hint, bind.origin.as_ref());
    }
}

impl Planner<'_> {
    /// In a writable tree the directories in which names are looked up are read-only, unless the author grants one itself.
    pub(super) fn protect_names(&mut self) {
        if !self.tree.iter().any(|(_, content)| is_writable(content)) {
            return;
        }
        for directory in (self.given.looked_up)(self.host) {
            let place = self.host.place(&directory);
            let names = self.open_names(&place);
            let (link, _, _) = self.first_link(&directory);
            if link.is_none() && names.is_empty() || self.granted(&place) {
                continue;
            }
            match link {
                Some(link) => self.refuse_link(&directory, &link),
                None => self.cover(&place, names),
            }
        }
    }

    /// Whether it is named as writable itself, by whatever links.
    fn granted(&self, place: &Path) -> bool {
        let mut writable = self.section.binds.iter().filter(|bind| bind.access == Access::ReadWrite);
        writable.any(|bind| self.host.place(&bind.source) == place)
    }

    /// By which names the program could write to a path of the host.
    fn open_names(&self, path: &Path) -> Vec<PathBuf> {
        let open = |name: &PathBuf| self.tree.provider(name).is_some_and(|(_, content)| is_writable(content));
        writable_names(&self.tree, path).filter(open).collect()
    }

    fn cover(&mut self, place: &Path, names: Vec<PathBuf>) {
        let there = place.ancestors().find(|above| self.host.node(above) != Node::Missing);
        let there = there.unwrap_or(Path::new("/"));
        match (self.host.node(there), there == place) {
            (Node::Directory { .. }, true) => self.put_read_only(place, Kind::Directory, names),
            (Node::Directory { .. }, false) if self.host.writable(there) => {
                let (path, mode, lock, owner) = (place.to_owned(), 0o755, None, None);
                self.host_before.push(Step::Create { path, mode, lock, owner });
                self.put_read_only(place, Kind::Directory, names);
            }
            // Nothing is found behind it as long as it stays.
            (Node::File { .. } | Node::Other, _) => {
                let names = self.open_names(there);
                self.put_read_only(there, Kind::File, names);
            }
            _ if self.could_be_made(place) => {
                let message = format!(
                    "profiles are looked up in {}, where the program could put some: the caller cannot make it",
                    place.display()
                );
                let hint = format!("make it first: mkdir -p {}; what is there is read-only inside", place.display());
                self.findings.error(Section::Rootfs, message, hint, None);
            }
            // Who may not write there outside may not inside.
            _ => {}
        }
    }

    /// Whether a directory on the way to it, inside, is the caller's own to change.
    fn could_be_made(&self, place: &Path) -> bool {
        let open = |above: &&Path| {
            self.tree.iter().any(|(_, content)| match content {
                Content::Bind { source, .. } => is_writable(content) && above.starts_with(source),
                _ => false,
            })
        };
        place.ancestors().filter(open).any(|above| {
            let own = matches!(self.host.node(above), Node::Directory { uid, .. } if uid == self.host.uid());
            own || self.host.writable(above)
        })
    }

    fn put_read_only(&mut self, source: &Path, kind: Kind, names: Vec<PathBuf>) {
        for name in names {
            let (source, access) = (source.to_owned(), Access::ReadOnly);
            let content = Content::Bind { source, kind, access, exec: false, discard: false, system: false };
            self.tree.put(name, content);
        }
    }

    /// No mount can stand on a link.
    fn refuse_link(&mut self, directory: &Path, link: &Path) {
        let (directory, link) = (directory.display(), link.display());
        let message = format!(
            "profiles are looked up in {directory}, by the link {link} in a tree that the program may write to"
        );
        let hint = format!(
            "make {link} a directory, or leave its own out of what is writable: whoever changes the link decides what \
             a name grants; a program that is to write profiles is granted {directory} itself"
        );
        self.findings.error(Section::Rootfs, message, hint, None);
    }
}
