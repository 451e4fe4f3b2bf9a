//! The kernel's interfaces that no well-kept library covers. The only code with `unsafe`; it knows nothing of
//! sandboxes.

#![allow(unsafe_code)]

pub mod capabilities;
pub mod caught;
pub mod clone;
pub mod descriptor;
pub mod directory;
pub mod errno;
pub mod landlock;
pub mod mount;
pub mod namespace;
pub mod network;
pub mod page;
pub mod pidfd;
pub mod probe;
pub mod process;
pub mod random;
pub mod seccomp;
pub mod signal;
pub mod terminal;
pub mod wait;
pub mod window;

use nix::errno::Errno;

/// Which of several calls a function made that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Fsconfig,
    Fsmount,
    Fsopen,
    MountSetattr,
    MoveMount,
    OpenTree,
    PivotRoot,
    SetInterfaceFlags,
    Setresgid,
    Setresuid,
    Socket,
    Umount2,
}

/// A raw system call's answer, with its errno taken from libc's.
fn check(answer: libc::c_long) -> Result<libc::c_long, Errno> {
    if answer == -1 { Err(Errno::last()) } else { Ok(answer) }
}
