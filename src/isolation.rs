//! The layers of isolation, one module a section of the profile.
//!
//! Each module reads from top to bottom as: the section as the author wrote it, the steps it becomes, `plan()` which
//! decides, `apply()` which acts, and the read-back which proves. Sections do not import one another; what two of them
//! must agree on is a plain type on this page.

pub mod capabilities;
pub mod cgroup;
pub mod context;
pub mod landlock;
pub mod namespaces;
mod nearest;
pub mod network;
pub mod process;
pub mod rootfs;
pub mod seccomp;
pub mod status;

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

pub use nearest::nearest;

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

/// One line of `uid_map` or `gid_map`, as in user_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRange {
    pub inside: u32,
    pub outside: u32,
    pub count: u32,
}

/// What planning has to say besides the plan: in the order found, all of it at once.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// The section it belongs to: the first word of the message a person reads.
    pub section: &'static str,
    /// Lowercase, without a final period.
    pub message: String,
    pub hint: Option<String>,
    pub origin: Option<Origin>,
    /// It follows from its own entry and this machine, whatever else the profile says.
    pub alone: bool,
    /// What to write instead depends on how the entry was written, which its text says.
    pub rewrite: Option<Rewrite>,
}

/// What an entry could say instead of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// That it is skipped where its source is missing.
    Optional,
    /// That the source is another, to which the account may write.
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing starts.
    Error,
    /// This machine lacks something that only a default asked for; it is printed and recorded.
    Shortfall,
    /// The profile does what it says, and its author may not have meant that. Launches do not repeat it.
    Warning,
    /// What else covers something that this machine's kernel cannot do. Launches do not repeat it.
    Note,
}

impl Findings {
    /// Whoever is refused is told what to do.
    pub fn error(
        &mut self,
        section: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Error, section, message.into(), Some(hint.into()), origin);
    }

    /// An error that one entry alone is to blame for: it holds though the rest of the profile is in error itself.
    pub fn error_alone(
        &mut self,
        section: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        self.error(section, message, hint, origin);
        self.0.iter_mut().next_back().into_iter().for_each(|last| last.alone = true);
    }

    /// The hint of the last finding holds where nothing is known of the text; where it is, this says how to change it.
    pub fn rewritten(&mut self, rewrite: Rewrite) {
        self.0.iter_mut().next_back().into_iter().for_each(|last| last.rewrite = Some(rewrite));
    }

    pub fn shortfall(
        &mut self,
        section: &'static str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Shortfall, section, message.into(), hint.into(), origin);
    }

    pub fn warning(
        &mut self,
        section: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Warning, section, message.into(), Some(hint.into()), origin);
    }

    pub fn note(
        &mut self,
        section: &'static str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Note, section, message.into(), hint.into(), origin);
    }

    pub fn refuse(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    fn push(
        &mut self,
        severity: Severity,
        section: &'static str,
        message: String,
        hint: Option<String>,
        origin: Option<&Origin>,
    ) {
        self.0.push(Finding { severity, section, message, hint, origin: origin.cloned(), alone: false, rewrite: None });
    }
}

/// Why a step could not be applied. It crosses the fork on a shared page, so it stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The system call, or what was being read back.
    pub operation: &'static str,
    pub errno: Errno,
    /// The noun (a path, a name), or the kernel's own text; cut to 200 bytes on its way.
    pub detail: String,
}

impl Fault {
    pub fn new(operation: &'static str, errno: Errno, detail: impl Into<String>) -> Fault {
        Fault { operation, errno, detail: detail.into() }
    }

    /// A layer is not what the plan says, though every call succeeded.
    pub fn mismatch(what: &'static str, detail: impl Into<String>) -> Fault {
        Fault { operation: what, errno: Errno::UnknownErrno, detail: detail.into() }
    }
}

/// What a step makes that outlives its process: it is written down before the step acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trace {
    /// A directory of a cgroup hierarchy, with all below it and every process in it. It is named after the sandbox's id.
    Cgroup { path: PathBuf },
    /// A directory tree inside the sandbox's own directory of state.
    Directory { path: PathBuf },
}

pub type Applied = Result<(), Fault>;

impl From<crate::sys::mount::Failure> for Fault {
    fn from(failure: crate::sys::mount::Failure) -> Fault {
        Fault::new(failure.operation, failure.errno, failure.log)
    }
}

impl Fault {
    /// Names what the call was about, where the kernel itself said nothing.
    pub fn about(mut self, noun: impl std::fmt::Display) -> Fault {
        if self.detail.is_empty() {
            self.detail = noun.to_string();
        } else {
            self.detail = format!("{noun}: {}", self.detail);
        }
        self
    }
}
