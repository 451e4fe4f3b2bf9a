//! `sandbox plan`

use anyhow::Result;
use clap::Args;

use super::Chosen;
use crate::host::Host;
use crate::isolation::Findings;
use crate::{explain, plan};

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    chosen: Chosen,
    /// Say of each step why it is there
    #[arg(long)]
    why: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub fn run(self) -> Result<u8> {
        let host = Host::live();
        let loaded = match self.chosen.load(&host) {
            Ok(loaded) => loaded,
            Err(diagnostics) => {
                explain::print_diagnostics(&diagnostics);
                return Ok(1);
            }
        };
        let mut findings = Findings::default();
        let plan = plan::plan(&loaded.profile, &host, &mut findings);
        explain::print_obstacles(&loaded, &findings);
        let Some(plan) = plan else { return Ok(1) };
        if self.json {
            println!("{}", explain::json(&plan));
        } else {
            print!("{}", explain::text(&plan, self.why));
        }
        Ok(0)
    }
}
