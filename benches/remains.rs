//! What ten thousand launches leave, a hundred of them killed at random moments: `cargo bench --bench remains`.
//!
//! Cgroups and records are counted before and after; `gc` runs once, at the end. `-- --launches N --kills N` change the
//! numbers.

mod measure;
#[path = "../tests/random/mod.rs"]
mod random;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use measure::caller::{Bench, Caller};
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
    let before = (directories(Path::new("/sys/fs/cgroup"), name), records(caller, name));
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
    let between = (directories(Path::new("/sys/fs/cgroup"), name), records(caller, name));
    let mut gc = caller.command(&caller.program("sandbox"));
    check(gc.arg("gc").stdout(Stdio::null()).status().expect("starting"), "gc");
    let after = (directories(Path::new("/sys/fs/cgroup"), name), records(caller, name));
    println!("  one every {each:.3} ms");
    for (what, [before, between, after]) in
        [("cgroups", [before.0, between.0, after.0]), ("records", [before.1, between.1, after.1])]
    {
        println!("  {what}: {before} before, {between} after, {after} after gc");
        verdict(what, after as f64, before as f64, "");
    }
    verdict("failed", failures as f64, 0.0, "");
}

fn records(caller: &Caller, name: &str) -> usize {
    let tops = [caller.runtime().join("sandbox"), PathBuf::from("/run/sandbox")];
    tops.iter().map(|top| directories(top, name)).sum()
}

/// Of sandboxes of this name.
fn directories(directory: &Path, name: &str) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let own = |file: &str| file.trim_start_matches("sandbox-").starts_with(&format!("{name}-"));
    below.map(|entry| usize::from(own(&entry.file_name().to_string_lossy())) + directories(&entry.path(), name)).sum()
}
