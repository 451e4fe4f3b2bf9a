//! The caller's terminals, put back as they were: the program may leave one raw, for itself alone, stopped, or itself
//! in the foreground.
//!
//! The size of the window is not put back: who sits there may have changed it, and nothing tells the two apart.
//! Nor are the settings after a job that began in the background.

use nix::sys::stat::fstat;
use nix::sys::termios::{FlowArg, SetArg, Termios, tcflow, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use super::inherited::with;
use crate::sys::{signal, terminal};

/// Those among descriptors 0 to 2, each once.
pub struct Terminals(Vec<Terminal>);

struct Terminal {
    number: usize,
    /// Which it is.
    node: (u64, u64),
    settings: Termios,
    /// `None` where it is not the caller's controlling terminal.
    foreground: Option<Pid>,
    /// Somebody else was in the foreground.
    background: bool,
    exclusive: bool,
}

impl Terminals {
    pub fn remember() -> Terminals {
        let mut all: Vec<Terminal> = Vec::new();
        for number in 0..3 {
            let Some((node, settings)) = examine(number) else { continue };
            if all.iter().any(|known| known.node == node) {
                continue;
            }
            let foreground = with(number, |terminal| tcgetpgrp(terminal)).ok();
            let exclusive = with(number, terminal::is_exclusive).unwrap_or(false);
            let background = foreground.is_some_and(|group| group != getpgrp());
            all.push(Terminal { number, node, settings, foreground, background, exclusive });
        }
        Terminals(all)
    }

    pub fn restore(&self) {
        self.0.iter().for_each(Terminal::restore);
    }
}

impl Terminal {
    /// SIGTTOU is blocked, so this works from the background too.
    fn restore(&self) {
        with(self.number, |terminal| {
            if terminal::is_exclusive(terminal).is_ok_and(|now| now != self.exclusive) {
                let _ = terminal::set_exclusive(terminal, self.exclusive);
            }
            if let Some(foreground) = self.foreground {
                // Continued in the background meanwhile: the terminal is the shell's, or another job's. Of a job that began
                // there, our own group is in the foreground because the shell said so, who takes it back, or the program.
                let others = |group: Pid| group != foreground && !(self.background && group == getpgrp());
                if tcgetpgrp(terminal).is_ok_and(|group| others(group) && signal::group_exists(group.as_raw())) {
                    return;
                }
                let _ = tcsetpgrp(terminal, foreground);
            }
            // Output that tcflow(3) has stopped no key starts again.
            let _ = tcflow(terminal, FlowArg::TCOON);
            // A shell that edits lines has changed them too since a job began in the background, and nothing tells the two
            // apart.
            if !self.background {
                let _ = tcsetattr(terminal, SetArg::TCSANOW, &self.settings);
            }
        });
    }
}

fn examine(number: usize) -> Option<((u64, u64), Termios)> {
    with(number, |file| {
        let settings = tcgetattr(file).ok()?;
        let node = fstat(file).ok()?;
        Some(((node.st_dev, node.st_ino), settings))
    })
}
