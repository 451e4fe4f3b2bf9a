//! A thousand sandboxes alive at once, started one after another as fast as they go: `cargo bench --bench scale`.
//!
//! From the start of a launcher to the first byte of its program, by the clock, and by the CPU time that the launcher's
//! processes and the program have taken by then: other work of the machine is in the first alone. bubblewrap's in the
//! same run. `-- --count N` changes the number.

mod measure;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use measure::caller::{Bench, Caller};
use measure::traces::{cgroups, is_of, records};
use measure::{children, median, milliseconds, option, programs, ratio, verdict};

fn main() {
    Bench::prepare(scale).as_each("scale");
}

/// Launchers whose programs run, and how long each took until then.
struct Alive {
    children: Vec<Child>,
    times: Vec<Duration>,
    computed: Vec<Duration>,
    failures: usize,
}

fn scale(caller: &Caller, _stage: &str) {
    let count = option("--count", 1000);
    println!("{count} alive at once, as {}:", caller.name);
    let mut bubblewrap = start(count, || programs::bubblewrap(caller, "pause"));
    bubblewrap.report("bubblewrap");
    let before = left(caller);
    bubblewrap.end();
    let mut alive = start(count, || programs::sandbox(caller, "pause"));
    let seen = records(caller).iter().filter(|path| is_of(path, &["pause"])).count();
    assert!(seen >= count - alive.failures, "of {count} sandboxes {seen} records are seen");
    alive.report("sandbox");
    alive.growth();
    alive.against(&bubblewrap);
    for arguments in [&["ps"][..], &["ps", "--json"], &["stats"], &["stats", "--json"]] {
        look(caller, "sandbox", arguments, count);
    }
    alive.end();
    without_leaks(caller, &before);

    // Where this caller may set them; a refusal is not measured as a launch.
    if programs::sandbox(caller, "limited").stderr(Stdio::null()).status().expect("starting").success() {
        let mut alive = start(count, || programs::sandbox(caller, "limited-pause"));
        alive.report("four limits");
        alive.growth();
        look(caller, "four limits", &["stats"], count);
        alive.end();
        without_leaks(caller, &before);
    } else {
        println!("  four limits: not measured, this caller may set none");
    }
}

fn start(count: usize, command: impl Fn() -> Command) -> Alive {
    let mut alive = Alive { children: Vec::new(), times: Vec::new(), computed: Vec::new(), failures: 0 };
    for _ in 0..count {
        let mut command = command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("starting");
        let first = child.stdout.as_mut().expect("piped above").read_exact(&mut [0]);
        alive.times.push(began.elapsed());
        alive.computed.push(computed(child.id()));
        alive.failures += usize::from(first.is_err());
        alive.children.push(child);
    }
    alive
}

/// The tenth of the launches that was first, and the one that was last.
fn tenths(times: &[Duration]) -> (Duration, Duration) {
    let tenth = (times.len() / 10).max(1);
    (median(&times[..tenth]), median(&times[times.len() - tenth..]))
}

/// Of a process and all below it, as the scheduler counts it.
fn computed(pid: u32) -> Duration {
    let own = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    let own = own.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0);
    let below = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below = below.split_whitespace().filter_map(|child| child.parse().ok()).map(computed);
    Duration::from_nanos(own) + below.sum::<Duration>()
}

impl Alive {
    /// In how much less of both kinds of time another launcher gets there.
    fn against(&self, other: &Alive) {
        let clock = ratio(median(&other.times), median(&self.times));
        let cpu = ratio(median(&other.computed), median(&self.computed));
        let word = |value: f64| if value >= 2.0 { "met" } else { "MISSED" };
        println!(
            "  bubblewrap / sandbox: {clock:.2} (at least 2: {}), of CPU time {cpu:.2} ({})",
            word(clock),
            word(cpu)
        );
    }

    fn growth(&self) {
        let growth = |times: &[Duration]| {
            let (first, last) = tenths(times);
            ratio(last, first)
        };
        verdict("the last tenth / the first", growth(&self.times), 1.5, "");
        verdict("the same of CPU time", growth(&self.computed), 1.5, "");
    }

    fn report(&self, name: &str) {
        let total: Duration = self.times.iter().sum();
        let rate = self.times.len() as f64 / total.as_secs_f64();
        println!("  {name:<11} {rate:6.0} a second");
        for (what, times) in [("clock", &self.times), ("CPU time", &self.computed)] {
            let (first, last) = tenths(times);
            let [first, middle, last] = [first, median(times), last].map(milliseconds);
            println!("    {what:<9} median {middle:.3} ms, of the first tenth {first:.3}, of the last {last:.3}");
        }
        verdict("failed", self.failures as f64, 0.0, "");
    }

    fn end(&mut self) {
        for child in &self.children {
            let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
            // bubblewrap does not pass it on, but dies of it, and its program with it.
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("ending a launcher");
        }
        for mut child in self.children.drain(..) {
            child.wait().expect("waiting");
        }
    }
}

/// One that looks at all of them, the median of eleven.
fn look(caller: &Caller, name: &str, arguments: &[&str], count: usize) {
    let (mut times, before) = (Vec::new(), children());
    for _ in 0..11 {
        let mut command = caller.command(&caller.program("sandbox"));
        let began = Instant::now();
        let output = command.args(arguments).output().expect("starting");
        times.push(began.elapsed());
        let shown = String::from_utf8_lossy(&output.stdout).matches("pause-").count();
        assert!(output.status.success() && shown >= count, "{arguments:?} shows {shown} of {count}: {output:?}");
    }
    let what = format!("{name}: {}, of all", arguments.join(" "));
    verdict(&what, milliseconds(median(&times)), 100.0, " ms");
    println!("    CPU time {:.1} ms", milliseconds((children() - before) / 11));
}

fn without_leaks(caller: &Caller, before: &BTreeSet<PathBuf>) {
    let left: Vec<PathBuf> = left(caller).difference(before).cloned().collect();
    verdict("left behind", left.len() as f64, 0.0, "");
    left.iter().for_each(|path| println!("  left: {}", path.display()));
}

/// Records and cgroups of what this bench starts.
fn left(caller: &Caller) -> BTreeSet<PathBuf> {
    let traces = records(caller).into_iter().chain(cgroups());
    traces.filter(|path| is_of(path, &["pause", "limited"])).collect()
}
