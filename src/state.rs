//! Records of sandboxes: what each is, whether it lives, and what it made that outlives its processes.
//!
//! A sandbox has one file in the state directory, its record. Its supervisor holds the record's lock for life; a record
//! without a holder is dead, and what it left behind is removed by anyone who takes its lock first. There is no lock over
//! all of them, and nothing is synced to a disk: a record is worthless after a power cut, because what it names is gone
//! too.
//!
//! **Creation and collection may race** and need no agreement beforehand. The creator makes the file, then takes the lock,
//! then writes. Whoever collects removes a record only while it holds its lock. So a creator that has been overtaken finds
//! its lock taken or its file unlinked, and begins again under another id; once it has the lock of a file that is still
//! linked, nobody collects it.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::host::{Facts, Host};
use crate::isolation::Trace;

mod cgroup;
mod gc;
mod list;
mod lock;
mod record;
mod remedy;
mod root;
mod started;
mod trace;
mod tree;

pub use gc::{Report, gc, rm};
pub use list::{Change, Entry, Life, change, list, look, running};
pub use record::Header;
pub use remedy::{Refused, fault, of_errno, refused, remedy};
pub use root::{Root, locate};
pub use started::{Process, Started};
pub use trace::remove_all;

use record::{Event, Planned, VERSION};

/// The record of the sandbox that this process supervises. Dropping it leaves a dead record to be collected.
#[derive(Debug)]
pub struct Record {
    root: Root,
    file: File,
    header: Header,
    traces: Vec<Trace>,
}

/// The record of a sandbox about to be launched by this caller, with the profile as it was resolved.
pub fn begin(name: &str, profile: &str, host: &Host) -> Result<Record> {
    Record::create(Root::create(&locate(host))?, name, profile, &host.facts())
}

impl Record {
    /// Writes down the intent, before anything else is made.
    pub fn create(root: Root, name: &str, profile: &str, facts: &Facts) -> Result<Record> {
        if !is_name(name) {
            bail!("the name \"{}\" cannot be that of a file", name.escape_debug());
        }
        let created = clock_gettime(ClockId::CLOCK_BOOTTIME).context("reading the clock")?;
        let created = created.tv_sec() as u64 * 1_000_000_000 + created.tv_nsec() as u64;
        for _ in 0..100 {
            let id = format!("{name}-{:08x}", crate::sys::random::bits().context("drawing an id")?);
            let claimed = claim(&root, &id).with_context(|| format!("creating the record of {id}"))?;
            let Some((file, stat)) = claimed else { continue };
            let supervisor = std::process::id().cast_signed();
            let header = Header { version: VERSION, id, name: name.to_owned(), created, supervisor };
            lock::hold(&header, &stat);
            let mut record = Record { root, file, header, traces: Vec::new() };
            if let Err(error) = record.introduce(profile, facts) {
                // Nothing else was made; should even the record resist, gc removes it.
                let _ = record.finish();
                return Err(error);
            }
            return Ok(record);
        }
        bail!("creating a record: others removed it a hundred times in {}", root.path().display())
    }

    pub fn id(&self) -> &str {
        &self.header.id
    }

    /// The sandbox's cgroups; the launcher's own leaf last.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        self.traces.iter().rev().map(|Trace::Cgroup { path }| path.clone()).collect()
    }

    /// Writes down what a step is about to make; refuses what could not be removed later.
    pub fn trace(&mut self, trace: &Trace) -> Result<()> {
        trace::check(&self.header.id, trace)?;
        self.append(&Event::<Planned>::Trace(trace.clone()))?;
        self.traces.push(trace.clone());
        Ok(())
    }

    /// Writes down who init is. It must not have been waited for.
    pub fn started(&mut self, init: i32) -> Result<()> {
        let started = Started::now(self.header.supervisor, init)?;
        self.append(&Event::<Planned>::Started(started))
    }

    /// Those beside it that may have left something, unless there are so many that looking at each would cost the machine
    /// more than it gives.
    pub fn others(&self) -> Vec<String> {
        /// Fewer than are looked at.
        const FEW: usize = 32;
        let others = list::first_ids(&self.root).unwrap_or_default();
        if others.len() > FEW { Vec::new() } else { others }
    }

    /// Those of its name: they keep what they keep in the same place.
    pub fn namesakes(&self) -> Vec<String> {
        let ids = list::ids(&self.root).unwrap_or_default().into_iter();
        ids.filter(|id| record::is_id(id, &self.header.name) && *id != self.header.id).collect()
    }

    /// Kills whatever is in the sandbox's cgroups.
    pub fn kill(&self) {
        trace::kill(&self.header.id, &self.traces);
    }

    /// Collects what another left, if it is dead.
    pub fn collect(&self, id: &str) {
        // What fails here fails again, and is told, when somebody runs gc.
        let _ = gc::collect(&self.root, id, false);
    }

    /// Removes what the sandbox left, then the record. Where something resists, the record stays and says what.
    pub fn finish(self) -> Result<()> {
        let Header { id, .. } = &self.header;
        remove_all(id, &self.traces)?;
        discard(&self.root, id).with_context(|| format!("removing the record of {id}"))
    }

    fn introduce(&mut self, profile: &str, facts: &Facts) -> Result<()> {
        let mut text = serde_json::to_vec(&self.header)?;
        text.push(b'\n');
        serde_json::to_writer(&mut text, &Event::Planned(Planned { profile, facts }))?;
        text.push(b'\n');
        self.write(&text)
    }

    fn append(&mut self, event: &Event<Planned>) -> Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.write(&line)
    }

    fn write(&mut self, text: &[u8]) -> Result<()> {
        record::append(&self.file, text).with_context(|| format!("writing the record of {}", self.header.id))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        lock::release(&self.header.id);
    }
}

/// Makes the locked record of a new id; `None` where another sandbox has it or a collector came first.
fn claim(root: &Root, id: &str) -> Result<Option<(File, FileStat)>> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = match openat(root, id, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(file) => File::from(file),
        Err(Errno::EEXIST) => return Ok(None),
        Err(errno) => return Err(anyhow!(errno)),
    };
    let ours = || lock::take(&file)?.then(|| fstat(&file)).transpose();
    match ours() {
        Ok(stat) => Ok(stat.filter(|stat| stat.st_nlink > 0).map(|stat| (file, stat))),
        Err(errno) => {
            // A file system without locks.
            let _ = discard(root, id);
            Err(anyhow!(errno).context("locking"))
        }
    }
}

/// Removes a record whose lock is held here.
fn discard(root: &Root, id: &str) -> Result<()> {
    Ok(missing_is_fine(unlinkat(root, id, UnlinkatFlags::NoRemoveDir))?)
}

fn missing_is_fine(removed: nix::Result<()>) -> nix::Result<()> {
    match removed {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}`: one component of a path, of printable characters, that is never an option.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    name.len() <= 63
        && name.bytes().all(inner)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
}

#[cfg(test)]
mod tests;
