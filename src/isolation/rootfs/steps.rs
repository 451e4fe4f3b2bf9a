//! From the tree to steps, and to what the kernel must show when they are done.

mod place;
mod system;

use std::path::Path;

use super::plan::Given;
use super::tree::{Content, Kind, Tree};
use super::{Access, ReadBack, Rootfs, Step, Writes};
use crate::host::Host;
use crate::sys::mount::{NO_DEV, NO_EXEC, NO_SUID, READ_ONLY};
use place::{Place, additions};

/// The group `tty`, on every distribution.
const TTY: u32 = 5;

/// Init's steps, from the first mount to the pivot, and what the kernel must show afterwards.
#[derive(Debug, Default)]
pub struct Steps {
    pub assemble: Vec<Step>,
    /// Covers /proc, seals and pivots: what is written through /proc is written before.
    pub finish: Vec<Step>,
    pub read_back: ReadBack,
}

pub fn steps(tree: &Tree, section: &Rootfs, given: &Given<'_>, host: &Host) -> Steps {
    let deny = section.writes == Writes::Deny;
    let mut builder = Builder {
        tree,
        given,
        host,
        // Copies of a sealed root are read-only by themselves.
        cover: if deny { 0 } else { READ_ONLY },
        steps: vec![Step::Private, Step::Root { size: given.share_of_memory(host) }],
        finish: Vec::new(),
        covers: Vec::new(),
        read_back: ReadBack::default(),
        number: 0,
    };
    builder.read_back.expect(Path::new("/"), "tmpfs", NO_SUID | NO_DEV | if deny { READ_ONLY } else { 0 });
    if !given.own_pid {
        builder.steps.push(Step::HostProc);
    }
    // The deepest target wins: a mount covers what lies beneath it, so what is deeper comes later.
    for (path, content) in tree.by_depth() {
        if path.as_os_str() != "/" && path.as_os_str() != "/dev" {
            builder.add(path, content);
        }
    }
    let Builder { steps, mut finish, covers, read_back, .. } = builder;
    finish.extend(deny.then_some(Step::Seal));
    finish.extend(covers);
    finish.push(Step::Pivot);
    Steps { assemble: steps, finish, read_back }
}

struct Builder<'a> {
    tree: &'a Tree,
    given: &'a Given<'a>,
    host: &'a Host,
    /// Attributes of what covers something hidden, once the root is sealed.
    cover: u64,
    steps: Vec<Step>,
    finish: Vec<Step>,
    /// They come when the root is complete, and sealed.
    covers: Vec<Step>,
    read_back: ReadBack,
    /// Of the next directory, file or layer in the root's own working memory.
    number: usize,
}

impl Builder<'_> {
    fn add(&mut self, path: &Path, content: &Content) {
        let place = Place { tree: self.tree, path, host: self.host };
        let target = place.target();
        match content {
            // Part of the layer that its own mount brings.
            Content::Directory | Content::Link(_) if place.is_added() => {}
            Content::Directory => {
                let owner = place.in_scratch().then(|| self.owner(self.given.account.uid)).flatten();
                self.steps.push(Step::Directory { path: target.path, owner });
            }
            Content::Link(text) => self.steps.push(Step::Link { path: target.path, text: text.clone() }),
            Content::Bind { discard: false, .. } if additions(self.tree, path, self.host).is_empty() => {
                self.bind(place, content)
            }
            Content::Bind { .. } => self.overlay(place, content),
            Content::Scratch { mode, exec } => {
                let attributes = self.memory(path, *exec);
                // The first of them is the program's own, root's namespaces are not: there init hands it over.
                let owner = (mode & 0o1000 == 0).then(|| self.owner(self.given.account.uid)).flatten();
                let (mode, number) = (*mode, self.next_number());
                self.steps.push(Step::Share { target, mode, attributes, owner, number });
            }
            Content::Tmpfs { size, mode, exec, owner } => {
                let (attributes, owner) = (self.memory(path, *exec), self.owner(*owner));
                let (size, mode) = (*size, *mode);
                self.steps.push(Step::Tmpfs { target, size, mode, attributes, owner });
            }
            Content::File { text, mode, owner } => {
                let attributes = READ_ONLY | NO_SUID | NO_DEV;
                self.read_back.expect(path, "tmpfs", attributes);
                let owner = owner.filter(|_| !self.given.one_id);
                let (text, mode, number) = (text.clone(), *mode, self.next_number());
                self.steps.push(Step::File { target, text, mode, owner, attributes, number });
            }
            Content::Hidden(kind) => {
                self.read_back.expect(path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
                let directory = *kind == Kind::Directory;
                // Where it replaces a bind, its mount point must be made before the root is sealed.
                let (list, attributes) =
                    if target.make { (&mut self.steps, READ_ONLY) } else { (&mut self.covers, self.cover) };
                list.push(Step::Hide { target, directory, attributes });
            }
            Content::Proc => self.proc(),
            Content::Sys => self.sys(),
            Content::Cgroup { writable } => {
                let attributes = NO_SUID | NO_DEV | NO_EXEC | if *writable { 0 } else { READ_ONLY };
                self.read_back.expect(path, "cgroup2", attributes);
                self.steps.push(Step::Cgroup { attributes, make: target.make });
            }
            Content::Devpts => {
                self.read_back.expect(path, "devpts", NO_SUID | NO_EXEC);
                // Where it is not mapped a terminal belongs to its opener's group.
                let ids = self.given.ids;
                let mapped = ids.is_none_or(|ids| ids.outside(self.given.account.uid, TTY).1 != u32::MAX);
                self.steps.push(Step::Devpts { tty_group: mapped && !self.given.one_id });
            }
        }
    }

    fn bind(&mut self, place: Place<'_>, content: &Content) {
        let Content::Bind { source, kind, access, exec, system, .. } = content else { return };
        let attributes = bind_attributes(*access, *exec, *kind);
        self.read_back.expect_tree(place.path, attributes, *kind == Kind::Directory);
        self.steps.push(Step::Bind {
            source: source.clone(),
            target: place.target(),
            kind: *kind,
            attributes,
            system: *system,
        });
    }

    /// A layer above a tree of the host: it takes what is written, or brings mount points that the tree lacks.
    fn overlay(&mut self, place: Place<'_>, content: &Content) {
        let Content::Bind { source, kind, access, exec, discard, .. } = content else { return };
        let attributes = bind_attributes(if *discard { Access::ReadWrite } else { *access }, *exec, *kind);
        self.read_back.expect(place.path, "overlay", attributes);
        let number = self.next_number();
        self.steps.push(Step::Overlay {
            lower: source.clone(),
            target: place.target(),
            additions: additions(self.tree, place.path, self.host),
            writable: *discard,
            userxattr: self.given.ids.is_some(),
            attributes,
            number,
        });
    }

    /// The attributes of memory to write to.
    fn memory(&mut self, path: &Path, exec: bool) -> u64 {
        let attributes = NO_SUID | NO_DEV | if exec { 0 } else { NO_EXEC };
        self.read_back.expect(path, "tmpfs", attributes);
        attributes
    }

    /// Whom a directory is given to; where there is only one id it is that one's anyway.
    fn owner(&self, uid: u32) -> Option<(u32, u32)> {
        let gid = if uid == self.given.account.uid { self.given.account.gid } else { uid };
        (!self.given.one_id).then_some((uid, gid))
    }

    fn next_number(&mut self) -> usize {
        self.number += 1;
        self.number - 1
    }
}

fn bind_attributes(access: Access, exec: bool, kind: Kind) -> u64 {
    if matches!(kind, Kind::Device { .. }) {
        // The device is written to all the same; its node is the host's, whose mode is not root's to change inside.
        return READ_ONLY | NO_SUID;
    }
    NO_SUID | NO_DEV | if exec { 0 } else { NO_EXEC } | if access == Access::ReadOnly { READ_ONLY } else { 0 }
}
