//! What is left when everything has ended, and taken away.

use std::path::PathBuf;

use crate::explain;
use crate::isolation::{Fault, Trace, cgroup};
use crate::plan::{Plan, Stage};
use crate::sys::process;

/// A name that no other sandbox of this machine has.
pub fn id() -> Result<String, Fault> {
    let random = process::random().map_err(|errno| Fault::new("getrandom", errno, ""))?;
    Ok(format!("{random:016x}"))
}

/// Whatever the steps have made, even if a step failed half-way.
pub fn remove(plan: &Plan, id: &str) {
    let steps = [Stage::HostBefore, Stage::HostAfter].into_iter().flat_map(|stage| plan.steps(stage));
    let mut cgroups: Vec<PathBuf> = Vec::new();
    for trace in steps.filter_map(|step| step.trace(id)) {
        match trace {
            Trace::Cgroup { path } => cgroups.push(path),
        }
    }
    // The launcher's own leaf comes first in the plan, and goes last.
    cgroups.reverse();
    if let Err(error) = cgroup::control::remove(&cgroups) {
        explain::print_error(&format!("cgroup: cannot remove {error}"), None);
    }
}
