//! What is open on 0 to 2 is the caller's too, and stays open when the program has gone: put back as it was.
//!
//! Times and attributes are not: whoever reads and writes changes them as well.

use std::io::{stderr, stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};

use super::terminal::Terminals;
use crate::sys::descriptor::{self, Locks, Owner};

pub struct Inherited {
    files: Vec<File>,
    terminals: Terminals,
}

struct File {
    number: usize,
    mode: u32,
    /// Of the open file: whoever has it from elsewhere shares them.
    flags: OFlag,
    /// Those that belong to the open file, and not to a process.
    locks: Locks,
    /// Of the open file too.
    owner: Option<Owner>,
}

impl Inherited {
    pub fn remember() -> Inherited {
        Inherited { files: (0..3).filter_map(File::remember).collect(), terminals: Terminals::remember() }
    }

    pub fn restore(&self) {
        self.files.iter().for_each(File::restore);
        self.terminals.restore();
    }
}

impl File {
    fn remember(number: usize) -> Option<File> {
        let status = with(number, |file| fstat(file)).ok()?;
        let (mode, flags, locks) = (status.st_mode, flags(number)?, locks(number, &status));
        Some(File { number, mode, flags, locks, owner: with(number, descriptor::owner) })
    }

    fn restore(&self) {
        let Ok(status) = with(self.number, |file| fstat(file)) else { return };
        // A file that has been written to does not get setuid and setgid back.
        let lost = self.mode & !status.st_mode & (libc::S_ISUID | libc::S_ISGID);
        let mode = self.mode & !lost;
        if status.st_mode != mode {
            let _ = with(self.number, |file| fchmod(file, Mode::from_bits_truncate(mode)));
        }
        if flags(self.number).is_some_and(|now| now != self.flags) {
            let _ = with(self.number, |file| fcntl(file, FcntlArg::F_SETFL(self.flags)));
        }
        if let Some(owner) = self.owner
            && with(self.number, descriptor::owner) != Some(owner)
        {
            with(self.number, |file| descriptor::set_owner(file, owner));
        }
        let taken = locks(self.number, &status).without(self.locks);
        with(self.number, |file| descriptor::unlock(file, taken));
    }
}

fn flags(number: usize) -> Option<OFlag> {
    with(number, |file| fcntl(file, FcntlArg::F_GETFL)).ok().map(OFlag::from_bits_retain)
}

/// The kernel shows an open file's locks to whoever has it, whoever took them.
fn locks(number: usize, status: &FileStat) -> Locks {
    if status.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Locks::default();
    }
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    Locks { whole: text.contains(" FLOCK "), ranges: text.contains(" OFDLCK ") }
}

pub fn with<T>(number: usize, act: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
    match number {
        0 => act(stdin().as_fd()),
        1 => act(stdout().as_fd()),
        _ => act(stderr().as_fd()),
    }
}
