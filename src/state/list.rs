//! Looking at the records of all sandboxes: nothing is locked, changed or trusted.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};

use super::record::{self, Contents, Event, Header, Planned};
use super::started::Started;
use super::{Root, lock, tree};
use crate::isolation::{Trace, cgroup};
use crate::sys::directory::first_names;
use crate::sys::errno;

/// One sandbox, as its record tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of its record.
    pub id: String,
    pub life: Life,
    /// `None` where its creator was killed before it had written one, or it is broken.
    pub header: Option<Header>,
    pub started: Option<Started>,
    pub traces: Vec<Trace>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its supervisor runs.
    Alive,
    /// Its supervisor has ended; what it left can be collected.
    Dead,
    /// It cannot be relied on, for this reason, and is left alone until it is removed by name.
    Broken(String),
}

impl Entry {
    /// Its directories in the cgroup hierarchies; the launcher's own leaf beside them is none of its.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        let name = cgroup::directory_name(&self.id);
        let paths = self.traces.iter().map(|Trace::Cgroup { path }| path);
        paths.filter(|path| path.is_absolute() && path.ends_with(&name)).cloned().collect()
    }
}

/// The one running sandbox that has this id, or this name.
pub fn running(root: Option<&Root>, id_or_name: &str) -> Result<Entry> {
    let mut entries = root.map_or(Ok(Vec::new()), list)?;
    let named = |entry: &Entry| entry.header.as_ref().is_some_and(|header| header.name == id_or_name);
    entries.retain(|entry| entry.life == Life::Alive && (entry.id == id_or_name || named(entry)));
    if let Some(exact) = entries.iter().position(|entry| entry.id == id_or_name) {
        return Ok(entries.swap_remove(exact));
    }
    match entries.pop() {
        None => bail!("no running sandbox is called \"{}\"", id_or_name.escape_debug()),
        Some(one) if entries.is_empty() => Ok(one),
        Some(_) => bail!("{} running sandboxes are called {id_or_name}: name one by its id", entries.len() + 1),
    }
}

/// All sandboxes by id. One whose creator has not come as far as the lock looks like one whose creator was killed there:
/// dead, without a header.
pub fn list(root: &Root) -> Result<Vec<Entry>> {
    Ok(ids(root)?.into_iter().filter_map(|id| look(root, id)).collect())
}

/// Holds a running sandbox for one change: whoever else wants to change it waits until this is dropped.
pub fn change(root: &Root, id: &str) -> Result<Change> {
    let Some(record) = open(root, id, OFlag::O_WRONLY | OFlag::O_APPEND)? else { bail!("{id} has ended") };
    lock::wait_for_turn(&record).with_context(|| format!("waiting for a turn at changing {id}"))?;
    let cgroups = started(root, id)?.cgroups();
    Ok(Change { cgroups, record })
}

/// Waits until it runs: before that its launcher is still making directories, and writes the limits of the profile to them
/// whatever others have written.
fn started(root: &Root, id: &str) -> Result<Entry> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let ends = Instant::now() + PATIENCE;
    loop {
        match look(root, id.to_owned()) {
            Some(entry) if entry.life != Life::Alive => bail!("{id} has ended"),
            Some(entry) if entry.started.is_some() => return Ok(entry),
            Some(_) if Instant::now() < ends => sleep(Duration::from_millis(5)),
            Some(_) => bail!("{id} is still being started: try again when it runs"),
            None => bail!("{id} has ended"),
        }
    }
}

/// A change of a running sandbox, by another process than its supervisor.
pub struct Change {
    /// All of its directories.
    pub cgroups: Vec<PathBuf>,
    /// The turn is over when it is closed.
    record: File,
}

impl Change {
    /// Writes down what was changed, each as `--set` takes it.
    pub fn write_down(self, changed: Vec<String>) -> Result<()> {
        let mut line = serde_json::to_vec(&Event::<Planned>::Updated(changed))?;
        line.push(b'\n');
        // The supervisor has written its last line when it runs, and all others wait for their turn.
        record::append(&self.record, &line).context("writing its record")
    }
}

/// The names of the records, sorted.
pub fn ids(root: &Root) -> Result<Vec<String>> {
    let names = tree::names(root.as_fd()).with_context(|| format!("listing {}", root.path().display()))?;
    let mut ids: Vec<String> = names.iter().filter_map(|name| id(name)).collect();
    ids.sort();
    Ok(ids)
}

/// Some dozens of them, where there are as many: it takes no longer among thousands.
pub fn first_ids(root: &Root) -> nix::Result<Vec<String>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = openat(root, ".", flags, Mode::empty())?;
    Ok(first_names(directory.as_fd())?.iter().filter_map(|name| id(name)).collect())
}

/// A name that begins with a dot is none of a sandbox.
fn id(name: &CStr) -> Option<String> {
    Some(name.to_string_lossy().into_owned()).filter(|id| !id.starts_with('.'))
}

/// One sandbox; `None` where there is none of this id.
pub fn look(root: &Root, id: String) -> Option<Entry> {
    if let Some(header) = lock::held_here(&id) {
        return Some(Entry { id, life: Life::Alive, header: Some(header), started: None, traces: Vec::new() });
    }
    let broken =
        |id, reason| Some(Entry { id, life: Life::Broken(reason), header: None, started: None, traces: Vec::new() });
    let file = match open(root, &id, OFlag::O_RDONLY) {
        Ok(Some(file)) => file,
        Ok(None) => return None,
        Err(error) => return broken(id, errno::chain(&error)),
    };
    // The lock first: a record that was complete when it died stays so.
    let held = match lock::is_held(&file) {
        Ok(held) => held,
        Err(errno) => return broken(id, format!("asking for its lock: {}", errno::words(errno))),
    };
    let Contents { header, started, traces, broken: damage } = match bytes(&file) {
        Ok(bytes) => record::read(&bytes, &id),
        Err(error) => return broken(id, errno::chain(&error)),
    };
    let life = match (damage, held) {
        (Some(reason), _) => Life::Broken(reason),
        (None, true) if header.is_none() => return None,
        (None, true) => Life::Alive,
        (None, false) => Life::Dead,
    };
    Some(Entry { id, life, header, started, traces })
}

/// Opens a record that is ours; `None` where it has gone meanwhile. What is none is not opened: that alone may wake who
/// waits at a FIFO, or start a device. An error without an errno says that it is none.
pub fn open(root: &Root, id: &str, access: OFlag) -> Result<Option<File>> {
    let caller = nix::unistd::geteuid().as_raw();
    let stat = match fstatat(root, id, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno).context("examining its record"),
    };
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => {}
        SFlag::S_IFLNK => bail!("it is a symbolic link"),
        _ => bail!("it is not a file"),
    }
    if stat.st_uid != caller {
        bail!("it belongs to uid {}, not to {caller}", stat.st_uid);
    }
    if let Some(held) = lock::held_as(&stat) {
        bail!("it is another name of {held}");
    }
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = match openat(root, id, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno).context("opening its record"),
    };
    let opened = fstat(&file).context("examining its record")?;
    let same = (opened.st_dev, opened.st_ino) == (stat.st_dev, stat.st_ino);
    Ok(same.then(|| File::from(file)))
}

/// The whole of a record, from its beginning.
pub fn bytes(file: &File) -> Result<Vec<u8>> {
    /// More than any launcher writes.
    const MOST: u64 = 16 << 20;
    let length = fstat(file).map_or(0, |stat| stat.st_size.clamp(0, MOST as i64) as usize);
    let mut bytes = Vec::with_capacity(length + 1);
    file.take(MOST + 1).read_to_end(&mut bytes).context("reading its record")?;
    if bytes.len() as u64 > MOST {
        bail!("its record is longer than {MOST} bytes");
    }
    Ok(bytes)
}
