//! Whether every slot is filled before it is read, on the same side of the fork.

use std::collections::BTreeSet;
use std::fmt;

use super::{Plan, Stage, Step};
use crate::isolation::context::Slot;

/// A step that would find nothing where it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// `None`: the clone itself, or what follows the last step.
    pub at: Option<(Stage, String)>,
    pub slot: Slot,
}

/// The first read of a slot that nothing has filled, or that was emptied again.
pub fn unfilled(plan: &Plan) -> Option<Unfilled> {
    let mut host = BTreeSet::new();
    let follow = |stage: Stage, filled: &mut BTreeSet<Slot>| {
        plan.steps(stage).iter().find_map(|step| one(step, filled).map(|slot| (stage, step, slot)))
    };
    let before = follow(Stage::HostBefore, &mut host);
    if before.is_none()
        && let Some(slot) = plan.clone_into.filter(|slot| !host.contains(slot))
    {
        return Some(Unfilled { at: None, slot });
    }
    // The child has a copy of what was filled before the clone; afterwards the two sides know nothing of each other.
    let mut child = host.clone();
    host.insert(Slot::Child);
    let found = before
        .or_else(|| follow(Stage::HostAfter, &mut host))
        .or_else(|| follow(Stage::Init, &mut child))
        .or_else(|| follow(Stage::Target, &mut child));
    let found = found.map(|(stage, step, slot)| Unfilled { at: Some((stage, step.to_string())), slot });
    // Init looks at the program through it, once that runs.
    let last = plan.supervision.privilege.is_some() && plan.supervision.init && !child.contains(&Slot::Proc);
    found.or_else(|| last.then_some(Unfilled { at: None, slot: Slot::Proc }))
}

/// Follows one step; the slot that it would find empty.
fn one(step: &Step, filled: &mut BTreeSet<Slot>) -> Option<Slot> {
    let slots = step.slots();
    if let Some(empty) = slots.reads.iter().find(|slot| !filled.contains(slot)) {
        return Some(*empty);
    }
    filled.retain(|slot| !slots.empties.contains(slot));
    filled.extend(slots.fills);
    None
}

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some((stage, step)) => write!(f, "{stage}: {step}: {} is empty", self.slot),
            None => write!(f, "{} is empty", self.slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::{process, rootfs};

    fn pivot() -> Step {
        Step::Rootfs(rootfs::Step::Pivot)
    }

    #[test]
    fn what_was_filled_before_the_clone_is_there_on_both_sides() {
        let mut plan = Plan {
            host_before: vec![Step::Process(process::Step::OpenSupervisor)],
            init: vec![
                Step::Process(process::Step::Lifeline { kill: true }),
                Step::Rootfs(rootfs::Step::Root { size: 1 }),
                pivot(),
            ],
            ..Plan::default()
        };
        assert_eq!(unfilled(&plan), None);
        plan.host_before.clear();
        assert_eq!(unfilled(&plan).unwrap().slot, Slot::Supervisor);
    }

    #[test]
    fn what_was_filled_on_the_other_side_is_not() {
        let fill = Step::Rootfs(rootfs::Step::Root { size: 1 });
        let plan = Plan { host_after: vec![fill], init: vec![pivot()], ..Plan::default() };
        let found = unfilled(&plan).unwrap();
        assert_eq!(found.slot, Slot::Root);
        assert_eq!(found.to_string(), "init: pivot into the root and let go of the old one: <root> is empty");
    }

    #[test]
    fn what_was_taken_is_gone() {
        let fill = Step::Rootfs(rootfs::Step::Root { size: 1 });
        let plan = Plan { init: vec![fill, pivot(), pivot()], ..Plan::default() };
        assert_eq!(unfilled(&plan).unwrap().slot, Slot::Root);
    }

    #[test]
    fn the_clone_reads_too() {
        let plan = Plan { clone_into: Some(Slot::Cgroup(0)), ..Plan::default() };
        assert_eq!(unfilled(&plan), Some(Unfilled { at: None, slot: Slot::Cgroup(0) }));
    }
}
