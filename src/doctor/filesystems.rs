//! File systems that a root is made of, each mounted for a moment as an ordinary launch would mount it.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::Feature;
use super::attempt::{Refusal, attempt};
use crate::host::{Host, Node};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::mount::{self, NO_DEV, NO_EXEC, NO_SUID};
use crate::sys::namespace::Namespace;
use crate::sys::{descriptor, errno};

const ORDINARY: [Namespace; 2] = [Namespace::User, Namespace::Mount];

pub fn examine(host: &Host) -> Vec<Feature> {
    vec![proc(), sys(), terminals(), overlay(), overlay_on_disk(host)]
}

fn proc() -> Feature {
    let tried = attempt(&[Namespace::User, Namespace::Mount, Namespace::Pid], || {
        mount::new_filesystem(c"proc", &[], NO_SUID | NO_DEV | NO_EXEC)?;
        Ok(())
    });
    let remedy = "start the container with an uncovered /proc: docker --security-opt systempaths=unconfined, podman \
                  --security-opt unmask=ALL, Kubernetes procMount: Unmasked";
    match tried {
        Ok(()) => Feature::ok("proc", "an own instance can be mounted").required(),
        Err(refusal) => covered(Feature::refused("proc", &refusal, remedy), &refusal, "/proc")
            .lost("an own pid namespace: the program would see, and could signal, every process of the user")
            .required(),
    }
}

fn sys() -> Feature {
    let tried = attempt(&[Namespace::User, Namespace::Mount, Namespace::Net], || {
        mount::new_filesystem(c"sysfs", &[], NO_SUID | NO_DEV | NO_EXEC | mount::READ_ONLY)?;
        Ok(())
    });
    match tried {
        Ok(()) => Feature::ok("sys", "an own instance can be mounted"),
        Err(refusal) => {
            let remedy = "start the container with an uncovered /sys, as for /proc";
            covered(Feature::refused("sys", &refusal, remedy), &refusal, "/sys")
                .lost("rootfs.sys = \"read-only\", and devices that programs look for there (gpu)")
        }
    }
}

/// The kernel mounts a new one only where the old one is visible whole (mount_too_revealing).
fn covered(feature: Feature, refusal: &Refusal, path: &str) -> Feature {
    if refusal.errno != Errno::EPERM || refusal.before_trying {
        return feature;
    }
    let detail = format!("a container covers parts of {path}, so the kernel refuses a new one ({refusal})");
    Feature { detail, ..feature }
}

fn terminals() -> Feature {
    let tried = attempt(&ORDINARY, || {
        let options = [(c"ptmxmode", Some(c"0666")), (c"mode", Some(c"0620"))];
        let devpts = mount::new_filesystem(c"devpts", &options, NO_SUID | NO_EXEC)?;
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        openat(&devpts, "ptmx", flags, Mode::empty()).map_err(|errno| Fault::new(Operation::Open, errno, "ptmx"))?;
        Ok(())
    });
    let remedy = "a kernel with CONFIG_UNIX98_PTYS=y, and kernel.pty.max not used up";
    match tried {
        Ok(()) => Feature::ok("terminals", "an own devpts gives them").required(),
        Err(refusal) => Feature::refused("terminals", &refusal, remedy)
            .lost("every launch: /dev/pts of its own is part of any root")
            .required(),
    }
}

fn overlay() -> Feature {
    let tried = attempt(&ORDINARY, || {
        let memory = mount::new_filesystem(c"tmpfs", &[], NO_SUID | NO_DEV)?;
        // Kernels before 6.15 mount overlays only of attached trees.
        mount::attach_at(memory.as_fd(), descriptor::here(), c"/")?;
        delete_merged(memory.as_fd())
    });
    match tried {
        Ok(()) => Feature::ok("overlay", "in a user namespace, over memory"),
        Err(refusal) => {
            let remedy = match refusal.errno {
                Errno::ENODEV => {
                    "as root: modprobe overlay; to keep it: echo overlay > /etc/modules-load.d/overlay.conf"
                }
                Errno::EPERM => "Linux 5.11 and newer let user namespaces mount it; a security module may refuse it",
                _ => "Linux 5.11 and newer have it with userxattr",
            };
            Feature::refused("overlay", &refusal, remedy)
                .lost("rootfs.writes = \"discard\", and mount points that a read-only tree lacks")
        }
    }
}

/// Changes that are kept lie on a disk, whose file system must be fit to be an upper layer.
fn overlay_on_disk(host: &Host) -> Feature {
    const LOST: &str = "changes kept apart from a directory (rootfs.overlay, writes = \"keep\") on that file system";
    const REMEDY: &str = "set XDG_DATA_HOME to a directory on ext4, xfs, btrfs or tmpfs; NFS, FUSE, FAT and overlayfs \
                          itself cannot be an upper layer";
    let name = "overlay-on-disk";
    let Some(directory) = data_directory(host) else {
        return Feature::no(name, "there is no place for data").lost(LOST).remedy("set XDG_DATA_HOME");
    };
    let noun = format!("{} at {}", filesystem(&directory), directory.display());
    let trial = match Trial::make(&directory) {
        Ok(trial) => trial,
        Err(error) => {
            let detail = format!("{noun}: cannot be written to: {}", errno::of_io(&error));
            return Feature::no(name, detail).lost(LOST).remedy("set XDG_DATA_HOME to a directory of the caller's own");
        }
    };
    let tried = attempt(&ORDINARY, || {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let place = nix::fcntl::open(&trial.0, flags, Mode::empty())
            .map_err(|errno| Fault::new(Operation::Open, errno, trial.0.display().to_string()))?;
        delete_merged(place.as_fd())
    });
    match tried {
        Ok(()) => Feature::ok(name, noun),
        Err(refusal) if refusal.before_trying => Feature::refused(name, &refusal, "").lost(LOST),
        Err(refusal) => Feature::no(name, format!("{noun}: {refusal}")).lost(LOST).remedy(REMEDY),
    }
}

/// Makes an overlay in a directory and deletes in it what the lower layer has, a directory last: without `userxattr`
/// that is what fails, later and with EIO.
fn delete_merged(place: BorrowedFd<'_>) -> Applied {
    let fault = |call, noun| move |errno| Fault::new(call, errno, noun);
    let make = |at: BorrowedFd<'_>, name: &'static str| -> Result<OwnedFd, Fault> {
        mkdirat(at, name, Mode::from_bits_truncate(0o755)).map_err(fault(Operation::Mkdirat, name))?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        openat(at, name, flags, Mode::empty()).map_err(fault(Operation::Openat, name))
    };
    let (lower, upper, work) = (make(place, "lower")?, make(place, "upper")?, make(place, "work")?);
    let inner = make(lower.as_fd(), "directory")?;
    openat(&inner, "file", OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::from_bits_truncate(0o644))
        .map_err(fault(Operation::Openat, "file"))?;
    let path = |descriptor: &OwnedFd| {
        std::ffi::CString::new(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
            .map_err(|_| Fault::new(Operation::Fsconfig, Errno::EINVAL, ""))
    };
    let (lower, upper, work) = (path(&lower)?, path(&upper)?, path(&work)?);
    let options = [
        (c"lowerdir", Some(lower.as_c_str())),
        (c"upperdir", Some(upper.as_c_str())),
        (c"workdir", Some(work.as_c_str())),
        (c"userxattr", None),
    ];
    let merged = mount::new_filesystem(c"overlay", &options, NO_SUID | NO_DEV)?;
    unlinkat(&merged, "directory/file", UnlinkatFlags::NoRemoveDir)
        .map_err(fault(Operation::Unlinkat, "directory/file"))?;
    unlinkat(&merged, "directory", UnlinkatFlags::RemoveDir).map_err(fault(Operation::Unlinkat, "directory"))
}

/// Where kept data goes, or the nearest directory above it that exists.
fn data_directory(host: &Host) -> Option<PathBuf> {
    let base = if host.is_root() {
        PathBuf::from("/var/lib")
    } else {
        let named = host.env("XDG_DATA_HOME").filter(|path| path.starts_with('/')).map(PathBuf::from);
        named.or_else(|| Some(host.user_by_uid(host.uid())?.home.join(".local/share")))?
    };
    let exists = |path: &&Path| matches!(host.canonical(path).1, Node::Directory { .. });
    base.ancestors().find(exists).map(Path::to_owned)
}

const PREFIX: &str = ".sandbox-doctor-";

/// A directory for one trial, removed with it.
struct Trial(PathBuf);

impl Trial {
    fn make(directory: &Path) -> std::io::Result<Trial> {
        // What a doctor that was killed has left.
        for entry in fs::read_dir(directory)?.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
            if pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists() {
                drop(Trial(entry.path()));
            }
        }
        let path = directory.join(format!("{PREFIX}{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Trial(path))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // overlayfs leaves a directory there that not even its owner may open.
        let _ = fs::set_permissions(self.0.join("work/work"), fs::Permissions::from_mode(0o700));
        if let Err(error) = fs::remove_dir_all(&self.0) {
            crate::explain::print_error(&format!("cannot remove {}: {}", self.0.display(), errno::of_io(&error)), None);
        }
    }
}

/// By the numbers of statfs(2).
fn filesystem(path: &Path) -> String {
    let names: [(i64, &str); 14] = [
        (0xef53, "ext4"),
        (0x9123_683e, "btrfs"),
        (0x5846_5342, "xfs"),
        (0x0102_1994, "tmpfs"),
        (0x2fc1_2fc1, "zfs"),
        (0xf2f5_2010, "f2fs"),
        (0xca45_1a4e, "bcachefs"),
        (0x794c_7630, "overlayfs"),
        (0x6969, "NFS"),
        (0x6573_5546, "FUSE"),
        (0xff53_4d42, "CIFS"),
        (0x4d44, "FAT"),
        (0x2011_bab0, "exFAT"),
        (0xf15f, "ecryptfs"),
    ];
    let Ok(status) = nix::sys::statfs::statfs(path) else { return "an unknown file system".into() };
    let number = status.filesystem_type().0;
    let known = names.iter().find(|(known, _)| *known == number & 0xffff_ffff);
    known.map_or_else(|| format!("a file system of type {number:#x}"), |(_, name)| (*name).to_owned())
}
