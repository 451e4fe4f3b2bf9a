//! `sandbox schema`

use anyhow::Result;
use clap::Args;

use crate::profile;

#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    pub fn run(self) -> Result<u8> {
        print!("{}", profile::schema());
        Ok(0)
    }
}
