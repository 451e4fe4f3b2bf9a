//! What other sandboxes of this caller keep, and their records: whoever is shown a tree is not shown these in it.

use std::path::{Path, PathBuf};

use super::Planner;
use crate::host::Node;
use crate::isolation::rootfs::tree::{Content, Kind, below};
use crate::isolation::rootfs::{Base, Home, Step};

impl Planner<'_> {
    pub(super) fn hide_others(&mut self) {
        let section = self.section;
        if section.binds.is_empty() && section.home == Home::Empty && section.base != Base::Host {
            return;
        }
        let kept = self.given.kept_root(self.host).filter(|kept| {
            let makes = |step: &Step| matches!(step, Step::Create { path, .. } if path.starts_with(kept));
            self.host.node(kept) != Node::Missing || self.host_before.iter().any(makes)
        });
        // That of this sandbox makes its directory, before anything is mounted.
        let records = self.host.place(&(self.given.state)(self.host));
        for path in kept.into_iter().chain([records]) {
            for name in self.shown(&path) {
                self.cover_with_nothing(name);
            }
        }
    }

    /// The names by which something that is in no bind of its own can be seen.
    fn shown(&self, path: &Path) -> Vec<PathBuf> {
        let shown = |at: &Path, name: &Path| self.tree.provider(name).is_some_and(|(above, _)| above == at);
        self.tree.reaching(path).filter(|(at, _, name)| shown(at, name)).map(|(_, _, name)| name).collect()
    }

    /// The author's own entries in it stay: their mount points are made in memory.
    fn cover_with_nothing(&mut self, name: PathBuf) {
        let beneath: Vec<PathBuf> = self.tree.beneath(&name).map(|(path, _)| path.to_owned()).collect();
        if beneath.is_empty() {
            return self.tree.put(name, Content::Hidden(Kind::Directory));
        }
        for path in beneath {
            for above in path.ancestors().skip(1).take_while(|above| *above != name) {
                if self.tree.provider(above).is_none_or(|(at, _)| below(&name, at).is_some()) {
                    self.tree.put(above.to_owned(), Content::Directory);
                }
            }
        }
        self.tree.put(name, Content::Scratch { mode: 0o755, exec: false });
    }
}
