//! What ten thousand launches leave, a hundred of them killed at random moments: `cargo bench --bench remains`.
//!
//! Cgroups and records are counted before and after; `gc` runs once, at the end. `-- --launches N --kills N` change the
//! numbers.

mod measure;
#[path = "../tests/random/mod.rs"]
mod random;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use measure::caller::{Bench, Caller};
use measure::traces::{assert_seen, cgroups, is_of, records};
use measure::{check, milliseconds, option, programs, verdict};
use random::Random;

fn main() {
    Bench::prepare(remains).as_each("remains");
}

fn remains(caller: &Caller, _stage: &str) {
    let (launches, kills) = (option("--launches", 10_000), option("--kills", 100));
    // Where this caller may set no limit there are still records.
    let limited = programs::sandbox(caller, "limited").stderr(Stdio::null()).status().expect("starting").success();
    let name = if limited { "limited" } else { "true" };
    println!("{launches} launches as {}, {kills} of them killed, profile {name}:", caller.name);
    assert_seen(caller);
    let before = count(caller, name);
    let start = Instant::now();
    let (mut failures, mut usual) = (0, Duration::ZERO);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let every = (launches / kills.max(1)).max(1);
    for round in 0..launches {
        let mut command = programs::sandbox(caller, name);
        let began = Instant::now();
        let mut child = command.stdin(Stdio::null()).spawn().expect("starting");
        if round % every == every - 1 {
            // Anywhere from its start to a little after its usual end.
            std::thread::sleep(Duration::from_nanos(random.below((usual + usual / 8).as_nanos() as usize) as u64));
            child.kill().expect("killing");
            child.wait().expect("waiting");
            continue;
        }
        failures += usize::from(!child.wait().expect("waiting").success());
        // A moving mean is as good as any.
        usual = (usual * 7 + began.elapsed()) / 8;
    }
    let each = milliseconds(start.elapsed()) / launches as f64;
    let between = count(caller, name);
    let mut gc = caller.command(&caller.program("sandbox"));
    check(gc.arg("gc").stdout(Stdio::null()).status().expect("starting"), "gc");
    let after = count(caller, name);
    println!("  one every {each:.3} ms");
    for (what, [before, between, after]) in
        [("cgroups", [before.0, between.0, after.0]), ("records", [before.1, between.1, after.1])]
    {
        println!("  {what}: {before} before, {between} after, {after} after gc");
        verdict(what, after as f64, before as f64, "");
    }
    verdict("failed", failures as f64, 0.0, "");
}

/// Cgroups and records of sandboxes of this name.
fn count(caller: &Caller, name: &str) -> (usize, usize) {
    let own = |found: BTreeSet<PathBuf>| found.iter().filter(|path| is_of(path, &[name])).count();
    (own(cgroups()), own(records(caller)))
}
