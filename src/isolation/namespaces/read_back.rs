//! The namespaces that init enters by itself, its name for the machine, and its own protection: asked of the kernel.

use std::fmt;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use super::super::context::{Context, Slot};
use super::super::{Applied, Fault, Operation};
use crate::sys::{descriptor, process};

/// What clone3 makes is there or it fails; what is entered later could have been left out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReadBack {
    pub cgroup: bool,
    /// The one that the program will be born in.
    pub time: bool,
    pub hostname: Option<String>,
}

/// The inodes of the two namespaces, which tell one from another; `None` where they could not be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Late {
    cgroup: Option<u64>,
    time: Option<u64>,
}

const CGROUP: &str = "self/ns/cgroup";
const TIME: &str = "self/ns/time_for_children";

impl Late {
    /// The caller's own, by the host's procfs.
    pub fn of_host() -> Late {
        let inode = |name| fstatat(descriptor::here(), name, AtFlags::empty()).ok().map(|status| status.st_ino);
        Late { cgroup: inode("/proc/self/ns/cgroup"), time: inode("/proc/self/ns/time_for_children") }
    }
}

impl ReadBack {
    /// In init, through the private procfs, when all is set.
    pub fn verify(&self, context: &Context) -> Applied {
        for (wanted, path, host) in [(self.cgroup, CGROUP, context.late.cgroup), (self.time, TIME, context.late.time)] {
            if !wanted {
                continue;
            }
            let status = fstatat(context.get(Slot::Proc)?, path, AtFlags::empty())
                .map_err(|errno| Fault::new(Operation::Stat, errno, format!("/proc/{path}")))?;
            match host {
                Some(host) if host != status.st_ino => {}
                Some(_) => return Err(Fault::mismatch(Operation::Namespaces, format!("{path} is the host's"))),
                None => {
                    return Err(Fault::mismatch(
                        Operation::Namespaces,
                        format!("the host's {path} could not be looked at"),
                    ));
                }
            }
        }
        if let Some(wanted) = &self.hostname {
            let seen = nix::sys::utsname::uname().map_err(|errno| Fault::new(Operation::Uname, errno, ""))?;
            if seen.nodename() != wanted.as_str() {
                return Err(Fault::mismatch(Operation::Hostname, format!("{:?}, planned {wanted:?}", seen.nodename())));
            }
        }
        match process::is_dumpable() {
            Ok(false) => Ok(()),
            Ok(true) => Err(Fault::mismatch(Operation::Init, "it can be traced")),
            Err(errno) => Err(Fault::new(Operation::Prctl, errno, "PR_GET_DUMPABLE")),
        }
    }
}

impl fmt::Display for ReadBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (wanted, words) in [
            (self.cgroup, "own cgroup namespace, "),
            (self.time, "own time namespace, "),
            (self.hostname.is_some(), "hostname, "),
        ] {
            f.write_str(if wanted { words } else { "" })?;
        }
        f.write_str("init cannot be traced")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Init's own protection is looked at last, and this process has none.
    #[test]
    fn a_namespace_is_its_own_only_where_the_hosts_is_known_and_another() {
        let mut context = Context::default();
        context.fill(Slot::Proc, std::fs::File::open("/proc").unwrap().into());
        for read_back in
            [ReadBack { cgroup: true, ..ReadBack::default() }, ReadBack { time: true, ..ReadBack::default() }]
        {
            let mut seen = |late| {
                context.late = late;
                read_back.verify(&context).unwrap_err().detail
            };
            assert!(seen(Late::default()).contains("could not be looked at"));
            assert!(seen(Late::of_host()).ends_with("is the host's"));
            assert_eq!(seen(Late { cgroup: Some(1), time: Some(1) }), "it can be traced");
        }
    }
}
