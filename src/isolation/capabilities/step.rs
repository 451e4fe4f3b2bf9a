//! The steps of `[capabilities]`, carried out.

use std::fmt;

use caps::Capability;
use nix::errno::Errno;

use super::{LOCKED, names};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::capabilities as sys;

/// Of the target stage. Bit n of a set is capability n.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Uid 0 means nothing at exec, a change of ids changes no capability, none becomes ambient; none of it revocable.
    LockSecurebits,
    DropBounding {
        keep: u64,
    },
    /// Whether the permitted set survives a change from uid 0.
    KeepCapabilities(bool),
    /// Effective, permitted and inheritable.
    SetSets {
        keep: u64,
    },
    RaiseAmbient {
        keep: u64,
    },
}

impl Step {
    pub fn why(&self) -> &'static str {
        match self {
            Step::LockSecurebits => "not even uid 0 or a setuid program gains a capability, and nothing can undo that",
            Step::DropBounding { .. } => "no exec can ever give the program more than this",
            Step::KeepCapabilities(true) => "the change from uid 0 would clear what is to be kept",
            Step::KeepCapabilities(false) => "a later change of ids by the program drops capabilities as usual",
            Step::SetSets { keep: 0 } => "the program holds no part of root's power",
            Step::SetSets { .. } => "the program holds what `keep` names and nothing else",
            Step::RaiseAmbient { .. } => "only ambient capabilities survive the exec of an ordinary program",
        }
    }

    pub fn apply(&self) -> Applied {
        match *self {
            Step::LockSecurebits => sys::set_securebits(LOCKED)
                .map_err(|errno| Fault::new(Operation::SetSecurebits, errno, "setpcap is needed")),
            Step::DropBounding { keep } => drop_bounding(keep),
            Step::KeepCapabilities(on) => {
                sys::set_keep_capabilities(on).map_err(|errno| Fault::new(Operation::SetKeepcaps, errno, ""))
            }
            Step::SetSets { keep } => sys::set(sys::Sets { effective: keep, permitted: keep, inheritable: keep })
                .map_err(|errno| Fault::new(Operation::Capset, errno, not_held(keep))),
            Step::RaiseAmbient { keep } => raise_ambient(keep),
        }
    }
}

fn drop_bounding(keep: u64) -> Applied {
    for capability in (0..64).filter(|capability| keep >> capability & 1 == 0) {
        match sys::drop_bounding(capability) {
            Ok(()) => {}
            // The kernel's last one has been passed.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(Fault::new(Operation::DropBounding, errno, "setpcap is needed")),
        }
    }
    Ok(())
}

fn raise_ambient(keep: u64) -> Applied {
    for capability in (0..64).filter(|capability| keep >> capability & 1 == 1) {
        sys::raise_ambient(capability)
            .map_err(|errno| Fault::new(Operation::RaiseAmbient, errno, names(1 << capability).join("")))?;
    }
    Ok(())
}

/// What is asked for and cannot be had: the kernel refuses the set as a whole and does not say which.
fn not_held(keep: u64) -> String {
    let held = sys::get().map_or(0, |sets| sets.permitted);
    match keep & !held {
        0 => String::new(),
        missing => format!("not held by the launcher: {}", names(missing).join(", ")),
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::LockSecurebits => f.write_str("lock securebits noroot, no-setuid-fixup, no-cap-ambient-raise"),
            Step::DropBounding { keep } => write!(f, "bounding set: {}", Shown(*keep)),
            Step::KeepCapabilities(true) => f.write_str("keep permitted capabilities across the change of ids"),
            Step::KeepCapabilities(false) => f.write_str("no longer keep capabilities across a change of ids"),
            Step::SetSets { keep } => write!(f, "effective, permitted, inheritable sets: {}", Shown(*keep)),
            Step::RaiseAmbient { keep } => write!(f, "ambient set: {}", Shown(*keep)),
        }
    }
}

/// A set as a person reads it.
struct Shown(u64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("empty"),
            set if set.trailing_ones() > Capability::CAP_CHECKPOINT_RESTORE.index().into() => f.write_str("all"),
            set => f.write_str(&names(set).join(", ")),
        }
    }
}
