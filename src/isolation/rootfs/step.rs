//! The steps that a root is assembled by.

use std::fmt;
use std::path::PathBuf;

use super::devices::Minimal;
use super::target::Target;
use super::tree::Kind;
use crate::isolation;
use crate::isolation::context::{Slot, Slots};
use crate::sys::mount::{NO_EXEC, READ_ONLY};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// On the host, before the clone: a directory that is kept.
    Create {
        path: PathBuf,
        mode: u32,
        lock: Option<Slot>,
        owner: Option<(u32, u32)>,
    },
    Private,
    /// `size` in bytes.
    Root {
        size: u64,
    },
    /// Without an own pid namespace the host's procfs serves us, and nobody inside.
    HostProc,
    Directory {
        path: PathBuf,
        owner: Option<(u32, u32)>,
    },
    Link {
        path: PathBuf,
        text: PathBuf,
    },
    Bind {
        source: PathBuf,
        target: Target,
        kind: Kind,
        attributes: u64,
        system: bool,
    },
    Overlay {
        lower: PathBuf,
        target: Target,
        additions: Vec<Addition>,
        writable: bool,
        userxattr: bool,
        attributes: u64,
        number: usize,
    },
    Share {
        target: Target,
        mode: u32,
        attributes: u64,
        owner: Option<(u32, u32)>,
        number: usize,
    },
    Tmpfs {
        target: Target,
        size: u64,
        mode: u32,
        attributes: u64,
        owner: Option<(u32, u32)>,
    },
    File {
        target: Target,
        text: String,
        mode: u32,
        owner: Option<u32>,
        attributes: u64,
        number: usize,
    },
    Hide {
        target: Target,
        directory: bool,
        attributes: u64,
    },
    Proc,
    ProcReadOnly {
        names: Vec<&'static str>,
    },
    /// Name below /proc, and whether it is a directory.
    ProcHide {
        names: Vec<(&'static str, bool)>,
        attributes: u64,
    },
    Sys {
        attributes: u64,
    },
    Cgroup {
        attributes: u64,
        make: bool,
    },
    Devpts {
        tty_group: bool,
    },
    Seal,
    Pivot,
    /// In the program's own process.
    Reopen {
        devices: Vec<Minimal>,
    },
}

/// What a layer brings that the directory beneath it lacks; the path is relative to both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    Directory { path: PathBuf },
    File { path: PathBuf },
    Link { path: PathBuf, text: PathBuf },
}

impl Step {
    pub fn why(&self) -> &'static str {
        match self {
            Step::Create { lock: Some(_), .. } => "it is kept from one run to the next, by one holder at a time",
            Step::Create { .. } => "it is missing, and what is mounted there needs it",
            Step::Private => "no mount or unmount crosses, either way",
            Step::Root { .. } => {
                "one instance in memory holds the skeleton and every writable place, under one limit; mount points are \
                 made in it, so none ever appears on the host"
            }
            Step::HostProc => "limits and read-backs go through it; it is not visible inside",
            Step::Directory { .. } => "a mount point, or the way to one",
            Step::Link { .. } => "as it is on the host, or as the profile has it",
            Step::Bind { kind: Kind::Device { .. }, .. } => {
                "one of the few devices that the profile or every program uses; the node itself stays as it is"
            }
            Step::Bind { .. } => "the program may see it",
            Step::Overlay { writable: true, .. } => "writes go to memory and are forgotten",
            Step::Overlay { .. } => "mount points that the tree lacks come from a layer, not from the host",
            Step::Share { .. } => "always there, always writable, gone with the sandbox",
            Step::Tmpfs { .. } => "memory of its own size",
            Step::File { .. } => "its contents stand in the profile",
            Step::Hide { .. } => "it holds what the program must not know",
            Step::Proc => {
                "the program's own processes; made before the old root goes, because afterwards it is refused"
            }
            Step::ProcReadOnly { .. } => "the whole machine's settings",
            Step::ProcHide { .. } => "the kernel's own memory, keys, log and layout",
            Step::Sys { .. } => "the profile asks for it",
            Step::Cgroup { attributes, .. } if attributes & READ_ONLY != 0 => {
                "programs size themselves by the limits that they find there"
            }
            Step::Cgroup { .. } => "the program may divide what it has been given; its own limits lie above",
            Step::Devpts { .. } => "terminals of its own",
            Step::Seal => "writes go only where the profile says",
            Step::Reopen { .. } => {
                "the caller's descriptor leads to the host's node, whose mode and times root could change"
            }
            Step::Pivot => "nothing of the old root can be reached any more, not even by `..`",
        }
    }

    pub fn slots(&self) -> Slots {
        match self {
            Step::Create { lock, .. } => Slots { fills: lock.iter().copied().collect(), ..Slots::default() },
            Step::Private | Step::Reopen { .. } => Slots::default(),
            Step::Root { .. } => Slots::filling(&[Slot::Root, Slot::Scratch]),
            Step::HostProc => Slots::filling(&[Slot::Proc]),
            Step::Directory { .. }
            | Step::Link { .. }
            | Step::Bind { .. }
            | Step::Tmpfs { .. }
            | Step::Sys { .. }
            | Step::Cgroup { .. }
            | Step::Devpts { .. }
            | Step::Seal => Slots::reading(&[Slot::Root]),
            Step::Overlay { .. } | Step::Share { .. } | Step::File { .. } | Step::Hide { .. } => {
                Slots::reading(&[Slot::Root, Slot::Scratch])
            }
            Step::Proc => Slots { fills: vec![Slot::Proc], ..Slots::reading(&[Slot::Root]) },
            Step::ProcReadOnly { .. } => Slots::reading(&[Slot::Proc]),
            Step::ProcHide { .. } => Slots::reading(&[Slot::Proc, Slot::Scratch]),
            Step::Pivot => Slots::taking(&[Slot::Root, Slot::Scratch]),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = |attributes: &u64| {
            let mut text = if attributes & READ_ONLY != 0 { "read-only" } else { "read-write" }.to_string();
            if attributes & NO_EXEC != 0 {
                text.push_str(", no programs");
            }
            text
        };
        match self {
            Step::Create { path, mode, lock: Some(_), .. } => write!(f, "keep {}, mode {mode:04o}", path.display()),
            Step::Create { path, mode, .. } => write!(f, "create {}, mode {mode:04o}", path.display()),
            Step::Private => f.write_str("take all mounts out of propagation"),
            Step::Root { size } => {
                write!(f, "an empty root, and memory for everything writable, {}", isolation::size(*size))
            }
            Step::HostProc => f.write_str("open the host's /proc for our own use"),
            Step::Directory { path, .. } => write!(f, "directory {}", path.display()),
            Step::Link { path, text } => write!(f, "link {} → {}", path.display(), text.display()),
            Step::Bind { source, target, kind: Kind::Device { major, minor, .. }, .. } => {
                write!(f, "device {} → {target}, {major}:{minor}", source.display())
            }
            Step::Bind { source, target, attributes, .. } => {
                write!(f, "bind {} → {target}, {}", source.display(), access(attributes))
            }
            Step::Overlay { lower, target, writable: true, .. } => {
                write!(f, "bind {} → {target}, writes discarded", lower.display())
            }
            Step::Overlay { lower, target, additions, attributes, .. } => {
                let names: Vec<_> = additions.iter().map(|addition| addition.path().display().to_string()).collect();
                let (lower, target, names) = (lower.display(), target, names.join(", "));
                write!(f, "bind {lower} → {target}, {}, with {names} added", access(attributes))
            }
            Step::Share { target, mode, attributes, .. } => {
                write!(f, "memory → {target}, mode {mode:04o}, {}", access(attributes))
            }
            Step::Tmpfs { target, size, mode, attributes, .. } => {
                write!(f, "tmpfs → {target}, {}, mode {mode:04o}, {}", isolation::size(*size), access(attributes))
            }
            Step::File { target, text, mode, .. } => {
                write!(f, "file {target}, {} bytes, mode {mode:04o}", text.len())
            }
            Step::Hide { target, .. } => write!(f, "hide {target}"),
            Step::Proc => f.write_str("proc → /proc"),
            Step::ProcReadOnly { names } => write!(f, "make read-only in /proc: {}", names.join(" ")),
            Step::ProcHide { names, .. } => {
                let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
                write!(f, "hide in /proc: {}", names.join(" "))
            }
            Step::Sys { .. } => f.write_str("sysfs → /sys, read-only"),
            Step::Cgroup { attributes, .. } => write!(f, "cgroup2 → /sys/fs/cgroup, {}", access(attributes)),
            Step::Devpts { .. } => f.write_str("devpts → /dev/pts, own instance"),
            Step::Reopen { devices } => {
                let paths: Vec<&str> = devices.iter().map(|device| device.path).collect();
                write!(f, "open again what is one of these on descriptors 0 to 2: {}", paths.join(" "))
            }
            Step::Seal => f.write_str("make the root read-only"),
            Step::Pivot => f.write_str("pivot into the root and let go of the old one"),
        }
    }
}

impl Addition {
    pub fn path(&self) -> &PathBuf {
        match self {
            Addition::Directory { path } | Addition::File { path } | Addition::Link { path, .. } => path,
        }
    }
}
