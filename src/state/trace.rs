//! What a step makes that outlives its process, and the only code that removes it: used by a normal exit, a failed launch
//! and gc alike, on the word of a record that is never trusted further than these checks.

use std::ffi::OsStr;
use std::path::{Component, Path};
use std::time::Instant;

use super::cgroup;
use crate::isolation::{self, Trace};
use crate::say::printable;
use anyhow::{Context, Result, bail};

/// Whether it is one that this sandbox may have, so that what is written down can be removed later.
pub fn check(id: &str, Trace::Cgroup { path }: &Trace) -> Result<()> {
    check_cgroup(path, id)
}

fn remove_until(deadline: Instant, id: &str, Trace::Cgroup { path }: &Trace) -> Result<()> {
    check_cgroup(path, id)?;
    cgroup::remove(path, deadline)
        .with_context(|| format!("removing the cgroup {}", printable(&path.to_string_lossy())))
}

/// Removes all of them, the last one first, and goes on past those that resist; what has gone already is no error.
pub fn remove_all(id: &str, traces: &[Trace]) -> Result<()> {
    // A process frozen by one hierarchy does not die of a kill through another, so all are killed before any waits.
    let left: Vec<&Trace> = traces.iter().rev().filter(|trace| !empty_or_kill(trace, id)).collect();
    let deadline = Instant::now() + cgroup::PATIENCE;
    let failed = |trace: &Trace| Some(format!("{:#}", remove_until(deadline, id, trace).err()?));
    let resisting: Vec<String> = left.into_iter().filter_map(failed).collect();
    if !resisting.is_empty() {
        bail!("{}", resisting.join("; "));
    }
    Ok(())
}

/// Kills whatever is in its own cgroups, frozen or not. On cgroup v1 no signal ends what the program has frozen itself.
pub fn kill(id: &str, traces: &[Trace]) {
    let own = |path: &Path| path.ends_with(isolation::cgroup::directory_name(id)) && check_cgroup(path, id).is_ok();
    for Trace::Cgroup { path } in traces.iter().filter(|Trace::Cgroup { path }| own(path)) {
        // What fails here fails again, with its name, when it is removed.
        let _ = cgroup::kill(path);
    }
}

/// Removes a cgroup that nothing is in any more, which is the rule, and kills what is in any other. Whether it has gone;
/// what fails here fails again, with its name, when the rest is removed.
fn empty_or_kill(Trace::Cgroup { path }: &Trace, id: &str) -> bool {
    if check_cgroup(path, id).is_err() {
        return false;
    }
    let gone = cgroup::remove_empty(path);
    if let Ok(false) = gone {
        let _ = cgroup::kill(path);
    }
    gone.unwrap_or(false)
}

/// A record says where its cgroups are, because a host may mount them anywhere; but not that of another sandbox.
fn check_cgroup(path: &Path, id: &str) -> Result<()> {
    let name = path.file_name().and_then(OsStr::to_str);
    let named_after_it = name.is_some_and(|name| isolation::cgroup::is_named_after(name, id) && !id.is_empty());
    if !path.is_absolute() || !is_plain(path) || !named_after_it {
        bail!("refused: {} is not a cgroup of {id}", printable(&path.to_string_lossy()));
    }
    Ok(())
}

/// Neither `..` nor, except at the beginning, anything but names; and none that a C string could not hold.
fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    !bytes.contains(&0)
        && bytes.len() < libc::PATH_MAX as usize
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

#[cfg(test)]
mod tests;
