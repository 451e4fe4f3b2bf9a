//! The kernel's errors in words: those that programs print, and the name that manual pages use.

use std::error::Error;
use std::io;

use nix::errno::Errno;

/// `No such file or directory (ENOENT)`.
pub fn words(errno: Errno) -> String {
    let text = io::Error::from_raw_os_error(errno as i32).to_string();
    let words = text.split(" (os error ").next().unwrap_or_default();
    format!("{words} ({errno:?})")
}

/// The same, where an errno is behind it; what a library says, where none is.
pub fn of_io(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| words(Errno::from_raw(number)))
}

/// An errno by the name that manual pages use.
pub fn named(name: &str) -> Option<Errno> {
    (1..=LAST).map(Errno::from_raw).find(|errno| *errno != Errno::UnknownErrno && format!("{errno:?}") == name)
}

/// The highest number that a system call answers with (include/linux/err.h).
const LAST: i32 = 4095;

/// The errno behind an error of the standard library; EINVAL where it has refused by itself what no call could take.
pub fn behind(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EINVAL))
}

/// An error with all its causes.
pub fn chain(error: &anyhow::Error) -> String {
    error.chain().map(one).collect::<Vec<String>>().join(": ")
}

fn one(cause: &(dyn Error + 'static)) -> String {
    let io = || cause.downcast_ref::<io::Error>().map(of_io);
    cause.downcast_ref::<Errno>().map(|errno| words(*errno)).or_else(io).unwrap_or_else(|| cause.to_string())
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn one_form_whoever_said_it() {
        let there = || io::Error::from_raw_os_error(libc::ENOENT);
        assert_eq!(words(Errno::ENOENT), "No such file or directory (ENOENT)");
        assert_eq!((named("ENOENT"), named("UnknownErrno")), (Some(Errno::ENOENT), None));
        assert_eq!(of_io(&there()), "No such file or directory (ENOENT)");
        assert_eq!(of_io(&io::Error::other("no such word")), "no such word");
        let read = Err::<(), _>(there()).with_context(|| "reading /x".to_owned()).unwrap_err();
        assert_eq!(chain(&read), "reading /x: No such file or directory (ENOENT)");
        let asked = Err::<(), _>(Errno::EBADF).context("asking").context("outside").unwrap_err();
        assert_eq!(chain(&asked), "outside: asking: Bad file descriptor (EBADF)");
    }
}
