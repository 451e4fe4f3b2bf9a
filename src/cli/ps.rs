//! `sandbox ps`

use std::path::Path;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::host::Host;
use crate::isolation::cgroup::control;
use crate::say::printable;
use crate::state::{self, Entry, Life, Root};

#[derive(Debug, Args)]
pub struct Ps {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Ps {
    pub fn run(self) -> Result<u8> {
        let entries = match Root::open(&state::locate(&Host::live()))? {
            Some(root) => state::list(&root)?,
            None => Vec::new(),
        };
        let uptime = uptime();
        if self.json {
            let list: Vec<_> = entries.iter().map(|entry| object(entry, uptime)).collect();
            println!("{}", serde_json::Value::from(list));
            return Ok(0);
        }
        // Names of files that anybody of this account may have made.
        let width = entries.iter().map(|entry| printable(&entry.id).chars().count()).max().unwrap_or(0).max(32);
        println!("{:<width$} {:<8} {:>8}  AGE", "ID", "STATE", "PID");
        for entry in &entries {
            let pid = entry.started.as_ref().map_or("-".to_string(), |started| started.init.pid.to_string());
            let age = age(entry, uptime).map_or("-".to_string(), |seconds| format!("{seconds}s"));
            println!("{:<width$} {:<8} {pid:>8}  {age}", printable(&entry.id), word(entry));
        }
        Ok(0)
    }
}

fn object(entry: &Entry, uptime: Option<f64>) -> serde_json::Value {
    let broken = match &entry.life {
        Life::Broken(why) => Some(why),
        _ => None,
    };
    json!({
        "id": entry.id,
        "name": entry.header.as_ref().map(|header| &header.name),
        "state": word(entry),
        "broken": broken,
        "pid": entry.started.as_ref().map(|started| started.init.pid),
        "supervisor": entry.header.as_ref().map(|header| header.supervisor),
        "age": age(entry, uptime),
    })
}

fn word(entry: &Entry) -> &'static str {
    match entry.life {
        Life::Alive if control::is_frozen(&entry.cgroups()) => "paused",
        Life::Alive => "running",
        Life::Dead => "dead",
        Life::Broken(_) => "broken",
    }
}

/// In whole seconds.
fn age(entry: &Entry, uptime: Option<f64>) -> Option<u64> {
    let created = entry.header.as_ref()?.created as f64 / 1e9;
    Some((uptime? - created).max(0.0) as u64)
}

/// Seconds since boot, as records count.
fn uptime() -> Option<f64> {
    std::fs::read_to_string(Path::new("/proc/uptime")).ok()?.split(' ').next()?.parse().ok()
}
