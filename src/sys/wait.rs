//! How children end.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use super::check;

/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Exited(u8),
    Signaled(i32),
}

/// Collects the child of a pidfd; `None` while it runs.
pub fn of_pidfd(pidfd: BorrowedFd<'_>) -> Result<Option<Ended>, Errno> {
    // SAFETY: an all-zero siginfo_t is valid, and the kernel fills fields of it, with zeros while the child runs.
    let (info, answer) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG;
        let answer = libc::waitid(libc::P_PIDFD, pidfd.as_raw_fd() as libc::id_t, &raw mut info, flags);
        (info, answer)
    };
    check(answer.into())?;
    // SAFETY: these fields are what waitid(2) fills; they are plain numbers, whatever they hold.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok((pid != 0).then_some(match info.si_code {
        libc::CLD_EXITED => Ended::Exited(status as u8),
        _ => Ended::Signaled(status),
    }))
}

/// Waits until a child has ended, and collects it.
pub fn until_ended(pid: i32) -> Result<Ended, Errno> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) }.into())?;
    Ok(how(status))
}

/// Waits until any child has ended, by whatever signal, and collects it. nix knows no real-time signals: of a child that
/// one of them has ended its waitpid(2) says EINVAL, as if there had been none.
pub fn until_any_ended() -> Result<(), Errno> {
    // SAFETY: a null status is not written to.
    check(unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) }.into()).map(drop)
}

/// Collects any child that has ended, and answers with its pid; `None` while all of them run.
pub fn any() -> Result<Option<(i32, Ended)>, Errno> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let pid = check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }.into())?;
    Ok((pid > 0).then_some((pid as i32, how(status))))
}

fn how(status: libc::c_int) -> Ended {
    if libc::WIFSIGNALED(status) {
        Ended::Signaled(libc::WTERMSIG(status))
    } else {
        Ended::Exited(libc::WEXITSTATUS(status) as u8)
    }
}
