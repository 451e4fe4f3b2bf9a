//! What reaches the program, and what the caller's own state does to it.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Running, Sandbox, caller, eventually, probe, slowness};
use crate::process::{alive, descendants};

#[test]
fn every_signal_for_the_supervisor_reaches_the_program() {
    use Signal::*;
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGALRM, SIGCONT, SIGWINCH, SIGPIPE] {
        let sandbox = Sandbox::new();
        let mut running = sandbox.start_probe("await 1");
        running.line("running").signal(signal);
        let name = &signal.as_str()[3..];
        running.ends().exits(0).prints(&format!("running\nsignal {name}\n"));
    }
}

#[test]
fn a_signal_that_ends_the_program_ends_the_launch() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let sandbox = Sandbox::new();
        let mut running = sandbox.start_probe("hang");
        running.line("running").signal(signal);
        running.ends().exits(code);
    }
}

#[test]
fn many_signals_at_once_do_not_confuse_it() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_probe("await 1000000");
    running.line("running");
    for _ in 0..500 {
        running.signal(Signal::SIGUSR1);
        running.signal(Signal::SIGWINCH);
        running.signal(Signal::SIGCHLD);
    }
    running.line("signal USR1").line("signal WINCH");
    running.signal(Signal::SIGKILL);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&running.ends().status), Some(9));
}

#[test]
fn it_starts_with_nothing_ignored_blocked_or_pending() {
    let callers = ["ignore", "block", "pending 10", "ignore block pending 12"];
    for peculiarity in callers {
        let seen = Sandbox::new().called_with(peculiarity).probe("signals").succeeds();
        assert_eq!(seen.stdout, "", "called with {peculiarity}\n{seen}");
    }
    // The same caller without a sandbox hands its state on.
    let output = std::process::Command::new(caller()).args(["ignore", "--"]).arg(probe()).arg("signals").output();
    let text = String::from_utf8(output.expect("starting").stdout).expect("text");
    assert!(text.contains("ignored 1\n") && text.contains("ignored 17\n"), "{text}");
}

#[test]
fn a_caller_that_ignores_everything_gets_the_exit_code() {
    for peculiarity in ["ignore", "block"] {
        Sandbox::new().called_with(peculiarity).probe("exit 9").exits(9);
        Sandbox::new().called_with(peculiarity).probe("die 15").exits(143);
        let sandbox = Sandbox::new().called_with(peculiarity);
        let mut running = sandbox.start_probe("await 1");
        running.line("running").signal(Signal::SIGTERM);
        running.ends().exits(0).prints("running\nsignal TERM\n");
    }
}

#[test]
fn what_is_asked_to_end_and_does_not_is_killed() {
    let brief = || Sandbox::new().with("process", &format!("stop-timeout = \"{}ms\"", 300 * slowness()));
    let quits = || brief().with("process", r#"stop-signal = "QUIT""#);
    for (sandbox, signal) in [(brief(), Signal::SIGTERM), (quits(), Signal::SIGQUIT)] {
        let mut running = sandbox.start_probe("await 100");
        running.line("running").signal(signal);
        running.ends().exits(137);
    }
    // Any other only tells it something.
    for (sandbox, signal) in [(brief(), Signal::SIGHUP), (brief(), Signal::SIGINT), (quits(), Signal::SIGTERM)] {
        let mut running = sandbox.start_probe("await 2");
        running.line("running").signal(signal);
        running.line(&format!("signal {}", &signal.as_str()[3..]));
        std::thread::sleep(Duration::from_millis(600) * slowness());
        running.signal(Signal::SIGUSR1);
        running.ends().exits(0);
    }
}

/// Init is who passes it on.
#[test]
fn what_is_stopped_and_asked_to_end_is_killed() {
    let sandbox = Sandbox::new().with("process", r#"stop-timeout = "300ms""#);
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    kill(Pid::from_raw(init(&running)), Signal::SIGSTOP).expect("stopping init");
    running.signal(Signal::SIGTERM);
    running.ends().exits(137);
}

#[test]
fn when_init_is_killed_all_is_over() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_probe("daemon + hang");
    running.line("running");
    let below = descendants(running.pid());
    kill(Pid::from_raw(init(&running)), Signal::SIGKILL).expect("killing init");
    let seen = running.ends();
    assert_ne!(seen.status.code(), Some(0), "{seen}");
    eventually("everything below has ended", || below.iter().all(|pid| !alive(*pid)));
}

/// Where no pid namespace ends them, and nothing keeps the program from killing init.
#[test]
fn when_the_program_kills_init_nothing_of_it_is_left() {
    let sandbox = Sandbox::bare().with("namespaces", "pid = false").with("landlock", r#"enforce = "off""#);
    let leaver = "setsid sh -c 'sleep 1000 & echo left=$!; wait' & sleep 1; kill -9 $PPID; sleep 1000";
    let seen = sandbox.run(&["sh", "-c", leaver]).exits(137);
    let left: i32 = seen.stdout.trim().strip_prefix("left=").and_then(|pid| pid.parse().ok()).expect("a pid");
    assert!(!alive(left), "{left} is left\n{seen}");
}

/// Those come to it too who lose their parent, and are ended; a caller's own child is not.
#[test]
fn the_callers_own_children_are_nobodys_to_end() {
    let sandbox = Sandbox::bare().with("namespaces", "pid = false");
    let launch = sandbox.command("run", &["true"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "sleep 1000 >/dev/null 2>&1 & echo $!; exec \"$@\"", "sh"]).arg(launch.get_program());
    shell.args(launch.get_args());
    shell.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().expect("starting");
    let child = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a pid");
    let spared = alive(child);
    kill(Pid::from_raw(child), Signal::SIGKILL).expect("ending it");
    assert!(spared && output.status.code() == Some(0), "{output:?}");
}

fn init(running: &Running) -> i32 {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).unwrap_or_default();
    children.trim().parse().expect("one child")
}
