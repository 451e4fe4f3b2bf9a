//! What a program reaches that mounts cgroup file systems by itself: whatever lies below the cgroup that it is in.
//!
//! The kernel asks for no more than a user namespace and a cgroup namespace of one's own, and then for the modes of files
//! alone; docs/decisions/0010-the-delegated-part.md tells what is done about it.

use std::path::Path;

use super::given::Given;
use super::layout::{Home, Layout};
use crate::host::{Host, Node};

impl Given<'_> {
    /// Whether the program may write to files of this user's, on the host: as their owner, or with a capability over them.
    pub fn reaches(&self, owner: u32) -> bool {
        let exists = || match self.users {
            Some(users) => users.iter().any(|line| owner.checked_sub(line.outside).is_some_and(|at| at < line.count)),
            None => true,
        };
        self.program.0 == owner || (self.keeps && exists())
    }

    /// The sandbox's own directories belong to whoever launches it, with the limits in them.
    pub fn parts(&self, host: &Host) -> bool {
        self.mounts && self.reaches(host.uid())
    }
}

/// The hierarchies in which the launcher's own cgroup is the program's to change, if it stays in there.
pub fn exposed(layout: &Layout<'_>, given: &Given<'_>, host: &Host) -> Vec<Home> {
    let reached = |home: &Home| match home {
        Home::V1(hierarchy) => given.reaches(owner(&hierarchy.directory, host)),
        Home::V2(own) => given.reaches(owner(own, host)),
        // Whoever owns what we cannot look at, root has made it.
        Home::NotMounted(_) | Home::Outside(..) => given.reaches(0),
        Home::Nowhere => false,
    };
    layout.homes().filter(reached).collect()
}

fn owner(directory: &Path, host: &Host) -> u32 {
    match host.node(directory) {
        Node::Directory { uid, .. } => uid,
        _ => 0,
    }
}
