//! `sandbox new`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::host::Host;
use crate::isolation::Findings;
use crate::profile::{self, Overrides};
use crate::sys::errno;
use crate::{draft, explain, plan};

#[derive(Debug, Args)]
pub struct New {
    /// The name of an installed program, or its path
    #[arg(value_name = "APP")]
    app: String,
    /// Write the profile to this file, instead of printing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, requires = "output")]
    force: bool,
}

impl New {
    pub fn run(self) -> Result<u8> {
        let host = Host::live();
        let text = match draft::draft(&self.app, self.output.as_deref(), &host) {
            Ok(text) => text,
            Err(refused) => {
                explain::print_error(&refused.message, Some(&refused.hint));
                return Ok(1);
            }
        };
        let file = match &self.output {
            Some(file) => file.display().to_string(),
            None => draft::file_name(&self.app),
        };
        if let Some(output) = &self.output
            && let Some((message, hint)) = self.write(output, &text)?
        {
            explain::print_error(&message, Some(hint));
            return Ok(1);
        }
        if self.output.is_none() {
            print!("{text}");
        }
        Ok((!sound(&text, &file, &host)).into())
    }

    fn write(&self, output: &Path, text: &str) -> Result<Option<(String, &'static str)>> {
        let mut options = OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let noun = output.display();
        match options.open(output) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).with_context(|| format!("writing {noun}"))?;
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(Some((format!("{noun} exists already"), "choose another name, or overwrite it with --force")))
            }
            Err(error) => Ok(Some((
                format!("{noun} cannot be written: {}", errno::of_io(&error)),
                "choose a place where you may write",
            ))),
        }
    }
}

/// What a person would otherwise only learn from `check`.
fn sound(text: &str, file: &str, host: &Host) -> bool {
    let loaded = match profile::load_text(text, file, &Overrides::default(), host) {
        Ok(loaded) => loaded,
        Err(diagnostics) => {
            explain::print_diagnostics(&diagnostics);
            return false;
        }
    };
    let mut findings = Findings::default();
    plan::plan(&loaded.profile, host, &mut findings);
    explain::print_diagnostics(&loaded.errors(&findings));
    !findings.refuse()
}
