//! `sandbox run`

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::Chosen;
use crate::host::Host;
use crate::isolation::Findings;
use crate::launch::{self, Listener, Options};
use crate::outcome::{FAILED, Outcome};
use crate::sys::errno;
use crate::{explain, plan, profile, state, sys};

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    chosen: Chosen,
    /// Stop the program after this long (500ms, 30s, 1h30m)
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    timeout: Option<Duration>,
    /// Report how it went on this descriptor, as JSON, a line each
    #[arg(long, value_name = "N", value_parser = descriptor, allow_hyphen_values = true)]
    status_fd: Option<i32>,
    /// Print when each step was done
    #[arg(long)]
    timings: bool,
    /// Print at the end what the sandbox has used
    #[arg(long)]
    stats: bool,
}

impl Run {
    pub fn run(self) -> Result<u8> {
        let status = self.status_fd.map(sys::descriptor::inherited).transpose().with_context(|| {
            format!("--status-fd {}: no descriptor of that number is open", self.status_fd.unwrap_or_default())
        })?;
        let status = status
            .map(Listener::new)
            .transpose()
            .map_err(|why| anyhow::anyhow!("--status-fd {}: {why}", self.status_fd.unwrap_or_default()))?;
        launch::prepare().map_err(anyhow::Error::msg)?;
        let host = Host::live();
        let loaded = match self.chosen.load(&host) {
            Ok(loaded) => loaded,
            Err(diagnostics) => {
                explain::print_diagnostics(&diagnostics);
                return Ok(FAILED);
            }
        };
        let mut findings = Findings::default();
        let plan = plan::plan(&loaded.profile, &host, &mut findings);
        explain::print_obstacles(&loaded, &findings);
        let Some(mut plan) = plan else { return Ok(FAILED) };
        #[cfg(feature = "step-removal")]
        plan::removal::remove(&mut plan).map_err(anyhow::Error::msg)?;
        let record = match state::begin(&plan.name, &profile::resolved_text(&loaded), &host) {
            Ok(record) => record,
            Err(error) => {
                explain::print_error(&errno::chain(&error), state::remedy(&error).as_deref());
                return Ok(FAILED);
            }
        };
        // It may run for days: what planning needed is not kept that long, nor the gaps that it leaves between the steps.
        drop((loaded, host, findings));
        plan = plan.clone();
        let options = Options { status, timeout: self.timeout, timings: self.timings, stats: self.stats };
        let launched = launch::launch(&plan, &options, record);
        explain::print_timings(&launched.timings);
        match (&launched.outcome, &launched.out_of_memory) {
            (Outcome::Failed { message, hint, .. }, _) => explain::print_error(message, hint.as_deref()),
            (Outcome::Signaled(libc::SIGKILL), Some(oom)) => {
                explain::print_error(&format!("the program was killed: {oom}"), Some(&oom.hint()));
            }
            // The program has survived it, or ended because of it in its own way.
            (_, Some(oom)) => {
                let processes = if oom.killed == 1 { "a process was" } else { "processes were" };
                explain::print_error(&format!("{processes} killed: {oom}"), Some(&oom.hint()));
            }
            _ => {}
        }
        if let Some(after) = launched.timed_out {
            let hint = "--timeout gives it more, or `timeout` in [process]";
            explain::print_error(&format!("the program was stopped: its time of {after:?} was over"), Some(hint));
        }
        if let Some(usage) = &launched.usage {
            let lines = explain::usage::lines(usage);
            eprint!(
                "{}",
                match usage.pids {
                    _ if !lines.is_empty() => &lines,
                    Some(_) => explain::usage::PROCESSES_ALONE,
                    None => explain::usage::NOTHING,
                }
            );
        }
        let code = launched.outcome.code();
        // The process ends, and gives all of it back at once.
        std::mem::forget((launched, options, plan, self.chosen));
        Ok(code)
    }
}

fn descriptor(text: &str) -> Result<i32, String> {
    text.parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| "it takes the number of an open descriptor".to_owned())
}

/// As a profile writes it.
fn duration(text: &str) -> Result<Duration, String> {
    match profile::duration(text) {
        Ok(duration) if duration.is_zero() => Err("it would never let the program start".to_owned()),
        read => read,
    }
}
