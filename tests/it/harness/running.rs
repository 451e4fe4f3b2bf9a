//! A launch that goes on: its output arrives line by line, and it is killed when the test forgets it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::{Seen, patience, turn};

pub struct Running {
    what: String,
    child: Child,
    lines: Receiver<String>,
    stdout: String,
    stderr: Option<JoinHandle<String>>,
    patience: Duration,
}

impl Running {
    pub fn start(mut command: Command, what: String) -> Running {
        use std::os::unix::process::CommandExt;
        turn::beside();
        // A group of its own, so that a launch that hangs can be ended whole.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
        let (sender, lines) = channel();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped above"));
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let mut stderr = child.stderr.take().expect("piped above");
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Running { what, child, lines, stdout: String::new(), stderr: Some(stderr), patience: patience() }
    }

    pub fn with_patience(mut self, patience: Duration) -> Running {
        self.patience = patience;
        self
    }

    /// The supervisor's.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("signalling the supervisor");
    }

    /// Writes to the program's standard input.
    pub fn send(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("not closed yet");
        stdin.write_all(text.as_bytes()).expect("writing to the program");
    }

    pub fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for a line of output.
    #[track_caller]
    pub fn line(&mut self, wanted: &str) -> &mut Running {
        self.until(wanted, |line| line.trim_end() == wanted)
    }

    /// Waits for a line that holds this, unless there was one.
    #[track_caller]
    pub fn line_with(&mut self, wanted: &str) -> &mut Running {
        if self.stdout.contains(wanted) {
            return self;
        }
        self.until(wanted, |line| line.contains(wanted))
    }

    #[track_caller]
    fn until(&mut self, wanted: &str, is: impl Fn(&str) -> bool) -> &mut Running {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.stdout.push_str(&line);
                    if is(&line) {
                        return self;
                    }
                }
                Err(_) => {
                    let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
                    let stderr = self.stderr.take().map(|thread| thread.join().unwrap_or_default()).unwrap_or_default();
                    panic!("{}: no line {wanted:?}; stdout:\n{}stderr:\n{stderr}", self.what, self.stdout);
                }
            }
        }
    }

    /// Waits for the end, with standard input closed.
    #[track_caller]
    pub fn ends(mut self) -> Seen {
        self.close_stdin();
        let what = self.what.clone();
        let status = self.wait();
        // Whoever still holds an end of these pipes has outlived the launch.
        let deadline = Instant::now() + self.patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.stdout.push_str(&line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("{what}: it ended, and something still holds its standard output"),
            }
        }
        let stderr = self.stderr.take().expect("taken only here").join().expect("reading stderr");
        Seen { what, status, stdout: std::mem::take(&mut self.stdout), stderr }
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("waiting") {
                return status;
            }
            if start.elapsed() > self.patience {
                let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
                let _ = self.child.wait();
                panic!("{}: it did not end within {:?}", self.what, self.patience);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
