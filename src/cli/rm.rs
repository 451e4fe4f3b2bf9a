//! `sandbox rm` and `sandbox gc`: what sandboxes left behind that could not clean up themselves.

use anyhow::{Result, bail};
use clap::Args;

use crate::explain;
use crate::host::Host;
use crate::say::printable;
use crate::state::{self, Root};
use crate::sys::errno;

#[derive(Debug, Args)]
pub struct Rm {
    /// Ids or names of sandboxes that have ended
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Gc {}

impl Rm {
    pub fn run(self) -> Result<u8> {
        let Some(root) = Root::open(&state::locate(&Host::live()))? else {
            bail!("no sandbox {:?}", self.ids[0]);
        };
        let mut code = 0;
        for id in &self.ids {
            match state::rm(&root, &meant(&root, id)?) {
                Ok(removed) => removed.iter().for_each(|id| println!("{}", printable(id))),
                Err(error) => {
                    explain::print_error(&errno::chain(&error), state::refused(&error).as_deref());
                    code = 1;
                }
            }
        }
        Ok(code)
    }
}

/// An id whose control characters were made harmless when it was shown is taken as it was shown.
fn meant(root: &Root, id: &str) -> Result<String> {
    let shown = |of: &String| of != id && printable(of) == id;
    let found = if id.contains('\\') { state::list(root)?.into_iter().map(|entry| entry.id).find(shown) } else { None };
    Ok(found.unwrap_or_else(|| id.to_owned()))
}

impl Gc {
    pub fn run(self) -> Result<u8> {
        let Some(root) = Root::open(&state::locate(&Host::live()))? else { return Ok(0) };
        let report = state::gc(&root)?;
        report.removed.iter().for_each(|id| println!("{}", printable(id)));
        for (id, why) in &report.failed {
            explain::print_error(&format!("{id}: {why}"), Some("it is tried again the next time"));
        }
        for (id, why) in &report.broken {
            explain::print_error(&format!("{id} is broken: {why}"), Some(&format!("sandbox rm {id} removes it")));
        }
        Ok((!report.failed.is_empty() || !report.broken.is_empty()).into())
    }
}
