//! `sandbox check`

use anyhow::Result;
use clap::Args;

use super::Chosen;
use crate::host::Host;
use crate::isolation::Findings;
use crate::{explain, plan};

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    chosen: Chosen,
}

impl Check {
    pub fn run(self) -> Result<u8> {
        let host = Host::live();
        let loaded = match self.chosen.load(&host) {
            Ok(loaded) => loaded,
            Err(diagnostics) => {
                explain::print_diagnostics(&diagnostics);
                return Ok(1);
            }
        };
        explain::print_diagnostics(&loaded.warnings);
        let mut findings = Findings::default();
        plan::plan(&loaded.profile, &host, &mut findings);
        explain::print_findings(&findings, false);
        Ok(findings.refuse().into())
    }
}
