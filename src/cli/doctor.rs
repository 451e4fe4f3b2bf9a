//! `sandbox doctor`

use anyhow::{Result, anyhow};
use clap::Args;

use crate::host::Host;
use crate::profile::{self, Overrides};
use crate::{doctor, explain, launch};

#[derive(Debug, Args)]
pub struct Doctor {
    /// Print it as JSON: the facts are what `check --host` takes
    #[arg(long)]
    json: bool,
    /// With --json, also put down what planning these profiles asks about this machine
    #[arg(value_name = "PROFILE", requires = "json")]
    profiles: Vec<String>,
}

impl Doctor {
    pub fn run(self) -> Result<u8> {
        let host = Host::live();
        for name in &self.profiles {
            match profile::load(name, &Overrides::default(), &host) {
                Ok(loaded) => doctor::ask(&loaded.profile, &host),
                Err(diagnostics) => {
                    explain::print_diagnostics(&diagnostics);
                    return Ok(1);
                }
            }
        }
        launch::prepare().map_err(|message| anyhow!(message))?;
        let features = doctor::examine(&host);
        if self.json {
            println!("{:#}", doctor::json(&host, &features));
        } else {
            print!("{}", doctor::text(&features));
        }
        Ok((!doctor::suffices(&features)).into())
    }
}
