//! What every measurement shares: the programs compared, a place where each of them can see the program it starts, who
//! starts them, and medians.
//!
//! Absolute times drift with the machine; so all are measured in one run, in turn, and ratios are what counts.
#![allow(dead_code)] // each bench uses its part of this module

pub mod caller;
pub mod programs;
pub mod traces;

use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The arguments of a bench: `--name value`; what cargo adds of its own (`--bench`) is passed over.
pub fn option(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args();
    while let Some(argument) = arguments.next() {
        if argument == name {
            let value = arguments.next().unwrap_or_default();
            return value.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {value:?}"));
        }
    }
    default
}

/// From the start of a launcher to the moment its exit status is known.
pub fn launch(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
    let taken = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    taken
}

/// Each command `rounds` times, in turn; the order is reversed every other round, so that none is always after the same.
pub fn in_turn(commands: &mut [Command], rounds: usize) -> Vec<Vec<Duration>> {
    let mut times = vec![Vec::with_capacity(rounds); commands.len()];
    let warm_up = (rounds / 10).max(5);
    for round in 0..warm_up + rounds {
        for step in 0..commands.len() {
            let which = if round % 2 == 0 { step } else { commands.len() - 1 - step };
            let taken = launch(&mut commands[which]);
            if round >= warm_up {
                times[which].push(taken);
            }
        }
    }
    times
}

/// CPU time of all that have been waited for.
pub fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("asking the kernel");
    let time = |time: TimeVal| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
    time(usage.user_time()) + time(usage.system_time())
}

pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2 }
}

/// The half of all values that lies around the median.
pub fn quartiles(times: &[Duration]) -> (Duration, Duration) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    (sorted[sorted.len() / 4], sorted[sorted.len() * 3 / 4])
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

pub fn check(status: ExitStatus, what: &str) {
    assert!(status.success(), "{what}: {status}");
}

/// A line in a form that a reader of several runs can search for.
pub fn verdict(what: &str, value: f64, limit: f64, unit: &str) {
    let word = if value <= limit { "met" } else { "MISSED" };
    println!("  {what}: {value:.2}{unit} (at most {limit}{unit}: {word})");
}
