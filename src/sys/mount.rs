//! The mount API on detached trees: fsopen(2), fsmount(2), open_tree(2), mount_setattr(2), move_mount(2).

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::descriptor::here;
use super::{Call, check};

pub const READ_ONLY: u64 = 0x1;
pub const NO_SUID: u64 = 0x2;
pub const NO_DEV: u64 = 0x4;
pub const NO_EXEC: u64 = 0x8;

const OPEN_TREE_CLONE: libc::c_uint = 1;
const AT_RECURSIVE: libc::c_uint = 0x8000;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH: libc::c_uint = 0x40;

/// A failed call, with the kernel's own words where it has any.
#[derive(Debug)]
pub struct Failure {
    pub call: Call,
    pub errno: Errno,
    pub log: String,
}

fn failure(call: Call) -> impl FnOnce(Errno) -> Failure {
    move |errno| Failure { call, errno, log: String::new() }
}

/// Makes a new instance of a file system and a detached mount of it.
///
/// `options` are names with a value, or without one for a flag; `attributes` are `READ_ONLY` and so on.
pub fn new_filesystem(kind: &CStr, options: &[(&CStr, Option<&CStr>)], attributes: u64) -> Result<OwnedFd, Failure> {
    // SAFETY: `kind` ends with NUL; the kernel returns a new descriptor.
    let context = unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) };
    let context = owned(context).map_err(failure(Call::Fsopen))?;
    let said = |call| {
        let context = context.as_fd();
        move |errno| Failure { call, errno, log: log(context) }
    };
    for (key, value) in options {
        let (command, value) = match value {
            Some(value) => (FSCONFIG_SET_STRING, value.as_ptr()),
            None => (FSCONFIG_SET_FLAG, std::ptr::null()),
        };
        fsconfig(context.as_fd(), command, key.as_ptr(), value).map_err(said(Call::Fsconfig))?;
    }
    fsconfig(context.as_fd(), FSCONFIG_CMD_CREATE, std::ptr::null(), std::ptr::null()).map_err(said(Call::Fsconfig))?;
    // SAFETY: numbers only; the kernel returns a new descriptor.
    let mount = unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, attributes) };
    owned(mount).map_err(said(Call::Fsmount))
}

/// A detached copy of the mount at a descriptor, with everything mounted beneath it if `recursive`.
pub fn copy_tree(at: BorrowedFd<'_>, recursive: bool) -> Result<OwnedFd, Failure> {
    copy_tree_at(at, c"", recursive)
}

/// The same for a path beneath the descriptor. Only for trees that nobody else can change.
pub fn copy_tree_at(directory: BorrowedFd<'_>, path: &CStr, recursive: bool) -> Result<OwnedFd, Failure> {
    let flags = OPEN_TREE_CLONE
        | libc::O_CLOEXEC as libc::c_uint
        | libc::AT_EMPTY_PATH as libc::c_uint
        | libc::AT_SYMLINK_NOFOLLOW as libc::c_uint
        | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: `path` ends with NUL; the kernel returns a new descriptor.
    let tree = unsafe { libc::syscall(libc::SYS_open_tree, directory.as_raw_fd(), path.as_ptr(), flags) };
    owned(tree).map_err(failure(Call::OpenTree))
}

/// Sets attributes (`READ_ONLY` and so on) on a mount; none are ever cleared.
pub fn set_attributes(mount: BorrowedFd<'_>, attributes: u64, recursive: bool) -> Result<(), Failure> {
    setattr(mount, c"", attributes, 0, recursive)
}

/// Makes every mount at and beneath `path` of the caller's namespace receive nothing and send nothing.
pub fn make_private(path: &CStr) -> Result<(), Failure> {
    const MS_PRIVATE: u64 = 1 << 18;
    setattr(here(), path, 0, MS_PRIVATE, true)
}

fn setattr(at: BorrowedFd<'_>, path: &CStr, set: u64, propagation: u64, recursive: bool) -> Result<(), Failure> {
    #[repr(C)]
    struct MountAttr {
        set: u64,
        clear: u64,
        propagation: u64,
        userns_fd: u64,
    }
    let attributes = MountAttr { set, clear: 0, propagation, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH as libc::c_uint | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: `attributes` has the layout of struct mount_attr and outlives the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at.as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    check(answer).map(drop).map_err(failure(Call::MountSetattr))
}

/// Attaches a detached mount on the very file or directory that `target` has open.
pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Failure> {
    move_mount(mount, target, c"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
}

/// Attaches a detached mount on a path beneath `directory`, final links not followed. Only for trees that nobody else
/// can change.
pub fn attach_at(mount: BorrowedFd<'_>, directory: BorrowedFd<'_>, path: &CStr) -> Result<(), Failure> {
    move_mount(mount, directory, path, MOVE_MOUNT_F_EMPTY_PATH)
}

fn move_mount(mount: BorrowedFd<'_>, to: BorrowedFd<'_>, path: &CStr, flags: libc::c_uint) -> Result<(), Failure> {
    // SAFETY: both paths end with NUL.
    let answer = unsafe {
        libc::syscall(libc::SYS_move_mount, mount.as_raw_fd(), c"".as_ptr(), to.as_raw_fd(), path.as_ptr(), flags)
    };
    check(answer).map(drop).map_err(failure(Call::MoveMount))
}

/// pivot_root(".", "."): the working directory becomes `/`, the old root lies on top of it.
pub fn pivot_root_here() -> Result<(), Failure> {
    // SAFETY: both paths end with NUL.
    check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) })
        .map(drop)
        .map_err(failure(Call::PivotRoot))
}

/// Takes the topmost mount at the working directory, and all beneath it, out of the tree.
pub fn detach_here() -> Result<(), Failure> {
    // SAFETY: the path ends with NUL.
    check(unsafe { libc::umount2(c".".as_ptr(), libc::MNT_DETACH) }.into()).map(drop).map_err(failure(Call::Umount2))
}

fn fsconfig(
    context: BorrowedFd<'_>,
    command: libc::c_uint,
    key: *const libc::c_char,
    value: *const libc::c_char,
) -> Result<(), Errno> {
    // SAFETY: key and value are null or end with NUL, as the command wants them.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, key, value, 0) }).map(drop)
}

/// What the kernel wrote into the context about its refusal: lines that begin with `e `, `w ` or `i `.
fn log(context: BorrowedFd<'_>) -> String {
    let mut lines = Vec::new();
    // A line that does not fit is lost (EMSGSIZE), and paths stand in them.
    let mut line = [0u8; 4096];
    while let Ok(read @ 1..) = nix::unistd::read(context, &mut line) {
        let text = String::from_utf8_lossy(&line[..read]);
        lines.push(text.trim_end().trim_start_matches(['e', 'w', 'i']).trim_start().to_owned());
    }
    lines.join("; ")
}

fn owned(answer: libc::c_long) -> Result<OwnedFd, Errno> {
    let descriptor = check(answer)?;
    // SAFETY: the kernel has just returned this new descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as i32) })
}
