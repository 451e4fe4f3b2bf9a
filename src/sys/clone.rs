//! New processes: clone3(2) with namespaces, and a child that borrows our memory until it becomes another program.

use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::check;
use super::namespace::Namespace;

/// `CLONE_INTO_CGROUP` is the first flag above 32 bits, which clone(2) cannot take.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
pub(super) const CLONE_NEWTIME: libc::c_int = 0x80;
const STACK: usize = 256 * 1024;

/// Which side of the fork we are on.
pub enum Side {
    Parent(Child),
    Child,
}

/// A process that we made and may wait for.
#[derive(Debug)]
pub struct Child {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// Forks into new namespaces and, where one is given, into a cgroup v2 directory.
///
/// The caller must be single-threaded: the child has a copy of this thread alone.
pub fn clone3(namespaces: &[Namespace], cgroup: Option<BorrowedFd<'_>>) -> Result<Side, Errno> {
    let mut pidfd: libc::c_int = -1;
    // SAFETY: an all-zero clone_args asks for nothing.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = namespaces.iter().fold(libc::CLONE_PIDFD, |flags, kind| flags | kind.flag()) as u64;
    args.pidfd = &raw mut pidfd as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM the child gets its own copy of our memory and returns here like fork(2); `args` and
    // `pidfd` outlive the call.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) })?;
    if pid == 0 {
        return Ok(Side::Child);
    }
    // SAFETY: with CLONE_PIDFD the kernel has stored a new descriptor, close-on-exec, that nobody else owns.
    Ok(Side::Parent(Child { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }))
}

/// Runs `becoming` in a new process that shares our memory; we sleep until it has executed another program or ended.
///
/// It saves the copy of the page tables, and its return *is* the exec event. What `becoming` returns is its exit code.
pub fn vfork(mut becoming: impl FnMut() -> i32) -> Result<i32, Errno> {
    let mut stack = vec![0u8; STACK];
    let mut call: &mut dyn FnMut() -> i32 = &mut becoming;
    extern "C" fn enter(call: *mut c_void) -> libc::c_int {
        // SAFETY: `call` is the address of the `&mut dyn FnMut` below, alive because its owner sleeps (CLONE_VFORK).
        let call = unsafe { &mut *call.cast::<&mut dyn FnMut() -> i32>() };
        call()
    }
    // SAFETY: the child runs on a stack of its own, which libc's clone(3) aligns; we are suspended while it lives in our memory,
    // so nothing is used by two at once, and the stack is freed after it has left.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK);
        libc::clone(enter, top.cast(), libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, (&raw mut call).cast())
    };
    check(pid.into()).map(|pid| pid as i32)
}

/// Moves the caller into a cgroup namespace rooted at its present cgroup.
pub fn unshare_cgroup() -> Result<(), Errno> {
    unshare(libc::CLONE_NEWCGROUP)
}

/// Gives the caller's *children* a time namespace.
pub fn unshare_time() -> Result<(), Errno> {
    unshare(CLONE_NEWTIME)
}

/// Moves the caller into a time namespace; the kernel takes nobody who shares memory with others.
pub fn enter_time(namespace: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: takes numbers and touches no memory.
    check(unsafe { libc::setns(namespace.as_raw_fd(), CLONE_NEWTIME) }.into()).map(drop)
}

/// Tries to make a user namespace, as a program inside might.
pub fn unshare_user() -> Result<(), Errno> {
    unshare(libc::CLONE_NEWUSER)
}

fn unshare(flags: libc::c_int) -> Result<(), Errno> {
    // SAFETY: takes a number and touches no memory.
    check(unsafe { libc::unshare(flags) }.into()).map(drop)
}
