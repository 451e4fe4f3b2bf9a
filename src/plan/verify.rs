//! What is read back: once a layer is applied the kernel is asked what it holds, and of the program once more after exec.

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::isolation::context::{Context, Slot, Slots};
use crate::isolation::status::{self, Status};
use crate::isolation::{Applied, Fault, Operation, capabilities, cgroup, landlock, namespaces, network, rootfs};

/// A layer is read back from the kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Verify {
    /// Uid and gid of init, inside.
    Ids(u32, u32),
    Cgroup(cgroup::Membership),
    Mounts(rootfs::ReadBack),
    Network(network::Network),
    /// Opened while it can be: under Landlock /proc/self/status reads on, but cannot be opened.
    OpenStatus,
    Namespaces(namespaces::ReadBack),
    Privilege(Privilege),
    Landlock(landlock::Witness),
}

/// What /proc/PID/status must say of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    pub uid: u32,
    pub gid: u32,
    pub capabilities: capabilities::Expected,
    pub no_new_privileges: bool,
    /// Supplementary, sorted; `None` where the kernel forbids to change them.
    pub groups: Option<Vec<u32>>,
    pub umask: u32,
    /// The program may make user namespaces, and holds every capability in those it makes.
    pub nested: bool,
    /// Filters that we install; the launcher may run under others.
    pub filters: u32,
}

impl Verify {
    pub(super) fn slots(&self) -> Slots {
        match self {
            Verify::Ids(..) | Verify::Cgroup(_) | Verify::Network(_) | Verify::Landlock(_) => Slots::default(),
            Verify::Mounts(_) | Verify::Namespaces(_) => Slots::reading(&[Slot::Proc]),
            Verify::OpenStatus => Slots { fills: vec![Slot::Status], ..Slots::reading(&[Slot::Proc]) },
            Verify::Privilege(_) => Slots::taking(&[Slot::Status]),
        }
    }

    pub(super) fn apply(&self, context: &mut Context) -> Applied {
        match self {
            Verify::Ids(uid, gid) => namespaces::verify_ids((*uid, *gid)),
            Verify::Cgroup(membership) => membership.read_back(context),
            Verify::Mounts(mounts) => mounts.verify(context),
            Verify::Network(section) => network::read_back(section),
            Verify::Namespaces(namespaces) => namespaces.verify(context),
            Verify::Landlock(witness) => witness.verify(),
            Verify::OpenStatus => {
                let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
                let status = nix::fcntl::openat(context.get(Slot::Proc)?, "self/status", flags, Mode::empty())
                    .map_err(|errno| Fault::new(Operation::Open, errno, "/proc/self/status"))?;
                context.fill(Slot::Status, status);
                Ok(())
            }
            Verify::Privilege(expected) => {
                let text = status::read(context.take(Slot::Status)?)
                    .map_err(|error| Fault::of_io(Operation::Read, &error, "/proc/self/status"))?;
                capabilities::read_back(&expected.capabilities, &text)?;
                context.filters = expected.verify_before_filter(&text)?;
                Ok(())
            }
        }
    }
}

impl Privilege {
    /// Answers with the number of filters that are in force already.
    fn verify_before_filter(&self, status_text: &str) -> Result<u32, Fault> {
        let status =
            Status::parse(status_text).ok_or_else(|| Fault::mismatch(Operation::OwnStatus, "a field is missing"))?;
        if status.uids != [self.uid; 4] || status.gids != [self.gid; 4] {
            let detail = format!("uids {:?}, gids {:?}", status.uids, status.gids);
            return Err(Fault::mismatch(Operation::Ids, detail));
        }
        if self.no_new_privileges && !status.no_new_privs {
            return Err(Fault::mismatch(Operation::NoNewPrivileges, "not set"));
        }
        if let Some(planned) = &self.groups {
            let mut groups = status::groups(status_text).unwrap_or_default();
            groups.sort_unstable();
            if groups != *planned {
                return Err(Fault::mismatch(Operation::Groups, format!("{groups:?}, planned {planned:?}")));
            }
        }
        if let Some(umask) = status.umask.filter(|umask| *umask != self.umask) {
            return Err(Fault::mismatch(Operation::Umask, format!("{umask:04o}, planned {:04o}", self.umask)));
        }
        Ok(status.seccomp_filters.unwrap_or(0))
    }

    /// Process `pid` as it is after exec, by a procfs that nobody inside can have changed. `filters` were in force
    /// before ours.
    pub fn verify_running(&self, proc: BorrowedFd<'_>, pid: i32, filters: u32) -> Applied {
        let read = |name: &str| {
            let path = format!("{pid}/{name}");
            let file = nix::fcntl::openat(proc, path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
                .map_err(|errno| Fault::new(Operation::Open, errno, path.as_str()))?;
            status::read(file).map_err(|error| Fault::of_io(Operation::Read, &error, path))
        };
        let compared = self.compare_running(&read("status")?, filters);
        // Whoever is about to end gives up its filters first, then all else that could be compared.
        if compared.is_err() && status::is_exiting(&read("stat")?) { Ok(()) } else { compared }
    }

    /// It may have given up more by itself, never less.
    fn compare_running(&self, status: &str, filters: u32) -> Applied {
        let status = Status::parse(status).ok_or_else(|| Fault::mismatch(Operation::Status, "a field is missing"))?;
        let most = self.capabilities.keep;
        for (name, set) in status.sets() {
            if set & !most != 0 && !self.nested {
                return Err(Fault::mismatch(name, format!("{set:016x} after exec, planned {most:016x}")));
            }
        }
        if self.no_new_privileges && !status.no_new_privs {
            return Err(Fault::mismatch(Operation::NoNewPrivileges, "lost at exec"));
        }
        let least = filters.saturating_add(self.filters);
        // Whoever a filter has just killed is of mode 3 (SECCOMP_MODE_DEAD) until it is gone.
        if self.filters > 0
            && (![2, 3].contains(&status.seccomp) || status.seccomp_filters.is_some_and(|count| count < least))
        {
            return Err(Fault::mismatch(Operation::SystemCallFilter, "not in force after exec"));
        }
        Ok(())
    }
}

impl fmt::Display for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verify::Ids(uid, gid) => write!(f, "init is uid {uid}, gid {gid}"),
            Verify::Cgroup(membership) => membership.fmt(f),
            Verify::Mounts(mounts) => write!(f, "the {} mounts, and no other", mounts.len()),
            Verify::Network(_) => f.write_str("the loopback interface"),
            Verify::Namespaces(namespaces) => namespaces.fmt(f),
            Verify::Landlock(witness) => write!(f, "no device node can be made in {}", witness.directory.display()),
            Verify::OpenStatus => f.write_str("open /proc/self/status"),
            Verify::Privilege(_) => f.write_str("ids, groups, capabilities, securebits, no-new-privileges, umask"),
        }
    }
}
