//! Ten launches at once, a thousand times: none may fail, nothing may be left. `cargo bench --bench crowd`.
//!
//! `-- --rounds N --at-once N` change the numbers.

mod measure;

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::Instant;

use measure::caller::{Bench, Caller};
use measure::traces::{assert_seen, cgroups, records};
use measure::{milliseconds, option, programs};

fn main() {
    Bench::prepare(crowd).as_each("crowd");
}

fn crowd(caller: &Caller, _stage: &str) {
    let (rounds, at_once) = (option("--rounds", 1000), option("--at-once", 10));
    assert_seen(caller);
    let before = standing(caller);
    let start = Instant::now();
    let mut failures = 0;
    for round in 0..rounds {
        let children: Vec<Child> = (0..at_once)
            .map(|_| programs::sandbox(caller, "true").stderr(Stdio::piped()).spawn().expect("starting"))
            .collect();
        for child in children {
            let output = child.wait_with_output().expect("waiting");
            if !output.status.success() || !output.stderr.is_empty() {
                failures += 1;
                println!("  round {round}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
            }
        }
    }
    let each = start.elapsed() / u32::try_from(rounds * at_once).expect("a number of launches").max(1);
    let left: Vec<String> = standing(caller).difference(&before).cloned().collect();
    println!("{at_once} launches at once as {}, {rounds} times:", caller.name);
    println!("  {failures} failed, {} things left, one every {:.3} ms", left.len(), milliseconds(each));
    left.iter().for_each(|thing| println!("  left: {thing}"));
    if failures > 0 || !left.is_empty() {
        std::process::exit(1);
    }
}

/// What a launch could leave: records, cgroups, mounts, processes.
fn standing(caller: &Caller) -> BTreeSet<String> {
    let traces = records(caller).into_iter().chain(cgroups());
    let mut found: BTreeSet<String> = traces.map(|path| path.display().to_string()).collect();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("reading the mounts");
    found.extend(mounts.lines().map(|line| format!("mount {line}")));
    for entry in std::fs::read_dir("/proc").expect("reading /proc").flatten() {
        let command = std::fs::read(entry.path().join("comm")).unwrap_or_default();
        if command == b"sandbox\n" || command == b"true\n" {
            found.insert(format!("process {}", entry.file_name().display()));
        }
    }
    found
}
