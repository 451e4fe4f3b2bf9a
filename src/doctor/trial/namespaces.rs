//! The namespaces of one profile, made in a child that is thrown away, with their settings.

use nix::errno::Errno;

use super::settings;
use crate::doctor::attempt::{Attempt, Refusal, attempt, mapped, meanwhile};
use crate::doctor::namespaces::{KINDS, own_time};
use crate::host::Host;
use crate::isolation::Findings;
use crate::isolation::context::Context;
use crate::isolation::namespaces::{Planned, Step, limits};
use crate::plan;
use crate::profile::Profile;

/// The child at work.
pub struct Trial<'a> {
    profile: &'a Profile,
    host: &'a Host,
    planned: Planned,
    attempt: Result<Attempt, Refusal>,
}

/// `None` where a launch would not come so far.
pub fn start<'a>(profile: &'a Profile, host: &'a Host) -> Option<Trial<'a>> {
    let planned = plan::namespaces(profile, host)?;
    let map = |pid| {
        let mut context = Context::default();
        context.child = Some(pid);
        planned.host_after.iter().try_for_each(|step| step.apply(&mut context))
    };
    let attempt = meanwhile(|| {
        mapped(planned.flags as i32, map, || {
            let mut context = Context::default();
            let mut apply = |steps: &[Step]| steps.iter().try_for_each(|step| step.apply(&mut context));
            apply(&planned.maps)?;
            apply(planned.become_account.as_slice())?;
            let answers = settings::attempt(&planned.settings);
            apply(&planned.late_namespaces)?;
            Ok(answers)
        })
    });
    Some(Trial { profile, host, planned, attempt })
}

impl Trial<'_> {
    /// Whether they can be made. What a launch would find out half-way is named: that a kind is used up, maybe by a limit
    /// around this user namespace, or that the kernel refuses a setting of theirs.
    pub fn end(self, findings: &mut Findings) -> bool {
        let Trial { profile, host, planned, attempt: begun } = self;
        let refusal = match begun.and_then(Attempt::end) {
            Ok(answers) => {
                settings::judge(&profile.namespaces, &answers, findings);
                return true;
            }
            Err(refusal) => refusal,
        };
        let used_up = |refusal: Refusal| matches!(refusal.errno, Errno::ENOSPC | Errno::EUSERS);
        let user = planned.flags as i32 & libc::CLONE_NEWUSER;
        if !used_up(refusal) || user != 0 && attempt(user, || Ok(())).is_err() {
            return false;
        }
        let late = |wanted: fn(&Step) -> bool| planned.late_namespaces.iter().any(wanted);
        let mut say = |name: &str, kind: &str, tried: Result<(), Refusal>| {
            if tried.is_err_and(used_up) {
                let message = format!("no {name} namespace can be made: its limit is used up (ENOSPC)");
                findings.error("namespaces", message, limits::remedy(&[kind], host), None);
            }
        };
        for (name, flag, kind, _) in KINDS {
            let cgroup = flag == libc::CLONE_NEWCGROUP && late(|step| matches!(step, Step::UnshareCgroup));
            if planned.flags as i32 & flag != 0 || cgroup {
                say(name, kind, attempt(user | flag, || Ok(())));
            }
        }
        if late(|step| matches!(step, Step::UnshareTime(_))) {
            say("time", "time", attempt(user, own_time));
        }
        false
    }
}
