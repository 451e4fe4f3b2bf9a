//! What the tree lets the program do where, for Landlock to hold it to.

use std::path::Path;

use crate::isolation::Grant;
use crate::isolation::rootfs::tree::{Content, Kind, Tree};
use crate::isolation::rootfs::{Access, Writes};

pub(super) fn grants(tree: &Tree, writes: Writes) -> Vec<Grant> {
    let root = if writes == Writes::Deny { Access::List } else { Access::ReadWrite };
    let grants = every_grant(tree, root);
    // In the order of the tree, so that the rules above a path are found without looking at all.
    let at = |path: &Path| grants.binary_search_by(|grant| grant.path.as_os_str().cmp(path.as_os_str())).ok();
    let same = |one: &Grant, two: &Grant| (one.access, one.exec, one.device) == (two.access, two.exec, two.device);
    // The rule of a tree above may say the same already.
    let said = |grant: &Grant| grant.path.ancestors().skip(1).filter_map(at).any(|above| same(&grants[above], grant));
    let needed: Vec<bool> = grants.iter().map(|grant| !said(grant)).collect();
    grants.into_iter().zip(needed).filter_map(|(grant, needed)| needed.then_some(grant)).collect()
}

fn every_grant(tree: &Tree, root: Access) -> Vec<Grant> {
    let grant = |path: &Path, access, exec, device| Some(Grant { path: path.to_owned(), access, exec, device });
    tree.iter()
        .filter_map(|(path, content)| match content {
            Content::Directory if path == Path::new("/") => grant(path, root, false, false),
            // Nothing can be made in it but what a deeper rule grants; its nodes are devices.
            Content::Directory if path == Path::new("/dev") => grant(path, Access::ReadWrite, false, true),
            Content::Directory | Content::Link(_) | Content::Hidden(_) => None,
            Content::Bind { kind: Kind::Device { .. }, .. } => grant(path, Access::ReadWrite, false, true),
            Content::Bind { exec, discard: true, .. } => grant(path, Access::ReadWrite, *exec, false),
            Content::Bind { access, exec, .. } => grant(path, *access, *exec, false),
            Content::Scratch { exec, .. } | Content::Tmpfs { exec, .. } => grant(path, Access::ReadWrite, *exec, false),
            Content::File { mode, .. } => grant(path, Access::ReadOnly, mode & 0o111 != 0, false),
            Content::Proc => grant(path, Access::ReadWrite, false, false),
            Content::Sys | Content::Cgroup { writable: false } => grant(path, Access::ReadOnly, false, false),
            Content::Cgroup { writable: true } => grant(path, Access::ReadWrite, false, false),
            Content::Devpts => grant(path, Access::ReadWrite, false, true),
        })
        .collect()
}
