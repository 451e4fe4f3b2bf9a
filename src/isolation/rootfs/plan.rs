//! From the section to steps: everything is put into one tree first, then the tree is read from the top down.

mod defaults;
mod granted;
mod grants;
pub(super) mod held;
mod kept;
mod layered;
pub mod looked_up;
mod others;
mod put;
mod written;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::devices::minimal_in;
use super::steps::{Steps, steps};
use super::tree::Tree;
use super::{Access, ReadBack, Rootfs, Step};
use crate::host::Host;
use crate::isolation::{Account, Findings, Grant, IdMaps};

/// What other sections have decided that the root depends on.
pub struct Given<'a> {
    pub name: &'a str,
    pub account: &'a Account,
    /// Only the caller's own id exists inside.
    pub one_id: bool,
    /// Which of the host's ids exist inside; none is given in the host's own user namespace, where all do.
    pub ids: Option<&'a IdMaps>,
    /// Init is not the caller, whom the map leaves out.
    pub becomes: bool,
    pub own_pid: bool,
    pub own_network: bool,
    /// The program may mount: a procfs of its own needs ours without covers.
    pub nested_mounts: bool,
    /// The sandbox has a cgroup v2 directory of its own, for the program to read or to rule.
    pub cgroup: Option<Access>,
    /// In bytes: a tmpfs counts as the program's memory.
    pub memory_max: Option<u64>,
    /// Where the records of this caller's sandboxes lie.
    pub state: fn(&Host) -> PathBuf,
    /// The profile's own files, which the program must not change.
    pub profiles: &'a [PathBuf],
    /// Where else they were looked for.
    pub sought: &'a [PathBuf],
    /// The directories in which this caller's names of profiles are looked up.
    pub looked_up: fn(&Host) -> Vec<PathBuf>,
}

/// What `[rootfs]` asks of each stage, and what the other sections need to know of it.
#[derive(Debug)]
pub struct Planned {
    pub host_before: Vec<Step>,
    pub assemble: Vec<Step>,
    pub finish: Vec<Step>,
    /// Of the target.
    pub reopen: Option<Step>,
    pub read_back: ReadBack,
    pub grants: Vec<Grant>,
    /// `$XDG_RUNTIME_DIR`, inside; none where a granted tree has no place for it.
    pub runtime: Option<PathBuf>,
    pub(super) tree: Tree,
}

/// Collects entries, and what is wrong with them.
struct Planner<'a> {
    section: &'a Rootfs,
    given: &'a Given<'a>,
    host: &'a Host,
    findings: &'a mut Findings,
    tree: Tree,
    /// Paths in the tree that are the author's own.
    written: BTreeSet<PathBuf>,
    /// Secrets of the base, where a directory in memory has taken the place of what held them.
    emptied: Vec<PathBuf>,
    host_before: Vec<Step>,
}

pub fn plan(section: &Rootfs, given: &Given<'_>, host: &Host, findings: &mut Findings) -> Planned {
    let (tree, written, emptied, host_before) = Default::default();
    let mut planner = Planner { section, given, host, findings, tree, written, emptied, host_before };
    let runtime = planner.runtime();
    planner.base();
    planner.cgroup();
    planner.places(&runtime);
    planner.profile();
    planner.account_files();
    let Steps { assemble, finish, read_back } = steps(&planner.tree, section, given, host);
    planner.check_overlays(&assemble);
    let Planner { tree, host_before, .. } = planner;
    let runtime = tree.is_directory(&runtime, host).then_some(runtime);
    let devices = minimal_in(&tree);
    let reopen = (!devices.is_empty()).then_some(Step::Reopen { devices });
    let grants = grants::grants(&tree, section.writes);
    Planned { host_before, assemble, finish, reopen, read_back, grants, runtime, tree }
}

impl Planner<'_> {
    fn runtime(&self) -> PathBuf {
        PathBuf::from(format!("/run/user/{}", self.given.account.uid))
    }
}

impl Given<'_> {
    /// A quarter of the machine's memory, or of what the program may have of it.
    pub fn share_of_memory(&self, host: &Host) -> u64 {
        let memory = host.memory();
        // To tmpfs, none at all is no limit.
        (self.memory_max.map_or(memory, |max| max.min(memory)) / 4).max(1)
    }
}
