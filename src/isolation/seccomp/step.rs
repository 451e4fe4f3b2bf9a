//! The one step of `[seccomp]`: the filter, handed to the kernel.

use std::fmt;

use super::policy::{By, Policy};
use super::{Arch, Preset};
use crate::isolation::{Applied, Fault, Operation, Origin};
use crate::sys;

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Filter(Filter),
}

/// A compiled filter, and the policy that it was compiled from.
#[derive(Clone, PartialEq)]
pub struct Filter {
    pub(super) preset: Preset,
    pub(super) preset_origin: Option<Origin>,
    pub(super) policy: Policy,
    /// kill(0) would reach processes outside, and is refused.
    pub(super) holds_kill: bool,
    /// Limits and priorities of processes outside could be changed, and are not.
    pub(super) holds_pids: bool,
    pub(super) program: Vec<libc::sock_filter>,
}

impl Step {
    pub fn why(&self) -> String {
        let Step::Filter(filter) = self;
        let mut why = match &filter.preset_origin {
            Some(origin) => format!("preset = \"{}\" at {origin}", filter.preset),
            None => "by default a program may make the system calls that ordinary applications need".into(),
        };
        if filter.holds_kill {
            why += "; kill(0) would reach the caller's process group, and no scope of Landlock is in between";
        }
        if filter.holds_pids {
            why += "; without an own pid namespace limits and priorities of other processes are within reach";
        }
        why
    }

    /// Needs no-new-privs, or CAP_SYS_ADMIN. What is called afterwards must be allowed.
    pub fn apply(&self) -> Applied {
        let Step::Filter(filter) = self;
        sys::seccomp::install(&filter.program).map_err(|errno| {
            Fault::new(
                Operation::Seccomp,
                errno,
                format!("installing a filter of {} instructions", filter.program.len()),
            )
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Step::Filter(filter) = self;
        let (preset, count) = (filter.preset, filter.program.len());
        write!(f, "filter system calls: preset {preset}, {} allowed, {count} instructions", filter.allowed())?;
        f.write_str(if filter.holds_kill { ", no kill(0)" } else { "" })?;
        f.write_str(if filter.holds_pids { ", no pid but 0 in calls that limit or schedule" } else { "" })
    }
}

impl Filter {
    /// What becomes of a call, and who decided it: `allow`, an errno, `kill`, or the conditions that decide. `None` where
    /// every call of the architecture kills.
    pub fn verdict(&self, arch: Arch, number: u32) -> Option<(String, By)> {
        let entry = self.policy.entry(arch, number)?;
        Some((self.policy.chain(entry).to_string(), entry.by))
    }

    /// As the kernel gets it.
    pub fn program(&self) -> &[libc::sock_filter] {
        &self.program
    }

    /// How many native calls are allowed, at least with some arguments.
    fn allowed(&self) -> usize {
        let table = self.policy.tables.iter().find(|(arch, _)| *arch == Arch::X86_64);
        let entries = table.map_or(&[][..], |(_, table)| table).iter().filter(|entry| entry.by != By::Unknown);
        entries.filter(|entry| self.policy.chain(**entry).can_pass()).count()
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.program.len();
        f.debug_struct("Filter").field("preset", &self.preset).field("instructions", &count).finish_non_exhaustive()
    }
}
