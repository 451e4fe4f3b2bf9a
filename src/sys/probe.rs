//! Asking the kernel whether it has a system call, without doing anything.

use nix::errno::Errno;

use super::check;

/// A system call, with arguments that every kernel refuses, or accepts as nothing to do, before it acts.
pub struct Call {
    pub name: &'static str,
    /// The first kernel that has it as we use it.
    pub since: &'static str,
    number: libc::c_long,
    arguments: [u64; 5],
}

const NONE: u64 = u64::MAX;
/// Flags that no kernel knows.
const UNKNOWN: u64 = 0x7fff_0000;

const fn call(name: &'static str, since: &'static str, number: libc::c_long, arguments: [u64; 5]) -> Call {
    Call { name, since, number, arguments }
}

/// Those that isolation rests on and that are younger than Linux 5.0, or that filters of containers refuse.
///
/// Where a call looks at the caller's privilege over mounts first, it is asked for from within a user namespace.
pub const CALLS: [Call; 19] = [
    call("clone3", "5.3", libc::SYS_clone3, [0, 0, 0, 0, 0]),
    call("close_range", "5.11", libc::SYS_close_range, [0xffff_fffe, 0xffff_ffff, 4, 0, 0]),
    call("fsconfig", "5.2", libc::SYS_fsconfig, [NONE, UNKNOWN, 0, 0, 0]),
    call("fsmount", "5.2", libc::SYS_fsmount, [NONE, UNKNOWN, 0, 0, 0]),
    call("fsopen", "5.2", libc::SYS_fsopen, [0, UNKNOWN, 0, 0, 0]),
    call("landlock_add_rule", "5.13", libc::SYS_landlock_add_rule, [NONE, 0, 0, UNKNOWN, 0]),
    call("landlock_create_ruleset", "5.13", libc::SYS_landlock_create_ruleset, [0, 0, UNKNOWN, 0, 0]),
    call("landlock_restrict_self", "5.13", libc::SYS_landlock_restrict_self, [NONE, UNKNOWN, 0, 0, 0]),
    call("mount_setattr", "5.12", libc::SYS_mount_setattr, [NONE, 0, UNKNOWN, 0, 0]),
    call("move_mount", "5.2", libc::SYS_move_mount, [NONE, 0, NONE, 0, UNKNOWN]),
    call("open_tree", "5.2", libc::SYS_open_tree, [NONE, 0, UNKNOWN, 0, 0]),
    call("openat2", "5.6", libc::SYS_openat2, [NONE, 0, 0, 0, 0]),
    call("pidfd_open", "5.3", libc::SYS_pidfd_open, [NONE, UNKNOWN, 0, 0, 0]),
    call("pidfd_send_signal", "5.1", libc::SYS_pidfd_send_signal, [NONE, 0, 0, UNKNOWN, 0]),
    call("pivot_root", "2.4", libc::SYS_pivot_root, [0, 0, 0, 0, 0]),
    call("seccomp", "3.17", libc::SYS_seccomp, [UNKNOWN, 0, 0, 0, 0]),
    call("setns", "3.0", libc::SYS_setns, [NONE, 0, 0, 0, 0]),
    call("umount2", "2.4", libc::SYS_umount2, [0, UNKNOWN, 0, 0, 0]),
    call("unshare", "2.6.16", libc::SYS_unshare, [0, 0, 0, 0, 0]),
];

impl Call {
    /// ENOSYS: it is missing, or a filter says so. EPERM: a filter refuses it. Anything else is the kernel's own answer.
    pub fn ask(&self) -> Result<(), Errno> {
        let [a, b, c, d, e] = self.arguments;
        // SAFETY: every pointer among the arguments is null, every descriptor -1, every flag unknown.
        check(unsafe { libc::syscall(self.number, a, b, c, d, e, 0) }).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_does_nothing_that_could_succeed() {
        for call in &CALLS {
            let expected = matches!(call.name, "close_range" | "unshare");
            assert_eq!(call.ask().is_ok(), expected, "{}: {:?}", call.name, call.ask());
        }
    }

    #[test]
    fn a_missing_call_says_so() {
        assert_eq!(call("none", "", 999_999, [0; 5]).ask(), Err(Errno::ENOSYS));
    }
}
