//! `[capabilities]`: which parts of root's power the program holds.
//!
//! The kernel dictates an order around the change of ids, which belongs to `[process]`: the bounding set and the
//! securebits need an effective `setpcap`, which a change from uid 0 takes away; the other sets come afterwards, because
//! the change itself needs `setuid` and `setgid`.

mod read_back;
mod step;

use std::path::Path;

use caps::Capability;

use super::{Findings, Origin, Section, nearest};
use crate::host::Host;

pub use read_back::read_back;
pub use step::Step;

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

impl Capabilities {
    pub fn keeps(&self, name: &str) -> bool {
        match &self.keep {
            Keep::All => true,
            Keep::Only(names) => names.iter().any(|kept| kept == name),
        }
    }
}

impl Default for Keep {
    fn default() -> Keep {
        Keep::Only(Vec::new())
    }
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
            Section::Capabilities,
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
            Section::Capabilities,
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
            findings.error(Section::Capabilities, message, hint, section.keep_origin.as_ref());
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
    findings.error(Section::Capabilities, format!("unknown capability \"{}\"", name.escape_debug()), hint, origin);
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

#[cfg(test)]
mod tests;
