//! `sandbox pause` and `sandbox resume`

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::host::Host;
use crate::isolation::Trace;
use crate::isolation::cgroup::control;
use crate::state::{self, Life, Root};

#[derive(Debug, Args)]
pub struct Pause {
    /// The id of a running sandbox, or its name where only one has it
    #[arg(value_name = "ID")]
    id: String,
}

impl Pause {
    pub fn pause(self) -> Result<u8> {
        let cgroups = cgroups(&self.id)?;
        control::freeze(&cgroups).with_context(|| format!("pausing {}", self.id))?;
        Ok(0)
    }

    pub fn resume(self) -> Result<u8> {
        let cgroups = cgroups(&self.id)?;
        control::thaw(&cgroups).with_context(|| format!("resuming {}", self.id))?;
        Ok(0)
    }
}

fn cgroups(id: &str) -> Result<Vec<PathBuf>> {
    let entries = match Root::open(&state::locate(&Host::live()))? {
        Some(root) => state::list(&root)?,
        None => Vec::new(),
    };
    let named = |entry: &&state::Entry| {
        entry.life == Life::Alive && (entry.id == id || entry.header.as_ref().is_some_and(|header| header.name == id))
    };
    let found: Vec<_> = entries.iter().filter(named).collect();
    let entry = match found[..] {
        [one] => one,
        [] => bail!("no running sandbox is called {id:?}"),
        _ => bail!("{} running sandboxes are called {id:?}: name one by its id", found.len()),
    };
    let cgroups = entry.traces.iter().filter_map(|trace| match trace {
        Trace::Cgroup { path } => Some(path.clone()),
        Trace::Directory { .. } => None,
    });
    let cgroups: Vec<PathBuf> = cgroups.collect();
    if cgroups.is_empty() {
        bail!("{} has no cgroup, and only a cgroup can be paused: give it a limit in [cgroup]", entry.id);
    }
    Ok(cgroups)
}
