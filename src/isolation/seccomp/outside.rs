//! Calls that reach processes outside where no other layer stands in between: then their arguments are looked at.

use super::calls::Arch;
use super::checks::{Check, IOPRIO_WHO_PGRP};
use super::groups::Set;
use super::policy::Policy;
use super::presets::one;
use super::{Given, Group, Seccomp};
use crate::isolation::Findings;

static KILL: Set = one("kill");

impl Given {
    /// What it takes of an allowed call, in place of the preset's own condition.
    pub(super) fn check(&self, arch: Arch, number: usize) -> Option<Check> {
        (self.reaches_group() && KILL.contains(arch, number)).then_some(Check::Kill)
    }

    /// clone may make namespaces.
    pub(super) fn nests(&self) -> bool {
        self.namespaces || self.mounts
    }

    fn reaches_group(&self) -> bool {
        self.group == Group::Shared && !self.scoped
    }
}

/// Whether the filter alone keeps kill(0) inside.
pub fn holds_kill(policy: &Policy, given: Given) -> bool {
    given.reaches_group() && !policy.lets("kill", &[0])
}

/// What no layer refuses. `policy` is `None` without a filter.
pub fn warn(section: &Seccomp, policy: Option<&Policy>, given: Given, findings: &mut Findings) {
    if given.group == Group::Own {
        return;
    }
    let lets = |name, args: &[u64]| policy.is_none_or(|policy| policy.lets(name, args));
    // Off a terminal a filter leaves kill(0) alone, and at one it would not.
    let kills = !given.scoped && (policy.is_none() || given.group == Group::Shared) && lets("kill", &[0]);
    let slows = lets("setpriority", &[libc::PRIO_PGRP as u64, 0]) || lets("ioprio_set", &[IOPRIO_WHO_PGRP, 0]);
    let does = match (kills, slows) {
        (true, true) => "signals to the caller's process group and changes its priorities",
        (true, false) => "signals to the caller's process group",
        (false, true) => "changes to the priorities of the caller's process group",
        (false, false) => return,
    };
    let message = format!("at a terminal nothing refuses the program {does}");
    let hint = "leave the conditions of a preset in force, or write tty = \"none\" in [process]";
    findings.warning("seccomp", message, hint, section.preset_origin.as_ref());
}
