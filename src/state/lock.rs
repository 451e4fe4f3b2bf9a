//! Who is alive: the process that holds the lock of its record.
//!
//! These are the record locks of fcntl(2), which belong to a process. The locks of flock(2) and the open file description
//! locks of fcntl(2) belong to an open file and are inherited by every child with the descriptor: the sandbox's init,
//! which never executes anything, would hold its supervisor's lock, and a supervisor that was killed would seem alive.
//!
//! The price: a process that closes *any* descriptor of a file loses its locks on that file. So a process never opens a
//! record that it holds itself; `HELD` says which those are. A lock does not pass to a child either: who forks to go into
//! the background creates the record afterwards.
//!
//! Two bytes of a record are locked, neither of which need exist: one by a process, for its life; and one by open file
//! description, for a turn at changing it. Who takes a turn starts no process.

use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::stat::FileStat;

use super::record::Header;

/// For as long as its supervisor lives.
const LIFE: libc::off_t = 0;
/// While somebody changes the sandbox.
const TURN: libc::off_t = 1;

static HELD: Mutex<Vec<Held>> = Mutex::new(Vec::new());

struct Held {
    header: Header,
    device: libc::dev_t,
    inode: libc::ino_t,
}

/// Locks a record for this process, without waiting; false where another process has it.
pub fn take(file: impl AsFd) -> nix::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&byte(LIFE))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Whether another process holds the lock.
pub fn is_held(file: impl AsFd) -> nix::Result<bool> {
    let mut lock = byte(LIFE);
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

/// Waits until nobody else changes this sandbox. The turn ends when this file is closed, and not already when the same
/// process looks at the record through another.
pub fn wait_for_turn(file: impl AsFd) -> nix::Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLKW(&byte(TURN))).map(drop)
}

/// A lock that excludes all others, of one byte.
fn byte(which: libc::off_t) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: which,
        l_len: 1,
        l_pid: 0,
    }
}

/// Remembers a record as held by this process.
pub fn hold(header: &Header, stat: &FileStat) {
    held().push(Held { header: header.clone(), device: stat.st_dev, inode: stat.st_ino });
}

pub fn release(id: &str) {
    held().retain(|held| held.header.id != id);
}

/// The header of a record that this process holds, and must not open.
pub fn held_here(id: &str) -> Option<Header> {
    held().iter().find(|held| held.header.id == id).map(|held| held.header.clone())
}

/// The id of the record that this process holds, and that this file is, whatever it is called.
pub fn held_as(stat: &FileStat) -> Option<String> {
    let held = held();
    let same = held.iter().find(|held| (held.device, held.inode) == (stat.st_dev, stat.st_ino));
    same.map(|held| held.header.id.clone())
}

fn held() -> MutexGuard<'static, Vec<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}
