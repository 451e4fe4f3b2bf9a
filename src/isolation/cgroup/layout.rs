//! Where this process stands in each cgroup hierarchy, and which of them has which controller.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::host::mountinfo::{Mount, mounts};
use crate::host::{Host, Node};

/// What /proc/self/cgroup says of us. Directories are looked for when they are asked for: each costs system calls.
#[derive(Debug)]
pub struct Layout<'a> {
    host: &'a Host,
    /// Controllers, comma-separated, and our path in their hierarchy; no controllers for cgroup v2.
    lines: Vec<(String, String)>,
}

/// One cgroup v1 hierarchy; several controllers may share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    pub controllers: Vec<String>,
    pub directory: PathBuf,
}

/// The hierarchy that has a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// Where it may be, if the machine has it at all: `cgroup.controllers` says so.
    V2(PathBuf),
    V1(Hierarchy),
    /// It belongs to a cgroup v1 hierarchy of these controllers, and that is not mounted where we could reach it.
    NotMounted(String),
    /// Its hierarchy, `None` for cgroup v2, is mounted here from outside of our cgroup namespace.
    Outside(PathBuf, Option<String>),
    /// No hierarchy to be seen has it.
    Nowhere,
}

/// Where our own directory is not to be found.
enum Lost {
    NotMounted,
    /// This mount begins above the root of our cgroup namespace, and nothing says how to get from there to us.
    Outside(PathBuf),
}

pub const ROOT: &str = "/sys/fs/cgroup";

/// The cgroup namespace that all others are below; the kernel gives it this number (include/linux/proc_ns.h).
const FIRST: &str = "cgroup:[4026531835]";

impl<'a> Layout<'a> {
    pub fn probe(host: &'a Host) -> Layout<'a> {
        let text = host.text(Path::new("/proc/self/cgroup")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            // A path may hold colons, a controller's name may not.
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            Some((controllers.to_owned(), path.to_owned()))
        });
        Layout { host, lines: lines.collect() }
    }

    pub fn v2(&self) -> Option<PathBuf> {
        self.locate_v2().ok()
    }

    fn locate_v2(&self) -> Result<PathBuf, Lost> {
        let line = self.lines.iter().find(|(controllers, _)| controllers.is_empty());
        line.map_or(Err(Lost::NotMounted), |(_, own)| locate(self.host, None, own))
    }

    /// Whether anything belongs to cgroup v1.
    pub fn has_v1(&self) -> bool {
        self.lines.iter().any(|(controllers, _)| !controllers.is_empty())
    }

    pub fn home(&self, controller: &str) -> Home {
        let has = |names: &str| names.split(',').any(|name| name == controller);
        match self.lines.iter().find(|(names, _)| has(names)) {
            Some((names, own)) => self.home_v1(names, own),
            None => self.home_v2(),
        }
    }

    /// Every hierarchy that we are in, mounted or not.
    pub fn homes(&self) -> impl Iterator<Item = Home> {
        self.lines.iter().map(|(names, own)| match names.is_empty() {
            true => self.home_v2(),
            false => self.home_v1(names, own),
        })
    }

    fn home_v1(&self, names: &str, own: &str) -> Home {
        let controllers: Vec<String> = names.split(',').map(String::from).collect();
        match locate(self.host, Some(&controllers), own) {
            Ok(directory) => Home::V1(Hierarchy { controllers, directory }),
            Err(Lost::NotMounted) => Home::NotMounted(names.to_owned()),
            Err(Lost::Outside(mount)) => Home::Outside(mount, Some(names.to_owned())),
        }
    }

    fn home_v2(&self) -> Home {
        match self.locate_v2() {
            Ok(own) => Home::V2(own),
            Err(Lost::NotMounted) => Home::Nowhere,
            Err(Lost::Outside(mount)) => Home::Outside(mount, None),
        }
    }

    /// Whether a controller is not bound to cgroup v1.
    pub fn is_free(&self, controller: &str) -> bool {
        !self.lines.iter().any(|(names, _)| names.split(',').any(|name| name == controller))
    }
}

impl Hierarchy {
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|own| own == controller)
    }
}

/// Our own directory: where everybody mounts it if it is there, because a host's mountinfo can be very long.
fn locate(host: &Host, controllers: Option<&[String]>, own: &str) -> Result<PathBuf, Lost> {
    // `/../x` lies outside the cgroup namespace: no mount shows it.
    if !own.starts_with('/') || own.split('/').any(|name| name == "..") || own.ends_with(" (deleted)") {
        return Err(Lost::NotMounted);
    }
    // Only cgroup v2 directories have cgroup.controllers, and of these only those that we look for.
    let proof = if controllers.is_none() { "cgroup.controllers" } else { "tasks" };
    let there = |directory: &PathBuf| matches!(host.node(&directory.join(proof)), Node::File { .. });
    // In another namespace `/` is not what a mount shows that was there before it.
    let namespaced =
        matches!(host.node(Path::new("/proc/self/ns/cgroup")), Node::Symlink { to } if to != Path::new(FIRST));
    if !namespaced && let Some(directory) = usual(controllers).iter().map(|mount| below(mount, own)).find(there) {
        return Ok(directory);
    }
    let text = host.mountinfo();
    let mounts: Vec<_> = mounts(text.as_bytes()).flatten().filter(|mount| shows(mount, controllers)).collect();
    // A container's mount may show a part of the hierarchy only.
    let mut shown = mounts.iter().filter_map(|mount| {
        let relative = Path::new(own).strip_prefix(mount.root()).ok()?;
        Some(below(&mount.point(), &relative.to_string_lossy()))
    });
    let outside = || mounts.iter().find(|mount| mount.root().starts_with("/..")).map(|mount| mount.point().into());
    shown.find(there).ok_or_else(|| outside().map_or(Lost::NotMounted, Lost::Outside))
}

fn usual(controllers: Option<&[String]>) -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    match controllers {
        None => vec![root.into(), root.join("unified")],
        Some([name]) => vec![root.join(name.trim_start_matches("name="))],
        Some(names) => vec![root.join(names.join(",")), root.join(&names[0])],
    }
}

fn below(mount: &Path, own: &str) -> PathBuf {
    match own.trim_matches('/') {
        "" => mount.to_owned(),
        own => mount.join(own),
    }
}

/// Whether it is of this hierarchy.
fn shows(mount: &Mount, controllers: Option<&[String]>) -> bool {
    match controllers {
        None => mount.filesystem == "cgroup2",
        Some(names) => mount.filesystem == "cgroup" && names.iter().all(|name| mount.has_super_option(name)),
    }
}
