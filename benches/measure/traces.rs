//! What a launch could leave: its record, and directories of cgroups.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::caller::Caller;
use super::{check, programs};

/// Of this caller's sandboxes, and of root's.
pub fn records(caller: &Caller) -> BTreeSet<PathBuf> {
    let states = [caller.runtime().join("sandbox"), PathBuf::from("/run/sandbox")];
    states.iter().flat_map(|state| entries(state)).collect()
}

/// Of every hierarchy that is mounted there.
pub fn cgroups() -> BTreeSet<PathBuf> {
    let (mut found, mut left) = (BTreeSet::new(), vec![PathBuf::from("/sys/fs/cgroup")]);
    while let Some(directory) = left.pop() {
        let is_directory = |path: &PathBuf| path.symlink_metadata().is_ok_and(|about| about.is_dir());
        let below: Vec<_> = entries(&directory).filter(is_directory).collect();
        found.extend(below.iter().cloned());
        left.extend(below);
    }
    found
}

/// Whether it belongs to a sandbox of one of these names.
pub fn is_of(path: &Path, names: &[&str]) -> bool {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let id = file.trim_start_matches("sandbox-");
    names.iter().any(|name| id.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
}

/// A count of what is left proves nothing unless it sees what is there.
pub fn assert_seen(caller: &Caller) {
    let before = records(caller);
    let mut child = programs::sandbox(caller, "pause").stdout(Stdio::piped()).spawn().expect("starting");
    child.stdout.as_mut().expect("piped above").read_exact(&mut [0]).expect("its program runs");
    let mut seen = records(caller);
    seen.retain(|path| is_of(path, &["pause"]) && !before.contains(path));
    assert_eq!(seen.len(), 1, "the record of one sandbox is seen");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).expect("ending its supervisor");
    child.wait().expect("waiting");
    let mut gc = caller.command(&caller.program("sandbox"));
    check(gc.arg("gc").stdout(Stdio::null()).status().expect("starting"), "gc");
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}
