//! `sandbox doctor`

use anyhow::{Result, anyhow};
use clap::Args;

use crate::host::Host;
use crate::isolation::{Findings, Severity};
use crate::profile::{self, Loaded, Overrides};
use crate::{doctor, explain, launch, plan, say};

#[derive(Debug, Args)]
pub struct Doctor {
    /// Print it as JSON: the facts are what `check --host` takes
    #[arg(long)]
    json: bool,
    /// Also say what this machine lacks for these profiles; with --json, put down what planning them asks about it
    #[arg(value_name = "PROFILE")]
    profiles: Vec<String>,
}

impl Doctor {
    pub fn run(self) -> Result<u8> {
        let host = Host::live();
        let (mut chosen, mut unread) = (Vec::new(), false);
        for name in &self.profiles {
            match profile::load(name, &Overrides::default(), &host) {
                Ok(loaded) => {
                    doctor::ask(&loaded.profile, &host);
                    chosen.push(loaded);
                }
                Err(diagnostics) => {
                    explain::print_diagnostics(&diagnostics);
                    unread = true;
                }
            }
        }
        launch::prepare().map_err(|message| anyhow!(message))?;
        let features = doctor::examine(&host);
        let mut suffices = doctor::suffices(&features) && !unread;
        if self.json {
            println!("{:#}", doctor::json(&host, &features));
        } else {
            print!("{}", doctor::text(&features));
            for loaded in &chosen {
                suffices &= starts(loaded, &host);
            }
        }
        Ok((!suffices).into())
    }
}

/// A line about one profile, and beneath it what this machine lacks for it. False: a launch would be refused.
fn starts(loaded: &Loaded, host: &Host) -> bool {
    let trial = doctor::Trial::start(&loaded.profile, host);
    let mut findings = Findings::default();
    plan::review(&loaded.profile, host, &mut findings);
    trial.end(&mut findings);
    findings.0.retain(|finding| matches!(finding.severity, Severity::Error | Severity::Shortfall));
    let (word, detail) = match (findings.refuse(), findings.0.is_empty()) {
        (true, _) => ("no", "it would be refused"),
        (false, false) => ("limited", "it starts, with less than it asks for"),
        (false, true) => ("ok", "this machine has all that it asks for"),
    };
    println!("{word:<8} profile {}: {detail}", loaded.profile.name);
    let lacks = loaded.diagnostics(&findings);
    let lacks = lacks.list.iter().filter(|lack| matches!(lack.severity, Severity::Error | Severity::Shortfall));
    for lack in lacks {
        println!("         {}", say::printable(&lack.message));
        if let Some(hint) = &lack.hint {
            println!("         hint: {}", say::printable(hint));
        }
    }
    !findings.refuse()
}
