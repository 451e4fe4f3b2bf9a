//! `sandbox stats`

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::explain::usage::{self, Row};
use crate::host::Host;
use crate::isolation::cgroup::stats::{self, Usage};
use crate::say;
use crate::state::{self, Entry, Life, Root};
use crate::sys::window;

#[derive(Debug, Args)]
pub struct Stats {
    /// The id of a running sandbox, or its name where only one has it; without it all that run
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Print it again every second: one sandbox until it has ended, all of them for ever
    #[arg(long)]
    watch: bool,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl Stats {
    pub fn run(self) -> Result<u8> {
        let one = self.id.as_deref().map(one).transpose()?;
        let mut watched = Watched { one, rates: BTreeMap::new() };
        let mut next = Instant::now();
        loop {
            let Some(readings) = watched.look(self.json)? else { return Ok(0) };
            let text = if self.json { watched.json(&readings)? } else { watched.text(&readings, self.watch) };
            // Whoever read it has seen enough, or is missed at the end.
            if let Err(error) = show(&text, self.watch && !self.json) {
                say::miss(error);
                return Ok(0);
            }
            if !self.watch {
                return Ok(0);
            }
            // What took longer than that is not caught up with.
            next = (next + INTERVAL).max(Instant::now());
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

/// A sandbox that something counts for.
fn one(id: &str) -> Result<Entry> {
    let entry = super::running(id)?;
    if entry.cgroups().is_empty() {
        return Err(super::without_cgroup(&entry, "nothing else counts what it uses"));
    }
    Ok(entry)
}

/// What one sandbox uses.
#[derive(Serialize)]
struct Reading {
    id: String,
    name: Option<String>,
    #[serde(flatten)]
    usage: Usage,
}

struct Watched {
    /// All where there is none.
    one: Option<Entry>,
    /// By the ids: when it was last looked at, and how much CPU time it had used by then.
    rates: BTreeMap<String, (Instant, u64)>,
}

impl Watched {
    /// `None` where the one that is watched has ended. Of all of them, only what the table shows, or everything.
    fn look(&self, everything: bool) -> Result<Option<Vec<Reading>>> {
        let Some(root) = Root::open(&state::locate(&Host::live()))? else {
            return Ok(self.one.is_none().then(Vec::new));
        };
        let usage = if everything || self.one.is_some() { stats::usage } else { stats::brief };
        let reading = |entry: Entry| Reading {
            usage: usage(&entry.cgroups()),
            name: entry.header.map(|header| header.name),
            id: entry.id,
        };
        let alive = |entry: &Entry| entry.life == Life::Alive;
        if let Some(one) = &self.one {
            return Ok(state::look(&root, one.id.clone()).filter(alive).map(|entry| vec![reading(entry)]));
        }
        Ok(Some(state::list(&root)?.into_iter().filter(alive).map(reading).collect()))
    }

    fn json(&self, readings: &[Reading]) -> Result<String> {
        let json = match (&self.one, readings) {
            (Some(_), [one]) => serde_json::to_string(one),
            (_, all) => serde_json::to_string(all),
        };
        Ok(json? + "\n")
    }

    fn text(&mut self, readings: &[Reading], watch: bool) -> String {
        if let (Some(_), [one]) = (&self.one, readings) {
            return usage::lines(&one.usage);
        }
        let now = Instant::now();
        let rates: BTreeMap<String, (Instant, u64)> = readings
            .iter()
            .filter_map(|reading| Some((reading.id.clone(), (now, reading.usage.cpu.as_ref()?.usage))))
            .collect();
        let before = std::mem::replace(&mut self.rates, rates);
        let row = |reading: &Reading| {
            let used = reading.usage.cpu.as_ref().map_or(0, |cpu| cpu.usage);
            let cpu_now = before.get(&reading.id).map(|(then, had)| rate(now - *then, used.saturating_sub(*had)));
            Row { id: reading.id.clone(), usage: reading.usage.clone(), cpu_now }
        };
        let mut rows: Vec<Row> = readings.iter().map(row).collect();
        if watch {
            // The busiest must be seen where not all of them are; the sort is stable, so the idle ones keep their order.
            rows.sort_by_key(|row| std::cmp::Reverse(row.cpu_now));
        }
        let window = window::size(std::io::stdout());
        // The cursor has a line too.
        let most = window.filter(|_| watch).map_or(usize::MAX, |(lines, _)| lines - 1);
        usage::table(&rows, most, window.map_or(usize::MAX, |(_, columns)| columns))
    }
}

/// Of one CPU, in hundredths of a percent.
fn rate(elapsed: Duration, microseconds: u64) -> u64 {
    let elapsed = elapsed.as_micros().max(1);
    u64::try_from(u128::from(microseconds) * 10_000 / elapsed).unwrap_or(u64::MAX)
}

/// On a terminal in place of what was shown before.
fn show(text: &str, again: bool) -> std::io::Result<()> {
    say::open()?;
    let mut output = std::io::stdout().lock();
    if let Some((_, columns)) = window::size(&output).filter(|_| again) {
        // Home; each line's rest, and what is below, cleared: nothing flickers.
        let lines = text.lines().map(|line| line.chars().take(columns).collect::<String>() + "\x1b[K\n");
        write!(output, "\x1b[H{}\x1b[J", lines.collect::<String>())?;
    } else {
        output.write_all(text.as_bytes())?;
        if again {
            output.write_all(b"\n")?;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_one_cpu() {
        assert_eq!(rate(Duration::from_secs(1), 500_000), 5_000);
        assert_eq!(rate(Duration::from_secs(2), 5_000_000), 25_000);
        assert_eq!(rate(Duration::ZERO, 0), 0);
        assert_eq!(rate(Duration::from_nanos(1), u64::MAX), u64::MAX);
    }
}
