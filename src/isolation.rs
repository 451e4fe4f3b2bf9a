//! The layers of isolation, one module a section of the profile.
//!
//! Each module reads from top to bottom as: the section as the author wrote it, the steps it becomes, `plan()` which
//! decides, `apply()` which acts, and the read-back which proves. Sections do not import one another; what two of them
//! must agree on is a plain type on this page.

pub mod capabilities;
pub mod cgroup;
pub mod context;
mod fault;
mod finding;
pub mod landlock;
pub mod namespaces;
mod nearest;
pub mod network;
mod operation;
pub mod process;
pub mod rootfs;
pub mod seccomp;
pub mod status;

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

pub use fault::{Applied, Fault};
pub use finding::{Finding, Findings, Rewrite, Section, Severity};
pub use nearest::nearest;
pub use operation::Operation;

/// Where in which profile a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file as it was found, or `--set`, or `(built-in) NAME`.
    pub file: Rc<str>,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How hard a layer insists when this machine cannot give it in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforce {
    /// The launch stops.
    #[default]
    Require,
    /// The shortfall is printed and recorded.
    BestEffort,
    /// The layer is not wanted.
    Off,
}

/// What the program may do beneath one path of its own tree: said by the mounts, repeated by Landlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// As the program sees it; absolute, without symbolic links.
    pub path: PathBuf,
    pub access: Access,
    /// Programs beneath it may be executed.
    pub exec: bool,
    /// A device node, or a directory of them, on which ioctl must work.
    pub device: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Names in directories, but no contents: what is left of `/` itself.
    List,
    ReadOnly,
    ReadWrite,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::List => "list",
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "read-write",
        })
    }
}

/// Why a path cannot be executed inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    Missing,
    /// In words that follow the path.
    Refused(String),
    /// It is found and permitted, and the kernel then cannot start it; not `certain` where somebody may have taught the
    /// kernel to.
    Unusable {
        why: String,
        hint: &'static str,
        certain: bool,
    },
}

/// Who the program is, inside: the ids it is given, and the account they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups, inside; always empty where one id is mapped, because setgroups is denied there.
    pub groups: Vec<u32>,
    pub name: String,
    /// The home, as seen inside.
    pub home: PathBuf,
    pub shell: PathBuf,
}

/// A limit, or the kernel's `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Max {
    Max,
    Limit(u64),
}

/// How many processes a sandbox may have that says nothing of it: enough for any application, too few for a fork bomb to
/// matter.
pub const PROCESSES: u64 = 4096;

/// A size as profiles write it, rounded down to at least three digits.
pub fn size(bytes: u64) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let exact = |shift: u32| bytes >> shift > 0 && bytes.trailing_zeros() >= shift;
    match units.into_iter().find(|(shift, _)| exact(*shift) || bytes >> shift >= 100) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// One line of `uid_map` or `gid_map`, as in user_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRange {
    pub inside: u32,
    pub outside: u32,
    pub count: u32,
}

/// The lines of `uid_map` and `gid_map`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IdMaps {
    pub users: Vec<IdRange>,
    pub groups: Vec<IdRange>,
}

impl IdMaps {
    /// The ids on the host of a user and a group inside; that of nobody where they have none.
    pub fn outside(&self, uid: u32, gid: u32) -> (u32, u32) {
        let outside = |ranges: &[IdRange], id: u32| {
            let range = ranges.iter().find(|range| id.checked_sub(range.inside).is_some_and(|at| at < range.count));
            range.map_or(u32::MAX, |range| range.outside.saturating_add(id - range.inside))
        };
        (outside(&self.users, uid), outside(&self.groups, gid))
    }
}

/// What a step makes that outlives its process: it is written down before the step acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trace {
    /// A directory of a cgroup hierarchy, with all below it and every process in it. It is named after the sandbox's id.
    Cgroup { path: PathBuf },
}
