//! `sandbox pause` and `sandbox resume`

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::isolation::cgroup::control;

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
    let entry = super::running(id)?;
    let cgroups = entry.cgroups();
    if cgroups.is_empty() {
        bail!("{} has no cgroup, and only a cgroup can be paused: give it a limit in [cgroup]", entry.id);
    }
    Ok(cgroups)
}
