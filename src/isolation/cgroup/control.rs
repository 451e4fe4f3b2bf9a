//! What is done to a sandbox's directories as a whole: freeze and thaw. They may be of either version, and gone;
//! removing them is the record's business.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::place::LAUNCHER;
use super::value;

/// The kernel needs a moment for tasks that are already ending; nothing here waits longer.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(1);

/// Stops every process until `thaw`. Fails when none of the directories can be frozen.
pub fn freeze(directories: &[PathBuf]) -> io::Result<()> {
    let freezer = freezer(directories)?;
    let frozen = settle(&freezer);
    if frozen.is_err() {
        // Half of it would go on standing still, and nobody know.
        let _ = freezer.set(false);
    }
    frozen
}

fn settle(freezer: &Freezer<'_>) -> io::Result<()> {
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

/// What cannot be asked, or has no cgroup that could be frozen, is not.
pub fn is_frozen(directories: &[PathBuf]) -> bool {
    freezer(directories).and_then(|freezer| freezer.is_frozen()).unwrap_or(false)
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

/// A place that a launcher left for this leaf takes processes again once its children have no controllers; if we are the
/// launcher, we go back. Any other directory is left alone.
pub fn give_back(leaf: &Path) {
    let Some(place) = leaf.parent().filter(|_| leaf.to_string_lossy().ends_with(LAUNCHER)) else { return };
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

fn write(path: &Path, value: &str) -> io::Result<()> {
    // Never created: in a file system of another kind that would look like success.
    value::write(&fs::OpenOptions::new().write(true).open(path)?, value)
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
            if directory.join("cgroup.procs").exists() {
                return Ok(directory);
            }
            fs::remove_dir(&directory)?;
            Err(io::Error::from(ErrorKind::NotFound))
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

    fn frozen_and_thawed(name: &str, hierarchies: &[&str]) {
        let Some(directories) = directories(name, hierarchies) else { return };
        let mut child = sleeper(&directories);
        freeze(&directories).unwrap();
        assert!(freezer(&directories).unwrap().is_frozen().unwrap());
        thaw(&directories).unwrap();
        assert!(!freezer(&directories).unwrap().is_frozen().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        directories.iter().for_each(|directory| fs::remove_dir(directory).unwrap());
    }

    #[test]
    fn on_cgroup_v2() {
        frozen_and_thawed("v2", &["unified"]);
        frozen_and_thawed("v2", &[""]);
    }

    #[test]
    fn on_cgroup_v1() {
        frozen_and_thawed("v1", &["pids", "freezer"]);
        frozen_and_thawed("both", &["pids", "unified"]);
    }

    /// A directory whose processes never freeze is made of ordinary files.
    #[test]
    fn what_does_not_freeze_is_let_go_on() {
        let directory = std::env::temp_dir().join(format!("sandbox-freeze-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("cgroup.freeze"), "x").unwrap();
        fs::write(directory.join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        let failed = freeze(std::slice::from_ref(&directory)).unwrap_err();
        let left = fs::read_to_string(directory.join("cgroup.freeze")).unwrap();
        fs::remove_dir_all(directory).unwrap();
        assert_eq!((failed.kind(), left.as_str()), (ErrorKind::TimedOut, "0"));
    }

    #[test]
    fn what_has_no_cgroup_cannot_be_frozen() {
        assert!(freeze(&[]).is_err());
        assert!(freeze(&["/nowhere".into()]).is_err());
    }
}
