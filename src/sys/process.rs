//! Attributes of the calling process: prctl(2) and its neighbours.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

use nix::errno::Errno;

use super::{Call, check};

/// True when the kernel gave this program privilege that its caller does not have (getauxval(3), AT_SECURE).
pub fn has_privilege_of_its_own() -> bool {
    // SAFETY: reads a number from the auxiliary vector.
    (unsafe { libc::getauxval(libc::AT_SECURE) }) != 0
}

/// The caller closed descriptor 1. Before `main` the standard library opens /dev/null in its place, which says of all that
/// is written to it that it was: only what runs earlier can tell.
pub fn output_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

static CLOSED: AtomicBool = AtomicBool::new(false);

/// How many words the command line has, and where they are.
static WORDS: AtomicI32 = AtomicI32::new(0);
static LINE: AtomicPtr<*mut c_char> = AtomicPtr::new(std::ptr::null_mut());

#[used]
// SAFETY: glibc calls what stands there once, on the only thread, with the arguments of `main`.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn(c_int, *mut *mut c_char) = look;

extern "C" fn look(words: c_int, line: *mut *mut c_char) {
    // SAFETY: numbers only.
    let closed = unsafe { libc::fcntl(1, libc::F_GETFD) } == -1;
    CLOSED.store(closed, Ordering::Relaxed);
    // Other C libraries pass nothing.
    if cfg!(target_env = "gnu") {
        WORDS.store(words, Ordering::Relaxed);
        LINE.store(line, Ordering::Relaxed);
    }
}

/// Shows `title`, as far as there is room, in place of the command line and of the name that were given.
///
/// Only for a process that shares no memory with another that still reads its command line.
pub fn show_as(title: &str) {
    let name = CString::new(title.split(' ').next().unwrap_or_default()).unwrap_or_default();
    // SAFETY: a string that ends with NUL, which the kernel copies.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
    let (words, line) = (WORDS.load(Ordering::Relaxed), LINE.load(Ordering::Relaxed));
    let Some(last) = usize::try_from(words).ok().and_then(|words| words.checked_sub(1)).filter(|_| !line.is_null())
    else {
        return;
    };
    // SAFETY: `line` has so many strings, which the kernel has put one after the other into memory of ours that can be
    // written to; it stays for as long as we run, and nobody else holds a reference into it.
    let room = unsafe {
        let (first, last) = (*line, *line.add(last));
        let length = last.addr() + libc::strlen(last) + 1 - first.addr();
        std::slice::from_raw_parts_mut(first.cast::<u8>(), length)
    };
    // Where the very last byte is no NUL, the kernel shows the first string alone (proc(5), setproctitle): neither the rest
    // need be written over, nor is its length told.
    let [text @ .., end, mark] = room else { return };
    let shown = title.len().min(text.len());
    text[..shown].copy_from_slice(&title.as_bytes()[..shown]);
    *text.get_mut(shown).unwrap_or(end) = 0;
    *mark = b'.';
}

/// Asks for `signal` when the parent *thread* ends; cleared by a change of credentials.
pub fn set_parent_death_signal(signal: i32) -> Result<(), Errno> {
    prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong)
}

/// A process that is not dumpable cannot be traced, and its /proc entries belong to root.
pub fn set_dumpable(dumpable: bool) -> Result<(), Errno> {
    prctl(libc::PR_SET_DUMPABLE, dumpable.into())
}

pub fn is_dumpable() -> Result<bool, Errno> {
    // SAFETY: takes a number and touches no memory.
    check(unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) }.into()).map(|value| value != 0)
}

pub fn set_no_new_privileges() -> Result<(), Errno> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Orphans below us become our children instead of the host's.
pub fn become_subreaper() -> Result<(), Errno> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// An empty session keyring in place of the one that came from the caller.
pub fn join_new_session_keyring() -> Result<(), Errno> {
    // SAFETY: a null name asks for an anonymous one; nothing else is read.
    check(unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<u8>()) })
        .map(drop)
}

/// Drops all supplementary groups and takes these.
pub fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: pointer and length are those of one slice of gid_t.
    check(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }).map(drop)
}

/// Real, effective and saved ids alike. By system call, because libc's wrapper exists for threads we do not have.
pub fn set_ids(uid: u32, gid: u32) -> Result<(), (Call, Errno)> {
    // SAFETY: numbers only.
    check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).map_err(|errno| (Call::Setresgid, errno))?;
    // SAFETY: numbers only.
    check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map_err(|errno| (Call::Setresuid, errno))?;
    Ok(())
}

/// By the names of prlimit(1).
pub const RESOURCES: [(&str, u32); 16] = [
    ("as", libc::RLIMIT_AS),
    ("core", libc::RLIMIT_CORE),
    ("cpu", libc::RLIMIT_CPU),
    ("data", libc::RLIMIT_DATA),
    ("fsize", libc::RLIMIT_FSIZE),
    ("locks", libc::RLIMIT_LOCKS),
    ("memlock", libc::RLIMIT_MEMLOCK),
    ("msgqueue", libc::RLIMIT_MSGQUEUE),
    ("nice", libc::RLIMIT_NICE),
    ("nofile", libc::RLIMIT_NOFILE),
    ("nproc", libc::RLIMIT_NPROC),
    ("rss", libc::RLIMIT_RSS),
    ("rtprio", libc::RLIMIT_RTPRIO),
    ("rttime", libc::RLIMIT_RTTIME),
    ("sigpending", libc::RLIMIT_SIGPENDING),
    ("stack", libc::RLIMIT_STACK),
];

/// Soft and hard limit of one resource (`RLIMIT_*`); `None` is unlimited.
pub fn set_limit(resource: u32, limit: Option<u64>) -> Result<(), Errno> {
    let limit = limit.unwrap_or(libc::RLIM_INFINITY);
    let both = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: `both` outlives the call.
    check(unsafe { libc::setrlimit(resource as libc::__rlimit_resource_t, &raw const both) }.into()).map(drop)
}

/// The limits of one resource; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub soft: Option<u64>,
    pub hard: Option<u64>,
}

pub fn limits(resource: u32) -> Result<Limits, Errno> {
    let mut both = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `both` is written whole by the kernel.
    check(unsafe { libc::getrlimit(resource as libc::__rlimit_resource_t, &raw mut both) }.into())?;
    let finite = |limit| (limit != libc::RLIM_INFINITY).then_some(limit);
    Ok(Limits { soft: finite(both.rlim_cur), hard: finite(both.rlim_max) })
}

pub fn nice() -> i32 {
    // SAFETY: numbers only; 0 is the calling process, which exists.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

pub fn set_nice(nice: i32) -> Result<(), Errno> {
    // SAFETY: numbers only; 0 is the calling process.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }.into()).map(drop)
}

/// Null-terminated argument or environment strings, made while planning: exec then needs no memory.
#[derive(Debug)]
pub struct Strings {
    pointers: Vec<*const libc::c_char>,
    owned: Vec<CString>,
}

impl Eq for Strings {}

/// By what they say; where they lie differs.
impl PartialEq for Strings {
    fn eq(&self, other: &Strings) -> bool {
        self.owned == other.owned
    }
}

impl Strings {
    pub fn new(owned: Vec<CString>) -> Strings {
        let mut pointers: Vec<_> = owned.iter().map(|string| string.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Strings { pointers, owned }
    }

    pub fn iter(&self) -> impl Iterator<Item = &CStr> {
        self.owned.iter().map(|string| string.as_c_str())
    }
}

/// execve(2). Returns only when it failed.
pub fn execute(program: &CStr, arguments: &Strings, environment: &Strings) -> Errno {
    // SAFETY: both arrays end with a null pointer, their strings with NUL, and all are owned by the references.
    unsafe { libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
    Errno::last()
}

/// Ends the process at once: no destructors, no buffers, no locks of a parent's copy.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

fn prctl(option: libc::c_int, value: libc::c_ulong) -> Result<(), Errno> {
    // SAFETY: these options take one number; the kernel wants the unused arguments to be 0.
    check(unsafe { libc::prctl(option, value, 0, 0, 0) }.into()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_compared_by_what_they_say() {
        let strings = |texts: &[&CStr]| Strings::new(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(strings(&[c"a", c"b"]), strings(&[c"a", c"b"]));
        assert_ne!(strings(&[c"a", c"b"]), strings(&[c"a"]));
    }
}
