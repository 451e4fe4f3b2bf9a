//! What steps know only at launch: descriptors, each in a slot that one step fills and others read.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::Fault;
use crate::isolation::Operation;

/// A value that the plan names and the launch finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The supervisor's pidfd, from before the clone: tells init whether its PDEATHSIG came too late.
    Supervisor,
    /// The n-th directory of the sandbox in a cgroup hierarchy: on v1 it is joined, on v2 cloned into.
    Cgroup(u8),
    /// The cgroup of the scope that systemd has made around the launcher.
    Scope,
    /// The lock on the n-th kept directory.
    Kept(usize),
    /// The tmpfs that holds everything the root is made of, besides what is bound.
    Scratch,
    /// The new root's own mount.
    Root,
    /// The private procfs: our own reads and writes go through it, never through a path of the new root.
    Proc,
    /// /proc/self/status of the target: it cannot be opened under Landlock, but reads on.
    Status,
    /// The child's pid, as the supervisor sees it: the clone fills it.
    Child,
    /// The path that the program was found at.
    Program,
    /// The open Landlock ruleset.
    Ruleset,
}

/// What a step needs of the steps before it, and what it leaves to those after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    pub reads: Vec<Slot>,
    /// Of those that it reads: nobody can read them afterwards.
    pub empties: Vec<Slot>,
    pub fills: Vec<Slot>,
}

impl Slots {
    pub fn reading(reads: &[Slot]) -> Slots {
        Slots { reads: reads.to_vec(), ..Slots::default() }
    }

    pub fn filling(fills: &[Slot]) -> Slots {
        Slots { fills: fills.to_vec(), ..Slots::default() }
    }

    pub fn taking(taken: &[Slot]) -> Slots {
        Slots { reads: taken.to_vec(), empties: taken.to_vec(), fills: Vec::new() }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Supervisor => f.write_str("<supervisor>"),
            Slot::Cgroup(n) => write!(f, "<cgroup {n}>"),
            Slot::Scope => f.write_str("<scope>"),
            Slot::Kept(n) => write!(f, "<kept {n}>"),
            Slot::Scratch => f.write_str("<scratch>"),
            Slot::Root => f.write_str("<root>"),
            Slot::Proc => f.write_str("<proc>"),
            Slot::Status => f.write_str("<status>"),
            Slot::Child => f.write_str("<child>"),
            Slot::Program => f.write_str("<program>"),
            Slot::Ruleset => f.write_str("<ruleset>"),
        }
    }
}

/// The table of filled slots. The child's copy of it holds what was filled before the clone.
#[derive(Debug, Default)]
pub struct Context {
    /// The sandbox's own, unique on this machine: directories and names are made of it.
    pub id: String,
    /// The cgroup of the scope that systemd has made around the launcher.
    pub scope: Option<std::path::PathBuf>,
    /// Directories that this launch made on the host, the deepest last.
    pub made: Vec<std::path::PathBuf>,
    slots: BTreeMap<Slot, OwnedFd>,
    spent: Vec<OwnedFd>,
    /// For how many descriptors that are no longer needed the limit of open files leaves room.
    pub may_keep: usize,
    /// The program's first process, as the supervisor sees it; known to host-after alone.
    pub child: Option<i32>,
    /// Init's pid, where the target must not outlive it and no pid namespace sees to that.
    pub parent: Option<nix::unistd::Pid>,
    /// The path that the target found its program at.
    pub program: Option<std::ffi::CString>,
    /// Opened before anything is given up, enforced at the end.
    pub ruleset: Option<landlock::RulesetCreated>,
    /// The supervisor's own, for comparison.
    pub late: super::namespaces::Late,
    /// How many system-call filters the launcher itself is under, as far as the kernel says.
    pub filters: u32,
    /// Our end of the wire, where the plan has gates.
    pub wire: Option<OwnedFd>,
    /// On the host's side a gate is opened, inside it is waited at.
    pub opens_gates: bool,
}

impl Context {
    pub fn fill(&mut self, slot: Slot, descriptor: OwnedFd) {
        self.slots.insert(slot, descriptor);
    }

    pub fn holds(&self, slot: Slot) -> bool {
        match slot {
            Slot::Scope => self.scope.is_some(),
            Slot::Child => self.child.is_some(),
            Slot::Program => self.program.is_some(),
            Slot::Ruleset => self.ruleset.is_some(),
            slot => self.slots.contains_key(&slot),
        }
    }

    /// Keeps what is no longer needed until the program runs: closing a mount's descriptor takes the lock of all mounts,
    /// and init has time for that only later. Where there is no room for it, it is closed now.
    pub fn spend(&mut self, descriptor: OwnedFd) {
        if self.spent.len() < self.may_keep {
            self.spent.push(descriptor);
        }
    }

    pub fn get(&self, slot: Slot) -> Result<BorrowedFd<'_>, Fault> {
        self.slots
            .get(&slot)
            .map(|descriptor| descriptor.as_fd())
            .ok_or_else(|| Fault::new(Operation::Slot, Errno::EBADF, format!("{slot} is empty")))
    }

    /// Opens the gate, or waits until the other side has. The wire's end of file means that the other side is dead.
    pub fn gate(&self, gate: u8) -> Result<(), Fault> {
        let wire = self.wire.as_ref().ok_or_else(|| Fault::new(Operation::Gate, Errno::EBADF, "there is no wire"))?;
        if self.opens_gates {
            return match nix::unistd::write(wire, &[gate]) {
                Ok(_) => Ok(()),
                Err(errno) => Err(Fault::new(Operation::Write, errno, "the wire")),
            };
        }
        let mut byte = [u8::MAX];
        match nix::unistd::read(wire, &mut byte) {
            Ok(1) if byte == [gate] => Ok(()),
            Ok(_) => Err(Fault::new(Operation::Read, Errno::EPIPE, "the wire: the supervisor has gone")),
            Err(errno) => Err(Fault::new(Operation::Read, errno, "the wire")),
        }
    }

    pub fn take(&mut self, slot: Slot) -> Result<OwnedFd, Fault> {
        self.slots.remove(&slot).ok_or_else(|| Fault::new(Operation::Slot, Errno::EBADF, format!("{slot} is empty")))
    }
}
