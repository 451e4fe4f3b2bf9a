//! Who is left when the program has gone. Without a pid namespace nothing ends them but whoever they have come to as
//! children: init, and should it be killed, the supervisor.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use crate::isolation::{Fault, Operation};
use crate::sys::{process, wait};

/// The caller's children, as the kernel lists them.
pub struct Orphans(RefCell<File>);

impl Orphans {
    /// From now on whoever loses its parent comes to the caller. `None` where it had children before: theirs would come
    /// too, and are nobody's to end.
    pub fn adopt() -> Result<Option<Orphans>, Fault> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let proc = nix::fcntl::open("/proc", flags, Mode::empty())
            .map_err(|errno| Fault::new(Operation::Open, errno, "/proc"))?;
        let orphans = Orphans::of_caller(proc.as_fd())?;
        if !orphans.pids().is_empty() {
            return Ok(None);
        }
        process::become_subreaper().map_err(|errno| Fault::new(Operation::Prctl, errno, "PR_SET_CHILD_SUBREAPER"))?;
        Ok(Some(orphans))
    }

    /// Opened in time: where the kernel has no list, an empty one would be taken for nobody.
    pub fn of_caller(proc: BorrowedFd<'_>) -> Result<Orphans, Fault> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        nix::fcntl::openat(proc, CHILDREN, flags, Mode::empty())
            .map(|file| Orphans(RefCell::new(File::from(file))))
            .map_err(|errno| Fault::new(Operation::Open, errno, format!("/proc/{CHILDREN}")))
    }

    /// Until none is left: the last words of one may be a fork.
    pub fn end(&self) {
        loop {
            let mut any = false;
            for pid in self.pids() {
                any |= kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok();
            }
            if !any || wait::until_any_ended().is_err() {
                return;
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pids().is_empty()
    }

    pub fn descriptor(&self) -> i32 {
        self.0.borrow().as_raw_fd()
    }

    fn pids(&self) -> Vec<i32> {
        let mut file = self.0.borrow_mut();
        let mut text = String::new();
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
        text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    }
}

/// With CONFIG_PROC_CHILDREN.
const CHILDREN: &str = "thread-self/children";

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn a_kernel_without_lists_is_no_list_without_children() {
        let nowhere = File::open("/").unwrap();
        let Err(fault) = Orphans::of_caller(nowhere.as_fd()) else { panic!("an empty list") };
        assert_eq!((fault.operation, fault.errno), (Operation::Open, Errno::ENOENT));
        assert!(fault.detail.contains("thread-self/children"), "{}", fault.detail);
        assert!(Orphans::of_caller(File::open("/proc").unwrap().as_fd()).is_ok());
    }
}
