//! `sandbox update`

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::explain;
use crate::host::Host;
use crate::isolation::cgroup::Lack;
use crate::isolation::cgroup::update::update;
use crate::profile::{self, Overrides};
use crate::state::{self, Root};

#[derive(Debug, Args)]
pub struct Update {
    /// The id of a running sandbox, or its name where only one has it
    #[arg(value_name = "ID")]
    id: String,
    /// Keys of [cgroup] with their new values, as memory-max=512M
    #[arg(required = true, value_name = "KEY=VALUE")]
    limits: Vec<String>,
}

impl Update {
    pub fn run(self) -> Result<u8> {
        let entry = super::running(&self.id)?;
        let assignments = self.limits.iter().map(|limit| assignment(limit)).collect::<Result<Vec<_>>>()?;
        let host = Host::live();
        let overrides = Overrides { set: assignments.clone(), ..Overrides::default() };
        let section = match profile::load_text("", "update", &overrides, &host) {
            Ok(loaded) => loaded.profile.cgroup,
            Err(diagnostics) => {
                explain::print_diagnostics(&diagnostics);
                return Ok(1);
            }
        };
        for limit in &self.limits {
            let empty = match limit.split('=').next().map(str::trim) {
                Some("io-max") => section.io_max.is_empty(),
                Some("hugetlb-max") => section.hugetlb_max.is_empty(),
                _ => false,
            };
            if empty {
                bail!("{} sets no limit: what is not named keeps the one it has", limit.escape_debug());
            }
        }
        let root = Root::open(&state::locate(&host))?.with_context(|| format!("{} has ended", entry.id))?;
        let change = state::change(&root, &entry.id)?;
        match update(&section, &change.cgroups, &host) {
            Ok(notes) => notes.iter().for_each(|note| explain::print_error(&format!("cgroup: {note}"), None)),
            Err(Lack { message, hint }) => {
                explain::print_error(&format!("cgroup: {message}"), Some(&hint));
                return Ok(1);
            }
        }
        change.write_down(assignments).context("the limits hold, and its record does not say so")?;
        Ok(0)
    }
}

/// As `--set` takes it: what is plainly a string needs no quotes here.
fn assignment(limit: &str) -> Result<String> {
    let Some((key, value)) = limit.split_once('=') else {
        bail!("\"{}\" is no limit: write KEY=VALUE, as in memory-max=512M", limit.escape_debug());
    };
    let (key, value) = (key.trim(), value.trim());
    match key {
        key if key.starts_with(['"', '\'']) => {
            bail!("{} is no limit: write its key without quotes", limit.escape_debug())
        }
        key if key.starts_with("cgroup.") => {
            bail!("{} is no limit: write its key without \"cgroup.\"", limit.escape_debug())
        }
        "delegate" => bail!("delegate cannot be changed while it runs: the program divides what it was given"),
        "enforce" => bail!("enforce is for what a launch cannot set: here limits are set, or refused"),
        _ => {}
    }
    let counts = ["pids-max", "cpu-weight", "io-weight"].contains(&key) && value.parse::<i64>().is_ok();
    let as_it_is = counts || value.starts_with(['"', '\'', '[', '{']) || ["true", "false"].contains(&value);
    Ok(if as_it_is { format!("cgroup.{key}={value}") } else { format!("cgroup.{key}={value:?}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_left_out_where_they_say_nothing() {
        for (typed, meant) in [
            ("memory-max=512M", "cgroup.memory-max=\"512M\""),
            ("memory-max=\"512M\"", "cgroup.memory-max=\"512M\""),
            ("memory-max=0", "cgroup.memory-max=\"0\""),
            ("pids-max = 64", "cgroup.pids-max=64"),
            ("pids-max=max", "cgroup.pids-max=\"max\""),
            ("cpu-max=50%", "cgroup.cpu-max=\"50%\""),
            ("cpuset-cpus=0", "cgroup.cpuset-cpus=\"0\""),
            ("memory-oom-group=true", "cgroup.memory-oom-group=true"),
            ("io-max=[{device=\"/\"}]", "cgroup.io-max=[{device=\"/\"}]"),
            ("memory-max=", "cgroup.memory-max=\"\""),
        ] {
            assert_eq!(assignment(typed).unwrap(), meant);
        }
        for refused in [
            "memory-max",
            "",
            "delegate=true",
            " enforce = require",
            "\"delegate\"=true",
            "'enforce'=require",
            "cgroup.pids-max=5",
        ] {
            assert!(assignment(refused).is_err(), "{refused}");
        }
    }
}
