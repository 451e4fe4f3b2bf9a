//! Where in the tree a step acts: whose the way there is, and whether its mount point must be made.

use std::path::Path;

use crate::host::{Host, Node};
use crate::isolation::rootfs::Addition;
use crate::isolation::rootfs::target::Target;
use crate::isolation::rootfs::tree::{Content, Kind, Tree, above, below, rebased, upwards};

/// One path of the tree, and what lies above it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub tree: &'a Tree,
    pub path: &'a Path,
    pub host: &'a Host,
}

impl Place<'_> {
    fn above(&self) -> Option<(&Path, &Content)> {
        self.tree.provider(above(self.path)?)
    }

    pub fn target(&self) -> Target {
        Target { path: self.path.to_owned(), make: self.is_ours(), trusted: self.path_is_ours() }
    }

    fn is_ours(&self) -> bool {
        matches!(self.above(), Some((_, Content::Directory | Content::Scratch { .. } | Content::Tmpfs { .. })))
    }

    fn path_is_ours(&self) -> bool {
        upwards(self.path).skip(1).all(|above| {
            self.tree
                .get(above)
                .is_none_or(|content| !matches!(content, Content::Bind { system: false, .. } | Content::Link(_)))
        })
    }

    /// It is missing in a tree of the host: a layer above that tree brings it.
    pub fn is_added(&self) -> bool {
        let Some((at, Content::Bind { source, .. })) = self.above() else { return false };
        let there = rebased(self.path, at, source);
        match self.tree.get(self.path) {
            // Only what is there is hidden.
            Some(Content::Hidden(_)) => false,
            // What is mounted on itself is there by then: it was made on the host.
            Some(Content::Bind { source: own, .. }) if *own == there => false,
            Some(Content::Link(_)) => true,
            _ => self.host.node(&there) == Node::Missing,
        }
    }

    /// It lies in memory that belongs to the program.
    pub fn in_scratch(&self) -> bool {
        let above = upwards(self.path).skip(1).filter_map(|above| self.tree.get(above));
        let mut contents = above.skip_while(|content| **content == Content::Directory);
        matches!(contents.next(), Some(Content::Scratch { .. } | Content::Tmpfs { .. }))
    }
}

/// What must be added to the host's directory at `at`: mount points and links that it lacks.
pub(super) fn additions(tree: &Tree, at: &Path, host: &Host) -> Vec<Addition> {
    let mut additions = Vec::new();
    for (path, content) in tree.beneath(at) {
        let Some(rest) = below(path, at) else { continue };
        let place = Place { tree, path, host };
        if !place.is_added() || place.above().is_none_or(|(above, _)| above != at) {
            continue;
        }
        additions.push(match content {
            Content::Link(text) => Addition::Link { path: rest.to_owned(), text: text.clone() },
            Content::File { .. } | Content::Hidden(Kind::File) => Addition::File { path: rest.to_owned() },
            Content::Bind { kind, .. } if *kind != Kind::Directory => Addition::File { path: rest.to_owned() },
            _ => Addition::Directory { path: rest.to_owned() },
        });
    }
    additions
}
