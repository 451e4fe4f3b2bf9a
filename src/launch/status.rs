//! `--status-fd`: how it went, for programs: one JSON object a line.
//!
//! `{"event":"started","pid":N}` when the program has been executed, N being pid 1 of the sandbox as the host sees it;
//! then one of `{"event":"exited","code":N}`, `{"event":"signaled","signal":N,"code":N}`, or, where no program ran,
//! `{"event":"failed","code":N,"message":"…","hint":"…"}`; `signaled` alone where a signal came before the program ran. `code` is always the exit code of `sandbox` itself.
//! Where the kernel killed processes of the sandbox for lack of memory, the last line has
//! `"oom":{"killed":N,"limit":BYTES,"peak":BYTES}` too; `limit` is null where it was not the sandbox's own.
//! Where its timeout was over before it ended, the last line has `"timed-out":true`.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, fstat};
use serde_json::{Value, json};

use crate::explain;
use crate::isolation::cgroup::oom::OutOfMemory;
use crate::outcome::Outcome;
use crate::sys::errno::words;

/// How long whoever does not read is waited for when all is over.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// A write of no more never waits for a pipe that has room at all (PIPE_BUF).
const AT_ONCE: usize = 4096;

/// Who is told. The program's fate does not depend on them: they may have gone, and they may not read.
#[derive(Debug)]
pub struct Listener {
    to: OwnedFd,
    socket: bool,
    unsent: RefCell<Vec<u8>>,
}

impl Listener {
    /// An error says why nobody could be told anything.
    pub fn new(to: OwnedFd) -> Result<Listener, String> {
        let flags = fcntl(&to, FcntlArg::F_GETFL).map_err(|errno| errno.to_string())?;
        if flags & libc::O_PATH != 0 || flags & libc::O_ACCMODE == libc::O_RDONLY {
            return Err("it is not open for writing".to_owned());
        }
        let kind = fstat(&to).map_or(0, |status| status.st_mode & libc::S_IFMT);
        Ok(Listener { to: of_our_own(to, kind), socket: kind == libc::S_IFSOCK, unsent: RefCell::default() })
    }

    pub fn started(&self, pid: i32) {
        self.tell(&json!({ "event": "started", "pid": pid }));
        self.go_on(Duration::ZERO);
    }

    pub fn ended(&self, outcome: &Outcome, out_of_memory: Option<&OutOfMemory>, timed_out: bool) {
        self.tell(&last_line(outcome, out_of_memory, timed_out));
        self.go_on(LAST_WAIT);
        if self.is_behind() {
            explain::print_error("--status-fd: nobody reads it: how it went is not told there", None);
        }
    }

    /// Whether there was no room for all of it.
    pub fn is_behind(&self) -> bool {
        !self.unsent.borrow().is_empty()
    }

    /// Writes what is left, and waits no longer than this.
    pub fn go_on(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut unsent = self.unsent.borrow_mut();
        while !unsent.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let mut ready = [PollFd::new(self.to.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut ready, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO)) == Ok(0) {
                return;
            }
            let some = &unsent[..unsent.len().min(AT_ONCE)];
            let written = match self.socket {
                true => send(self.to.as_raw_fd(), some, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL),
                false => nix::unistd::write(&self.to, some),
            };
            match written {
                Ok(length) => drop(unsent.drain(..length)),
                // Somebody else has filled it meanwhile.
                Err(Errno::EAGAIN) if left.is_zero() => return,
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => {
                    unsent.clear();
                    // Whoever asked has gone.
                    if errno != Errno::EPIPE {
                        explain::print_error(&format!("--status-fd: write: {}", words(errno)), None);
                    }
                }
            }
        }
    }

    fn tell(&self, line: &Value) {
        self.unsent.borrow_mut().extend(format!("{line}\n").bytes());
    }
}

/// What may have to be waited for is opened again, so that we alone do not wait: O_NONBLOCK belongs to the open file, which
/// the caller has too. Where it cannot be opened, it is written to when the kernel says that there is room.
fn of_our_own(to: OwnedFd, kind: libc::mode_t) -> OwnedFd {
    if kind != libc::S_IFIFO && !nix::unistd::isatty(&to).unwrap_or(false) {
        return to;
    }
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    open(format!("/proc/self/fd/{}", to.as_raw_fd()).as_str(), flags, Mode::empty()).unwrap_or(to)
}

fn last_line(outcome: &Outcome, out_of_memory: Option<&OutOfMemory>, timed_out: bool) -> Value {
    let code = outcome.code();
    let mut line = match outcome {
        Outcome::Exited(_) => json!({ "event": "exited", "code": code }),
        Outcome::Signaled(signal) | Outcome::CalledOff(signal) => {
            json!({ "event": "signaled", "signal": signal, "code": code })
        }
        Outcome::Failed { message, hint, .. } => {
            json!({ "event": "failed", "code": code, "message": message, "hint": hint })
        }
    };
    if let Some(oom) = out_of_memory {
        line["oom"] = json!({ "killed": oom.killed, "limit": oom.limit, "peak": oom.peak });
    }
    if timed_out {
        line["timed-out"] = json!(true);
    }
    line
}
