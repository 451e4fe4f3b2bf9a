//! The caller's terminals, put back as they were: the program may leave one raw, for itself alone, open to everybody,
//! stopped, or itself in the foreground.
//!
//! The size of the window is not put back: who sits there may have changed it, and nothing tells the two apart.

use std::io::{stderr, stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::sys::termios::{FlowArg, SetArg, Termios, tcflow, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::sys::{signal, terminal};

/// Those among descriptors 0 to 2, each once.
pub struct Terminals(Vec<Terminal>);

struct Terminal {
    number: usize,
    /// Which it is.
    node: (u64, u64),
    /// Who may open it.
    mode: Mode,
    settings: Termios,
    /// `None` where it is not the caller's controlling terminal.
    foreground: Option<Pid>,
    exclusive: bool,
    /// Of each open file that leads to it, by descriptor: whoever has it from elsewhere shares them.
    flags: Vec<(usize, OFlag)>,
}

impl Terminals {
    /// Without those whose foreground is another's: a background job has nothing to put back.
    pub fn remember() -> Terminals {
        let mut all: Vec<Terminal> = Vec::new();
        for number in 0..3 {
            let Some((node, mode, settings)) = examine(number) else { continue };
            let flags = flags(number).map(|flags| (number, flags));
            if let Some(known) = all.iter_mut().find(|known| known.node == node) {
                known.flags.extend(flags);
                continue;
            }
            let foreground = with(number, |terminal| tcgetpgrp(terminal)).ok();
            let exclusive = with(number, terminal::is_exclusive).unwrap_or(false);
            let flags = flags.into_iter().collect();
            all.push(Terminal { number, node, mode, settings, foreground, exclusive, flags });
        }
        all.retain(|terminal| terminal.foreground.is_none_or(|group| group == getpgrp()));
        Terminals(all)
    }

    pub fn restore(&self) {
        self.0.iter().for_each(Terminal::restore);
    }
}

impl Terminal {
    /// SIGTTOU is blocked, so this works from the background too.
    fn restore(&self) {
        for (number, before) in &self.flags {
            if flags(*number).is_some_and(|now| now != *before) {
                let _ = with(*number, |terminal| fcntl(terminal, FcntlArg::F_SETFL(*before)));
            }
        }
        with(self.number, |terminal| {
            if fstat(terminal).is_ok_and(|now| mode(&now) != self.mode) {
                let _ = fchmod(terminal, self.mode);
            }
            if terminal::is_exclusive(terminal).is_ok_and(|now| now != self.exclusive) {
                let _ = terminal::set_exclusive(terminal, self.exclusive);
            }
            if let Some(foreground) = self.foreground {
                // Continued in the background meanwhile: the terminal is the shell's, or another job's.
                if tcgetpgrp(terminal).is_ok_and(|group| group != foreground && signal::group_exists(group.as_raw())) {
                    return;
                }
                let _ = tcsetpgrp(terminal, foreground);
            }
            // Output that tcflow(3) has stopped no key starts again.
            let _ = tcflow(terminal, FlowArg::TCOON);
            let _ = tcsetattr(terminal, SetArg::TCSANOW, &self.settings);
        });
    }
}

fn examine(number: usize) -> Option<((u64, u64), Mode, Termios)> {
    with(number, |file| {
        let settings = tcgetattr(file).ok()?;
        let node = fstat(file).ok()?;
        Some(((node.st_dev, node.st_ino), mode(&node), settings))
    })
}

fn mode(node: &FileStat) -> Mode {
    Mode::from_bits_truncate(node.st_mode)
}

fn flags(number: usize) -> Option<OFlag> {
    with(number, |file| fcntl(file, FcntlArg::F_GETFL)).ok().map(OFlag::from_bits_retain)
}

fn with<T>(number: usize, act: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
    match number {
        0 => act(stdin().as_fd()),
        1 => act(stdout().as_fd()),
        _ => act(stderr().as_fd()),
    }
}
