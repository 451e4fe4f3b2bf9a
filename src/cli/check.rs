//! `sandbox check`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::Chosen;
use crate::doctor::{Report, Trial};
use crate::host::Host;
use crate::isolation::Findings;
use crate::profile::{Diagnostics, OriginLine};
use crate::sys::errno;
use crate::{explain, plan, profile};

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    chosen: Chosen,
    /// Check for another machine, by what `sandbox doctor --json` printed there
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
    /// Also print each value and entry with the file and line that it comes from
    #[arg(long)]
    origin: bool,
    /// Print it as JSON, messages as editors take them
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn run(self) -> Result<u8> {
        let here = Host::live();
        let there = match &self.host {
            Some(file) => match Report::read(file).with_context(|| format!("reading {}", file.display())) {
                Ok(report) => Some(report),
                Err(error) => {
                    let hint = "`sandbox doctor --json PROFILE` prints such a report, on the machine that it is about";
                    explain::print_error(&errno::chain(&error), Some(hint));
                    return Ok(1);
                }
            },
            None => None,
        };
        let host = there.as_ref().map_or(&here, |there| &there.host);
        let loaded = match self.chosen.load_for(&here, host) {
            Ok(loaded) => loaded,
            Err(diagnostics) => {
                self.report(&diagnostics, None);
                return Ok(1);
            }
        };
        if let (true, Some(diagnostics)) = (self.origin, loaded.no_text()) {
            self.report(&diagnostics, None);
            return Ok(1);
        }
        let trial = there.is_none().then(|| Trial::start(&loaded.profile, &here));
        let mut findings = Findings::default();
        plan::review(&loaded.profile, host, &mut findings);
        if let Some(there) = &there {
            there.add(&self.chosen.profile, &mut findings);
        }
        if let Some(trial) = trial {
            trial.end(&mut findings);
        }
        let origins = self.origin.then(|| profile::origins(&loaded, host));
        self.report(&loaded.diagnostics(&findings), origins.as_deref());
        Ok(findings.refuse().into())
    }

    /// Messages to stderr and origins to stdout; as JSON both in one object.
    fn report(&self, diagnostics: &Diagnostics, origins: Option<&[OriginLine]>) {
        if self.json {
            let mut object = json!({ "ok": !diagnostics.has_errors(), "diagnostics": diagnostics.json() });
            if let Some(origins) = origins {
                object["origins"] = profile::origins_json(origins);
            }
            println!("{object:#}");
            return;
        }
        explain::print_diagnostics(diagnostics);
        if let Some(origins) = origins {
            print!("{}", profile::origins_text(origins));
        }
    }
}
