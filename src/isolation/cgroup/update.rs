//! Other limits for a sandbox that runs, in the directories that it has: all of them, or none.

mod set;

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::key::{Key, wishes};
use super::oom::{counter, number};
use super::settings::{Carried, Lack, Setting, USUAL_PERIOD};
use super::{Asked, Cgroup, Max, apply, device, v1, v2, value};
use crate::host::Host;
use set::{in_use, line_of, said, set};

/// One of the sandbox's own directories.
struct Directory {
    path: PathBuf,
    opened: OwnedFd,
    /// What can be limited in it, by the names of its own version.
    controllers: Vec<String>,
    is_v2: bool,
}

/// A file, what it is to hold, and why.
struct Change<'a> {
    key: &'static str,
    directory: &'a Directory,
    setting: Setting,
}

/// Sets the limits that the section names, and says what is not quite as asked. Where one is refused, those before it are
/// as they were.
pub fn update(section: &Cgroup, directories: &[PathBuf], host: &Host) -> Result<Vec<String>, Lack> {
    let directories = directories.iter().map(|path| Directory::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut section = section.clone();
    keep_swap(&mut section, &directories);
    let mut notes = Vec::new();
    let mut changes = Vec::new();
    let mut wishes = wishes(&section);
    if let Some((contradiction, _)) = device::join(&mut wishes, host).into_iter().next() {
        return Err(contradiction);
    }
    for wish in wishes {
        let key = wish.key.name();
        let about = |lack: Lack| Lack { message: format!("{key}: {}", lack.message), ..lack };
        let directory = home(&wish.key, &directories).map_err(about)?;
        let carried = directory.carry(&wish.key, &section, host).map_err(about)?;
        notes.extend(carried.approximate.map(|how| format!("{key}: {how}")));
        notes.extend(directory.has_more(&wish.key));
        directory.can_give_back(&wish.key).map_err(about)?;
        changes.extend(carried.settings.into_iter().map(|setting| Change { key, directory, setting }));
    }
    free_the_sum(&mut changes);
    order(&mut changes);
    set(&changes)?;
    Ok(notes)
}

/// The directory that a controller counts for the sandbox in.
fn home<'a>(key: &Key, directories: &'a [Directory]) -> Result<&'a Directory, Lack> {
    let name = key.controller();
    let has = |directory: &&Directory| {
        let own = if directory.is_v2 { name } else { v1::controller(name) };
        directory.controllers.iter().any(|known| known == own)
    };
    directories.iter().find(has).ok_or_else(|| {
        let message =
            format!("the {name} controller does not count for this sandbox, and cannot begin to while it runs");
        Lack::new(message, format!("start it with {} in [cgroup]", key.name()))
    })
}

impl Directory {
    fn open(path: &Path) -> Result<Directory, Lack> {
        let opened = apply::open_cgroup(path).map_err(|fault| match fault.errno {
            Errno::ENOENT => Lack::new(format!("the cgroup {} has gone", path.display()), "the sandbox is ending"),
            _ => Lack::new(said(&fault), "look whether something is mounted over /sys/fs/cgroup"),
        })?;
        let is_v2 = path.join("cgroup.controllers").exists();
        let controllers = if is_v2 {
            let text = fs::read_to_string(path.join("cgroup.controllers")).unwrap_or_default();
            text.split_ascii_whitespace().map(String::from).collect()
        } else {
            let names = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name());
            let names = names.filter_map(|name| Some(name.to_str()?.split_once('.')?.0.to_owned()));
            names.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
        };
        Ok(Directory { path: path.to_owned(), opened, controllers, is_v2 })
    }

    fn carry(&self, key: &Key, section: &Cgroup, host: &Host) -> Result<Carried, Lack> {
        let parent = self.path.parent().unwrap_or(&self.path);
        if !self.is_v2 {
            let own = number(&self.path, "memory.limit_in_bytes").filter(|limit| *limit < UNLIMITED).map(Max::Limit);
            let memory = section.memory_max.as_ref().map(|asked| asked.value).or(own);
            let mut carried = v1::carry(key, memory, parent, host)?;
            if matches!(key, Key::MemorySwapMax(Max::Max)) {
                carried.settings = vec![unlimited_sum()];
            }
            // The period may be another one since the last change.
            if let (Key::CpuMax(_), [_]) = (key, &carried.settings[..]) {
                carried.settings.insert(0, Setting::new("cpu.cfs_period_us", USUAL_PERIOD.to_string()));
            }
            return Ok(carried);
        }
        let mut carried = v2::carry(key, parent, host)?;
        if let Key::IoMax(limit) = key {
            // What is not named keeps its limit; the file takes all four as one line.
            let device = device::disk(&limit.device, host)?;
            let text = fs::read_to_string(self.path.join("io.max")).unwrap_or_default();
            let own = line_of(&text, &device).unwrap_or_default();
            let word = |name: &str, limit: Option<u64>| {
                let own = own.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
                format!("{name}={}", limit.map_or(own.unwrap_or("max").to_owned(), |limit| limit.to_string()))
            };
            let words = [
                word("rbps", limit.read_bps),
                word("wbps", limit.write_bps),
                word("riops", limit.read_iops),
                word("wiops", limit.write_iops),
            ];
            carried.settings = vec![Setting::new("io.max", format!("{device} {}", words.join(" ")))];
        }
        Ok(carried)
    }

    /// Cgroup v2 takes a limit that is below what is in use, and kills for it; version 1 refuses.
    fn can_give_back(&self, key: &Key) -> Result<(), Lack> {
        let (true, Key::MemoryMax(Max::Limit(limit))) = (self.is_v2, key) else { return Ok(()) };
        let Some(used) = number(&self.path, "memory.current").filter(|used| used > limit) else { return Ok(()) };
        // Since Linux 5.19 it can be asked to, and fails where it could not take back as much.
        let asked = fs::OpenOptions::new().write(true).open(self.path.join("memory.reclaim"));
        let rest = match asked {
            Ok(file) => {
                let _ = value::write(&file, &(used - limit).to_string());
                number(&self.path, "memory.current").unwrap_or(used)
            }
            Err(_) => {
                let stat = fs::read_to_string(self.path.join("memory.stat")).unwrap_or_default();
                used.saturating_sub(counter(&stat, "file").unwrap_or(0))
            }
        };
        if rest > *limit { Err(in_use(rest)) } else { Ok(()) }
    }

    /// That nobody is killed for a limit of processes is to be expected; that it does not hold yet may not be.
    fn has_more(&self, key: &Key) -> Option<String> {
        let Key::PidsMax(Max::Limit(limit)) = key else { return None };
        let current = number(&self.path, "pids.current").filter(|current| current > limit)?;
        Some(format!(
            "pids-max: there are {current} processes already: none can be added until there are fewer than {limit}"
        ))
    }
}

const SUM: &str = "memory.memsw.limit_in_bytes";

/// What the kernel calls unlimited is the highest number of pages.
const UNLIMITED: u64 = i64::MAX as u64 - 65536;

/// Cgroup v1 counts memory and swap together: where swap is limited, another limit of memory moves the sum.
fn keep_swap(section: &mut Cgroup, directories: &[Directory]) {
    let limited = |memory: &Asked<Max>| memory.value != Max::Max && section.memory_swap_max.is_none();
    let Some(memory) = section.memory_max.clone().filter(limited) else { return };
    for directory in directories.iter().filter(|directory| !directory.is_v2) {
        let limit = |file| number(&directory.path, file).filter(|limit| *limit < UNLIMITED);
        if let (Some(both), Some(own)) = (limit(SUM), limit("memory.limit_in_bytes")) {
            let swap = Max::Limit(both.saturating_sub(own));
            section.memory_swap_max = Some(Asked { value: swap, ..memory.clone() });
        }
    }
}

/// Memory without a limit needs a sum without one.
fn free_the_sum(changes: &mut Vec<Change<'_>>) {
    let sum = |change: &Change<'_>| change.setting.file == SUM;
    let unlimited =
        |change: &&Change<'_>| change.setting.file == "memory.limit_in_bytes" && change.setting.value == "-1";
    if !changes.iter().any(sum)
        && let Some(Change { key, directory, .. }) = changes.iter().find(unlimited)
    {
        let (key, directory) = (*key, *directory);
        changes.push(Change { key, directory, setting: unlimited_sum() });
    }
}

fn unlimited_sum() -> Setting {
    Setting { optional: true, ..Setting::new(SUM, "-1".to_owned()) }
}

/// Memory alone may never be allowed more than memory and swap together: the sum goes first when it grows.
fn order(changes: &mut [Change<'_>]) {
    let at = |changes: &[Change<'_>], file: &str| changes.iter().position(|change| change.setting.file == file);
    let (Some(own), Some(both)) = (at(changes, "memory.limit_in_bytes"), at(changes, SUM)) else {
        return;
    };
    let before = number(&changes[both].directory.path, &changes[both].setting.file).unwrap_or(0);
    // -1 is none.
    let after = changes[both].setting.value.parse().unwrap_or(u64::MAX);
    if own < both && after > before {
        changes.swap(own, both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cgroup_is_not_written_to() {
        let asked = Asked {
            value: Max::Limit(5),
            origin: crate::isolation::Origin { file: "x".into(), line: 1, column: 1 },
            required: true,
        };
        let section = Cgroup { pids_max: Some(asked), ..Cgroup::default() };
        let host = Host::known(Default::default());
        let directory = std::env::temp_dir().join(format!("sandbox-update-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("pids.max"), "9\n").unwrap();
        let refused = update(&section, std::slice::from_ref(&directory), &host).unwrap_err();
        assert_eq!(fs::read_to_string(directory.join("pids.max")).unwrap(), "9\n");
        fs::remove_dir_all(&directory).unwrap();
        assert!(refused.message.contains("is in no cgroup file system"), "{refused:?}");
        let gone = update(&section, &[directory], &host).unwrap_err();
        assert!(gone.message.ends_with("has gone"), "{gone:?}");
        let none = update(&section, &[], &host).unwrap_err();
        assert!(none.message.starts_with("pids-max: the pids controller does not count"), "{none:?}");
    }
}
