//! `sandbox pause` and `sandbox resume`

use std::io;
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
        done("pausing", &self.id, control::freeze(&cgroups))?;
        Ok(0)
    }

    pub fn resume(self) -> Result<u8> {
        let cgroups = cgroups(&self.id)?;
        done("resuming", &self.id, control::thaw(&cgroups))?;
        Ok(0)
    }
}

fn done(what: &str, id: &str, result: io::Result<()>) -> Result<()> {
    // A file of a cgroup that is removed while it is open: ENODEV.
    let gone = |error: &io::Error| matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV));
    if result.as_ref().is_err_and(gone) {
        bail!("{id} ended meanwhile: its cgroup has gone");
    }
    result.with_context(|| format!("{what} {id}"))
}

fn cgroups(id: &str) -> Result<Vec<PathBuf>> {
    let entry = super::running(id)?;
    let cgroups = entry.cgroups();
    if cgroups.is_empty() {
        return Err(super::without_cgroup(&entry, "only a cgroup can be paused"));
    }
    Ok(cgroups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_meanwhile_is_named() {
        for errno in [libc::ENOENT, libc::ENODEV] {
            let error = done("pausing", "web-1", Err(io::Error::from_raw_os_error(errno))).unwrap_err();
            assert_eq!(error.to_string(), "web-1 ended meanwhile: its cgroup has gone");
        }
        let error = done("pausing", "web-1", Err(io::Error::from_raw_os_error(libc::EIO))).unwrap_err();
        assert!(format!("{error:#}").starts_with("pausing web-1: "), "{error:#}");
        assert!(done("pausing", "web-1", Ok(())).is_ok());
    }
}
