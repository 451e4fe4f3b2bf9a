//! Somebody who sits at a terminal: a shell with job control on a pty, typed at and read from.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

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
        let output = reading(&master);
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

/// A program that a terminal has in its foreground, without a shell: it can be typed at from its first moment.
pub struct Foreground {
    master: File,
    slave: File,
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Foreground {
    /// With `elsewhere` its three descriptors are that file, and the terminal still is its own.
    pub fn start(command: &Command, elsewhere: Option<&Path>) -> Foreground {
        turn::beside();
        let pty = openpty(None, None).expect("opening a pty");
        let slave = File::from(pty.slave);
        // A ^C drops what has not been read yet.
        let mut settings = tcgetattr(&slave).expect("asking the terminal");
        settings.local_flags |= LocalFlags::NOFLSH;
        tcsetattr(&slave, SetArg::TCSANOW, &settings).expect("setting the terminal");
        let end = || Stdio::from(slave.try_clone().expect("copying a descriptor"));
        let mut session = Command::new("setsid");
        session.arg("--ctty");
        if let Some(file) = elsewhere {
            session.args(["sh", "-c", "file=$1; shift; exec \"$@\" </dev/null >\"$file\" 2>&1", "sh"]).arg(file);
        }
        session.arg(command.get_program()).args(command.get_args()).env_clear().current_dir("/");
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.stdin(end()).stdout(end()).stderr(end());
        let mut child = session.spawn().expect("starting setsid");
        let master = File::from(pty.master);
        let output = reading(&master);
        // What is typed before a terminal has a foreground is for nobody.
        super::eventually("it is in the foreground", || {
            let ended = child.try_wait().expect("waiting").is_some();
            ended || nix::unistd::tcgetpgrp(&master).is_ok_and(|group| group.as_raw() == child.id() as i32)
        });
        Foreground { master, slave, child, output, seen: String::new() }
    }

    pub fn types_after(&mut self, time: Duration, keys: &str) -> &mut Foreground {
        let until = Instant::now() + time;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        self.master.write_all(keys.as_bytes()).expect("typing");
        self
    }

    /// Whether this appears before `time` is over or it has ended.
    pub fn shows(&mut self, wanted: &str, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while !self.seen.contains(wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left.min(Duration::from_millis(20))) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) if left.is_zero() || self.ended() => return false,
                Err(_) => {}
            }
        }
        true
    }

    /// Whether it is as a terminal is at first: lines, echo, its user may open it again and nobody else read it.
    pub fn is_sane(&self) -> bool {
        let settings = tcgetattr(&self.slave).expect("asking the terminal");
        let path = nix::unistd::ttyname(&self.slave).expect("naming the terminal");
        let flags = nix::fcntl::fcntl(&self.slave, nix::fcntl::FcntlArg::F_GETFL).expect("asking for its flags");
        settings.local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
            && nix::unistd::Uid::effective().is_root() | File::open(path).is_ok()
            && flags & libc::O_NONBLOCK == 0
            && self.slave.metadata().expect("looking at it").mode() & 0o006 == 0
    }

    fn ended(&mut self) -> bool {
        self.child.try_wait().expect("waiting").is_some()
    }

    pub fn ends(&mut self) -> ExitStatus {
        super::eventually("it has ended", || self.ended());
        self.child.wait().expect("waiting")
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What appears on a terminal.
fn reading(master: &File) -> Receiver<Vec<u8>> {
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
    output
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
