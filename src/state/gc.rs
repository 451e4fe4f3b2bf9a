//! Collecting what dead sandboxes left behind. Whoever collects a sandbox holds its lock meanwhile, so two collectors at
//! once do not meet, and one that is itself killed leaves the rest to the next.

use std::fs::File;
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, fstat};

use super::list::{self, Entry, Life};
use super::record::{self, Contents};
use super::{Refused, Root, discard, lock, remove_all, trace, tree};
use crate::sys::errno;

/// What became of the sandboxes that were not alive, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub removed: Vec<String>,
    /// Something resisted, for this reason; the next collection tries again.
    pub failed: Vec<(String, String)>,
    /// Left alone, for this reason: `rm` removes them.
    pub broken: Vec<(String, String)>,
}

pub enum Outcome {
    Removed,
    /// Its supervisor lives, another collector is at work on it, or it has gone.
    Left,
    Broken(String),
}

/// Removes every dead sandbox with all its traces.
pub fn gc(root: &Root) -> Result<Report> {
    let mut report = Report::default();
    for id in list::ids(root)? {
        match collect(root, &id, false) {
            Ok(Outcome::Removed) => report.removed.push(id),
            Ok(Outcome::Left) => {}
            Ok(Outcome::Broken(reason)) => report.broken.push((id, reason)),
            Err(error) => report.failed.push((id, errno::chain(&error))),
        }
    }
    Ok(report)
}

/// Removes the dead or broken sandbox with this id, or all that have this name, and says which those were.
pub fn rm(root: &Root, id_or_name: &str) -> Result<Vec<String>> {
    let named = |entry: &Entry| entry.header.as_ref().is_some_and(|header| header.name == id_or_name);
    let mut entries = list::list(root)?;
    entries.retain(|entry| entry.id == id_or_name || named(entry));
    if entries.is_empty() {
        bail!("no sandbox \"{}\"", id_or_name.escape_debug());
    }
    if let Some(alive) = entries.iter().find(|entry| entry.life == Life::Alive) {
        let supervisor = alive.header.as_ref().map_or_else(String::new, |header| format!(" {}", header.supervisor));
        let hint = format!("`kill{supervisor}` has it end, and then it removes itself");
        return Err(Refused { message: format!("{} is running", alive.id), hint }.into());
    }
    let mut removed = Vec::new();
    for Entry { id, .. } in entries {
        match collect(root, &id, true).with_context(|| format!("removing {id}"))? {
            Outcome::Removed => removed.push(id),
            // Its record may be broken, and its supervisor alive.
            Outcome::Left if list::look(root, id.clone()).is_some_and(|left| left.life != Life::Dead) => {
                bail!("{id} is running")
            }
            Outcome::Left => {}
            Outcome::Broken(reason) => bail!("removing {id}: {reason}"),
        }
    }
    Ok(removed)
}

/// `broken_too`: removes what a damaged record still says, and the record.
pub fn collect(root: &Root, id: &str, broken_too: bool) -> Result<Outcome> {
    if lock::held_here(id).is_some() {
        return Ok(Outcome::Left);
    }
    let file = match open(root, id, broken_too) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(Outcome::Left),
        // What is no record of ours has no lock, and nothing that it says is believed.
        Err(error) if broken_too && error.downcast_ref::<Errno>().is_none() => {
            tree::remove(root.as_fd(), id.as_ref())?;
            return Ok(Outcome::Removed);
        }
        Err(error) => return Ok(Outcome::Broken(errno::chain(&error))),
    };
    if !lock::take(&file).context("locking its record")? {
        return Ok(Outcome::Left);
    }
    if fstat(&file).context("examining its record")?.st_nlink == 0 {
        // Another collector had it first.
        return Ok(Outcome::Left);
    }
    let contents = match list::bytes(&file) {
        Ok(bytes) => record::read(&bytes, id),
        Err(error) => Contents { broken: Some(errno::chain(&error)), ..Contents::default() },
    };
    let Contents { traces, broken, started, .. } = contents;
    if let Some(reason) = broken.filter(|_| !broken_too) {
        return Ok(Outcome::Broken(reason));
    }
    // It dies with its supervisor, unless a program without an init asked the kernel not to: then it may still write where
    // the next sandbox of this name will.
    if let Some(started) = started {
        trace::kill(id, &traces);
        started.end().context("ending its first process")?;
    }
    remove_all(id, &traces)?;
    discard(root, id)?;
    Ok(Outcome::Removed)
}

fn open(root: &Root, id: &str, broken_too: bool) -> Result<Option<File>> {
    let opened = list::open(root, id, OFlag::O_RDWR);
    match &opened {
        // Its owner has taken that right from himself. It may have a lock, which must be asked for.
        Err(error) if broken_too && error.downcast_ref() == Some(&Errno::EACCES) => {
            fchmodat(root, id, Mode::S_IRUSR | Mode::S_IWUSR, FchmodatFlags::NoFollowSymlink)?;
            list::open(root, id, OFlag::O_RDWR)
        }
        _ => opened,
    }
}
