//! `[rootfs]`: the tree of files that the program sees as `/`.

mod apply;
mod base;
mod devices;
mod enter;
mod keep;
mod kernel;
mod make;
mod names;
mod overlay;
mod plan;
mod procfs;
mod program;
mod read_back;
mod reopen;
mod review;
mod step;
mod steps;
mod target;
mod tree;

use std::fmt;
use std::path::PathBuf;

use super::{Access, Origin};

pub use enter::Visitor;
pub use keep::take_back;
pub use plan::looked_up::review_names;
pub use plan::{Given, Planned, plan};
pub use program::HANDLERS;
pub use read_back::ReadBack;
pub use review::{Writer, review, review_power};
pub use step::{Addition, Step};

/// The section as the author wrote it: paths absolute, variables replaced, targets not yet resolved.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Rootfs {
    pub base: Base,
    pub base_origin: Option<Origin>,
    pub writes: Writes,
    pub writes_origin: Option<Origin>,
    pub home: Home,
    pub home_origin: Option<Origin>,
    /// `read-only` and `read-write`, in the order written.
    pub binds: Vec<Bind>,
    pub persist: Vec<Persist>,
    pub tmpfs: Vec<Tmpfs>,
    pub hide: Vec<Hide>,
    pub files: Vec<InlineFile>,
    pub symlinks: Vec<Symlink>,
    pub devices: Vec<Device>,
    pub sys: Sys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Base {
    /// /usr /bin /sbin /lib* /etc /opt, read-only, without secrets.
    #[default]
    System,
    /// The whole host tree, read-only, home and run directories covered.
    Host,
    /// Nothing but what the profile lists.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Writes {
    #[default]
    Deny,
    /// Writes to the base succeed and are forgotten when the sandbox ends.
    Discard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Home {
    #[default]
    Empty,
    ReadOnly,
    ReadWrite,
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Home::Empty => "empty",
            Home::ReadOnly => "read-only",
            Home::ReadWrite => "read-write",
        })
    }
}

/// A tree or file of the host at a place of its own inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Bind {
    pub source: PathBuf,
    pub target: PathBuf,
    pub access: Access,
    /// Skipped where the source does not exist.
    pub optional: bool,
    pub exec: bool,
    /// Made as a directory (of the caller's) where the source does not exist.
    pub create: bool,
    pub origin: Option<Origin>,
}

/// A directory that is kept by the sandbox's name from one run to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Persist {
    pub target: PathBuf,
    /// Permission bits when it is first made.
    pub mode: u32,
    /// Name or number inside; default: the program's user.
    pub owner: Option<String>,
    pub origin: Option<Origin>,
}

/// An empty directory in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Tmpfs {
    pub target: PathBuf,
    /// In bytes; default: the share of memory that all of them have together.
    pub size: Option<u64>,
    pub mode: u32,
    /// Name or number inside; default: the program's user.
    pub owner: Option<String>,
    pub exec: bool,
    pub origin: Option<Origin>,
}

/// A file or directory that is covered: empty, unreadable and unwritable.
#[derive(Clone, Debug, PartialEq)]
pub struct Hide {
    pub target: PathBuf,
    pub optional: bool,
    pub origin: Option<Origin>,
}

/// A file whose contents stand in the profile.
#[derive(Clone, Debug, PartialEq)]
pub struct InlineFile {
    pub target: PathBuf,
    pub text: String,
    pub mode: u32,
    /// Name or number inside; default: the program's user.
    pub owner: Option<String>,
    pub origin: Option<Origin>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Symlink {
    /// Where the link stands.
    pub target: PathBuf,
    /// What it says, unresolved.
    pub text: PathBuf,
    pub origin: Option<Origin>,
}

/// A group of devices by name (`gpu`, `alsa`, …) or one node by path.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub name: String,
    pub optional: bool,
    pub origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sys {
    #[default]
    None,
    ReadOnly,
}
