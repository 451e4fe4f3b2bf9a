//! How a test drives the program: a profile and a caller (`Sandbox`), a launch that is over (`Seen`) or goes on
//! (`Running`), a terminal to sit at (`Terminal`).

mod programs;
mod running;
mod sandbox;
mod seen;
mod terminal;
mod turn;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

pub use programs::{caller, probe, sandbox as program, step_removal};
pub use running::Running;
pub use sandbox::{Sandbox, home, outside, quoted};
pub use seen::Seen;
pub use terminal::{Foreground, Terminal};
pub use turn::alone;

/// So many times longer than usual everything may take: an emulated machine sets it.
pub fn slowness() -> u32 {
    std::env::var("SANDBOX_TEST_SLOWNESS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// That many seconds, of a machine of usual speed.
pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds) * slowness()
}

/// A launch that takes longer has hung.
pub fn patience() -> Duration {
    seconds(20)
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Says visibly that this machine cannot show something; in CI that is a failure.
pub fn skip(reason: &str) {
    assert!(std::env::var("CI").is_err(), "skipped, which CI does not allow: {reason}");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the test runner, which shows what a test prints only when it fails.
    let _ = writeln!(std::io::stderr(), "skipped: {test} ({reason})");
}

/// Leaves a test to the run as root; without such a run, that is a skip.
pub fn left_to_root(reason: &str) {
    if std::env::var("SANDBOX_TEST_AS_ROOT_TOO").is_err() {
        skip(reason);
    }
}

/// Asked of the kernel, without the program under test; 0 without Landlock.
pub fn landlock_abi() -> u32 {
    outside("landlock-abi").value("landlock-abi").parse().expect("a number")
}

/// What the refusal says of a controller that newer kernels have taken from cgroup v1, where there is nothing else.
pub const LACKING: &str = "no cgroup v1 hierarchy has the ";

/// Whether this machine has a controller on no version of cgroups.
pub fn lacks(controller: &str) -> bool {
    let v2 = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(|top| Path::new(top).join("cgroup.controllers").exists());
    let text = std::fs::read_to_string("/proc/self/cgroup").expect("reading our cgroups");
    let named =
        |line: &str| line.split(':').nth(1).is_some_and(|names| names.split(',').any(|name| name == controller));
    v2 == [false; 2] && !text.lines().any(named)
}

/// Waits until something holds; the kernel ends processes and namespaces a little after a launcher has.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < seconds(10), "not within {:?}: {what}", seconds(10));
        std::thread::sleep(Duration::from_millis(5));
    }
}
