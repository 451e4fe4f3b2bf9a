//! What a launch holds in memory while its program runs: `cargo bench --bench memory`.
//!
//! Private_Clean + Private_Dirty of the launcher's two processes together, as smaps_rollup counts them, and the highest
//! resident size that each has had. Root reads the figures of all: processes that are not dumpable hide theirs.

mod measure;

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use measure::caller::{Bench, Caller};
use measure::{programs, verdict};

fn main() {
    Bench::prepare(|_, _| unreachable!("all is measured in this process")).for_each(compare);
}

fn compare(caller: &Caller) {
    println!("memory of supervisor and init, as {}:", caller.name);
    let bubblewrap = held("bubblewrap", programs::bubblewrap(caller, "pause"));
    let sandbox = held("sandbox", programs::sandbox(caller, "pause"));
    if let (Some(_), Some(sandbox)) = (bubblewrap, sandbox) {
        verdict("sandbox", sandbox as f64, 250.0, " KiB");
    }
}

/// KiB that only the launcher's own processes hold.
fn held(name: &str, mut command: Command) -> Option<u64> {
    let mut supervisor = Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("starting"));
    let mut stdout = supervisor.0.stdout.take().expect("piped above");
    stdout.read_exact(&mut [0]).expect("waiting for the program");
    // What only the start needs is given back a little later.
    sleep(Duration::from_millis(200));
    let outside = supervisor.0.id();
    let init = only_child(outside);
    let program = only_child(init);
    assert_ne!(program, 0, "the program");
    let mut sum = 0;
    for (role, pid) in [("supervisor", outside), ("init", init)] {
        let Some(private) = private(pid) else {
            println!("skipped: {name} (its processes hide their memory from an ordinary user; run as root)");
            return None;
        };
        println!("  {name:<10} {role:<10} {private:>5} KiB private, {:>5} KiB at its peak", peak(pid));
        sum += private;
    }
    println!("  {name:<10} {:<10} {sum:>5} KiB private", "together");
    Some(sum)
}

struct Running(Child);

impl Drop for Running {
    /// A killed one would leave its cgroup, and its record goes with the caller's directory.
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id() as i32), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn only_child(pid: u32) -> u32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("reading {path}: {error}"));
    let mut children = children.split_whitespace();
    let child = children.next().unwrap_or_else(|| panic!("process {pid} has no child"));
    assert_eq!(children.next(), None, "process {pid} has more than one child");
    child.parse().expect("a number")
}

fn private(pid: u32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    Some(field(&rollup, "Private_Clean:") + field(&rollup, "Private_Dirty:"))
}

fn peak(pid: u32) -> u64 {
    field(&std::fs::read_to_string(format!("/proc/{pid}/status")).expect("reading a status"), "VmHWM:")
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line:?}"))
}
