//! A person at a terminal: ^C, ^Z, fg, and a terminal that is as it was when the program has gone.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::harness::{Foreground, Running, Sandbox, Terminal, eventually, patience, slowness, step_removal};

/// The command line that starts the probe, for somebody to type.
fn typed(sandbox: &Sandbox, words: &str) -> String {
    let arguments: Vec<&str> = std::iter::once("/probe").chain(words.split(' ')).collect();
    let command = sandbox.command("run", &arguments);
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let line: Vec<String> =
        std::iter::once(command.get_program().to_string_lossy().into_owned()).chain(words).collect();
    let runtime = sandbox.runtime();
    format!("XDG_RUNTIME_DIR={} {}", runtime.display(), line.join(" "))
}

const TERMINALS: [&str; 1] = ["inherit"];

fn sandbox(tty: &str) -> Sandbox {
    Sandbox::new().with("process", &format!("tty = {tty:?}"))
}

#[test]
fn control_c_ends_the_program_with_130() {
    for tty in TERMINALS {
        let sandbox = sandbox(tty);
        let mut terminal = Terminal::sit_down();
        let line = typed(&sandbox, "hang");
        terminal.types(&format!("{line}; echo code=$?\n")).shows("running").types("\x03").shows("code=130");
    }
}

/// However late the supervisor and init come to look.
#[test]
fn control_c_arrives_once() {
    for (sandbox, late) in [(sandbox("inherit"), ""), (sandbox("inherit").of(step_removal()), "SANDBOX_REMOVE=late ")] {
        let mut terminal = Terminal::sit_down();
        let line = format!("{late}{}", typed(&sandbox, "await 2 + say done"));
        terminal.types(&format!("{line}; echo code=$?\n")).shows("running").types("\x03").shows("signal INT");
        let more = terminal.listens(Duration::from_millis(400));
        assert!(!more.contains("signal INT") && !more.contains("done"), "it arrived twice: {more:?}");
        terminal.types("\x03").shows("signal INT").shows("done").shows("code=0");
    }
}

#[test]
fn a_program_that_handles_control_c_decides_the_code() {
    let sandbox = sandbox("inherit");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "await 1 + exit 42");
    terminal.types(&format!("{line}; echo code=$?\n")).shows("running").types("\x03").shows("code=42");
}

/// Types ^C at every moment from the exec of `sandbox` until the program surely runs.
#[test]
fn control_c_calls_a_launch_off_at_any_moment() {
    let sandbox = sandbox("inherit");
    called_off(&sandbox, 60, 50);
    eventually("nothing of them runs", || !every_command_line().iter().any(|line| line.contains(&sandbox.name)));
}

/// Whoever comes late to look: what falls just before a clone, or between it and the look after it, is taken by one of both.
#[test]
fn control_c_is_not_lost_at_a_clone() {
    let sandbox = sandbox("inherit").of(step_removal()).env("SANDBOX_REMOVE", "late");
    called_off(&sandbox, 16, 15);
}

/// Types ^C in each of so many rounds, a launch being so many of them long.
fn called_off(sandbox: &Sandbox, rounds: u32, of_launch: u32) {
    let launch = of_a_launch(sandbox);
    // The name, to find the program by.
    let command = sandbox.command("run", &["/probe", "say", &sandbox.name, "+", "hang"]);
    for round in 0..rounds {
        let after = launch * round / of_launch;
        let ended = Foreground::start(&command, None).types_after(after, "\x03").ends();
        assert!(of_control_c(ended), "^C after {after:?} of {launch:?}: {ended}");
    }
}

/// A pid 1 ignores what it has no handler for: between its exec and its first handler a ^C does nothing, as anywhere.
#[test]
fn without_init_control_c_calls_a_launch_off_too() {
    let sandbox = sandbox("inherit").with("process", "init = false");
    let launch = of_a_launch(&sandbox);
    let command = sandbox.command("run", &["/probe", "await", "2"]);
    const ROUNDS: u32 = 60;
    let mut ignored = 0;
    for round in 0..ROUNDS {
        let mut program = Foreground::start(&command, None);
        program.types_after(launch * round / ROUNDS, "\x03");
        if !program.shows("running", patience()) {
            let ended = program.ends();
            assert!(of_control_c(ended), "{ended}");
            continue;
        }
        // By now it has handlers: what it has taken it has said.
        ignored += u32::from(!program.shows("signal INT", Duration::from_millis(200) * slowness()));
    }
    assert!(ignored <= ROUNDS / 6, "{ignored} of {ROUNDS} were lost");
}

/// Its descriptors are no terminal, so the program has a group of its own, or a session: ^C is for `sandbox` to pass on.
#[test]
fn control_c_ends_it_whatever_its_descriptors_are() {
    for tty in ["inherit", "none"] {
        for init in [true, false] {
            let sandbox = sandbox(tty).with("process", &format!("init = {init}"));
            let told = sandbox.dir().join("told");
            let command = sandbox.command("run", &["/probe", "await", "1"]);
            let mut program = Foreground::start(&command, Some(&told));
            eventually("it runs", || std::fs::read_to_string(&told).is_ok_and(|text| text == "running\n"));
            program.types_after(Duration::ZERO, "\x03");
            assert_eq!(program.ends().code(), Some(0), "tty = {tty:?}, init = {init}");
        }
    }
}

fn of_a_launch(sandbox: &Sandbox) -> Duration {
    let start = Instant::now();
    (0..5).for_each(|_| drop(sandbox.probe("say").succeeds()));
    start.elapsed() / 5
}

fn of_control_c(ended: ExitStatus) -> bool {
    ended.code() == Some(130) || ended.signal() == Some(libc::SIGINT)
}

#[test]
fn control_z_stops_the_job_and_fg_continues_it() {
    for tty in TERMINALS {
        let sandbox = sandbox(tty);
        let mut terminal = Terminal::sit_down();
        let line = typed(&sandbox, "hang");
        terminal.types(&format!("{line}\n")).shows("running").types("\x1a").shows("Stopped").shows("$ ");
        terminal.types("echo prompt=$((40+2))\n").shows("prompt=42").shows("$ ");
        terminal.types("fg\n").listens(Duration::from_millis(200));
        terminal.types("\x03").shows("$ ").types("echo code=$?\n").shows("code=130");
    }
}

/// In a session of its own a terminal's stop is none: what is passed on has to be another signal.
#[test]
fn control_z_stops_it_whatever_its_descriptors_are() {
    for (tty, init) in [("inherit", true), ("none", true), ("inherit", false)] {
        let sandbox = sandbox(tty).with("process", &format!("init = {init}"));
        let mut terminal = Terminal::sit_down();
        let line = typed(&sandbox, &format!("say {} + hang", sandbox.name));
        let told = sandbox.dir().join("told");
        terminal.types(&format!("{line} </dev/null >{} 2>&1\n", told.display()));
        eventually("it runs", || std::fs::read_to_string(&told).is_ok_and(|text| text.ends_with("running\n")));
        let program = |line: &String| line.starts_with("/probe\0") && line.contains(&sandbox.name);
        let pid = processes().into_iter().find(|(_, line)| program(line)).expect("the program").0;
        terminal.types("\x1a").shows("Stopped");
        let state = || std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        eventually("it has stopped", || state().contains("State:\tT"));
        terminal.types("fg\n");
        eventually("it goes on", || state().contains("State:\tS"));
        if init {
            terminal.types("\x03").shows("$ ").types("echo code=$?\n").shows("code=130");
        } else {
            // A pid 1 ignores ^C, and its terminal's end.
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL).expect("ending it");
            terminal.shows("$ ");
        }
    }
}

/// Whoever stops `sandbox` alone while it launches, and continues it, has it go on: a SIGCONT reaches who has stopped.
#[test]
fn stopped_and_continued_while_it_launches_it_goes_on() {
    for (tty, init) in [("inherit", true), ("none", true), ("inherit", false)] {
        let sandbox = sandbox(tty).with("process", &format!("init = {init}"));
        let launch = of_a_launch(&sandbox);
        for round in 0..20 {
            let mut command = sandbox.command("run", &["/probe", "say", "done"]);
            // A group that nobody waits for is not stopped by a SIGTSTP.
            command.process_group(0);
            let running = Running::start(command, "stopped and continued".to_owned());
            std::thread::sleep(launch * round / 20);
            running.signal(nix::sys::signal::Signal::SIGTSTP);
            std::thread::sleep(Duration::from_millis(30));
            running.signal(nix::sys::signal::Signal::SIGCONT);
            let seen = running.ends().exits(0);
            assert!(seen.stdout.contains("done"), "{seen}");
        }
    }
}

#[test]
fn stop_and_continue_again_and_again() {
    let sandbox = sandbox("inherit");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "hang");
    terminal.types(&format!("{line}\n")).shows("running");
    for _ in 0..5 {
        terminal.types("\x1a").shows("Stopped").shows("$ ").types("fg\n").listens(Duration::from_millis(100));
    }
    terminal.types("\x03").shows("$ ").types("echo code=$?\n").shows("code=130");
}

#[test]
fn in_the_background_it_waits_for_the_terminal_and_fg_brings_it_back() {
    let sandbox = sandbox("inherit");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "say waiting + cat + say over");
    let moment = Duration::from_millis(300) * slowness();
    // Reading from the background stops a job (SIGTTIN).
    terminal.types(&format!("{line} &\n")).shows("waiting").listens(moment);
    terminal.types("jobs\n").shows("Stopped").shows("$ ");
    terminal.types("fg\n").listens(moment);
    terminal.types("typed text\n").shows("typed text").types("\x04").shows("over").shows("$ ");
}

#[test]
fn it_is_in_the_foreground_of_the_callers_terminal() {
    let sandbox = sandbox("inherit");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "process + ioctl tiocgwinsz");
    terminal.types(&format!("{line}\n")).shows("terminal 1 1 1").shows("controlling yes").shows("ioctl tiocgwinsz: ok");
}

#[test]
fn a_terminal_left_raw_is_put_back() {
    for ending in ["raw + exit 0", "raw + die 9", "raw + die 11"] {
        let sandbox = sandbox("inherit");
        let mut terminal = Terminal::sit_down();
        let line = typed(&sandbox, ending);
        // A shell that edits lines would put it back itself; `;` leaves it no time to.
        terminal.types(&format!("{line}; stty -a; echo over=$((1+1))\n")).shows("over=2");
        assert!(terminal.echoes(), "{ending}");
    }
}

/// Open to everybody, raw, exclusive, non-blocking and stopped: on whichever descriptor it was reached.
#[test]
fn a_terminal_on_any_descriptor_is_put_back() {
    let at = |program: &Command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$@\" </dev/null", "sh"]).arg(program.get_program()).args(program.get_args());
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut terminal = Foreground::start(&shell, None);
        let ended = terminal.ends();
        (ended, terminal)
    };
    for (ending, code) in [("exit 0", 0), ("die 9", 137)] {
        for init in [true, false] {
            if !init && code > 0 {
                continue;
            }
            let sandbox = sandbox("inherit").with("process", &format!("init = {init}"));
            let words = format!("/probe spoil 2 + {ending}");
            let (ended, terminal) = at(&sandbox.command("run", &words.split(' ').collect::<Vec<_>>()));
            assert_eq!(ended.code(), Some(code));
            assert!(terminal.is_sane(), "{ending}, init = {init}");
        }
    }
    // The control: without a sandbox it stays so.
    let mut probe = Command::new(crate::harness::probe());
    let (ended, terminal) = at(probe.args(["spoil", "2"]));
    assert!(ended.success() && !terminal.is_sane());
}

/// All but its settings, which a shell may have changed.
#[test]
fn a_terminal_is_put_back_after_a_job_in_the_background() {
    let spoiled = |program: &Command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "set -m; \"$@\" & wait; stty sane", "sh"]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut terminal = Foreground::start(&shell, None);
        terminal.ends();
        terminal
    };
    let sandbox = sandbox("inherit");
    let terminal = spoiled(&sandbox.command("run", &["/probe", "deaf", "+", "spoil", "2"]));
    assert!(terminal.is_sane());
    // The control: without a sandbox it stays so.
    let mut probe = Command::new(crate::harness::probe());
    let terminal = spoiled(probe.args(["deaf", "+", "spoil", "2"]));
    assert!(!terminal.is_sane());
}

#[test]
fn a_job_that_ends_in_the_background_leaves_the_terminal_to_the_shell() {
    let sandbox = sandbox("inherit");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "await 2 + say over");
    terminal.types(&format!("{line}\n")).shows("running").types("\x1a").shows("Stopped").shows("$ ");
    terminal.types("bg\n").shows("signal CONT").types("kill %1\n").shows("over");
    terminal.types("wait; echo prompt=$((40+2))\n").shows("prompt=42");
}

#[test]
fn without_a_terminal_of_its_own_it_has_none() {
    let sandbox = sandbox("none");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "process");
    // Its own session: nothing to open at /dev/tty, and no ^C from there.
    terminal.types(&format!("{line}\n")).shows("controlling ENXIO");
}

#[test]
fn a_terminal_that_hangs_up_ends_it() {
    let sandbox = sandbox("inherit");
    let mut terminal = Terminal::sit_down();
    let line = typed(&sandbox, "hang");
    terminal.types(&format!("{line}\n")).shows("running");
    let name = sandbox.name.clone();
    drop(terminal);
    eventually("the launch has ended with its terminal", || {
        !every_command_line().iter().any(|line| line.contains(&name))
    });
}

fn every_command_line() -> Vec<String> {
    processes().into_iter().map(|(_, line)| line).collect()
}

/// Each with its command line, whose words end with NUL.
fn processes() -> Vec<(i32, String)> {
    let entries = std::fs::read_dir("/proc").expect("reading /proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let line = |pid: i32| Some((pid, std::fs::read(format!("/proc/{pid}/cmdline")).ok()?));
    pids.filter_map(line).map(|(pid, line)| (pid, String::from_utf8_lossy(&line).into_owned())).collect()
}
