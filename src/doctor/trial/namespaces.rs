//! The namespaces of one profile, made in a child that is thrown away, with their settings.

use nix::errno::Errno;

use super::settings;
use crate::doctor::attempt::{Attempt, Refusal, attempt, mapped, meanwhile};
use crate::doctor::namespaces::{KINDS, own_time};
use crate::host::Host;
use crate::isolation::context::Context;
use crate::isolation::namespaces::{Planned, Step, limits};
use crate::isolation::{Findings, Section};
use crate::plan;
use crate::profile::Profile;
use crate::sys::namespace::Namespace;

/// The child at work.
pub struct Begun {
    planned: Planned,
    attempt: Result<Attempt, Refusal>,
}

/// `None` where a launch would not come so far.
pub fn start(profile: &Profile, host: &Host) -> Option<Begun> {
    let planned = plan::namespaces(profile, host)?;
    let map = |pid| {
        let mut context = Context::default();
        context.child = Some(pid);
        Ok(planned.host_after.iter().try_for_each(|step| step.apply(&mut context))?)
    };
    let attempt = meanwhile(|| {
        mapped(&planned.cloned, map, || {
            let mut context = Context::default();
            let mut apply = |steps: &[Step]| steps.iter().try_for_each(|step| step.apply(&mut context));
            apply(&planned.maps)?;
            apply(planned.become_account.as_slice())?;
            let answers = settings::attempt(&planned.settings);
            apply(&planned.late_namespaces)?;
            Ok(answers)
        })
    });
    Some(Begun { planned, attempt })
}

impl Begun {
    /// Whether they can be made. What a launch would find out half-way is named: that a kind is used up, maybe by a limit
    /// around this user namespace, or that the kernel refuses a setting of theirs.
    pub fn end(self, profile: &Profile, host: &Host, findings: &mut Findings) -> bool {
        let Begun { planned, attempt: begun } = self;
        let refusal = match begun.and_then(Attempt::end) {
            Ok(answers) => {
                settings::judge(&profile.namespaces, &answers, findings);
                return true;
            }
            Err(refusal) => refusal,
        };
        let used_up = |refusal: Refusal| matches!(refusal.errno, Errno::ENOSPC | Errno::EUSERS);
        let user = planned.cloned.iter().copied().filter(|kind| *kind == Namespace::User);
        let with_user = |kind: Option<Namespace>| user.clone().chain(kind).collect::<Vec<_>>();
        if !used_up(refusal) || attempt(&with_user(None), || Ok(())).is_err() {
            return false;
        }
        let mut say = |kind: Namespace, tried: Result<(), Refusal>| {
            if tried.is_err_and(used_up) {
                let message = format!("no {} namespace can be made: its limit is used up (ENOSPC)", kind.noun());
                findings.error(Section::Namespaces, message, limits::remedy(&[kind], host), None);
            }
        };
        for kind in KINDS {
            if planned.cloned.contains(&kind) || kind == Namespace::Cgroup && planned.read_back.cgroup {
                say(kind, attempt(&with_user(Some(kind)), || Ok(())));
            }
        }
        if planned.read_back.time {
            say(Namespace::Time, attempt(&with_user(None), own_time));
        }
        false
    }
}
