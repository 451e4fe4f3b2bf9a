//! `[process]`: which program runs, as whom, in what surroundings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::Origin;

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
    pub init: bool,
    pub tty: Tty,
    /// Signal number.
    pub stop_signal: i32,
    pub stop_timeout: Duration,
    pub timeout: Option<Duration>,
    /// Soft and hard limit alike, by the name of prlimit(1) (`nofile`, `core`, …); `None` is unlimited.
    pub rlimits: BTreeMap<String, Option<u64>>,
    pub umask: u32,
    pub nice: Option<i32>,
    pub oom_score_adj: Option<i32>,
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
            init: true,
            tty: Tty::default(),
            stop_signal: libc::SIGTERM,
            stop_timeout: Duration::from_secs(10),
            timeout: None,
            rlimits: BTreeMap::new(),
            umask: 0o022,
            nice: None,
            oom_score_adj: None,
            no_new_privileges: true,
        }
    }
}
