//! The plan: what each stage will do, in order, known whole before anything is touched.

mod order;
mod power;
#[cfg(feature = "step-removal")]
pub mod removal;
mod review;
pub mod slots;
mod step;
#[cfg(test)]
mod tests;
mod verify;

pub use order::plan;
pub use review::{beside, namespaces, review};
pub use step::{Gate, Step};
pub use verify::{Privilege, Verify};

use std::fmt;
use std::time::Duration;

use crate::isolation::context::Slot;
use crate::sys::namespace::Namespace;

/// Who carries a step out, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The supervisor, before the clone.
    HostBefore,
    /// The supervisor, after it; absent where the plan has nothing for it to do.
    HostAfter,
    /// Pid 1, inside; with `init = false` the program's own process.
    Init,
    /// The process that becomes the program.
    Target,
}

impl Stage {
    pub const ALL: [Stage; 4] = [Stage::HostBefore, Stage::HostAfter, Stage::Init, Stage::Target];

    pub fn name(self) -> &'static str {
        match self {
            Stage::HostBefore => "host-before",
            Stage::HostAfter => "host-after",
            Stage::Init => "init",
            Stage::Target => "target",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything a launch will do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub name: String,
    /// What the one clone3 makes.
    pub namespaces: Vec<Namespace>,
    /// The cgroup that the one clone3 puts the child into.
    pub clone_into: Option<Slot>,
    pub host_before: Vec<Step>,
    pub host_after: Vec<Step>,
    pub init: Vec<Step>,
    pub target: Vec<Step>,
    pub supervision: Supervision,
}

/// What happens while the program runs.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Supervision {
    /// Pid 1 is ours: it reaps, forwards signals, and checks the program at exec.
    pub init: bool,
    pub own_pid: bool,
    /// Signal number.
    pub stop_signal: i32,
    pub stop_timeout: Duration,
    pub timeout: Option<Duration>,
    /// What the kernel must say of the program once it runs.
    pub privilege: Option<Privilege>,
}

impl Plan {
    pub fn steps(&self, stage: Stage) -> &[Step] {
        match stage {
            Stage::HostBefore => &self.host_before,
            Stage::HostAfter => &self.host_after,
            Stage::Init => &self.init,
            Stage::Target => &self.target,
        }
    }

    #[cfg(feature = "step-removal")]
    fn steps_mut(&mut self, stage: Stage) -> &mut Vec<Step> {
        match stage {
            Stage::HostBefore => &mut self.host_before,
            Stage::HostAfter => &mut self.host_after,
            Stage::Init => &mut self.init,
            Stage::Target => &mut self.target,
        }
    }
}
