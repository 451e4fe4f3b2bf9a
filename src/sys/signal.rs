//! Signals, taken from the queue one by one instead of by handlers.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;

use super::check;

/// A signal and how it came to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    pub signal: i32,
    /// The kernel sent it (its si_code is positive), a terminal's ^C for one: the whole process group has that already.
    pub by_kernel: bool,
    /// This process sent it: the kernel says so of the SIGPIPE that a write to a closed pipe raises.
    pub by_ourselves: bool,
}

/// What a person or a service manager ends a program with, unless it has a handler.
pub const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// What a terminal sends to its foreground: what a person types, and its end.
pub const FROM_A_TERMINAL: [i32; 4] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGHUP];

/// Signals that wait in the queue of the process.
#[derive(Clone, Copy)]
pub struct Pending(libc::sigset_t);

/// What has been sent so far, and is blocked: it stays in the queue.
pub fn pending() -> Pending {
    // SAFETY: the set is initialised before the kernel writes it; the call fails for a bad address alone.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigpending(&raw mut set);
        Pending(set)
    }
}

impl Pending {
    pub fn has(&self, signal: i32) -> bool {
        // SAFETY: the set is initialised; a number that is no signal is an error, which is not 1.
        (unsafe { libc::sigismember(&raw const self.0, signal) }) == 1
    }

    /// The first of those that end a program.
    pub fn ending(&self) -> Option<i32> {
        ENDING.into_iter().find(|signal| self.has(*signal))
    }
}

/// Nothing ignored, nothing handled: callers ignore SIGCHLD or SIGPIPE, and ignoring is inherited over exec.
pub fn reset_dispositions() {
    (1..=64).for_each(reset_disposition);
}

pub fn reset_disposition(signal: i32) {
    // SAFETY: SIG_DFL installs no code of ours. SIGKILL, SIGSTOP and libc's own two refuse, and need no reset.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Takes what waits in the queue because the caller had blocked it: it was never meant for the program.
pub fn discard_blocked() {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set is written whole by the first call, and outlives the others; no information is asked for.
    unsafe {
        let mut blocked = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut blocked);
        while libc::sigtimedwait(&raw const blocked, std::ptr::null_mut(), &raw const now) > 0 {}
    }
}

/// Blocks every signal but the two that libc keeps to itself (32 and 33). A blocked signal stays queued even for a pid 1 that has no handler for it.
pub fn block_all() {
    mask(libc::SIG_SETMASK, true);
}

pub fn unblock_all() {
    mask(libc::SIG_SETMASK, false);
}

/// What it starts blocks no signal: otherwise it would have our mask, and a ^C could not end it.
pub fn unblocked(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec nothing runs but sigprocmask(2), which is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            unblock_all();
            Ok(())
        })
    }
}

fn mask(how: libc::c_int, full: bool) {
    // SAFETY: the set is initialised by sigfillset or sigemptyset before it is read; the call cannot fail with SETMASK.
    unsafe {
        let mut set = std::mem::zeroed();
        if full {
            libc::sigfillset(&raw mut set)
        } else {
            libc::sigemptyset(&raw mut set)
        };
        libc::sigprocmask(how, &raw const set, std::ptr::null_mut());
    }
}

/// Waits for the next blocked signal; `None` when `timeout` has passed, or when the caller was stopped and continued,
/// which no mask prevents.
pub fn next(timeout: Option<Duration>) -> Option<Received> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    // SAFETY: set, info and timeout are initialised and outlive the calls.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let limit = timeout.as_ref().map_or(std::ptr::null(), |timeout| timeout as *const _);
        let signal = libc::sigtimedwait(&raw const set, &raw mut info, limit);
        let by_ourselves = info.si_code == libc::SI_USER && info.si_pid() == libc::getpid();
        (signal > 0).then_some(Received { signal, by_kernel: info.si_code > 0, by_ourselves })
    }
}

/// kill(2) with any signal, real-time ones included. The process must be a child that has not been waited for.
pub fn send(process: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { libc::kill(process, signal) }.into()).map(drop)
}

/// Puts a signal into the caller's own queue, come as `code` says: of itself a process may say that the kernel sent it.
pub fn queue(signal: i32, code: i32) -> Result<(), Errno> {
    // SAFETY: an all-zero siginfo_t is a valid one, and outlives the call.
    let queued = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        info.si_signo = signal;
        info.si_code = code;
        libc::syscall(libc::SYS_rt_sigqueueinfo, libc::getpid(), signal, &raw const info)
    };
    check(queued).map(drop)
}

/// Whether anybody is in a process group.
pub fn group_exists(group: i32) -> bool {
    // SAFETY: numbers only; nothing is sent. 0 and 1 would mean others.
    group > 1 && (check(unsafe { libc::kill(-group, 0) }.into()) != Err(Errno::ESRCH))
}

/// Stops the caller until somebody continues it; not at all where somebody has done so by now.
pub fn stop_here() {
    if pending().has(libc::SIGCONT) {
        return;
    }
    // SAFETY: takes a number; returns after SIGCONT.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Asks for SIGIO when something happens on a socket, its end included.
pub fn announce(socket: &OwnedFd) -> Result<(), Errno> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    // SAFETY: numbers only; the signal goes to this process.
    check(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_SETOWN, libc::getpid()) }.into())?;
    fcntl(socket, FcntlArg::F_SETFL(OFlag::O_ASYNC | OFlag::O_NONBLOCK)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_does_not_start_with_our_mask() {
        let blocked = |command: &mut Command| {
            let seen = command.args(["SigBlk", "/proc/self/status"]).output().unwrap();
            !String::from_utf8(seen.stdout).unwrap().ends_with("\t0000000000000000\n")
        };
        // The mask is the thread's own.
        block_all();
        let seen = (blocked(&mut Command::new("grep")), blocked(unblocked(&mut Command::new("grep"))));
        unblock_all();
        assert_eq!(seen, (true, false));
    }
}
