//! What limits cost a launch, and whether they are real: `cargo bench --bench limits`.
//!
//! `-- --rounds N` sets how often each profile is started (300).

mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use measure::caller::{Bench, Caller};
use measure::{children, in_turn, launch, median, milliseconds, option, programs, quartiles, ratio, verdict};

fn main() {
    Bench::prepare(measure).as_each("limits");
}

fn measure(caller: &Caller, _stage: &str) {
    println!("limits, as {}:", caller.name);
    let refused = programs::sandbox(caller, "limited").output().expect("starting");
    if !refused.status.success() {
        let message = String::from_utf8_lossy(&refused.stderr).lines().next().unwrap_or_default().to_owned();
        return println!("  not measured, this caller may set none: {message}");
    }
    cost(caller);
    memory(caller);
    processor(caller);
    processes(caller);
    disk(caller);
}

/// By the clock, and by the CPU time of all of a launch's processes: other work of the machine is in the first alone.
fn cost(caller: &Caller) {
    let mut commands = [programs::sandbox(caller, "true"), programs::sandbox(caller, "limited")];
    let rounds = option("--rounds", 300);
    let times = in_turn(&mut commands, rounds);
    let mut computed = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (command, computed) in commands.iter_mut().zip(&mut computed) {
            let before = children();
            launch(command);
            computed.push(children() - before);
        }
    }
    for (index, name) in ["no limit", "four limits"].iter().enumerate() {
        let (low, high) = quartiles(&times[index]);
        let [middle, low, high, cpu] = [median(&times[index]), low, high, median(&computed[index])].map(milliseconds);
        println!("  {name:<11} {middle:6.3} ms ({low:.3}–{high:.3}), CPU time {cpu:.3} ms");
    }
    verdict("four limits / no limit", ratio(median(&times[1]), median(&times[0])), 1.15, "");
    verdict("the same of CPU time", ratio(median(&computed[1]), median(&computed[0])), 1.15, "");
}

/// A profile whose program takes what it can get, and what it said.
fn take(caller: &Caller, more: &str, words: &[&str]) -> Output {
    let profile = caller.home().join("take.toml");
    let text = format!("[process]\ncommand = [{:?}]\n{more}", caller.program("take"));
    std::fs::write(&profile, text).expect("writing a profile");
    let mut command: Command = caller.command(&caller.program("sandbox"));
    command.args(["run", "--status-fd", "2"]).arg(&profile).arg("--").args(words).stdin(Stdio::null());
    command.output().expect("starting")
}

#[track_caller]
fn number(output: &Output) -> f64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().and_then(|line| line.parse().ok());
    last.unwrap_or_else(|| panic!("no number: {output:?}"))
}

/// The kernel charges for 64 pages at a time, so as not to count each one.
fn memory(caller: &Caller) {
    const LIMIT: u64 = 64 << 20;
    const BATCH: u64 = 64 * 4096;
    let output = take(caller, "[cgroup]\nmemory-max = \"64M\"\n", &["memory"]);
    let status = String::from_utf8_lossy(&output.stderr);
    let field = |name: &str| {
        let rest = status.split(&format!("\"{name}\":")).nth(1)?;
        rest.split(|byte: char| !byte.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let (killed, peak) = (field("killed"), field("peak").unwrap_or(0));
    assert_eq!((killed, output.status.code()), (Some(1), Some(137)), "{output:?}");
    println!("  memory-max 64M: killed with {:.0} KiB touched by itself", number(&output));
    verdict("memory-max − peak", LIMIT.abs_diff(peak) as f64 / 1024.0, BATCH as f64 / 1024.0, " KiB");
}

/// With a weight that lets it have its share whatever else the machine does.
fn processor(caller: &Caller) {
    let output = take(caller, "[cgroup]\ncpu-max = \"50%\"\ncpu-weight = 10000\n", &["cpu", "5"]);
    let share = number(&output) / 5e6 * 100.0;
    println!("  cpu-max 50%: {share:.1}% over 5 s");
    verdict("distance from 50%", (share - 50.0).abs(), 5.0, "%");
}

/// Init and the program count too.
fn processes(caller: &Caller) {
    let output = take(caller, "[cgroup]\npids-max = 64\n", &["processes"]);
    let all = number(&output) + 2.0;
    println!("  pids-max 64: {all:.0} processes");
    verdict("distance from 64", (all - 64.0).abs(), 0.0, "");
}

fn disk(caller: &Caller) {
    const RATE: f64 = (8 << 20) as f64;
    let Some(disk) = Disk::new(&caller.home()) else {
        return println!(
            "  io-max: not measured, no disk in a file is to be had (it takes root, losetup and mkfs.ext4)"
        );
    };
    std::fs::write(disk.at.join("file"), vec![1; 32 << 20]).expect("filling the disk");
    nix::unistd::sync();
    for direction in ["read", "write"] {
        let more = format!(
            "user = \"root\"\n[rootfs]\nread-write = [\"{}:/disk\"]\n\
             [cgroup]\nio-max = [{{ device = {:?}, {direction}-bps = \"8M\" }}]\n",
            disk.at.display(),
            disk.at
        );
        let rate = number(&take(caller, &more, &[direction, "/disk/file", "3"]));
        println!("  io-max 8M, {direction}: {:.2} MiB a second", rate / 1048576.0);
        verdict("distance from 8M", (rate / RATE - 1.0).abs() * 100.0, 15.0, "%");
    }
}

/// A file system on a loop device; it goes with this value.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn new(home: &Path) -> Option<Disk> {
        let (file, at) = (home.join("disk"), home.join("mounted"));
        std::fs::File::create(&file).and_then(|file| file.set_len(96 << 20)).ok()?;
        std::fs::create_dir_all(&at).ok()?;
        let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        // The loop device detaches itself when it is unmounted.
        let made = done(Command::new("mkfs.ext4").arg("-q").arg(&file))
            && done(Command::new("mount").args(["-o", "loop"]).arg(&file).arg(&at));
        made.then_some(Disk { at })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}
