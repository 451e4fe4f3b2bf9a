//! What a fault is about: the call that was refused, or what was not as planned.

use std::fmt;

use crate::sys;

macro_rules! operations {
    ($($name:ident => $text:literal,)+) => {
        /// Known by number to both sides of the fork, and by its text to people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $($name,)+
        }

        impl Operation {
            const ALL: &[Operation] = &[$(Operation::$name),+];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => $text,)+
                }
            }
        }
    };
}

operations! {
    // System calls.
    Capset => "capset",
    Chdir => "chdir",
    Chmod => "chmod",
    Clone => "clone",
    Clone3 => "clone3",
    CloseRange => "close_range",
    DropBounding => "prctl(PR_CAPBSET_DROP)",
    Dup2 => "dup2",
    Fchdir => "fchdir",
    Fchmod => "fchmod",
    Fchown => "fchown",
    Fchownat => "fchownat",
    Fcntl => "fcntl(F_GETFL)",
    Flock => "flock",
    Fsconfig => "fsconfig",
    Fsmount => "fsmount",
    Fsopen => "fsopen",
    Fstat => "fstat",
    Fstatat => "fstatat",
    Fstatfs => "fstatfs",
    GetInterfaceFlags => "SIOCGIFFLAGS",
    GetSecurebits => "prctl(PR_GET_SECUREBITS)",
    Getcwd => "getcwd",
    Getrlimit => "getrlimit",
    Keyctl => "keyctl",
    LandlockAddRule => "landlock_add_rule",
    LandlockCreateRuleset => "landlock_create_ruleset",
    LandlockRestrictSelf => "landlock_restrict_self",
    Mkdir => "mkdir",
    Mkdirat => "mkdirat",
    Mknodat => "mknodat",
    Mmap => "mmap",
    MountSetattr => "mount_setattr",
    MoveMount => "move_mount",
    Open => "open",
    OpenTree => "open_tree",
    Openat => "openat",
    Openat2 => "openat2",
    PidfdOpen => "pidfd_open",
    Pipe2 => "pipe2",
    PivotRoot => "pivot_root",
    Poll => "poll",
    Prctl => "prctl",
    RaiseAmbient => "prctl(PR_CAP_AMBIENT_RAISE)",
    Read => "read",
    Seccomp => "seccomp",
    SetInterfaceFlags => "SIOCSIFFLAGS",
    SetKeepcaps => "prctl(PR_SET_KEEPCAPS)",
    SetSecurebits => "prctl(PR_SET_SECUREBITS)",
    Setgroups => "setgroups",
    Sethostname => "sethostname",
    Setns => "setns",
    Setpriority => "setpriority",
    Setresgid => "setresgid",
    Setresuid => "setresuid",
    Setrlimit => "setrlimit",
    Setsid => "setsid",
    Socket => "socket",
    Socketpair => "socketpair",
    Stat => "stat",
    Symlinkat => "symlinkat",
    Umount2 => "umount2",
    Uname => "uname",
    Unlinkat => "unlinkat",
    Unshare => "unshare",
    Wait4 => "wait4",
    Waitid => "waitid",
    Write => "write",
    // What takes several, or others to do.
    ExecuteProgram => "execute the program",
    FindProgram => "find the program",
    Newgidmap => "newgidmap",
    Newuidmap => "newuidmap",
    Record => "record",
    StartTransientUnit => "StartTransientUnit",
    // What was looked at, and is not as planned.
    AmbientSet => "ambient set",
    BindSource => "bind source",
    BoundingSet => "bounding set",
    Child => "child",
    CoversOfProc => "covers of /proc",
    EffectiveSet => "effective set",
    Gate => "gate",
    Groups => "groups",
    Hostname => "hostname",
    IdMap => "id map",
    Ids => "ids",
    InheritableSet => "inheritable set",
    Init => "init",
    Landlock => "landlock",
    Lifeline => "lifeline",
    LoopbackInterface => "loopback interface",
    Membership => "membership",
    Mounts => "mounts",
    Namespaces => "namespaces",
    NestedUserNamespaces => "nested user namespaces",
    Sysctl => "sysctl",
    NoNewPrivileges => "no-new-privileges",
    OwnStatus => "/proc/self/status",
    Path => "path",
    PermittedSet => "permitted set",
    ReadBack => "read-back",
    Scope => "scope",
    Securebits => "securebits",
    Slot => "slot",
    Status => "/proc/PID/status",
    SystemCallFilter => "system-call filter",
    Target => "target",
    Umask => "umask",
    WorkingDirectory => "working directory",
}

impl Operation {
    pub fn number(self) -> u32 {
        self as u32
    }

    pub fn of_number(number: u32) -> Option<Operation> {
        Operation::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<sys::Call> for Operation {
    fn from(call: sys::Call) -> Operation {
        match call {
            sys::Call::Fsconfig => Operation::Fsconfig,
            sys::Call::Fsmount => Operation::Fsmount,
            sys::Call::Fsopen => Operation::Fsopen,
            sys::Call::MountSetattr => Operation::MountSetattr,
            sys::Call::MoveMount => Operation::MoveMount,
            sys::Call::OpenTree => Operation::OpenTree,
            sys::Call::PivotRoot => Operation::PivotRoot,
            sys::Call::SetInterfaceFlags => Operation::SetInterfaceFlags,
            sys::Call::Setresgid => Operation::Setresgid,
            sys::Call::Setresuid => Operation::Setresuid,
            sys::Call::Socket => Operation::Socket,
            sys::Call::Umount2 => Operation::Umount2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_again_by_its_number() {
        for operation in Operation::ALL {
            assert_eq!(Operation::of_number(operation.number()), Some(*operation));
        }
        assert_eq!(Operation::of_number(Operation::ALL.len() as u32), None);
    }
}
