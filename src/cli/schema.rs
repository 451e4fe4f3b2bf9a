//! `sandbox schema`

use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;

use crate::profile;

#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    pub fn run(self) -> Result<u8> {
        std::io::stdout().write_all(profile::schema().as_bytes()).context("writing the schema")?;
        Ok(0)
    }
}
