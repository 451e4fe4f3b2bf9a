//! Somebody who sits at a terminal: a shell with job control on a pty, typed at and read from.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::{patience, turn};

pub struct Terminal {
    master: File,
    /// Held open, so that what is set on it can be looked at after everybody else has gone.
    slave: File,
    shell: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
    /// What has been looked at already.
    read: usize,
}

impl Terminal {
    /// An interactive shell that prompts with `$`.
    pub fn sit_down() -> Terminal {
        turn::beside();
        let pty = openpty(None, None).expect("opening a pty");
        let slave = File::from(pty.slave);
        let end = || Stdio::from(slave.try_clone().expect("copying a descriptor"));
        // In a session of its own, with the pty as its controlling terminal.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", "sh", "-i"]).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("PS1", "$ ").env("TERM", "dumb");
        command.env("HOME", super::sandbox::home());
        command.stdin(end()).stdout(end()).stderr(end());
        let shell = command.spawn().expect("starting a shell");
        let master = File::from(pty.master);
        let mut reader = master.try_clone().expect("copying a descriptor");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(length) = reader.read(&mut block) {
                if length == 0 || sender.send(block[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Terminal { master, slave, shell, output, seen: String::new(), read: 0 };
        terminal.shows("$ ");
        terminal
    }

    /// Types, as a person does: `\x03` is ^C, `\x1a` is ^Z.
    pub fn types(&mut self, keys: &str) -> &mut Terminal {
        self.master.write_all(keys.as_bytes()).expect("typing");
        self
    }

    /// Waits until this appears, beyond what has appeared before.
    #[track_caller]
    pub fn shows(&mut self, wanted: &str) -> &mut Terminal {
        let deadline = Instant::now() + patience();
        loop {
            if let Some(at) = self.seen[self.read..].find(wanted) {
                self.read += at + wanted.len();
                return self;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("the terminal never showed {wanted:?}; it showed\n{}", self.seen),
            }
        }
    }

    /// Everything that appears within a while.
    pub fn listens(&mut self, time: Duration) -> String {
        let deadline = Instant::now() + time;
        while let Ok(bytes) = self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let new = self.seen[self.read..].to_owned();
        self.read = self.seen.len();
        new
    }

    /// Everything that has appeared so far.
    pub fn all(&self) -> String {
        self.seen.clone()
    }

    /// Whether what is typed appears, as at a prompt.
    pub fn echoes(&self) -> bool {
        let settings = tcgetattr(&self.slave).expect("asking the terminal");
        settings.local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
