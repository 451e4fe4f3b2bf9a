//! What a writable tree holds that the program must not get at: it stays where it is.

use std::path::{Path, PathBuf};

use super::Planner;
use super::granted::writable_names;
use crate::host::Node;
use crate::isolation::rootfs::Access;
use crate::isolation::rootfs::tree::{Content, Kind, Tree};
use crate::isolation::{Origin, Section};

impl Planner<'_> {
    /// A profile in a writable tree is read-only there.
    pub(super) fn protect_profiles(&mut self) {
        for file in self.given.profiles {
            let shown = self.tree.iter().filter_map(|(target, content)| match content {
                Content::Bind { source, access: Access::ReadWrite, .. } => {
                    let rest = file.strip_prefix(source).ok()?;
                    Some(if rest == Path::new("") { target.to_owned() } else { target.join(rest) })
                }
                _ => None,
            });
            let shown: Vec<PathBuf> = shown.collect();
            for target in shown {
                // What is hidden, or lies beneath something else, cannot be written to anyway.
                if self.tree.source(&target).as_ref() == Some(file) {
                    let (source, kind, access) = (file.clone(), Kind::File, Access::ReadOnly);
                    let content = Content::Bind { source, kind, access, exec: false, discard: false, system: false };
                    self.tree.put(target, content);
                }
            }
        }
    }

    /// What leads to a profile, or would, must not be the program's to make: no mount can stand on a link, nor where there
    /// is nothing.
    pub(super) fn check_sought(&mut self) {
        for path in self.given.sought {
            let (link, _, node) = self.first_link(path);
            let noun = path.display();
            if let Some(link) = link {
                let link = link.display();
                let message =
                    format!("profile {noun} is reached by the link {link}, in a tree that the program may write to");
                let hint = "name the file itself, or leave its directory out of what is writable: whoever changes the \
                            link decides what the next launch grants";
                self.findings.error(Section::Rootfs, message, hint, None);
            } else if node == Node::Missing && writable_names(&self.tree, &self.host.place(path)).next().is_some() {
                let message = format!("profile {noun} is missing, in a tree that the program may write to");
                let hint = "make it, take it out of `extends`, or leave its directory out of what is writable: the \
                            next launch would grant what the program has written there";
                self.findings.error(Section::Rootfs, message, hint, None);
            }
        }
    }

    /// A file that is read-only by its own name in a writable tree could be written to by another.
    pub(super) fn check_names(&mut self) {
        let read_only = self.tree.iter().filter_map(|(at, content)| match content {
            Content::Bind { source, kind: Kind::File, access: Access::ReadOnly, .. } => Some((at, source)),
            _ => None,
        });
        let over_itself = |(at, source): &(&Path, &PathBuf)| writable_names(&self.tree, source).any(|name| name == *at);
        let files: Vec<(PathBuf, PathBuf)> =
            read_only.filter(over_itself).map(|(at, source)| (at.to_owned(), source.clone())).collect();
        for (at, source) in files {
            let profile = if self.given.profiles.contains(&source) { "profile " } else { "read-only: " };
            let noun = format!("{profile}{}", source.display());
            let hint = "remove the other hard links, or leave its directory out of what is writable";
            let section = self.section;
            let origin = section.binds.iter().find(|bind| bind.target == at).and_then(|bind| bind.origin.as_ref());
            self.refuse_names(&source, &noun, "by the others it could be written to", hint, origin);
        }
    }

    /// No mount covers the other names of a file, and nothing tells where they are.
    pub(super) fn refuse_names(&mut self, source: &Path, noun: &str, so: &str, hint: &str, origin: Option<&Origin>) {
        let links = self.host.links(source);
        if links > 1 {
            self.findings.error(Section::Rootfs, format!("{noun} has {links} names, and {so}"), hint, origin);
        }
    }

    /// The first link on the way to a path of the host that the program may exchange; where the path leads, and what
    /// stands there.
    pub(super) fn first_link(&self, path: &Path) -> (Option<PathBuf>, PathBuf, Node) {
        let mut link = None;
        let (leads, node) = self.host.follow(path, |at| {
            if link.is_none() && writable_names(&self.tree, at).next().is_some() {
                link = Some(at.to_owned());
            }
        });
        (link, leads, node)
    }

    /// A mount goes where its directory is renamed to, and the next launch finds at its path what the program has put
    /// there. A mount point alone cannot be renamed: in a writable tree every directory on the way to what the profile
    /// takes out of it becomes one.
    pub(super) fn hold(&mut self) {
        let mut way: Vec<PathBuf> = Vec::new();
        for (at, content) in self.tree.iter() {
            if !is_writable(content) {
                continue;
            }
            for (path, _) in self.tree.beneath(at).filter(|(path, content)| takes_out(&self.tree, path, content)) {
                way.extend(path.ancestors().skip(1).take_while(|above| *above != at).map(Path::to_owned));
            }
        }
        // The shallowest first: each is part of what the one above it shows.
        way.sort();
        for path in way {
            if self.tree.get(&path).is_some() {
                continue;
            }
            let Some((_, &Content::Bind { access: Access::ReadWrite, exec, discard: false, .. })) =
                self.tree.provider(&path)
            else {
                continue;
            };
            let Some(source) = self.tree.source(&path) else { continue };
            let (kind, access) = (Kind::Directory, Access::ReadWrite);
            self.tree.put(path, Content::Bind { source, kind, access, exec, discard: false, system: false });
        }
    }
}

/// The program writes to the host's own directories there.
pub(in crate::isolation::rootfs) fn is_writable(content: &Content) -> bool {
    matches!(content, Content::Bind { kind: Kind::Directory, access: Access::ReadWrite, discard: false, .. })
}

/// Whether what stands at a path is something else than the tree above it shows there, or allows less.
fn takes_out(tree: &Tree, path: &Path, content: &Content) -> bool {
    let Content::Bind { source, access, exec, .. } = content else {
        return !matches!(content, Content::Directory | Content::Link(_));
    };
    let above = path.parent().and_then(|above| Some((tree.source(above)?, tree.provider(above)?.1)));
    let (Some((shown, Content::Bind { exec: executes, .. })), Some(name)) = (above, path.file_name()) else {
        return true;
    };
    *access == Access::ReadOnly || (*executes && !exec) || shown.join(name) != *source
}
