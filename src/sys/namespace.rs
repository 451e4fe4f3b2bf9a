//! The kinds of namespaces(7).

use super::clone::CLONE_NEWTIME;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    User,
    Mount,
    Pid,
    Net,
    Ipc,
    Uts,
    Cgroup,
    Time,
}

impl Namespace {
    pub const ALL: [Namespace; 8] = [
        Namespace::User,
        Namespace::Mount,
        Namespace::Pid,
        Namespace::Net,
        Namespace::Ipc,
        Namespace::Uts,
        Namespace::Cgroup,
        Namespace::Time,
    ];

    /// `CLONE_NEW*`.
    pub fn flag(self) -> i32 {
        match self {
            Namespace::User => libc::CLONE_NEWUSER,
            Namespace::Mount => libc::CLONE_NEWNS,
            Namespace::Pid => libc::CLONE_NEWPID,
            Namespace::Net => libc::CLONE_NEWNET,
            Namespace::Ipc => libc::CLONE_NEWIPC,
            Namespace::Uts => libc::CLONE_NEWUTS,
            Namespace::Cgroup => libc::CLONE_NEWCGROUP,
            Namespace::Time => CLONE_NEWTIME,
        }
    }

    /// Its name in /proc/PID/ns.
    pub fn link(self) -> &'static str {
        match self {
            Namespace::Mount => "mnt",
            other => other.noun(),
        }
    }

    pub fn noun(self) -> &'static str {
        match self {
            Namespace::User => "user",
            Namespace::Mount => "mount",
            Namespace::Pid => "pid",
            Namespace::Net => "net",
            Namespace::Ipc => "ipc",
            Namespace::Uts => "uts",
            Namespace::Cgroup => "cgroup",
            Namespace::Time => "time",
        }
    }

    pub fn nouns(kinds: &[Namespace]) -> Vec<&'static str> {
        kinds.iter().map(|kind| kind.noun()).collect()
    }

    /// The setting of sysctl(8) that says how many a user may make.
    pub fn limit(self) -> String {
        format!("user.max_{}_namespaces", self.link())
    }
}
