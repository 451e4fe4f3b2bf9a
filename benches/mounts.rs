//! What the mounts of a busy host cost a launch: `cargo bench --bench mounts`.
//!
//! The floor copies every mount twice, in the clone and in its recursive bind; a launch may suffer from them at most a
//! little more than that. They are made in a mount namespace of the bench's own, so that the host has none of them.

mod measure;

use std::path::Path;
use std::time::Duration;

use measure::caller::{Bench, Caller};
use measure::{in_turn, median, milliseconds, option, programs, ratio, verdict};
use nix::mount::{MsFlags, mount};

fn main() {
    let bench = Bench::prepare(measure_stage);
    if !bench.is_private() {
        return println!("skipped: many mounts (needs root)");
    }
    bench.as_each("without");
    mount_many(option("--mounts", 5000));
    bench.as_each("with");
}

/// Where containers and services keep theirs: outside of what every sandbox sees.
fn mount_many(count: usize) {
    let place = Path::new("/mnt");
    let none = None::<&str>;
    mount(Some("many"), place, Some("tmpfs"), MsFlags::empty(), none).expect("mounting on /mnt");
    for number in 0..count {
        let target = place.join(number.to_string());
        std::fs::create_dir(&target).expect("making a mount point");
        mount(Some("many"), &target, Some("tmpfs"), MsFlags::empty(), none).expect("mounting one of many");
    }
}

fn measure_stage(caller: &Caller, stage: &str) {
    let rounds = option("--rounds", 100);
    let times = in_turn(&mut [programs::floor(caller, "true"), programs::sandbox(caller, "true")], rounds);
    let (floor, sandbox) = (median(&times[0]), median(&times[1]));
    let (floor_ms, sandbox_ms) = (milliseconds(floor), milliseconds(sandbox));
    println!("{stage} many mounts, as {}: floor {floor_ms:.3} ms, sandbox {sandbox_ms:.3} ms", caller.name);

    let before = caller.home().join("without");
    if stage == "without" {
        let text = format!("{} {}", floor.as_nanos(), sandbox.as_nanos());
        return std::fs::write(before, text).expect("keeping the figures");
    }
    let text = std::fs::read_to_string(before).expect("reading the figures without mounts");
    let earlier: Vec<Duration> =
        text.split(' ').map(|number| Duration::from_nanos(number.parse().expect("written above"))).collect();
    println!("  the floor became {:.2} times dearer", ratio(floor, earlier[0]));
    println!("  the sandbox became {:.2} times dearer", ratio(sandbox, earlier[1]));
    let limit = 1.3;
    verdict("sandbox's rise / floor's rise", ratio(sandbox, earlier[1]) / ratio(floor, earlier[0]), limit, "");
}
