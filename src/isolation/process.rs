//! `[process]`: which program runs, as whom, in what surroundings.

mod account;
mod apply;
mod environment;
mod groups;
mod limits;
mod plan;
mod program;
mod review;
mod sizes;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::Origin;
use super::context::{Slot, Slots};
use crate::sys::process::Strings;

pub use account::account;
pub use groups::privileged as privileged_groups;
pub use plan::{Given, Planned, directory, plan};
pub use program::{NO_FILE, where_it_is_looked_for};
pub use review::{Surroundings, review, review_program};

/// The section as the author wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Always runs; when empty, the arguments of the command line are the command.
    pub command: Vec<OsString>,
    pub command_origin: Option<Origin>,
    /// Already replaced by the command line's arguments, if there were any.
    pub args: Vec<OsString>,
    /// Name or number; default: the caller.
    pub user: Option<String>,
    pub user_origin: Option<Origin>,
    /// Names or numbers; default: the user's.
    pub groups: Option<Vec<String>>,
    pub groups_origin: Option<Origin>,
    pub cwd: Option<PathBuf>,
    pub cwd_origin: Option<Origin>,
    pub env: BTreeMap<String, String>,
    /// Shell patterns of names, taken from the caller's environment.
    pub env_pass: Vec<String>,
    pub env_pass_origin: Option<Origin>,
    pub init: bool,
    pub tty: Tty,
    /// Signal number.
    pub stop_signal: i32,
    pub stop_timeout: Duration,
    pub timeout: Option<Duration>,
    /// Soft and hard limit alike, by the name of prlimit(1) (`nofile`, `core`, …); `None` is unlimited.
    pub rlimits: BTreeMap<String, (Option<u64>, Origin)>,
    pub umask: u32,
    pub nice: Option<i32>,
    pub nice_origin: Option<Origin>,
    pub oom_score_adj: Option<i32>,
    pub oom_score_adj_origin: Option<Origin>,
    pub no_new_privileges: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tty {
    /// The caller's terminal, with its job control.
    #[default]
    Inherit,
    /// A session of its own without a controlling terminal.
    None,
}

impl Default for Process {
    fn default() -> Process {
        Process {
            command: Vec::new(),
            command_origin: None,
            args: Vec::new(),
            user: None,
            user_origin: None,
            groups: None,
            groups_origin: None,
            cwd: None,
            cwd_origin: None,
            env: BTreeMap::new(),
            env_pass: Vec::new(),
            env_pass_origin: None,
            init: true,
            tty: Tty::default(),
            stop_signal: libc::SIGTERM,
            stop_timeout: Duration::from_secs(10),
            timeout: None,
            rlimits: BTreeMap::new(),
            umask: 0o022,
            nice: None,
            nice_origin: None,
            oom_score_adj: None,
            oom_score_adj_origin: None,
            no_new_privileges: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The supervisor opens itself, for the lifeline.
    OpenSupervisor,
    /// Init dies with the supervisor. Without a pid namespace it is told instead, because it has others to end first.
    Lifeline {
        kill: bool,
    },
    /// Without a pid namespace of its own, init can still collect the program's orphans.
    AdoptOrphans,
    NewSession,
    /// `RLIMIT_*` by its name and number; `None` is unlimited.
    Limit {
        name: &'static str,
        resource: u32,
        limit: Option<u64>,
    },
    Nice(i32),
    OomScore(i32),
    Groups(Vec<u32>),
    Ids {
        uid: u32,
        gid: u32,
    },
    NewKeyring,
    Directory(PathBuf),
    Umask(u32),
    /// Looked for inside, as the program will see it.
    FindProgram {
        command: CString,
        /// The directories to search; `None` where the command is a path itself.
        path: Option<Vec<CString>>,
        /// Whether the interpreters of a script are looked at too.
        interpreters: bool,
    },
    NoNewPrivileges,
    UnblockSignals,
    Execute {
        arguments: Rc<Strings>,
        environment: Rc<Strings>,
    },
}

impl Step {
    pub fn why(&self) -> &'static str {
        match self {
            Step::OpenSupervisor => {
                "init can then see that its supervisor has gone, even before it could ask to be told"
            }
            Step::Lifeline { .. } => "when the supervisor dies, of SIGKILL too, the sandbox goes with it",
            Step::AdoptOrphans => "without an own pid namespace nothing else ends what the program leaves running",
            Step::NewSession => {
                "no terminal to push input into; kill(0) and the scheduler's weight of a session reach nobody outside"
            }
            Step::Limit { name: "nproc", .. } => {
                "a fork bomb stops here; the kernel counts per user namespace, so it needs no cgroup"
            }
            Step::Limit { name: "memlock" | "sigpending", .. } => {
                "unless the profile says otherwise, half of the caller's: the kernel counts it for the user outside too"
            }
            Step::Limit { .. } => "the profile limits it",
            Step::Nice(_) | Step::OomScore(_) => "the profile sets it",
            Step::Groups(_) => "the caller's own groups would open files that the program's account may not",
            Step::Ids { .. } => "the program is this account, inside and out",
            Step::NewKeyring => {
                "the caller's session keyring comes over fork and exec, and the filter lets keys be used"
            }
            Step::Directory(_) => "opened inside, so that it cannot lead out",
            Step::Umask(_) => "new files get the permissions the profile means, whatever the caller's umask",
            Step::FindProgram { .. } => "PATH is searched inside, while files can still be looked at",
            Step::NoNewPrivileges => {
                "setuid programs and file capabilities give nothing; Landlock and the filter need it"
            }
            Step::UnblockSignals => "set-up was not to be interrupted; blocked signals stay blocked over exec",
            Step::Execute { .. } => "every descriptor but 0, 1 and 2 closes here",
        }
    }

    pub fn slots(&self) -> Slots {
        match self {
            Step::OpenSupervisor => Slots::filling(&[Slot::Supervisor]),
            Step::Lifeline { .. } => Slots::reading(&[Slot::Supervisor]),
            Step::OomScore(_) => Slots::reading(&[Slot::Proc]),
            Step::FindProgram { .. } => Slots::filling(&[Slot::Program]),
            Step::Execute { .. } => Slots::reading(&[Slot::Program]),
            _ => Slots::default(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::OpenSupervisor => f.write_str("open a descriptor of the supervisor"),
            Step::Lifeline { kill: true } => f.write_str("die with the supervisor"),
            Step::Lifeline { kill: false } => f.write_str("end everything when the supervisor dies"),
            Step::AdoptOrphans => f.write_str("adopt the program's orphans"),
            Step::NewSession => f.write_str("begin a session without a terminal"),
            Step::Limit { name, limit: Some(limit), .. } => write!(f, "limit {name} to {limit}"),
            Step::Limit { name, limit: None, .. } => write!(f, "leave {name} unlimited"),
            Step::Nice(nice) => write!(f, "set nice to {nice}"),
            Step::OomScore(score) => write!(f, "set the oom score to {score}"),
            Step::Groups(groups) if groups.is_empty() => f.write_str("drop all supplementary groups"),
            Step::Groups(groups) => write!(f, "take the groups {groups:?}"),
            Step::Ids { uid, gid } => write!(f, "become uid {uid}, gid {gid}"),
            Step::NewKeyring => f.write_str("begin a session keyring"),
            Step::Directory(path) => write!(f, "go to {}", path.display()),
            Step::Umask(umask) => write!(f, "set umask {umask:04o}"),
            Step::FindProgram { command, path, interpreters } => {
                write!(f, "find the program {}", quoted(command))?;
                if let Some(path) = path {
                    let path: Vec<_> = path.iter().map(|directory| directory.to_string_lossy()).collect();
                    write!(f, " in {}", path.join(":"))?;
                }
                f.write_str(if *interpreters { ", and a script's interpreters" } else { "" })
            }
            Step::NoNewPrivileges => f.write_str("give up gaining privileges"),
            Step::UnblockSignals => f.write_str("let signals through"),
            Step::Execute { arguments, .. } => {
                let words: Vec<_> = arguments.iter().map(quoted).collect();
                write!(f, "execute {}", words.join(" "))
            }
        }
    }
}

/// One word of a command line as a person can read it; control characters never reach a terminal.
/// Bytes that are no text are shown as such.
fn quoted(word: &CStr) -> String {
    let word = OsStr::from_bytes(word.to_bytes());
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        _ => format!("{word:?}"),
    }
}
