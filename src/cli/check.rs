//! `sandbox check`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::Chosen;
use crate::doctor::Report;
use crate::host::Host;
use crate::isolation::Findings;
use crate::{explain, plan};

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    chosen: Chosen,
    /// Check for another machine, by what `sandbox doctor --json` printed there
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
}

impl Check {
    pub fn run(self) -> Result<u8> {
        let here = Host::live();
        let there = match &self.host {
            Some(file) => Some(Report::read(file).with_context(|| format!("reading {}", file.display()))?),
            None => None,
        };
        let host = there.as_ref().map_or(&here, |there| &there.host);
        let loaded = match self.chosen.load_for(&here, host) {
            Ok(loaded) => loaded,
            Err(diagnostics) => {
                explain::print_diagnostics(&diagnostics);
                return Ok(1);
            }
        };
        explain::print_diagnostics(&loaded.warnings);
        let mut findings = Findings::default();
        plan::plan(&loaded.profile, host, &mut findings);
        if let Some(there) = &there {
            there.add(&self.chosen.profile, &mut findings);
        }
        explain::print_findings(&findings, false);
        Ok(findings.refuse().into())
    }
}
