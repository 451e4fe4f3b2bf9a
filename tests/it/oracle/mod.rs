//! The leak oracle: what exists on the host, before and after.
//!
//! Equal snapshots mean that nothing was left behind. A host has a life of its own, so three things are tolerated, and
//! nothing else: what goes away within ten seconds (the kernel ends namespaces and processes a little after us); what
//! other programs start, mount and write, even if these are sandboxes too (`host.rs` says how they are told apart: by
//! who started a process, who holds a record, whose processes are in a cgroup); and open files, which other programs have
//! more or fewer of, up to a number that a leak of one a launch would exceed.

mod host;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use tree::{Canary, fingerprint};

/// Kind of thing to the things.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    things: BTreeMap<String, BTreeSet<String>>,
    open_files: u64,
}

/// How many open files the rest of the machine may come by; a whole run is several thousand launches.
const OPEN_FILES: u64 = 1500;

impl Snapshot {
    pub fn take() -> Snapshot {
        Snapshot { things: host::things(), open_files: host::open_files() }
    }

    /// One line for each thing that has come or gone.
    pub fn differences(&self, later: &Snapshot) -> Vec<String> {
        let mut lines = Vec::new();
        let none = BTreeSet::new();
        for kind in self.things.keys().chain(later.things.keys()).collect::<BTreeSet<_>>() {
            let before = self.things.get(kind).unwrap_or(&none);
            let after = later.things.get(kind).unwrap_or(&none);
            lines.extend(after.difference(before).map(|thing| format!("left behind: {kind}: {thing}")));
            // What others start and stop is theirs; what was mounted, set up or kept must still be there.
            if host::must_stay(kind) {
                lines.extend(before.difference(after).map(|thing| format!("gone: {kind}: {thing}")));
            }
        }
        if later.open_files > self.open_files + OPEN_FILES {
            lines.push(format!("open files: {} before, {} after", self.open_files, later.open_files));
        }
        lines
    }

    /// Fails for whatever is still there when the kernel has had its time to tidy up.
    #[track_caller]
    pub fn still_holds(&self) {
        let start = Instant::now();
        loop {
            let differences = self.differences(&Snapshot::take());
            if differences.is_empty() {
                return;
            }
            let text = differences.join("\n");
            assert!(start.elapsed() < crate::harness::seconds(10), "the host is not what it was before:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn file() -> PathBuf {
    std::env::var_os("SANDBOX_SNAPSHOT").expect("SANDBOX_SNAPSHOT names the file of the snapshot").into()
}

#[test]
#[ignore = "tests/run calls it before everything else"]
fn record_the_host() {
    let text = serde_json::to_string_pretty(&Snapshot::take()).expect("plain values");
    std::fs::write(file(), text).expect("writing the snapshot");
}

#[test]
#[ignore = "tests/run calls it after everything else"]
fn the_host_is_as_before() {
    let text = std::fs::read_to_string(file()).expect("reading the snapshot");
    let before: Snapshot = serde_json::from_str(&text).expect("written by record_the_host");
    before.still_holds();
}

#[test]
fn the_oracle_notices_what_is_left() {
    crate::harness::alone();
    let before = Snapshot::take();
    let left = std::env::temp_dir().join(format!("sandbox-left-{}", std::process::id()));
    std::fs::create_dir(&left).expect("leaving a directory");
    let socket = std::os::unix::net::UnixListener::bind(left.join("socket")).expect("leaving a socket");
    let mut hang = std::process::Command::new(crate::harness::probe());
    hang.arg("hang");
    let mut process = crate::harness::Running::start(hang, "the probe, left behind".to_owned());
    process.line("running");
    let differences = before.differences(&Snapshot::take()).join("\n");
    drop(process);
    drop(socket);
    std::fs::remove_dir_all(&left).expect("removing the directory");
    for kind in ["temporary", "socket", "process"] {
        assert!(differences.contains(&format!("left behind: {kind}")), "no {kind} in:\n{differences}");
    }
    before.still_holds();
}
