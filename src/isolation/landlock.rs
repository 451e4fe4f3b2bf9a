//! `[landlock]`: what the mounts grant, enforced once more on every path by the kernel's own access control.
//!
//! Rules add up from a path to the root, so a rule can only widen what a parent allows: the mounts, not Landlock, refuse
//! writes to a read-only tree inside a writable one.

use std::fmt;
use std::path::PathBuf;

use landlock::{ABI, AccessFs, BitFlags, make_bitflags};
pub use landlock::{RulesetCreated, Scope as KernelScope};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;

use super::context::{Slot, Slots};
use super::{Access, Applied, Enforce, Fault, Findings, Grant, Operation, Origin, Section};
use crate::host::Host;

mod apply;
mod decide;

/// The section as the author wrote it. Its rules are derived from `[rootfs]` and `[network]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Landlock {
    pub enforce: Enforce,
    pub enforce_origin: Option<Origin>,
    pub min_abi: u32,
    pub min_abi_origin: Option<Origin>,
    /// `None`: as the namespaces leave it necessary.
    pub scope: Option<Vec<Scope>>,
    pub scope_origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Signal,
    AbstractUnix,
}

impl Default for Landlock {
    fn default() -> Landlock {
        Landlock {
            enforce: Enforce::Require,
            enforce_origin: None,
            min_abi: 1,
            min_abi_origin: None,
            scope: None,
            scope_origin: None,
        }
    }
}

/// Of the target stage: the paths are opened once the root is finished, and while the launcher may still open them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Fills the slot of the ruleset.
    OpenRuleset {
        /// At most what the library knows; every file right of it is handled, no network right.
        abi: u32,
        scopes: BitFlags<KernelScope>,
        rules: Vec<Rule>,
    },
    /// Empties the slot of the ruleset. no_new_privs must be set.
    Restrict,
}

/// An act that Landlock alone refuses: the kernel does not tell what a process is restricted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// A directory in which the program may make files, of every kind but device nodes.
    pub directory: PathBuf,
}

/// What is allowed on one file, or on one directory and everything beneath it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As the program sees it.
    pub path: PathBuf,
    /// Of a directory; on anything else those that concern files.
    pub access: BitFlags<AccessFs>,
}

/// What the section needs on this host: nothing where it is off, or where nothing but best effort was asked for.
pub fn plan(
    section: &Landlock,
    grants: &[Grant],
    own_pid_ns: bool,
    own_net_ns: bool,
    nested_mounts: bool,
    host: &Host,
    findings: &mut Findings,
) -> Vec<Step> {
    if section.enforce == Enforce::Off {
        return Vec::new();
    }
    if nested_mounts {
        // landlock(7): a domain with any rule about files may not change the mounts, not even its own.
        let hint = "set landlock.enforce = \"off\", or namespaces.nested = \"namespaces\"".to_owned();
        let origin = section.enforce_origin.as_ref();
        findings.error(Section::Landlock, "nested mounts are impossible under Landlock", hint, origin);
        return Vec::new();
    }
    let Some(abi) = decide::abi(section, host, findings) else { return Vec::new() };
    let scopes = decide::scopes(section, own_pid_ns, own_net_ns, abi, host, findings);
    let rules =
        grants.iter().map(|grant| Rule { path: grant.path.clone(), access: decide::access(grant, abi) }).collect();
    vec![Step::OpenRuleset { abi, scopes, rules }, Step::Restrict]
}

/// Where the restriction will show: in memory that is always there, or wherever files can be made.
pub fn witness(steps: &[Step]) -> Option<Witness> {
    let restricted = steps.iter().find_map(|step| match step {
        Step::OpenRuleset { rules, .. } => Some(rules),
        Step::Restrict => None,
    })?;
    let makes = |rule: &&Rule| rule.access.contains(AccessFs::MakeReg);
    let mut places = restricted.iter().filter(makes);
    let place = places.clone().find(|rule| rule.path.as_os_str() == "/tmp").or_else(|| places.next())?;
    Some(Witness { directory: place.path.clone() })
}

impl Witness {
    /// The node 0:0 is no device, and anybody may make it; but for Landlock it is one, and no rule of ours allows one.
    pub fn verify(&self) -> Applied {
        let path = self.directory.join(".sandbox-landlock");
        let make = |device| nix::sys::stat::mknod(&path, SFlag::S_IFCHR, nix::sys::stat::Mode::empty(), device);
        // Refused is refused: around the launcher there may be a filter that answers before Landlock does.
        if make(0).is_err() {
            return Ok(());
        }
        let _ = nix::unistd::unlink(&path);
        // Linux 7.2 lets 0:0 pass. Of a real device Landlock is asked first, and refuses with another errno than the
        // capability that is missing for it.
        let answer = make(nix::sys::stat::makedev(1, 3));
        if answer == Err(Errno::EACCES) {
            return Ok(());
        }
        if answer.is_ok() {
            let _ = nix::unistd::unlink(&path);
        }
        Err(Fault::mismatch(
            Operation::Landlock,
            format!("a device node could be made in {}", self.directory.display()),
        ))
    }
}

/// Whether signals to processes outside are refused.
pub fn scopes_signals(steps: &[Step]) -> bool {
    let scoped = |step: &Step| matches!(step, Step::OpenRuleset { scopes, .. } if scopes.contains(KernelScope::Signal));
    steps.iter().any(scoped)
}

/// In the host's network nothing else keeps the program from the host's abstract sockets. What only the kernel lacks is
/// said while planning.
pub fn review(section: &Landlock, own_network: bool, findings: &mut Findings) {
    let (hint, origin) = match &section.scope {
        _ if own_network => return,
        _ if section.enforce == Enforce::Off => ("write enforce = \"require\" in [landlock]", &section.enforce_origin),
        Some(scope) if !scope.contains(&Scope::AbstractUnix) => {
            ("add \"abstract-unix\" to scope in [landlock], or leave scope out", &section.scope_origin)
        }
        _ => return,
    };
    let message = "the host's abstract sockets (X11, D-Bus, …) are within the program's reach";
    findings.warning(Section::Landlock, message, format!("{hint}, or give it an own network"), origin.as_ref());
}

impl Step {
    pub fn why(&self) -> &'static str {
        match self {
            Step::OpenRuleset { .. } => "what the mounts grant is granted, and every other path is refused",
            Step::Restrict => "from here on the kernel checks every path that is opened, and nothing can be mounted",
        }
    }

    pub fn slots(&self) -> Slots {
        match self {
            Step::OpenRuleset { .. } => Slots::filling(&[Slot::Ruleset]),
            Step::Restrict => Slots::taking(&[Slot::Ruleset]),
        }
    }

    /// `ruleset` is the slot between the two steps.
    pub fn apply(&self, ruleset: &mut Option<RulesetCreated>) -> Applied {
        match self {
            Step::OpenRuleset { abi, scopes, rules } => *ruleset = Some(apply::open(*abi, *scopes, rules)?),
            Step::Restrict => apply::restrict(ruleset.take())?,
        }
        Ok(())
    }
}

fn version(abi: u32) -> ABI {
    ABI::from(i32::try_from(abi).unwrap_or(i32::MAX))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::OpenRuleset { abi, scopes, rules } => {
                write!(f, "ruleset of Landlock ABI {abi}")?;
                for scope in *scopes {
                    f.write_str(match scope {
                        KernelScope::Signal => ", no signals to the outside",
                        _ => ", no abstract sockets of the outside",
                    })?;
                }
                rules.iter().try_for_each(|rule| write!(f, "\n  {rule}"))?;
                f.write_str("\n  allow opening files and terminals on descriptors 0 to 2 again")
            }
            Step::Restrict => f.write_str("restrict to the ruleset"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (AccessFs::ReadFile, "read"),
            (AccessFs::WriteFile, "write"),
            (AccessFs::Execute, "execute"),
            (AccessFs::IoctlDev, "ioctl"),
        ];
        let path = self.path.to_string_lossy();
        let path = path.escape_debug();
        if self.access == AccessFs::ReadDir {
            return write!(f, "allow listing beneath {path}");
        }
        let mut separator = "allow ";
        for (_, word) in words.iter().filter(|(right, _)| self.access.contains(*right)) {
            write!(f, "{separator}{word}")?;
            separator = ", ";
        }
        write!(f, " beneath {path}")
    }
}

#[cfg(test)]
mod tests;
