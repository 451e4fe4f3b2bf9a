//! Nothing is left: after every end, and after a kill at any moment.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{Sandbox, alone};
use crate::oracle::Snapshot;
use crate::random::Random;

#[test]
fn after_every_kind_of_end_nothing_is_left() {
    alone();
    let before = Snapshot::take();
    Sandbox::new().probe("exit 0").exits(0);
    Sandbox::new().probe("daemon + orphan 100000 + exit 3").exits(3);
    Sandbox::new().probe("die 9").exits(137);
    Sandbox::new().run(&["/no/such/program"]).exits(127);
    Sandbox::new().read_only("/no/such/source").probe("say").exits(125);
    Sandbox::new().called_with("enosys move_mount").probe("say").exits(125);
    Sandbox::new().called_with("enosys landlock_restrict_self").probe("say");
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_probe("hang");
    running.line("running").signal(Signal::SIGTERM);
    running.ends().exits(143);
    drop(sandbox);
    before.still_holds();
}

/// Ends that no code of ours sees: what they leave, `gc` removes.
#[test]
fn a_kill_at_any_moment_leaves_nothing_after_gc() {
    alone();
    let sandbox = Sandbox::new();
    sandbox.sandbox(&["gc"]).exits(0);
    let before = Snapshot::take();
    // How long a launch takes here, until the program runs.
    let start = Instant::now();
    for _ in 0..10 {
        sandbox.probe("exit 0").exits(0);
    }
    let launch = start.elapsed() / 10;
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    println!("seed {:#x}", random.0);
    let mut early = 0;
    for _ in 0..300 {
        let running = sandbox.start_probe("daemon + say late + hang");
        let wait = Duration::from_nanos(random.below(launch.as_nanos() as usize * 3 / 2) as u64);
        let until = Instant::now() + wait;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        running.signal(Signal::SIGKILL);
        // Whatever held its output has gone when this returns.
        early += usize::from(running.ends().stdout.is_empty());
    }
    assert!((10..=295).contains(&early), "{early} of 300 were killed before the program ran; all stages should be met");
    sandbox.sandbox(&["gc"]).exits(0);
    drop(sandbox);
    before.still_holds();
}

#[test]
fn ten_at_once_do_not_disturb_one_another() {
    alone();
    let before = Snapshot::take();
    for _ in 0..20 {
        let sandboxes: Vec<Sandbox> = (0..10).map(|_| Sandbox::new()).collect();
        let running: Vec<_> = sandboxes.iter().map(|sandbox| sandbox.start_probe("exit 7")).collect();
        running.into_iter().for_each(|running| drop(running.ends().exits(7)));
        // The same profile, ten times at once.
        let running: Vec<_> = (0..10).map(|_| sandboxes[0].start_probe("exit 7")).collect();
        running.into_iter().for_each(|running| drop(running.ends().exits(7)));
    }
    before.still_holds();
}

#[test]
fn ps_shows_what_runs_and_no_more() {
    let sandbox = Sandbox::new();
    let name = sandbox.name.clone();
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let seen = sandbox.sandbox(&["ps"]).exits(0);
    assert!(seen.stdout.contains(&name), "{seen}");
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
    let seen = sandbox.sandbox(&["ps"]).exits(0);
    assert!(!seen.stdout.contains(&name), "{seen}");
}
