//! The ruleset, given to the kernel.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use landlock::{
    Access as _, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};

use super::{KernelScope, Rule, decide, version};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::descriptor;

pub fn open(abi: u32, scopes: BitFlags<KernelScope>, rules: &[Rule]) -> Result<RulesetCreated, Fault> {
    let create = || {
        let mut ruleset = landlock::Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(version(abi)))?;
        if !scopes.is_empty() {
            ruleset = ruleset.scope(scopes)?;
        }
        ruleset.create()
    };
    let mut ruleset = create().map_err(|error| fault(Operation::LandlockCreateRuleset, &error, String::new()))?;
    for rule in rules {
        allow(&mut ruleset, abi, rule)?;
    }
    for standard in [io::stdin().as_fd(), io::stdout().as_fd(), io::stderr().as_fd()] {
        allow_again(&mut ruleset, abi, standard)?;
    }
    Ok(ruleset)
}

fn allow(ruleset: &mut RulesetCreated, abi: u32, rule: &Rule) -> Applied {
    // A link would lead the rule to a tree that the mounts do not grant.
    let resolve = descriptor::NO_SYMLINKS | descriptor::NO_MAGICLINKS;
    let open = |kind| descriptor::openat2(descriptor::here(), &rule.path, OFlag::O_PATH | kind, resolve);
    let noun = || rule.path.display().to_string();
    let (file, access) = match open(OFlag::O_DIRECTORY) {
        Err(Errno::ENOTDIR) => (open(OFlag::empty()), decide::of_file(rule.access, abi)),
        directory => (directory, rule.access),
    };
    let file = file.map_err(|errno| Fault::new(Operation::Openat2, errno, noun()))?;
    // With HardRequirement the library narrows nothing silently: a directory's right on a file is an error.
    let added = ruleset.add_rule(PathBeneath::new(file, access));
    added.map(drop).map_err(|error| fault(Operation::LandlockAddRule, &error, noun()))
}

/// Lets a file or terminal that the caller passed as descriptor 0, 1 or 2 be opened again the way it is open, which is
/// what `> /dev/stderr` does: it lies outside the root, where no other rule reaches. Never a directory: that would open
/// the host's tree beneath it. Pipes and sockets need no rule.
fn allow_again(ruleset: &mut RulesetCreated, abi: u32, standard: BorrowedFd) -> Applied {
    let Ok(stat) = fstat(standard) else { return Ok(()) };
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    if kind != SFlag::S_IFREG && kind != SFlag::S_IFCHR {
        return Ok(());
    }
    let flags = fcntl(standard, FcntlArg::F_GETFL).map_err(|errno| Fault::new(Operation::Fcntl, errno, ""))?;
    let access = decide::of_open(OFlag::from_bits_truncate(flags), kind == SFlag::S_IFCHR, abi);
    if access.is_empty() {
        return Ok(());
    }
    match ruleset.add_rule(PathBeneath::new(standard, access)) {
        Ok(_) => Ok(()),
        Err(error) => match fault(Operation::LandlockAddRule, &error, "a standard descriptor".to_owned()) {
            // The kernel's own file systems (memfd and the like) take no rule and are not restricted.
            Fault { errno: Errno::EBADFD, .. } => Ok(()),
            fault => Err(fault),
        },
    }
}

pub fn restrict(ruleset: Option<RulesetCreated>) -> Applied {
    let ruleset =
        ruleset.ok_or_else(|| Fault::new(Operation::LandlockRestrictSelf, Errno::EBADF, "no ruleset is open"))?;
    let status = ruleset
        .no_new_privs(false)
        .restrict_self()
        .map_err(|error| fault(Operation::LandlockRestrictSelf, &error, String::new()))?;
    if status.ruleset != RulesetStatus::FullyEnforced {
        return Err(Fault::mismatch(Operation::Landlock, format!("{:?}, planned FullyEnforced", status.ruleset)));
    }
    Ok(())
}

/// The kernel's errno where one is behind the library's error; its words otherwise.
fn fault(operation: Operation, error: &RulesetError, noun: String) -> Fault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(errno) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error) {
            return Fault::new(operation, Errno::from_raw(errno), noun);
        }
        cause = error.source();
    }
    let separator = if noun.is_empty() { "" } else { ": " };
    Fault::mismatch(operation, format!("{noun}{separator}{error}"))
}
