//! One kernel-visible act of any section: it can be printed, say why, and be applied.

use std::borrow::Cow;
use std::fmt;

use super::verify::Verify;
use crate::isolation::context::{Context, Slots};
use crate::isolation::{Applied, Trace, capabilities, cgroup, landlock, namespaces, network, process, rootfs, seccomp};

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Process(process::Step),
    Namespaces(namespaces::Step),
    Rootfs(rootfs::Step),
    Cgroup(cgroup::Step),
    Network(network::Step),
    Capabilities(capabilities::Step),
    Landlock(landlock::Step),
    Seccomp(seccomp::Step),
    Gate(Gate),
    Verify(Verify),
}

/// A point that one side waits at until the other has got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The child's ids are mapped.
    Mapped,
}

impl Step {
    /// The section that asks for it: the first word of what a person reads about it.
    pub fn section(&self) -> &'static str {
        match self {
            Step::Process(_) => "process",
            Step::Namespaces(_) => "namespaces",
            Step::Rootfs(_) => "rootfs",
            Step::Cgroup(_) => "cgroup",
            Step::Network(_) => "network",
            Step::Capabilities(_) => "capabilities",
            Step::Landlock(_) => "landlock",
            Step::Seccomp(_) => "seccomp",
            Step::Gate(_) => "gate",
            Step::Verify(_) => "read-back",
        }
    }

    pub fn why(&self) -> Cow<'static, str> {
        match self {
            Step::Process(step) => step.why().into(),
            Step::Namespaces(step) => step.why().into(),
            Step::Rootfs(step) => step.why().into(),
            Step::Cgroup(step) => step.why().into(),
            Step::Network(step) => step.why().into(),
            Step::Capabilities(step) => step.why().into(),
            Step::Landlock(step) => step.why().into(),
            Step::Seccomp(step) => step.why().into(),
            Step::Gate(Gate::Mapped) => "until its ids are mapped the child is nobody".into(),
            Step::Verify(_) => "the launch stops unless the kernel itself confirms the layer".into(),
        }
    }

    /// What it makes that outlives this process.
    pub fn trace(&self, context: &Context) -> Option<Trace> {
        match self {
            Step::Cgroup(step) => step.trace(context),
            _ => None,
        }
    }

    /// What it needs of earlier steps, and leaves to later ones.
    pub fn slots(&self) -> Slots {
        match self {
            Step::Process(step) => step.slots(),
            Step::Namespaces(step) => step.slots(),
            Step::Rootfs(step) => step.slots(),
            Step::Cgroup(step) => step.slots(),
            Step::Landlock(step) => step.slots(),
            Step::Verify(verify) => verify.slots(),
            Step::Network(_) | Step::Capabilities(_) | Step::Seccomp(_) | Step::Gate(_) => Slots::default(),
        }
    }

    pub fn apply(&self, context: &mut Context) -> Applied {
        let applied = self.act(context);
        debug_assert!(
            applied.is_err() || self.slots().fills.iter().all(|slot| context.holds(*slot)),
            "{self} has not filled what it says"
        );
        applied
    }

    fn act(&self, context: &mut Context) -> Applied {
        match self {
            Step::Process(step) => step.apply(context),
            Step::Namespaces(step) => step.apply(context),
            Step::Rootfs(step) => step.apply(context),
            Step::Cgroup(step) => step.apply(context),
            Step::Network(step) => step.apply(),
            Step::Capabilities(step) => step.apply(),
            Step::Landlock(step) => step.apply(&mut context.ruleset),
            Step::Seccomp(step) => step.apply(),
            Step::Gate(gate) => context.gate(*gate as u8),
            Step::Verify(verify) => verify.apply(context),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Process(step) => step.fmt(f),
            Step::Namespaces(step) => step.fmt(f),
            Step::Rootfs(step) => step.fmt(f),
            Step::Cgroup(step) => step.fmt(f),
            Step::Network(step) => step.fmt(f),
            Step::Capabilities(step) => step.fmt(f),
            Step::Landlock(step) => step.fmt(f),
            Step::Seccomp(step) => step.fmt(f),
            Step::Gate(Gate::Mapped) => f.write_str("ids are mapped"),
            Step::Verify(verify) => verify.fmt(f),
        }
    }
}
