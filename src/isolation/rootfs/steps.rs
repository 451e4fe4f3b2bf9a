//! From the tree to steps, and to what the kernel must show when they are done.

use std::path::{Path, PathBuf};

use super::plan::Given;
use super::tree::{Content, Kind, Tree};
use super::{Access, Addition, ReadBack, Rootfs, Step, Writes, kernel};
use crate::host::{Host, Node};
use crate::sys::mount::{NO_DEV, NO_EXEC, NO_SUID, READ_ONLY};

/// Init's steps, from the first mount to the pivot, and what the kernel must show afterwards.
#[derive(Debug, Default)]
pub struct Steps {
    pub assemble: Vec<Step>,
    /// Covers /proc, seals and pivots: what is written through /proc is written before.
    pub finish: Vec<Step>,
    pub read_back: ReadBack,
}

pub fn steps(tree: &Tree, section: &Rootfs, given: &Given<'_>, host: &Host) -> Steps {
    let size = given.share_of_memory(host);
    let mut finish = Vec::new();
    let mut steps = vec![Step::Private, Step::Scratch { size }, Step::Root];
    let mut read_back = ReadBack::default();
    read_back.expect(Path::new("/"), "tmpfs", root_attributes(section));
    if !given.own_pid {
        steps.push(Step::HostProc);
    }
    let mut entries: Vec<(&PathBuf, &Content)> = tree.entries.iter().collect();
    // The deepest target wins: a mount covers what lies beneath it, so what is deeper comes later.
    entries.sort_by_key(|(path, _)| path.components().count());
    let mut number = 0;
    for (path, content) in entries {
        if path == Path::new("/") {
            continue;
        }
        let place = Place { tree, path, host };
        let make = place.is_ours();
        let trusted = place.path_is_ours();
        match content {
            // Part of the layer that its own mount brings.
            _ if place.is_added() && matches!(content, Content::Directory | Content::Link(_)) => {}
            Content::Directory => {
                let owner = place.in_scratch().then_some((given.account.uid, given.account.gid));
                steps.push(Step::Directory { path: path.clone(), owner: owner.filter(|_| !given.one_id) });
            }
            Content::Link(text) => steps.push(Step::Link { path: path.clone(), text: text.clone() }),
            Content::Bind { source, kind, access, exec, discard } => {
                let additions = additions(tree, path, host);
                let attributes = bind_attributes(*access, *exec, *kind, *discard);
                if *discard || !additions.is_empty() {
                    read_back.expect(path, "overlay", attributes);
                    steps.push(Step::Overlay {
                        lower: source.clone(),
                        target: path.clone(),
                        additions,
                        writable: *discard,
                        userxattr: given.own_user,
                        attributes,
                        make,
                        trusted,
                        number,
                    });
                    number += 1;
                } else {
                    let source = source.clone();
                    read_back.expect_tree(path, attributes, *kind == Kind::Directory);
                    steps.push(Step::Bind { source, target: path.clone(), kind: *kind, attributes, make, trusted });
                }
            }
            Content::Scratch { mode, exec } => {
                let attributes = NO_SUID | NO_DEV | if *exec { 0 } else { NO_EXEC };
                read_back.expect(path, "tmpfs", attributes);
                // The first of them is the program's own, root's namespaces are not: there init hands it over.
                let owner = (!given.one_id && mode & 0o1000 == 0).then_some((given.account.uid, given.account.gid));
                steps.push(Step::Share { target: path.clone(), mode: *mode, attributes, owner, make, trusted, number });
                number += 1;
            }
            Content::Tmpfs { size, mode, exec } => {
                let attributes = NO_SUID | NO_DEV | if *exec { 0 } else { NO_EXEC };
                read_back.expect(path, "tmpfs", attributes);
                let (target, size, mode) = (path.clone(), *size, *mode);
                let owner = (!given.one_id).then_some((given.account.uid, given.account.gid));
                steps.push(Step::Tmpfs { target, size, mode, attributes, owner, make, trusted });
            }
            Content::File { text, mode, owner } => {
                let attributes = READ_ONLY | NO_SUID | NO_DEV;
                let owner = owner.filter(|_| !given.one_id);
                let (path, text, mode) = (path.clone(), text.clone(), *mode);
                read_back.expect(&path, "tmpfs", attributes);
                steps.push(Step::File { target: path, text, mode, owner, attributes, make, trusted, number });
                number += 1;
            }
            Content::Hidden(kind) => {
                read_back.expect(path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
                steps.push(Step::Hide { target: path.clone(), directory: *kind == Kind::Directory, trusted });
            }
            Content::Proc => {
                steps.push(Step::Proc);
                finish = proc(&mut read_back, given, host);
            }
            Content::Sys => sys(&mut steps, &mut read_back, host),
            Content::Devpts => {
                read_back.expect(path, "devpts", NO_SUID | NO_EXEC);
                // gid 5 is `tty`, where it is mapped; otherwise a terminal belongs to its opener's group.
                steps.push(Step::Devpts { tty_group: !given.one_id });
            }
        }
    }
    if section.writes == Writes::Deny {
        finish.push(Step::Seal);
    }
    finish.push(Step::Pivot);
    Steps { assemble: steps, finish, read_back }
}

fn root_attributes(section: &Rootfs) -> u64 {
    NO_SUID | NO_DEV | if section.writes == Writes::Deny { READ_ONLY } else { 0 }
}

fn bind_attributes(access: Access, exec: bool, kind: Kind, discard: bool) -> u64 {
    let device = matches!(kind, Kind::Device { .. });
    NO_SUID
        | if device { 0 } else { NO_DEV }
        | if exec { 0 } else { NO_EXEC }
        | if access == Access::ReadOnly && !discard { READ_ONLY } else { 0 }
}

fn proc(read_back: &mut ReadBack, given: &Given<'_>, host: &Host) -> Vec<Step> {
    let attributes = NO_SUID | NO_DEV | NO_EXEC;
    read_back.expect(Path::new("/proc"), "proc", attributes);
    if given.nested_mounts {
        return Vec::new();
    }
    let there = |name: &&str| host.node(&Path::new("/proc").join(name)) != Node::Missing;
    let read_only: Vec<_> = kernel::PROC_READ_ONLY.iter().copied().filter(there).collect();
    let hidden: Vec<_> = kernel::PROC_HIDDEN
        .iter()
        .copied()
        .filter(there)
        .map(|name| (name, matches!(host.node(&Path::new("/proc").join(name)), Node::Directory { .. })))
        .collect();
    for name in &read_only {
        read_back.expect(&Path::new("/proc").join(name), "proc", attributes | READ_ONLY);
    }
    for (name, _) in &hidden {
        read_back.expect(&Path::new("/proc").join(name), "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
    }
    vec![Step::ProcReadOnly { names: read_only }, Step::ProcHide { names: hidden }]
}

fn sys(steps: &mut Vec<Step>, read_back: &mut ReadBack, host: &Host) {
    let attributes = NO_SUID | NO_DEV | NO_EXEC | READ_ONLY;
    steps.push(Step::Sys { attributes });
    read_back.expect(Path::new("/sys"), "sysfs", attributes);
    for name in kernel::SYS_HIDDEN {
        let path = Path::new("/sys").join(name);
        if matches!(host.node(&path), Node::Directory { .. }) {
            read_back.expect(&path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
            steps.push(Step::Hide { target: path, directory: true, trusted: true });
        }
    }
}

/// One path of the tree, and what lies above it.
struct Place<'a> {
    tree: &'a Tree,
    path: &'a Path,
    host: &'a Host,
}

impl Place<'_> {
    fn above(&self) -> Option<(&Path, &Content)> {
        self.tree.provider(self.path.parent()?)
    }

    /// The mount point stands in our own memory, so it is ours to make.
    fn is_ours(&self) -> bool {
        matches!(self.above(), Some((_, Content::Directory | Content::Scratch { .. } | Content::Tmpfs { .. })))
    }

    /// Nothing on the way to it is of anybody else's making, so its path may be walked.
    fn path_is_ours(&self) -> bool {
        self.path.ancestors().skip(1).all(|above| {
            self.tree.entries.get(above).is_none_or(|content| {
                matches!(
                    content,
                    Content::Directory | Content::Scratch { .. } | Content::Tmpfs { .. } | Content::Proc | Content::Sys
                )
            })
        })
    }

    /// It is missing in a tree of the host: a layer above that tree brings it.
    fn is_added(&self) -> bool {
        let Some((at, Content::Bind { .. })) = self.above() else { return false };
        let source = self.tree.source(at).and_then(|source| Some(source.join(self.path.strip_prefix(at).ok()?)));
        let is_link = matches!(self.tree.entries.get(self.path), Some(Content::Link(_)));
        is_link || source.is_some_and(|source| self.host.node(&source) == Node::Missing)
    }

    /// It lies in memory that belongs to the program.
    fn in_scratch(&self) -> bool {
        let above = self.path.ancestors().skip(1).filter_map(|above| self.tree.entries.get(above));
        let mut contents = above.skip_while(|content| **content == Content::Directory);
        matches!(contents.next(), Some(Content::Scratch { .. } | Content::Tmpfs { .. }))
    }
}

/// What must be added to the host's directory at `at`: mount points and links that it lacks.
fn additions(tree: &Tree, at: &Path, host: &Host) -> Vec<Addition> {
    let mut additions = Vec::new();
    for (path, content) in &tree.entries {
        let Ok(rest) = path.strip_prefix(at) else { continue };
        let place = Place { tree, path, host };
        if rest.as_os_str().is_empty() || !place.is_added() || place.above().is_none_or(|(above, _)| above != at) {
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
