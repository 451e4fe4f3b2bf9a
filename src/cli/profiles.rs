//! `sandbox profiles`

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Chosen;
use crate::host::Host;
use crate::{explain, profile};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Profiles {
    #[command(subcommand)]
    command: Option<Action>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a profile with everything it extends folded in, as TOML that means the same
    Show(Chosen),
}

impl Profiles {
    pub fn run(self) -> Result<u8> {
        match self.command {
            Some(Action::Show(chosen)) => show(&chosen),
            None => {
                let library = profile::library();
                match self.json {
                    true => println!("{:#}", library.json()),
                    false => print!("{}", library.text()),
                }
                Ok(0)
            }
        }
    }
}

fn show(chosen: &Chosen) -> Result<u8> {
    let loaded = chosen.load(&Host::live()).and_then(|loaded| loaded.no_text().map_or(Ok(loaded), Err));
    match loaded {
        Ok(loaded) => {
            print!("{}", profile::resolved_text(&loaded));
            Ok(0)
        }
        Err(diagnostics) => {
            explain::print_diagnostics(&diagnostics);
            Ok(1)
        }
    }
}
