//! `[capabilities]`: which parts of root's power the program holds.
//!
//! The kernel dictates an order around the change of ids, which belongs to `[process]`: the bounding set and the
//! securebits need an effective `setpcap`, which a change from uid 0 takes away; the other sets come afterwards, because
//! the change itself needs `setuid` and `setgid`.

use std::fmt;
use std::path::Path;

use caps::Capability;
use nix::errno::Errno;

use super::status::Status;
use super::{Applied, Fault, Findings, Origin, nearest};
use crate::host::Host;
use crate::sys::capabilities as sys;

/// The section as the author wrote it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Capabilities {
    pub keep: Keep,
    pub keep_origin: Option<Origin>,
}

/// What the program holds after exec: bounding, permitted, effective, inheritable and ambient sets alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Names in lower case without the `cap_` prefix, as in capabilities(7): `net_bind_service`.
    Only(Vec<String>),
    All,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep::Only(Vec::new())
    }
}

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

/// The steps on either side of the change of ids, and what the kernel must say when all are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub before_ids: Vec<Step>,
    pub after_ids: Vec<Step>,
    pub expected: Expected,
}

/// What every one of the five sets must be, before exec and after it, and the securebits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub keep: u64,
    pub securebits: u32,
}

/// NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE of capabilities(7), each with its lock.
const LOCKED: u32 = (libc::SECBIT_NOROOT
    | libc::SECBIT_NOROOT_LOCKED
    | libc::SECBIT_NO_SETUID_FIXUP
    | libc::SECBIT_NO_SETUID_FIXUP_LOCKED
    | libc::SECBIT_NO_CAP_AMBIENT_RAISE
    | libc::SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) as u32;

/// What the namespaces say of it.
#[derive(Clone, Copy)]
pub struct Within {
    pub own_user: bool,
    /// The program's own user namespace forbids nested ones by `user.max_user_namespaces`, which `sys_resource` may raise
    /// again.
    pub nesting_limited: bool,
}

/// `uid` is the program's, inside.
pub fn plan(section: &Capabilities, uid: u32, within: Within, host: &Host, findings: &mut Findings) -> Plan {
    let keep = kept(section, host, findings);
    let missing = keep & !host.capabilities();
    if !within.own_user && missing != 0 {
        findings.error(
            "capabilities",
            format!(
                "the caller does not hold {}, and without a user namespace nobody gives it",
                names(missing).join(", ")
            ),
            "list what the caller holds in keep, or leave user = false out",
            section.keep_origin.as_ref(),
        );
    }
    if within.nesting_limited && keep & Capability::CAP_SYS_RESOURCE.bitmask() != 0 {
        findings.error(
            "capabilities",
            "sys_resource lets the program raise the limit by which `nested = false` forbids user namespaces",
            "leave sys_resource out of keep, or set namespaces.nested = \"namespaces\"".to_owned(),
            section.keep_origin.as_ref(),
        );
    }
    if keep == 0 {
        return Plan {
            before_ids: vec![Step::LockSecurebits, Step::DropBounding { keep }],
            after_ids: vec![Step::SetSets { keep }],
            expected: Expected { keep, securebits: LOCKED },
        };
    }
    // No securebits: NOROOT would take what is kept from a program that starts as root, and NO_SETUID_FIXUP would leave
    // it to a daemon that believes it gave root up. The bounding set is the limit that suffices.
    let mut before_ids = vec![Step::DropBounding { keep }];
    let mut after_ids = vec![Step::SetSets { keep }, Step::RaiseAmbient { keep }];
    if uid != 0 {
        before_ids.push(Step::KeepCapabilities(true));
        after_ids.push(Step::KeepCapabilities(false));
    }
    Plan { before_ids, after_ids, expected: Expected { keep, securebits: 0 } }
}

/// The set that the section asks for, among those that this kernel has.
fn kept(section: &Capabilities, host: &Host, findings: &mut Findings) -> u64 {
    let names = match &section.keep {
        Keep::Only(names) if names.is_empty() => return 0,
        Keep::Only(names) => names,
        Keep::All => return known_to(host),
    };
    let known = known_to(host);
    let mut keep = 0;
    for name in names {
        let Some(bit) = bit(name) else {
            unknown(name, section.keep_origin.as_ref(), findings);
            continue;
        };
        if known & bit == 0 {
            let message = format!("this kernel ({}) has no capability {name}", host.kernel());
            let hint = "leave it out, or use a newer kernel";
            findings.error("capabilities", message, hint, section.keep_origin.as_ref());
        }
        keep |= bit;
    }
    keep
}

fn bit(name: &str) -> Option<u64> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let capability: Capability = format!("CAP_{}", name.to_ascii_uppercase()).parse().ok()?;
    Some(capability.bitmask())
}

fn unknown(name: &str, origin: Option<&Origin>, findings: &mut Findings) {
    let lower = name.to_ascii_lowercase();
    let names = names(u64::MAX);
    let meant = nearest(lower.strip_prefix("cap_").unwrap_or(&lower), names.iter().map(String::as_str));
    let hint = match meant {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => "capabilities(7) lists the names; write them in lower case without \"cap_\"".to_owned(),
    };
    findings.error("capabilities", format!("unknown capability \"{}\"", name.escape_debug()), hint, origin);
}

/// Every capability that the kernel has.
fn known_to(host: &Host) -> u64 {
    let last = host.text(Path::new("/proc/sys/kernel/cap_last_cap")).and_then(|text| text.trim().parse::<u32>().ok());
    let last = last.unwrap_or(Capability::CAP_CHECKPOINT_RESTORE.index().into()).min(63);
    u64::MAX >> (63 - last)
}

/// The names of a set, in the kernel's order; what the library does not know is left out.
fn names(set: u64) -> Vec<String> {
    let mut capabilities: Vec<Capability> = caps::all().into_iter().filter(|one| set & one.bitmask() != 0).collect();
    capabilities.sort_by_key(Capability::index);
    capabilities.iter().map(|one| one.to_string().trim_start_matches("CAP_").to_ascii_lowercase()).collect()
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
                .map_err(|errno| Fault::new("prctl(PR_SET_SECUREBITS)", errno, "setpcap is needed")),
            Step::DropBounding { keep } => drop_bounding(keep),
            Step::KeepCapabilities(on) => {
                sys::set_keep_capabilities(on).map_err(|errno| Fault::new("prctl(PR_SET_KEEPCAPS)", errno, ""))
            }
            Step::SetSets { keep } => sys::set(sys::Sets { effective: keep, permitted: keep, inheritable: keep })
                .map_err(|errno| Fault::new("capset", errno, not_held(keep))),
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
            Err(errno) => return Err(Fault::new("prctl(PR_CAPBSET_DROP)", errno, "setpcap is needed")),
        }
    }
    Ok(())
}

fn raise_ambient(keep: u64) -> Applied {
    for capability in (0..64).filter(|capability| keep >> capability & 1 == 1) {
        sys::raise_ambient(capability)
            .map_err(|errno| Fault::new("prctl(PR_CAP_AMBIENT_RAISE)", errno, names(1 << capability).join("")))?;
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

/// Compares the calling thread with the plan: its sets, from its /proc/PID/status, and its securebits.
pub fn read_back(expected: &Expected, status: &str) -> Applied {
    verify(expected, status)?;
    let bits = sys::securebits().map_err(|errno| Fault::new("prctl(PR_GET_SECUREBITS)", errno, ""))?;
    if bits != expected.securebits {
        let detail = format!("{bits:#x}, planned {:#x}", expected.securebits);
        return Err(Fault::mismatch("securebits", detail));
    }
    Ok(())
}

/// Compares the sets of any process with the plan, by the text of its /proc/PID/status.
pub fn verify(expected: &Expected, status: &str) -> Applied {
    match Status::parse(status) {
        Some(status) => verify_sets(expected, &status),
        None => Err(Fault::mismatch("/proc/PID/status", "a field is missing")),
    }
}

pub fn verify_sets(expected: &Expected, status: &Status) -> Applied {
    for (name, set) in [
        ("bounding set", status.bounding),
        ("permitted set", status.permitted),
        ("effective set", status.effective),
        ("inheritable set", status.inheritable),
        ("ambient set", status.ambient),
    ] {
        if set != expected.keep {
            return Err(Fault::mismatch(name, format!("{set:016x}, planned {:016x}", expected.keep)));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests;
