//! A person at a terminal: ^C, ^Z, fg, and a terminal that is as it was when the program has gone.

use std::time::Duration;

use crate::harness::{Sandbox, Terminal, slowness};

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

#[test]
fn control_c_arrives_once() {
    for tty in TERMINALS {
        let sandbox = sandbox(tty);
        let mut terminal = Terminal::sit_down();
        let line = typed(&sandbox, "await 2 + say done");
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
    crate::harness::eventually("the launch has ended with its terminal", || {
        !every_command_line().iter().any(|line| line.contains(&name))
    });
}

fn every_command_line() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("reading /proc").flatten();
    let line = |path: std::path::PathBuf| std::fs::read(path.join("cmdline")).ok();
    entries.filter_map(|entry| line(entry.path())).map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}
