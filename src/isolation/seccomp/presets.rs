//! What each preset says of each system call, as constants: a launch that asks for nothing else looks no name up.

use super::Preset;
use super::calls::{Arch, CALLS, LIMIT, row};
use super::checks::Check;
use super::groups::{GROUPS, Group, Set, heads, parse};
use super::text::equal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Allowed,
    /// Its arguments decide.
    Checked(Check),
    /// Refused, as `on-deny` says.
    Denied,
    /// ENOSYS, so that libraries fall back.
    Missing,
}

/// A verdict for every number of each architecture; what has no name is `Missing`.
pub type Table = [[Base; LIMIT]; 2];

/// `None` for the preset that has no verdicts.
pub fn table(preset: Preset) -> Option<&'static Table> {
    match preset {
        Preset::Default => Some(&DEFAULT),
        Preset::SystemService => Some(&SYSTEM_SERVICE),
        Preset::Strict => Some(&STRICT),
        Preset::Compat => Some(&COMPAT),
        Preset::None => None,
    }
}

/// Every call that the tables name.
pub static KNOWN: Set = GROUPS[GROUPS.len() - 1].members;
/// Calls that get ENOSYS rather than EPERM when refused.
pub static MISSING: Set = FALL_BACK.or(UNSEEN_MODES);
/// What `nested = "namespaces"` opens.
pub static NAMESPACES: Set = set("nested-namespaces");
/// What `nested = "mounts"` opens besides.
pub static MOUNTS: Set = set("nested-mounts");

/// The check that an allowed call carries, if it carries one.
pub const fn check(arch: Arch, number: usize, compat: bool) -> Option<Check> {
    let mut at = 0;
    while at < CHECKED.len() {
        if CHECKED[at].0.contains(arch, number) {
            return match CHECKED[at].1 {
                Check::Socket if compat => Some(Check::SocketAnyNetlink),
                Check::Mode(_) | Check::OpenMode(_) if compat => None,
                check => Some(check),
            };
        }
        at += 1;
    }
    None
}

static DEFAULT: Table = decide(DEFAULT_SET, false);
static SYSTEM_SERVICE: Table = decide(set("system-service").and(DEFAULT_SET), false);
static STRICT: Table = decide(set("strict"), false);
static COMPAT: Table = decide(set("compat"), true);

const DEFAULT_SET: Set = set("default");
const FALL_BACK: Set = set("missing").or(set("gone"));
const UNSEEN_MODES: Set = set("unseen-modes");

const TEXT: &str = include_str!("presets.tbl");
static SETS: [Group; heads(TEXT)] = parse(TEXT, &GROUPS);

const CHECKED: [(Set, Check); 12] = [
    (one("clone"), Check::Clone),
    (one("ioctl"), Check::Ioctl),
    (one("fcntl").or(one("fcntl64")), Check::Fcntl),
    (one("socket"), Check::Socket),
    (one("socketpair"), Check::Socketpair),
    (one("personality"), Check::Personality),
    (one("setpriority"), Check::Setpriority),
    (one("ioprio_set"), Check::IoprioSet),
    // mkdir and mkdirat drop the bits themselves.
    (one("chmod").or(one("fchmod")).or(one("creat")).or(one("mknod")), Check::Mode(1)),
    (one("fchmodat").or(one("fchmodat2")).or(one("mknodat")), Check::Mode(2)),
    (one("open"), Check::OpenMode(1)),
    (one("openat"), Check::OpenMode(2)),
];

const fn set(name: &str) -> Set {
    let mut at = 0;
    while at < SETS.len() {
        if equal(SETS[at].name, name) {
            return SETS[at].members;
        }
        at += 1;
    }
    panic!("presets.tbl has no such set")
}

pub(super) const fn one(name: &str) -> Set {
    match row(name) {
        Some(row) => Set::one(row),
        None => panic!("calls.tbl has no such call"),
    }
}

const fn decide(allowed: Set, compat: bool) -> Table {
    let mut table = [[Base::Missing; LIMIT]; 2];
    let missing = if compat { FALL_BACK } else { MISSING };
    let mut at = 0;
    while at < LIMIT * 2 {
        let (arch, number) = (if at < LIMIT { Arch::X86_64 } else { Arch::I386 }, at % LIMIT);
        if KNOWN.contains(arch, number) && !missing.contains(arch, number) {
            table[arch as usize][number] = if !allowed.contains(arch, number) {
                Base::Denied
            } else if let Some(check) = check(arch, number, compat) {
                Base::Checked(check)
            } else {
                Base::Allowed
            };
        }
        at += 1;
    }
    table
}

const _: () = assert!(CALLS.len() < LIMIT, "the tables index calls by number and by row alike");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::seccomp::calls::find;

    fn base(preset: Preset, name: &str) -> Base {
        let number = find(name).and_then(|call| call.number(Arch::X86_64)).expect("a call of x86-64");
        table(preset).expect("a preset with verdicts")[0][usize::from(number)]
    }

    /// What must stay refused whatever else is allowed, by name rather than by group.
    #[test]
    fn no_preset_allows_what_leads_out() {
        for name in "unshare setns mount umount2 pivot_root ptrace pidfd_getfd bpf perf_event_open userfaultfd keyctl \
                     add_key request_key open_by_handle_at kexec_load kexec_file_load init_module finit_module \
                     delete_module syslog acct quotactl quotactl_fd swapon swapoff reboot settimeofday clock_settime \
                     clock_adjtime adjtimex iopl ioperm move_pages migrate_pages modify_ldt sethostname setdomainname \
                     vhangup listns"
            .split_whitespace()
        {
            for preset in [Preset::Default, Preset::SystemService, Preset::Strict, Preset::Compat] {
                assert_eq!(base(preset, name), Base::Denied, "{name} under {preset:?}");
            }
        }
        for name in
            "clone3 io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount \
                     fspick mount_setattr open_tree_attr"
                .split_whitespace()
        {
            for preset in [Preset::Default, Preset::SystemService, Preset::Strict, Preset::Compat] {
                assert_eq!(base(preset, name), Base::Missing, "{name} under {preset:?}");
            }
        }
        for name in ["process_vm_readv", "process_vm_writev", "kcmp"] {
            for preset in [Preset::Default, Preset::SystemService, Preset::Strict] {
                assert_eq!(base(preset, name), Base::Denied, "{name} under {preset:?}");
            }
        }
    }

    #[test]
    fn modes_that_a_filter_cannot_see_are_seen_elsewhere() {
        for preset in [Preset::Default, Preset::SystemService, Preset::Strict] {
            assert_eq!(base(preset, "openat2"), Base::Missing, "{preset:?}");
        }
        assert_eq!(base(Preset::Compat, "openat2"), Base::Allowed);
    }

    #[test]
    fn system_service_allows_no_more_than_default() {
        for (service, default) in SYSTEM_SERVICE.iter().flatten().zip(DEFAULT.iter().flatten()) {
            assert!(service == default || *service == Base::Denied, "{service:?} {default:?}");
        }
    }

    #[test]
    fn every_preset_can_start_a_program_and_end() {
        for preset in [Preset::Default, Preset::SystemService, Preset::Strict, Preset::Compat] {
            for name in ["execve", "execveat", "exit_group", "brk", "mmap", "arch_prctl", "rt_sigreturn", "futex"] {
                assert_eq!(base(preset, name), Base::Allowed, "{name} under {preset:?}");
            }
        }
    }
}
