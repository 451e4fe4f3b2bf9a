//! Calls that reach processes outside where no other layer stands in between: then their arguments are looked at.

use super::calls::Arch;
use super::checks::{Check, IOPRIO_WHO_PGRP};
use super::groups::Set;
use super::policy::Policy;
use super::presets::one;
use super::{Given, Group, Seccomp};
use crate::isolation::{Findings, Section};

static KILL: Set = one("kill");
static FCNTL: Set = one("fcntl").or(one("fcntl64"));
static IOCTL: Set = one("ioctl");
static OWN: Set = one("prlimit64")
    .or(one("sched_setaffinity"))
    .or(one("sched_setattr"))
    .or(one("sched_setparam"))
    .or(one("sched_setscheduler"));
static SETPRIORITY: Set = one("setpriority");
static IOPRIO_SET: Set = one("ioprio_set");

impl Given {
    /// What it takes of an allowed call, in place of the preset's own condition.
    pub(super) fn check(&self, arch: Arch, number: usize) -> Option<Check> {
        let within = |set: &Set| set.contains(arch, number);
        match () {
            () if self.reaches_group() && within(&KILL) => Some(Check::Kill),
            () if !self.scoped && within(&FCNTL) => Some(Check::FcntlScoped),
            () if !self.scoped && within(&IOCTL) => Some(Check::IoctlScoped),
            () if !self.pids => None,
            () if within(&OWN) => Some(Check::Own),
            () if within(&SETPRIORITY) => Some(Check::SetpriorityOwn),
            () if within(&IOPRIO_SET) => Some(Check::IoprioSetOwn),
            () => None,
        }
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

/// Whether the filter keeps the limits and priorities of other processes as they are.
pub fn holds_pids(policy: &Policy, given: Given) -> bool {
    given.pids && !LIMIT_OR_SCHEDULE.iter().any(|(name, args)| policy.lets(name, args))
}

/// Of the process with the pid 2, each in its own way.
const LIMIT_OR_SCHEDULE: [(&str, &[u64]); 7] = [
    ("ioprio_set", &[1, 2]),
    ("prlimit64", &[2]),
    ("sched_setaffinity", &[2]),
    ("sched_setattr", &[2]),
    ("sched_setparam", &[2]),
    ("sched_setscheduler", &[2]),
    ("setpriority", &[0, 2]),
];

/// What no layer refuses. `policy` is `None` without a filter.
pub fn warn(section: &Seccomp, policy: Option<&Policy>, given: Given, findings: &mut Findings) {
    let lets = |name: &str, args: &[u64]| policy.is_none_or(|policy| policy.lets(name, args));
    let origin = section.preset_origin.as_ref();
    if given.pids {
        let open = LIMIT_OR_SCHEDULE.iter().filter(|(name, args)| lets(name, args)).map(|(name, _)| *name);
        let kill = (!given.scoped && lets("kill", &[2])).then_some("kill");
        let open: Vec<&str> = open.chain(kill).collect();
        if !open.is_empty() {
            let message =
                format!("with pid = false nothing keeps the program from processes outside: {}", open.join(", "));
            let hint = "leave the conditions of a preset in force and Landlock on, or give it an own pid namespace";
            findings.warning(Section::Seccomp, message, hint, origin);
        }
    }
    // Whoever has a terminal open needs neither its session nor its group for this.
    let events = lets("fcntl", &[0, libc::F_SETFL as u64, libc::O_ASYNC as u64]) || lets("ioctl", &[0, libc::FIOASYNC]);
    let events = events && !given.scoped;
    if given.group == Group::Own && !events {
        return;
    }
    // Off a terminal a filter leaves kill(0) alone, and at one it would not.
    let kills = !given.scoped && (policy.is_none() || given.group == Group::Shared) && lets("kill", &[0]);
    let slows = given.group != Group::Own
        && (lets("setpriority", &[libc::PRIO_PGRP as u64, 0]) || lets("ioprio_set", &[IOPRIO_WHO_PGRP, 0]));
    let does = match (kills || events, slows) {
        (true, true) => "signals to the caller's process group and changes its priorities",
        (true, false) => "signals to the caller's process group",
        (false, true) => "changes to the priorities of the caller's process group",
        (false, false) => return,
    };
    let message = format!("at a terminal nothing refuses the program {does}");
    let hint = match events {
        true => "leave the conditions of a preset in force, or Landlock on where the kernel has its scope for signals",
        false => "leave the conditions of a preset in force, or write tty = \"none\" in [process]",
    };
    findings.warning(Section::Seccomp, message, hint, origin);
}
