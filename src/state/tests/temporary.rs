//! A state root for one test, and other processes that work on it.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{ACT, AT};
use crate::host::Facts;
use crate::state::{Record, Root};

/// A state root of its own for one test, gone with the value.
pub struct Temporary(pub PathBuf);

impl Temporary {
    pub fn new(name: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("sandbox-state-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Temporary(path)
    }

    pub fn root(&self) -> Root {
        Root::create(&self.0).unwrap()
    }

    pub fn record(&self) -> Record {
        Record::create(self.root(), "web", "name = \"web\"\n", &Facts::default()).unwrap()
    }

    /// A dead record with these lines after the usual two.
    pub fn dead(&self, lines: &str) -> String {
        let record = self.record();
        let id = record.id().to_owned();
        drop(record);
        let path = self.0.join(&id);
        let text = fs::read_to_string(&path).unwrap() + lines;
        fs::write(&path, text).unwrap();
        id
    }

    pub fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).unwrap().next().is_none()
    }

    /// Another process that acts, and has said so.
    pub fn other(&self, act: &str) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["state::tests::other_process", "--exact", "--nocapture"])
            .env(ACT, act)
            .env(AT, &self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.find_map(|line| line.unwrap().split_once("said ").map(|(_, said)| said.to_owned())).unwrap();
        Other { child, said, output: lines }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct Other {
    pub child: Child,
    pub said: String,
    /// Open for as long as it may still write.
    output: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// What it said, once it has ended by itself.
    pub fn end(mut self) -> String {
        self.output.by_ref().for_each(drop);
        assert!(self.child.wait().unwrap().success());
        self.said
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
