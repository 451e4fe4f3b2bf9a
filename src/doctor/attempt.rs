//! Trying a thing in a child that is thrown away: the one honest answer to whether this machine can do it.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};

use crate::isolation::{Applied, Fault, Operation};
use crate::sys::clone::{Child, Side, clone3};
use crate::sys::namespace::Namespace;
use crate::sys::{pidfd, process};

/// Why a thing cannot be done here: the call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub operation: Operation,
    pub errno: Errno,
    /// The noun, or the kernel's own words.
    pub detail: String,
    /// The user namespace itself was refused, or its maker is nobody in it: what was to be tried never was.
    pub before_trying: bool,
}

/// Does `act` in new namespaces, where the caller is itself. What it mounts crosses to nobody: in a mount
/// namespace that belongs to a new user namespace all mounts only receive (mount_namespaces(7)).
pub fn attempt(namespaces: &[Namespace], act: impl FnOnce() -> Applied) -> Result<(), Refusal> {
    told(namespaces, || act().map(|()| String::new())).map(drop)
}

/// The same, with something to say: a few lines.
pub fn told(namespaces: &[Namespace], act: impl FnOnce() -> Result<String, Fault>) -> Result<String, Refusal> {
    let ids = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let settled = || settle(namespaces, ids).map_err(|fault| Refusal::from(fault).before_trying());
    begin(namespaces, |_| Ok(()), || settled().and_then(|()| act().map_err(Refusal::from)))?.end()
}

/// The same, once `map` has given the child, whose pid it is told, the ids that it has inside.
pub fn mapped(
    namespaces: &[Namespace],
    map: impl FnOnce(i32) -> Result<(), Refusal>,
    act: impl FnOnce() -> Result<String, Fault>,
) -> Result<String, Refusal> {
    begin(namespaces, map, || act().map_err(Refusal::from))?.end()
}

/// Has a child do `attempt`. The kernel makes namespaces while whoever asked for them waits: this is the child.
pub fn meanwhile(attempt: impl FnOnce() -> Result<String, Refusal>) -> Result<Attempt, Refusal> {
    begin(&[], |_| Ok(()), attempt)
}

/// A child at work, whose answer nobody has waited for yet.
pub struct Attempt {
    child: Child,
    answer: File,
    /// Whether it was given its ids.
    mapped: Result<(), Refusal>,
}

fn begin(
    namespaces: &[Namespace],
    map: impl FnOnce(i32) -> Result<(), Refusal>,
    act: impl FnOnce() -> Result<String, Refusal>,
) -> Result<Attempt, Refusal> {
    let (ours, theirs) = pipe()?;
    let (mut gate, mut key) = pipe()?;
    let child = match clone3(namespaces, None).map_err(Refusal::of_clone)? {
        Side::Parent(child) => child,
        Side::Child => {
            drop((ours, key));
            let opened = gate.read_exact(&mut [0]).map_err(|error| fault(Operation::Read, &error, "the gate"));
            answer(theirs, opened.map_err(Refusal::from).and_then(|()| act()))
        }
    };
    drop(theirs);
    // Our own end of the gate stays open until it has been written to: a child that was killed is no SIGPIPE for us.
    let mapped = map(child.pid);
    if mapped.is_ok() {
        let _ = key.write_all(b"+");
    }
    Ok(Attempt { child, answer: ours, mapped })
}

impl Attempt {
    pub fn end(mut self) -> Result<String, Refusal> {
        // Without its ids it can say only that it never had them.
        std::mem::replace(&mut self.mapped, Ok(()))?;
        let mut text = String::new();
        let read = self.answer.read_to_string(&mut text);
        let ended = waitid(Id::PIDFd(self.child.pidfd.as_fd()), WaitPidFlag::WEXITED);
        match (ended, read) {
            // A filter that kills instead of refusing leaves no other word.
            (Ok(WaitStatus::Signaled(_, signal, _)), _) => {
                Err(Refusal::new(Operation::Child, Errno::ECANCELED, signal.as_str()))
            }
            (_, Ok(_)) => parse(&text),
            (_, Err(_)) => Err(Refusal::new(Operation::Read, Errno::EIO, "the child's answer")),
        }
    }
}

/// Nobody need wait for the answer, and nothing is left of who would have given it; of one that has ended this is not heard.
impl Drop for Attempt {
    fn drop(&mut self) {
        let _ = pidfd::send_signal(self.child.pidfd.as_fd(), libc::SIGKILL);
        let _ = waitid(Id::PIDFd(self.child.pidfd.as_fd()), WaitPidFlag::WEXITED);
    }
}

/// Reading end, writing end.
fn pipe() -> Result<(File, File), Refusal> {
    let (read, write) =
        nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|errno| Refusal::new(Operation::Pipe2, errno, ""))?;
    Ok((read.into(), write.into()))
}

/// In a user namespace: the caller's own ids, as a launch maps them.
fn settle(namespaces: &[Namespace], (uid, gid): (u32, u32)) -> Applied {
    if namespaces.contains(&Namespace::User) {
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &format!("{uid} {uid} 1\n"))?;
        write("/proc/self/gid_map", &format!("{gid} {gid} 1\n"))?;
    }
    Ok(())
}

pub fn write(path: &str, text: &str) -> Applied {
    std::fs::write(path, text).map_err(|error| fault(Operation::Write, &error, path))
}

pub fn fault(operation: Operation, error: &std::io::Error, noun: &str) -> Fault {
    Fault::of_io(operation, error, noun)
}

/// The child's last words: `+` and a text, or `-` (`!` before trying), operation, errno and detail, a line each.
fn answer(mut pipe: File, said: Result<String, Refusal>) -> ! {
    let text = match said {
        Ok(text) => format!("+{text}"),
        Err(Refusal { operation, errno, detail, before_trying }) => {
            let sign = if before_trying { '!' } else { '-' };
            format!("{sign}{}\n{}\n{detail}", operation.number(), errno as i32)
        }
    };
    let written = pipe.write_all(text.as_bytes());
    process::exit_now(written.is_err().into())
}

fn parse(text: &str) -> Result<String, Refusal> {
    if let Some(text) = text.strip_prefix('+') {
        return Ok(text.to_owned());
    }
    let before_trying = text.starts_with('!');
    let mut lines = text.strip_prefix(['-', '!']).unwrap_or_default().splitn(3, '\n');
    let operation = lines.next().and_then(|number| Operation::of_number(number.parse().ok()?));
    let errno = lines.next().and_then(|number| number.parse().ok()).map(Errno::from_raw);
    match (operation, errno) {
        (Some(operation), Some(errno)) => {
            let detail = lines.next().unwrap_or_default().to_owned();
            Err(Refusal { operation, errno, detail, before_trying })
        }
        _ => Err(Refusal::new(Operation::Child, Errno::ECANCELED, "it said nothing")),
    }
}

impl Refusal {
    pub fn new(operation: Operation, errno: Errno, detail: &str) -> Refusal {
        Refusal { operation, errno, detail: detail.to_owned(), before_trying: false }
    }

    pub fn of_clone(errno: Errno) -> Refusal {
        Refusal::new(Operation::Clone3, errno, "").before_trying()
    }

    fn before_trying(self) -> Refusal {
        Refusal { before_trying: true, ..self }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::new(fault.operation, fault.errno, &fault.detail)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        if !self.detail.is_empty() {
            write!(f, "{}: ", self.detail)?;
        }
        match self.errno {
            Errno::UnknownErrno => f.write_str("not as it should be"),
            errno => f.write_str(&crate::sys::errno::words(errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_tells_what_it_found_or_why_not() {
        assert_eq!(parse("+a\nb"), Ok("a\nb".to_owned()));
        let answer = format!("-{}\n2\n/x\ny", Operation::Open.number());
        assert_eq!(parse(&answer), Err(Refusal::new(Operation::Open, Errno::ENOENT, "/x\ny")));
        let answer = answer.replace('-', "!");
        assert!(parse(&answer).is_err_and(|refusal| refusal.before_trying));
        assert!(parse("").is_err() && parse("-").is_err() && parse("-0\nx").is_err());
        assert_eq!(
            Refusal::new(Operation::Open, Errno::ENOENT, "/x").to_string(),
            "open: /x: No such file or directory (ENOENT)"
        );
    }
}
