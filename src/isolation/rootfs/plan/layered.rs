//! Trees of the host that get a layer of their own.

use std::path::Path;

use super::Planner;
use crate::host::mountinfo::mounts;
use crate::isolation::Section;
use crate::isolation::rootfs::Step;
use crate::isolation::rootfs::tree::below;

impl Planner<'_> {
    /// The copy of a tree that an overlay is made of has no mounts in it: what they cover would be seen in their place. In
    /// a user namespace the kernel refuses to make one where such a mount hides something.
    pub(super) fn check_overlays(&mut self, steps: &[Step]) {
        if !steps.iter().any(|step| matches!(step, Step::Overlay { .. })) {
            return;
        }
        let text = self.host.mountinfo();
        let mounts: Vec<_> = mounts(text.as_bytes()).flatten().map(|mount| mount.point()).collect();
        for step in steps {
            let Step::Overlay { lower, target, writable, .. } = step else { continue };
            let is_lost = |beneath: &Path| self.given.ids.is_some() || self.is_shown(&target.path, beneath);
            let lost = mounts.iter().find(|mount| below(mount, lower).is_some_and(is_lost));
            let Some(mount) = lost else { continue };
            let (mount, path) = (mount.display(), target.path.display());
            let (message, hint, origin) = match writable {
                true => (
                    format!("writes = \"discard\" cannot hold for {path}: {mount} is mounted beneath it"),
                    "unmount that, set base = \"system\", or leave out writes = \"discard\"",
                    self.section.writes_origin.as_ref(),
                ),
                false => (
                    format!("{path} gets places that the host lacks, and {mount}, mounted beneath it, would be lost"),
                    "make on the host what the profile puts there, or unmount that",
                    None,
                ),
            };
            self.findings.error(Section::Rootfs, message, hint.to_owned(), origin);
        }
    }

    /// Nothing else is put over what lies there in the tree.
    fn is_shown(&self, tree: &Path, beneath: &Path) -> bool {
        self.tree.provider(&tree.join(beneath)).is_some_and(|(at, _)| at == tree)
    }
}
