//! Namespaces: which can be made, how many are left, and what stands in the way.

mod obstacle;
mod used;

use nix::errno::Errno;

use super::attempt::{Refusal, attempt};
use super::system::System;
use super::{Feature, State};
use crate::host::Host;
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::namespace::Namespace;
use crate::sys::{clone, mount};
use obstacle::obstacle;
use used::{Seen, left, seen};

/// All but the user's, which the others need, and the clocks, which clone3 gives nobody.
pub(super) const KINDS: [Namespace; 6] =
    [Namespace::Mount, Namespace::Pid, Namespace::Net, Namespace::Ipc, Namespace::Uts, Namespace::Cgroup];

pub fn examine(system: &System) -> Vec<Feature> {
    let seen = seen();
    let user = user_here(system, &seen);
    let first = user.state == State::Ok;
    vec![user, others(first, &seen), time(first, &seen)]
}

pub(super) fn own_time() -> Applied {
    clone::unshare_time().map_err(|errno| Fault::new(Operation::Unshare, errno, "CLONE_NEWTIME"))
}

/// Whether one can be made, and what stands in the way.
pub fn user(host: &Host) -> Feature {
    user_here(&System::look(host), &Seen::new())
}

/// A namespace is of use only if its maker has capabilities in it, which a mount proves.
fn user_here(system: &System, seen: &Seen) -> Feature {
    let tried = attempt(&[Namespace::User, Namespace::Mount], || {
        mount::new_filesystem(c"tmpfs", &[], 0)?;
        Ok(())
    });
    match tried {
        Ok(()) => Feature::ok("user-namespaces", left(Namespace::User, seen)).required(),
        Err(refusal) => refused(system, &refusal),
    }
}

fn refused(system: &System, refusal: &Refusal) -> Feature {
    let (why, remedy) = obstacle(system, refusal);
    let lost = if system.root {
        "launches with namespaces.user = true, which is the default"
    } else {
        "every launch by an ordinary user: all other namespaces need this one"
    };
    let detail = if why.is_empty() { refusal.to_string() } else { format!("{why} ({refusal})") };
    Feature::no("user-namespaces", detail).lost(lost).remedy(remedy).required()
}

fn others(user: bool, seen: &Seen) -> Feature {
    let mut lefts = Vec::new();
    let mut refusals = Vec::new();
    let mut limits = Vec::new();
    for kind in KINDS {
        let name = kind.noun();
        match attempt(&[Namespace::User, kind], || Ok(())) {
            Ok(()) => lefts.push(format!("{name}: {}", left(kind, seen))),
            Err(refusal) => {
                refusals.push((name, refusal.to_string()));
                if refusal.errno == Errno::ENOSPC {
                    limits.push(format!("{}=10000", kind.limit()));
                }
            }
        }
    }
    if refusals.is_empty() {
        return Feature::ok("namespaces", format!("each can be made\n{}", lefts.join("\n"))).required();
    }
    let remedy = match user && !limits.is_empty() {
        true => format!("as root: sysctl -w {}", limits.join(" ")),
        false => "see user-namespaces above".to_owned(),
    };
    let lost = "launches whose profile does not turn these off, which the default does not";
    let same = refusals.len() == KINDS.len() && refusals.iter().all(|(_, text)| *text == refusals[0].1);
    let detail = match same {
        true => format!("none: {}", refusals[0].1),
        false => refusals.iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("\n"),
    };
    Feature::no("namespaces", detail).lost(lost).remedy(remedy).required()
}

fn time(user: bool, seen: &Seen) -> Feature {
    let lost = "clocks of the program's own: it sees how long the host has been up";
    match attempt(&[Namespace::User], own_time) {
        Ok(()) => Feature::ok("time-namespace", left(Namespace::Time, seen)),
        Err(refusal) => {
            let feature = Feature::new("time-namespace", State::No, refusal.to_string()).lost(lost);
            feature.remedy(match refusal.errno {
                _ if !user => "see user-namespaces above",
                Errno::EINVAL => "Linux 5.6 and newer with CONFIG_TIME_NS=y have it",
                Errno::ENOSPC => "as root: sysctl -w user.max_time_namespaces=10000",
                _ => "a filter around this shell refuses it",
            })
        }
    }
}
