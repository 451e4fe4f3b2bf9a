#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::ExitCode;

use sandbox::cli::{Cli, Command, usage};
use sandbox::{explain, outcome, say, state, sys};

fn main() -> ExitCode {
    if sys::process::has_privilege_of_its_own() {
        explain::print_error(
            "it is installed setuid, setgid or with file capabilities, and refuses to run so",
            Some("it needs none: chmod u-s,g-s, setcap -r"),
        );
        return ExitCode::from(outcome::FAILED);
    }
    let closed = sys::descriptor::close_on_exec_from(3);
    let words: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(error) => return other_than_a_command(&error, words.get(1..).unwrap_or_default()),
    };
    // The doctor starts no program of anybody's, and is there to say just this.
    if let (Err(errno), false) = (closed, matches!(cli.command, Command::Doctor(_))) {
        explain::print_error(
            &format!("close_range: {}", sys::errno::words(errno)),
            Some("Linux 5.11 and newer can close on exec"),
        );
        return ExitCode::from(outcome::FAILED);
    }
    let (ended, failed) = match cli.command {
        Command::Run(command) => (command.run(), outcome::FAILED),
        Command::Plan(command) => (command.run(), 1),
        Command::Check(command) => (command.run(), 1),
        Command::Ps(command) => (command.run(), 1),
        Command::Stats(command) => (command.run(), 1),
        Command::Pause(command) => (command.pause(), 1),
        Command::Resume(command) => (command.resume(), 1),
        Command::Update(command) => (command.run(), 1),
        Command::Rm(command) => (command.run(), 1),
        Command::Gc(command) => (command.run(), 1),
        Command::Profiles(command) => (command.run(), 1),
        Command::New(command) => (command.run(), 1),
        Command::Doctor(command) => (command.run(), 1),
        Command::Schema(command) => (command.run(), 1),
    };
    match ended {
        Ok(code) => said_whole(code, failed),
        Err(error) => {
            explain::print_error(&sys::errno::chain(&error), state::refused(&error).as_deref());
            ExitCode::from(failed)
        }
    }
}

/// Help and version, and what cannot be understood.
fn other_than_a_command(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    // Of `run`, 1 and 2 would be mistaken for the program's own codes.
    let run = typed.first().is_some_and(|word| word == "run");
    if error.use_stderr() {
        say::message(format_args!("{}", usage::text(error, typed)));
        return ExitCode::from(if run { outcome::FAILED } else { 2 });
    }
    if let Err(error) = say::open().and_then(|()| error.print()) {
        say::miss(error);
    }
    said_whole(0, if run { outcome::FAILED } else { 1 })
}

/// `code`, unless somebody waits for the rest of a result.
fn said_whole(code: u8, failed: u8) -> ExitCode {
    let Some(error) = say::missed() else { return ExitCode::from(code) };
    let hint = match error.raw_os_error() {
        Some(libc::EBADF) => "it is closed: send it somewhere; /dev/null will do",
        _ => "make room, or send it elsewhere",
    };
    explain::print_error(&format!("writing to standard output: {}", sys::errno::of_io(error)), Some(hint));
    ExitCode::from(failed)
}
