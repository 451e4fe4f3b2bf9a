//! What is done to a sandbox's directories as a whole: freeze, thaw, kill. They may be of either version, and gone;
//! removing them is the record's business.
//!
//! Every function takes all directories of one sandbox, and does what it can with those that can.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::place::LAUNCHER;
use crate::isolation::Trace;

/// The kernel needs a moment for tasks that are already ending; nothing here waits longer.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(1);

/// Stops every process until `thaw`. Fails when none of the directories can be frozen.
pub fn freeze(directories: &[PathBuf]) -> io::Result<()> {
    let freezer = freezer(directories)?;
    let ends = Instant::now() + PATIENCE;
    freezer.set(true)?;
    while !freezer.is_frozen()? {
        if Instant::now() >= ends {
            return Err(io::Error::new(ErrorKind::TimedOut, "a process did not freeze in time"));
        }
        sleep(PAUSE);
        // On cgroup v1 a task that was forked meanwhile is caught only by asking again.
        if matches!(freezer, Freezer::V1(_)) {
            freezer.set(true)?;
        }
    }
    Ok(())
}

pub fn thaw(directories: &[PathBuf]) -> io::Result<()> {
    freezer(directories)?.set(false)
}

/// Kills every process, frozen ones too, and returns when none is left.
pub fn kill_all(directories: &[PathBuf]) -> io::Result<()> {
    // The launcher's own leaf holds nothing of the sandbox.
    let directories: &[PathBuf] = &directories.iter().filter(|path| !is_leaf(path)).cloned().collect::<Vec<_>>();
    let ends = Instant::now() + PATIENCE;
    let mut once = directories.iter().map(|directory| write(&directory.join("cgroup.kill"), "1"));
    if !once.any(|written| written.is_ok()) {
        // Frozen, none can fork while we count them; thawed, they meet the signal.
        let frozen = freeze(directories).is_ok();
        let signalled = signal_each(directories);
        if frozen {
            thaw(directories)?;
        }
        signalled?;
    }
    while processes(directories)?.next().is_some() {
        if Instant::now() >= ends {
            return Err(io::Error::new(ErrorKind::TimedOut, "a process did not die in time"));
        }
        sleep(PAUSE);
        signal_each(directories)?;
    }
    Ok(())
}

/// Takes the launcher out of its own leaf, so that it can be removed with the rest.
pub fn leave(traces: &[Trace]) {
    for trace in traces {
        if let Trace::Cgroup { path } = trace
            && is_leaf(path)
        {
            give_back(path);
        }
    }
}

fn is_leaf(directory: &Path) -> bool {
    directory.to_string_lossy().ends_with(LAUNCHER)
}

fn children(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(children),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            children.push(entry.path());
        }
    }
    Ok(children)
}

/// A place that the launcher left for a leaf takes processes again once its children have no controllers; if we are
/// the launcher, we go back.
fn give_back(leaf: &Path) {
    let Some(place) = leaf.parent() else { return };
    let others = children(place).unwrap_or_default();
    // Whatever else is there may be limited by these controllers.
    if others.iter().any(|other| other != leaf) {
        return;
    }
    let given = fs::read_to_string(place.join("cgroup.subtree_control")).unwrap_or_default();
    let words: Vec<String> = given.split_ascii_whitespace().map(|name| format!("-{name}")).collect();
    let _ = write(&place.join("cgroup.subtree_control"), &words.join(" "));
    if is_own(leaf) {
        let _ = write(&place.join("cgroup.procs"), "0");
    }
}

/// We ourselves are in it.
fn is_own(directory: &Path) -> bool {
    let own = std::process::id().to_string();
    fs::read_to_string(directory.join("cgroup.procs")).is_ok_and(|text| text.lines().any(|line| line == own))
}

enum Freezer<'a> {
    V2(&'a Path),
    V1(&'a Path),
}

fn freezer(directories: &[PathBuf]) -> io::Result<Freezer<'_>> {
    let has = |file: &'static str| directories.iter().find(|directory| directory.join(file).exists());
    let found = has("cgroup.freeze").map(|directory| Freezer::V2(directory));
    found
        .or_else(|| has("freezer.state").map(|directory| Freezer::V1(directory)))
        .ok_or_else(|| io::Error::new(ErrorKind::Unsupported, "the sandbox has no cgroup that can be frozen"))
}

impl Freezer<'_> {
    fn set(&self, frozen: bool) -> io::Result<()> {
        match self {
            Freezer::V2(directory) => write(&directory.join("cgroup.freeze"), if frozen { "1" } else { "0" }),
            Freezer::V1(directory) => write(&directory.join("freezer.state"), if frozen { "FROZEN" } else { "THAWED" }),
        }
    }

    fn is_frozen(&self) -> io::Result<bool> {
        Ok(match self {
            Freezer::V2(directory) => {
                fs::read_to_string(directory.join("cgroup.events"))?.lines().any(|line| line == "frozen 1")
            }
            Freezer::V1(directory) => fs::read_to_string(directory.join("freezer.state"))?.trim_end() == "FROZEN",
        })
    }
}

fn signal_each(directories: &[PathBuf]) -> io::Result<()> {
    for pid in processes(directories)? {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    Ok(())
}

/// All directories hold the same processes; the program may have made others below.
fn processes(directories: &[PathBuf]) -> io::Result<impl Iterator<Item = i32> + use<>> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = directories.to_vec();
    while let Some(directory) = left.pop() {
        left.extend(children(&directory)?);
        if let Ok(text) = fs::read_to_string(directory.join("cgroup.procs")) {
            found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        }
    }
    found.sort_unstable();
    found.dedup();
    let own = std::process::id() as i32;
    Ok(found.into_iter().filter(move |pid| *pid != own))
}

fn write(path: &Path, value: &str) -> io::Result<()> {
    // Never created: in a file system of another kind that would look like success.
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    io::Write::write_all(&mut file, value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// Directories of a sandbox in hierarchies of this machine; none where the caller may not make any.
    fn directories(name: &str, hierarchies: &[&str]) -> Option<Vec<PathBuf>> {
        let id = std::process::id();
        let made = hierarchies.iter().map(|hierarchy| {
            let directory = Path::new("/sys/fs/cgroup").join(hierarchy).join(format!("sandbox-{name}-{id}"));
            fs::create_dir(&directory)?;
            // On a hybrid machine the directory of all hierarchies is a mere tmpfs.
            check(&directory).inspect_err(|_| fs::remove_dir(&directory).unwrap()).map(|()| directory)
        });
        let made: Vec<_> = made.collect();
        if made.iter().all(Result::is_ok) {
            return made.into_iter().collect::<Result<_, _>>().ok();
        }
        made.into_iter().flatten().for_each(|directory| fs::remove_dir(directory).unwrap());
        eprintln!("not tested: {hierarchies:?} are not there or not ours");
        None
    }

    fn sleeper(directories: &[PathBuf]) -> Child {
        let child = Command::new("sleep").arg("100").spawn().unwrap();
        for directory in directories {
            write(&directory.join("cgroup.procs"), &child.id().to_string()).unwrap();
        }
        child
    }

    fn frozen_killed_and_removed(name: &str, hierarchies: &[&str]) {
        let Some(directories) = directories(name, hierarchies) else { return };
        let mut child = sleeper(&directories);
        freeze(&directories).unwrap();
        assert!(freezer(&directories).unwrap().is_frozen().unwrap());
        thaw(&directories).unwrap();
        freeze(&directories).unwrap();
        // The zombie is still counted, so it has to be waited for meanwhile, as a supervisor does.
        let waiter = std::thread::spawn(move || child.wait().unwrap());
        kill_all(&directories).unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&waiter.join().unwrap()), Some(libc::SIGKILL));
        remove(&directories).unwrap();
        assert!(directories.iter().all(|directory| !directory.exists()));
        remove(&directories).unwrap();
        kill_all(&directories).unwrap();
    }

    #[test]
    fn on_cgroup_v2() {
        frozen_killed_and_removed("v2", &["unified"]);
        frozen_killed_and_removed("v2", &[""]);
    }

    #[test]
    fn on_cgroup_v1() {
        frozen_killed_and_removed("v1", &["pids", "freezer"]);
        frozen_killed_and_removed("both", &["pids", "unified"]);
    }

    #[test]
    fn what_still_runs_is_killed_and_what_lies_below_goes_too() {
        let Some(directories) = directories("full", &["unified", "pids"]) else { return };
        let below = directories[0].join("a/b");
        fs::create_dir_all(&below).unwrap();
        let mut child = sleeper(&[below, directories[1].clone()]);
        let waiter = std::thread::spawn(move || child.wait().unwrap());
        remove(&directories).unwrap();
        waiter.join().unwrap();
        assert!(directories.iter().all(|directory| !directory.exists()));
    }

    #[test]
    fn nothing_is_touched_that_is_not_a_sandboxs() {
        for path in ["/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/tmp", "/nowhere", "/", ""] {
            assert!(remove(&[path.into()]).is_err(), "{path}");
        }
        let decoy = std::env::temp_dir().join(format!("sandbox-decoy-{}", std::process::id()));
        fs::create_dir(&decoy).unwrap();
        assert!(remove(std::slice::from_ref(&decoy)).is_err());
        fs::remove_dir(decoy).unwrap();
        assert!(freeze(&[]).is_err());
    }
}
