//! Descriptors: opening without surprises, and letting none slip through.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag};

use super::check;

/// No link of /proc may stand anywhere on the path (openat2(2)).
pub const NO_MAGICLINKS: ResolveFlag = ResolveFlag::RESOLVE_NO_MAGICLINKS;
/// No link at all may stand anywhere on the path.
pub const NO_SYMLINKS: ResolveFlag = ResolveFlag::RESOLVE_NO_SYMLINKS;
/// `..` and links cannot leave the directory; absolute links start at it.
pub const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT;

/// Opens `path` as a mere location (`O_PATH`), which needs no permission on the file itself.
pub fn locate<P>(directory: BorrowedFd<'_>, path: &P, resolve: ResolveFlag, follow: bool) -> Result<OwnedFd, Errno>
where
    P: ?Sized + NixPath,
{
    openat2(directory, path, if follow { OFlag::O_PATH } else { OFlag::O_PATH | OFlag::O_NOFOLLOW }, resolve)
}

/// openat2(2), always close-on-exec. With `O_NONBLOCK`, what would block is EAGAIN.
pub fn openat2<P>(directory: BorrowedFd<'_>, path: &P, flags: OFlag, resolve: ResolveFlag) -> Result<OwnedFd, Errno>
where
    P: ?Sized + NixPath,
{
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
    loop {
        match nix::fcntl::openat2(directory, path, how) {
            Err(Errno::EINTR) => continue,
            // A rename elsewhere raced with `..` under IN_ROOT: the kernel asks us to look again.
            Err(Errno::EAGAIN) if !flags.contains(OFlag::O_NONBLOCK) => continue,
            answer => return answer,
        }
    }
}

/// The working directory, as a place to start a path from.
pub fn here() -> BorrowedFd<'static> {
    nix::fcntl::AT_FDCWD
}

/// Whether nobody holds the other end of a socket any more. What cannot be asked counts as such.
pub fn hung_up(socket: BorrowedFd<'_>) -> bool {
    let mut poll = [nix::poll::PollFd::new(socket, nix::poll::PollFlags::empty())];
    nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO) != Ok(0)
}

/// Marks every descriptor from `first` on close-on-exec: what the caller leaked to us reaches no program.
pub fn close_on_exec_from(first: u32) -> Result<(), Errno> {
    close_range(first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// Closes every descriptor, but one where one is given.
pub fn close_all_but(kept: Option<i32>) -> Result<(), Errno> {
    let Some(kept) = kept.map(i32::unsigned_abs) else { return close_range(0, u32::MAX, 0) };
    if kept > 0 {
        close_range(0, kept - 1, 0)?;
    }
    close_range(kept + 1, u32::MAX, 0)
}

fn close_range(first: u32, last: u32, flags: libc::c_uint) -> Result<(), Errno> {
    // SAFETY: numbers only; callers use no `OwnedFd` after having closed it here.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// A descriptor of our own for one that the caller of the program handed us by number: 0, 1 and 2 are the standard
/// library's.
pub fn inherited(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only; the kernel refuses one that is not open.
    let copy = check(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) }.into())?;
    // SAFETY: the kernel has just returned this new descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(copy as i32) })
}

/// A short extended attribute of what stands at `path`; `None` where there is none.
pub fn attribute(path: &Path, name: &CStr) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut value = vec![0u8; 64];
    // SAFETY: both strings end with NUL, and the kernel writes at most `value.len()` bytes.
    let answer = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(usize::try_from(answer).ok()?);
    Some(value)
}

/// Kinds of locks that an open file may hold, whoever took them by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Locks {
    /// flock(2).
    pub whole: bool,
    /// F_OFD_SETLK of fcntl(2).
    pub ranges: bool,
}

impl Locks {
    pub fn without(self, others: Locks) -> Locks {
        Locks { whole: self.whole && !others.whole, ranges: self.ranges && !others.ranges }
    }
}

/// Gives up those of these kinds.
pub fn unlock(file: BorrowedFd<'_>, locks: Locks) {
    if locks.whole {
        // SAFETY: numbers only.
        unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) };
    }
    if locks.ranges {
        // SAFETY: an all-zero flock names the whole file, and outlives the call.
        unsafe {
            let mut all: libc::flock = std::mem::zeroed();
            all.l_type = libc::F_UNLCK as libc::c_short;
            libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const all);
        }
    }
}

/// Who is told when an open file is ready (O_ASYNC), and by which signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// 0 is the usual one.
    signal: libc::c_int,
    of: FOwnerEx,
}

/// `struct f_owner_ex` of linux/fcntl.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct FOwnerEx {
    kind: libc::c_int,
    pid: libc::pid_t,
}

const F_SETSIG: libc::c_int = 10;
const F_GETSIG: libc::c_int = 11;
const F_SETOWN_EX: libc::c_int = 15;
const F_GETOWN_EX: libc::c_int = 16;

pub fn owner(file: BorrowedFd<'_>) -> Option<Owner> {
    let mut of = FOwnerEx::default();
    // SAFETY: numbers only.
    let signal = check(unsafe { libc::fcntl(file.as_raw_fd(), F_GETSIG) }.into()).ok()?;
    // SAFETY: the kernel writes one f_owner_ex, which outlives the call.
    check(unsafe { libc::fcntl(file.as_raw_fd(), F_GETOWN_EX, &raw mut of) }.into()).ok()?;
    Some(Owner { signal: signal as libc::c_int, of })
}

pub fn set_owner(file: BorrowedFd<'_>, owner: Owner) {
    // SAFETY: a number, and one f_owner_ex, which the kernel reads and which outlives the call.
    unsafe {
        libc::fcntl(file.as_raw_fd(), F_SETSIG, owner.signal);
        libc::fcntl(file.as_raw_fd(), F_SETOWN_EX, &raw const owner.of);
    }
}

/// flock(2), exclusive; EWOULDBLOCK when somebody has it.
pub fn lock(file: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }.into()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_inherited_stays_open_for_its_owner() {
        let file = std::fs::File::open("/dev/null").unwrap();
        drop(inherited(file.as_raw_fd()).unwrap());
        assert!(nix::sys::stat::fstat(file.as_fd()).is_ok());
        assert_eq!(inherited(i32::MAX).unwrap_err(), Errno::EBADF);
    }
}
