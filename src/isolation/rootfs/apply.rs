//! The steps of `[rootfs]`, carried out: on detached mounts and descriptors, one pivot at the end.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag, fstat, major, minor, mknodat};

use super::make::{c_string, chown, directory_at, inline_file, link_at};
use super::step::Step;
use super::target::Target;
use super::tree::Kind;
use super::{overlay, procfs};
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::mount::{NO_DEV, NO_EXEC, NO_SUID, READ_ONLY};
use crate::sys::{descriptor, mount};

/// The directory of the root below which its own working memory lies, out of sight once devpts is mounted on it.
const SCRATCH: &str = "dev/pts";

impl Step {
    pub fn apply(&self, context: &mut Context) -> Applied {
        match self {
            Step::Create { path, mode, lock, owner } => super::keep::create(context, path, *mode, *lock, *owner),
            Step::Private => Ok(mount::make_private(c"/").map_err(|failure| Fault::from(failure).about("/"))?),
            Step::Root { size } => root(context, *size),
            Step::HostProc => {
                let proc = descriptor::locate(descriptor::here(), c"/proc", descriptor::NO_SYMLINKS, false)
                    .map_err(|errno| Fault::new(Operation::Openat2, errno, "/proc"))?;
                context.fill(Slot::Proc, proc);
                Ok(())
            }
            Step::Directory { path, owner } => {
                let root = context.get(Slot::Root)?;
                directory_at(root, path, 0o755)?;
                owner.map_or(Ok(()), |owner| chown(root, path, owner))
            }
            Step::Link { path, text } => link_at(context.get(Slot::Root)?, path, text),
            Step::Bind { source, target, kind, attributes, system } => {
                let tree =
                    copy_source(source, *kind, *attributes, *system).map_err(|fault| fault.about(source.display()))?;
                let directory = *kind == Kind::Directory;
                target.put(context, tree, directory)
            }
            Step::Overlay { lower, target, additions, writable, userxattr, attributes, number } => {
                let scratch = context.get(Slot::Scratch)?;
                let source = open_source(lower, Kind::Directory)?;
                let (source, number) = (source.as_fd(), *number);
                let layer = overlay::mount_over(scratch, number, source, additions, *writable, *userxattr, *attributes)
                    .map_err(|fault| fault.about(lower.display()))?;
                target.put(context, layer, true)
            }
            Step::Share { target, mode, attributes, owner, number } => {
                let scratch = context.get(Slot::Scratch)?;
                let name = number.to_string();
                directory_at(scratch, Path::new(&name), *mode)?;
                if let Some(owner) = owner {
                    chown(scratch, Path::new(&name), *owner)?;
                }
                let tree = mount::copy_tree_at(scratch, &c_string(Path::new(&name))?, false)?;
                let missing = attributes & !(NO_SUID | NO_DEV);
                if missing != 0 {
                    mount::set_attributes(tree.as_fd(), missing, false)?;
                }
                target.put(context, tree, true)
            }
            Step::Tmpfs { target, size, mode, attributes, owner } => {
                let tree = tmpfs(*size, *mode, *attributes)?;
                if let Some(owner) = owner {
                    chown(tree.as_fd(), Path::new(""), *owner)?;
                }
                target.put(context, tree, true)
            }
            Step::File { target, text, mode, owner, attributes, number } => {
                let scratch = context.get(Slot::Scratch)?;
                let name = format!("file{number}");
                inline_file(scratch, &name, text, *mode, *owner)?;
                let tree = mount::copy_tree_at(scratch, &c_string(Path::new(&name))?, false)?;
                mount::set_attributes(tree.as_fd(), *attributes, false)?;
                target.put(context, tree, false)
            }
            Step::Hide { target, directory, attributes } => {
                let cover = cover(context, *directory, *attributes)?;
                target.put(context, cover, *directory)
            }
            Step::Proc => {
                let proc = mount::new_filesystem(c"proc", &[], NO_SUID | NO_DEV | NO_EXEC)?;
                Target::ours("/proc").attach(context, proc.as_fd(), true)?;
                context.fill(Slot::Proc, proc);
                Ok(())
            }
            Step::ProcReadOnly { names } => procfs::read_only(context, names),
            Step::ProcHide { names, attributes } => procfs::hide(context, names, *attributes),
            Step::Sys { attributes } => {
                let sys = mount::new_filesystem(c"sysfs", &[], *attributes)?;
                Target::ours("/sys").put(context, sys, true)
            }
            Step::Cgroup { attributes, make } => {
                // Its root is where our cgroup namespace begins.
                let cgroup = mount::new_filesystem(c"cgroup2", &[], *attributes)?;
                let path = "/sys/fs/cgroup".into();
                Target { path, make: *make, trusted: true }.put(context, cgroup, true)
            }
            Step::Devpts { tty_group } => {
                let mut options = vec![(c"ptmxmode", Some(c"0666")), (c"mode", Some(c"0620"))];
                options.extend(tty_group.then_some((c"gid", Some(c"5"))));
                let devpts = mount::new_filesystem(c"devpts", &options, NO_SUID | NO_EXEC)?;
                Target::ours("/dev/pts").put(context, devpts, true)
            }
            Step::Seal => Ok(mount::set_attributes(context.get(Slot::Root)?, READ_ONLY, false)?),
            Step::Pivot => pivot(context),
            Step::Reopen { devices } => super::reopen::reopen(devices),
        }
    }
}

/// It is attached over the old `/`, where nothing looks, because kernels before 6.15 mount only on attached trees.
fn root(context: &mut Context, size: u64) -> Applied {
    let root = tmpfs(size, 0o755, NO_SUID | NO_DEV)?;
    mount::attach_at(root.as_fd(), descriptor::here(), c"/")?;
    directory_at(root.as_fd(), Path::new("dev"), 0o755)?;
    directory_at(root.as_fd(), Path::new(SCRATCH), 0o755)?;
    let scratch = descriptor::locate(root.as_fd(), c"dev/pts", descriptor::NO_SYMLINKS, false)
        .map_err(|errno| Fault::new(Operation::Openat2, errno, SCRATCH))?;
    // What covers hidden directories and files.
    directory_at(scratch.as_fd(), Path::new("no-directory"), 0)?;
    mknodat(&scratch, "no-file", SFlag::S_IFREG, Mode::empty(), 0)
        .map_err(|errno| Fault::new(Operation::Mknodat, errno, "no-file"))?;
    context.fill(Slot::Root, root);
    context.fill(Slot::Scratch, scratch);
    Ok(())
}

fn tmpfs(size: u64, mode: u32, attributes: u64) -> Result<OwnedFd, Fault> {
    let text = |text: String| CString::new(text).map_err(|_| Fault::new(Operation::Fsconfig, Errno::EINVAL, "tmpfs"));
    // An inode takes about a kilobyte that no size limit counts.
    let (size, inodes, mode) =
        (text(size.to_string())?, text((size / 4096).max(64).to_string())?, text(format!("{mode:o}"))?);
    let options = [(c"size", Some(&*size)), (c"nr_inodes", Some(&*inodes)), (c"mode", Some(&*mode))];
    Ok(mount::new_filesystem(c"tmpfs", &options, attributes)?)
}

/// A detached copy of what is bound, under its attributes.
fn copy_source(path: &Path, kind: Kind, attributes: u64, system: bool) -> Result<OwnedFd, Fault> {
    // A tree of another user namespace's mounts comes whole or not at all.
    let recursive = kind == Kind::Directory;
    let tree = if system {
        let tree = mount::copy_tree_at(descriptor::here(), &c_string(path)?, recursive)?;
        still(&tree, path, kind)?;
        tree
    } else {
        mount::copy_tree(open_source(path, kind)?.as_fd(), recursive)?
    };
    if attributes != 0 {
        mount::set_attributes(tree.as_fd(), attributes, recursive)?;
    }
    Ok(tree)
}

/// Opens what will be mounted, once. Every link on the way was followed when the path was planned; one that is there now
/// has been put there since, perhaps by who may write to a directory above and wants another tree to be granted.
fn open_source(path: &Path, kind: Kind) -> Result<OwnedFd, Fault> {
    let source = descriptor::openat2(descriptor::here(), path, OFlag::O_PATH, descriptor::NO_SYMLINKS)
        .map_err(|errno| Fault::new(Operation::Openat2, errno, ""))?;
    still(&source, path, kind)?;
    Ok(source)
}

/// It must be what it was when it was planned.
fn still(source: &OwnedFd, path: &Path, kind: Kind) -> Applied {
    let status = fstat(source).map_err(|errno| Fault::new(Operation::Fstat, errno, ""))?;
    let is = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
    let same = match kind {
        Kind::Directory => is == SFlag::S_IFDIR,
        Kind::Device { block, major: wanted, minor: number } => {
            is == (if block { SFlag::S_IFBLK } else { SFlag::S_IFCHR })
                && (major(status.st_rdev), minor(status.st_rdev)) == (wanted.into(), number.into())
        }
        Kind::File => is != SFlag::S_IFDIR && is != SFlag::S_IFLNK && is != SFlag::S_IFCHR && is != SFlag::S_IFBLK,
    };
    if same { Ok(()) } else { Err(Fault::mismatch(Operation::BindSource, format!("{} has changed", path.display()))) }
}

pub fn cover(context: &Context, directory: bool, attributes: u64) -> Result<OwnedFd, Fault> {
    let name = if directory { c"no-directory" } else { c"no-file" };
    let cover = mount::copy_tree_at(context.get(Slot::Scratch)?, name, false)?;
    if attributes != 0 {
        mount::set_attributes(cover.as_fd(), attributes, false)?;
    }
    Ok(cover)
}

fn pivot(context: &mut Context) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, "the new root");
    nix::unistd::fchdir(context.get(Slot::Root)?).map_err(fault(Operation::Fchdir))?;
    mount::pivot_root_here()?;
    mount::detach_here()?;
    // Held open they would keep what the program cannot see alive for as long as init lives.
    for slot in [Slot::Scratch, Slot::Root] {
        let spent = context.take(slot)?;
        context.spend(spent);
    }
    nix::unistd::chdir("/").map_err(fault(Operation::Chdir))
}
