//! What `[cgroup]` has to know of the other sections.

use crate::isolation::IdRange;

/// What other sections have decided.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// RLIMIT_NPROC counts for the sandbox alone.
    pub own_user: bool,
    pub own_cgroup: bool,
    /// The program's ids as the host sees them.
    pub program: (u32, u32),
    /// Which of the host's users exist inside; `None`: all.
    pub users: Option<&'a [IdRange]>,
    /// The program holds some capability in its user namespace.
    pub keeps: bool,
    /// It may become any of the users that exist inside.
    pub changes_user: bool,
    /// It can mount cgroup file systems.
    pub mounts: bool,
    /// Another process of the sandbox starts it.
    pub init: bool,
}

impl Given<'_> {
    /// copy_process() exempts the host's root from RLIMIT_NPROC, in whatever user namespace; and it counts all processes
    /// of a user in the host's.
    pub fn rlimit_binds(&self) -> bool {
        self.own_user && self.program.0 != 0 && !self.counted_apart()
    }

    /// RLIMIT_NPROC counts for each of several users by itself.
    pub fn counted_apart(&self) -> bool {
        let several = |users: &[IdRange]| users.iter().fold(0, |sum: u32, line| sum.saturating_add(line.count)) > 1;
        self.changes_user && self.users.is_some_and(several)
    }
}
