//! The caller's terminal, put back as it was: the program may leave it raw, or itself in the foreground.

use std::io::{IsTerminal, stdin};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

pub struct Terminal {
    before: Option<(Termios, Pid)>,
}

impl Terminal {
    /// Only of a terminal whose foreground is ours: a background job has nothing to put back.
    pub fn remember() -> Terminal {
        let before = || {
            if !stdin().is_terminal() {
                return None;
            }
            let foreground = tcgetpgrp(stdin()).ok().filter(|group| *group == getpgrp())?;
            Some((tcgetattr(stdin()).ok()?, foreground))
        };
        Terminal { before: before() }
    }

    /// SIGTTOU is blocked, so this works from the background too.
    pub fn restore(&self) {
        if let Some((settings, foreground)) = &self.before {
            let _ = tcsetpgrp(stdin(), *foreground);
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, settings);
        }
    }
}
