//! From the tree to steps, and to what the kernel must show when they are done.

use std::path::{Path, PathBuf};

use super::plan::Given;
use super::tree::{Content, Kind, Tree, below};
use super::{Access, Addition, ReadBack, Rootfs, Step, Writes, kernel};
use crate::host::{Host, Node};
use crate::sys::mount::{NO_DEV, NO_EXEC, NO_SUID, READ_ONLY};

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
    let size = given.share_of_memory(host);
    let mut finish = Vec::new();
    let mut steps = vec![Step::Private, Step::Root { size }];
    // Copies of a sealed root are read-only by themselves.
    let cover = if section.writes == Writes::Deny { 0 } else { READ_ONLY };
    let mut hide = Vec::new();
    let mut read_back = ReadBack::default();
    read_back.expect(Path::new("/"), "tmpfs", root_attributes(section));
    if !given.own_pid {
        steps.push(Step::HostProc);
    }
    let mut number = 0;
    // The deepest target wins: a mount covers what lies beneath it, so what is deeper comes later.
    for (path, content) in tree.by_depth() {
        if path == Path::new("/") || path == Path::new("/dev") {
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
                steps.push(Step::Directory { path: path.to_owned(), owner: owner.filter(|_| !given.one_id) });
            }
            Content::Link(text) => steps.push(Step::Link { path: path.to_owned(), text: text.clone() }),
            Content::Bind { source, kind, access, exec, discard, system } => {
                let additions = additions(tree, path, host);
                let attributes = bind_attributes(*access, *exec, *kind, *discard);
                if *discard || !additions.is_empty() {
                    read_back.expect(path, "overlay", attributes);
                    steps.push(Step::Overlay {
                        lower: source.clone(),
                        target: path.to_owned(),
                        additions,
                        writable: *discard,
                        userxattr: given.ids.is_some(),
                        attributes,
                        make,
                        trusted,
                        number,
                    });
                    number += 1;
                } else {
                    let source = source.clone();
                    read_back.expect_tree(path, attributes, *kind == Kind::Directory);
                    let (target, kind, system) = (path.to_owned(), *kind, *system);
                    steps.push(Step::Bind { source, target, kind, attributes, make, trusted, system });
                }
            }
            Content::Scratch { mode, exec } => {
                let attributes = NO_SUID | NO_DEV | if *exec { 0 } else { NO_EXEC };
                read_back.expect(path, "tmpfs", attributes);
                // The first of them is the program's own, root's namespaces are not: there init hands it over.
                let owner = (!given.one_id && mode & 0o1000 == 0).then_some((given.account.uid, given.account.gid));
                steps.push(Step::Share {
                    target: path.to_owned(),
                    mode: *mode,
                    attributes,
                    owner,
                    make,
                    trusted,
                    number,
                });
                number += 1;
            }
            Content::Tmpfs { size, mode, exec, owner } => {
                let attributes = NO_SUID | NO_DEV | if *exec { 0 } else { NO_EXEC };
                read_back.expect(path, "tmpfs", attributes);
                let (target, size, mode) = (path.to_owned(), *size, *mode);
                let gid = if *owner == given.account.uid { given.account.gid } else { *owner };
                let owner = (!given.one_id).then_some((*owner, gid));
                steps.push(Step::Tmpfs { target, size, mode, attributes, owner, make, trusted });
            }
            Content::File { text, mode, owner } => {
                let attributes = READ_ONLY | NO_SUID | NO_DEV;
                let owner = owner.filter(|_| !given.one_id);
                let (path, text, mode) = (path.to_owned(), text.clone(), *mode);
                read_back.expect(&path, "tmpfs", attributes);
                steps.push(Step::File { target: path, text, mode, owner, attributes, make, trusted, number });
                number += 1;
            }
            Content::Hidden(kind) => {
                read_back.expect(path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
                let (target, directory) = (path.to_owned(), *kind == Kind::Directory);
                // Where it replaces a bind, its mount point must be made before the root is sealed.
                let (list, attributes) = if make { (&mut steps, READ_ONLY) } else { (&mut hide, cover) };
                list.push(Step::Hide { target, directory, make, trusted, attributes });
            }
            Content::Proc => {
                steps.push(Step::Proc);
                let (read_only, covers) = proc(&mut read_back, cover, given, host);
                finish.extend(read_only);
                hide.extend(covers);
            }
            Content::Sys => sys(&mut steps, &mut hide, &mut read_back, cover, host),
            Content::Cgroup { writable } => {
                let attributes = NO_SUID | NO_DEV | NO_EXEC | if *writable { 0 } else { READ_ONLY };
                read_back.expect(path, "cgroup2", attributes);
                steps.push(Step::Cgroup { attributes, make });
            }
            Content::Devpts => {
                read_back.expect(path, "devpts", NO_SUID | NO_EXEC);
                // Where it is not mapped a terminal belongs to its opener's group.
                let mapped = given.ids.is_none_or(|ids| ids.outside(given.account.uid, TTY).1 != u32::MAX);
                steps.push(Step::Devpts { tty_group: mapped && !given.one_id });
            }
        }
    }
    if section.writes == Writes::Deny {
        finish.push(Step::Seal);
    }
    finish.append(&mut hide);
    finish.push(Step::Pivot);
    Steps { assemble: steps, finish, read_back }
}

fn root_attributes(section: &Rootfs) -> u64 {
    NO_SUID | NO_DEV | if section.writes == Writes::Deny { READ_ONLY } else { 0 }
}

fn bind_attributes(access: Access, exec: bool, kind: Kind, discard: bool) -> u64 {
    if matches!(kind, Kind::Device { .. }) {
        return 0;
    }
    NO_SUID
        | NO_DEV
        | if exec { 0 } else { NO_EXEC }
        | if access == Access::ReadOnly && !discard { READ_ONLY } else { 0 }
}

/// What is made read-only, and what is covered.
fn proc(read_back: &mut ReadBack, cover: u64, given: &Given<'_>, host: &Host) -> (Option<Step>, Option<Step>) {
    let attributes = NO_SUID | NO_DEV | NO_EXEC;
    read_back.expect(Path::new("/proc"), "proc", attributes);
    if given.nested_mounts {
        return (None, None);
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
    (Some(Step::ProcReadOnly { names: read_only }), Some(Step::ProcHide { names: hidden, attributes: cover }))
}

fn sys(steps: &mut Vec<Step>, hide: &mut Vec<Step>, read_back: &mut ReadBack, cover: u64, host: &Host) {
    let attributes = NO_SUID | NO_DEV | NO_EXEC | READ_ONLY;
    steps.push(Step::Sys { attributes });
    read_back.expect(Path::new("/sys"), "sysfs", attributes);
    let fixed = kernel::SYS_HIDDEN.iter().map(|name| Path::new("/sys").join(name));
    for path in fixed.chain(thermal(host)) {
        if host.node(&path) != Node::Missing {
            read_back.expect(&path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
            hide.push(Step::Hide { target: path, directory: true, make: false, trusted: true, attributes: cover });
        }
    }
}

/// How often each processor was too hot: it tells what others on the machine do.
fn thermal(host: &Host) -> impl Iterator<Item = PathBuf> {
    let processors = Path::new("/sys/devices/system/cpu");
    let is_one = |name: &String| name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok());
    host.list(processors).into_iter().filter(is_one).map(|name| processors.join(name).join("thermal_throttle"))
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

    /// Only our own memory and the host's own trees lie on the way to it, so its path may be walked.
    fn path_is_ours(&self) -> bool {
        self.path.ancestors().skip(1).all(|above| {
            self.tree
                .get(above)
                .is_none_or(|content| !matches!(content, Content::Bind { system: false, .. } | Content::Link(_)))
        })
    }

    /// It is missing in a tree of the host: a layer above that tree brings it.
    fn is_added(&self) -> bool {
        if matches!(self.tree.get(self.path), Some(Content::Hidden(_))) {
            // Only what is there is hidden.
            return false;
        }
        let Some((at, Content::Bind { .. })) = self.above() else { return false };
        let source = self.tree.source(at).and_then(|source| Some(source.join(below(self.path, at)?)));
        let is_link = matches!(self.tree.get(self.path), Some(Content::Link(_)));
        is_link || source.is_some_and(|source| self.host.node(&source) == Node::Missing)
    }

    /// It lies in memory that belongs to the program.
    fn in_scratch(&self) -> bool {
        let above = self.path.ancestors().skip(1).filter_map(|above| self.tree.get(above));
        let mut contents = above.skip_while(|content| **content == Content::Directory);
        matches!(contents.next(), Some(Content::Scratch { .. } | Content::Tmpfs { .. }))
    }
}

/// What must be added to the host's directory at `at`: mount points and links that it lacks.
fn additions(tree: &Tree, at: &Path, host: &Host) -> Vec<Addition> {
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
