//! What planning needs to know of this machine.
//!
//! A fact is asked of the kernel when it is first needed and remembered, so that planning is a function of the profile
//! and these facts: tests hand in facts made up, a record keeps those that a sandbox was planned with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

mod accounts;
mod ask;
pub mod elf;
mod facts;
mod format;
pub mod mountinfo;
mod walk;

use crate::sys::namespace::Namespace;

pub use accounts::{Group, User};
pub use ask::limit_of;
pub use facts::{Facts, Limit, Node};
pub use format::{BINPRM_BUF_SIZE, Format, INTERPRETERS, interpreter, of_start};
pub use walk::names;

/// Every fact about one machine, remembered or still to be asked.
#[derive(Debug)]
pub struct Host {
    facts: RefCell<Facts>,
    /// False for facts handed in: what they do not hold is absent.
    live: bool,
    /// What was asked of facts handed in, and they do not say.
    unknown: RefCell<BTreeSet<String>>,
}

impl Host {
    /// The machine we run on. It is asked nothing yet.
    pub fn live() -> Host {
        Host { facts: RefCell::default(), live: true, unknown: RefCell::default() }
    }

    /// The same, as if it were called in another directory.
    pub fn live_in(cwd: PathBuf) -> Host {
        let facts = Facts { cwd: Some(cwd), ..Facts::default() };
        Host { facts: RefCell::new(facts), ..Host::live() }
    }

    /// A machine that is known only by these facts.
    pub fn known(facts: Facts) -> Host {
        Host { facts: RefCell::new(facts), live: false, unknown: RefCell::default() }
    }

    /// What has been asked so far.
    pub fn facts(&self) -> Facts {
        self.facts.borrow().clone()
    }

    /// The paths that facts handed in say nothing about, though they were asked: they count as absent.
    pub fn unknown(&self) -> Vec<String> {
        self.unknown.borrow().iter().cloned().collect()
    }

    pub fn kernel(&self) -> String {
        self.recall(|facts| &mut facts.kernel, ask::kernel)
    }

    /// Whether the kernel's version is at least (major, minor).
    pub fn kernel_at_least(&self, wanted: (u32, u32)) -> bool {
        let release = self.kernel();
        let mut numbers = release.split(['.', '-', '+']).map(|word| word.parse::<u32>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= wanted
    }

    pub fn uid(&self) -> u32 {
        self.recall(|facts| &mut facts.uid, ask::uid)
    }

    pub fn gid(&self) -> u32 {
        self.recall(|facts| &mut facts.gid, ask::gid)
    }

    pub fn groups(&self) -> Vec<u32> {
        self.recall(|facts| &mut facts.groups, ask::groups)
    }

    pub fn is_root(&self) -> bool {
        self.uid() == 0
    }

    /// A resource limit of the caller, by its name of prlimit(1); unlimited where the facts do not tell.
    pub fn limit(&self, name: &str) -> Limit {
        self.fill(|facts| &mut facts.limits, ask::limits);
        let facts = self.facts.borrow();
        facts.limits.as_ref().and_then(|limits| limits.get(name)).copied().unwrap_or_default()
    }

    /// The kernel, or a filter around this process, does not tell it.
    pub fn withholds_limit(&self, name: &str) -> bool {
        self.fill(|facts| &mut facts.limits, ask::limits);
        self.live && !self.facts.borrow().limits.as_ref().is_some_and(|limits| limits.contains_key(name))
    }

    pub fn raises_limits(&self) -> bool {
        self.recall(|facts| &mut facts.raises_limits, ask::raises_limits)
    }

    pub fn nice(&self) -> i32 {
        self.recall(|facts| &mut facts.nice, crate::sys::process::nice)
    }

    /// The caller's permitted capabilities; all where the facts do not tell.
    pub fn capabilities(&self) -> u64 {
        let told = self.live || self.facts.borrow().capabilities.is_some();
        if told { self.recall(|facts| &mut facts.capabilities, ask::capabilities) } else { u64::MAX }
    }

    pub fn uptime(&self) -> u64 {
        self.recall(|facts| &mut facts.uptime, ask::uptime)
    }

    pub fn memory(&self) -> u64 {
        self.recall(|facts| &mut facts.memory, ask::memory)
    }

    pub fn landlock_abi(&self) -> u32 {
        self.recall(|facts| &mut facts.landlock_abi, crate::sys::landlock::abi)
    }

    pub fn max_user_namespaces(&self) -> u64 {
        self.recall(|facts| &mut facts.max_user_namespaces, ask::max_user_namespaces)
    }

    /// How many namespaces of a kind the caller may make; `None` where nothing tells.
    pub fn max_namespaces(&self, kind: Namespace) -> Option<u64> {
        if kind == Namespace::User {
            return Some(self.max_user_namespaces());
        }
        self.fill(|facts| &mut facts.max_namespaces, ask::max_namespaces);
        self.facts.borrow().max_namespaces.as_ref()?.get(kind.link()).copied()
    }

    /// One variable of the caller's environment; text that is not UTF-8 counts as absent.
    pub fn env(&self, name: &str) -> Option<String> {
        self.fill(|facts| &mut facts.env, ask::env);
        self.facts.borrow().env.as_ref()?.get(name).cloned()
    }

    pub fn env_all(&self) -> BTreeMap<String, String> {
        self.recall(|facts| &mut facts.env, ask::env)
    }

    /// The caller's working directory; `None` where it has been removed, or lies outside the root.
    pub fn cwd(&self) -> Option<PathBuf> {
        Some(self.recall(|facts| &mut facts.cwd, ask::cwd)).filter(|path| path.is_absolute())
    }

    pub fn terminals(&self) -> [bool; 3] {
        self.recall(|facts| &mut facts.terminals, ask::terminals)
    }

    /// What stands at an absolute path; a link at its end is not followed.
    pub fn node(&self, path: &Path) -> Node {
        self.recall_path(path, |facts| &mut facts.paths, ask::node, || Node::Missing)
    }

    /// Whether it is known what stands at a path that was asked about, or that there is nothing.
    pub fn tells_of(&self, path: &Path) -> bool {
        let unknown = |above: &Path| above.to_str().is_none_or(|above| self.unknown.borrow().contains(above));
        self.live || !path.ancestors().any(unknown)
    }

    /// The names in a directory, sorted; empty where it cannot be read. Names that are not UTF-8 are left out.
    pub fn list(&self, directory: &Path) -> Vec<String> {
        self.recall_path(directory, |facts| &mut facts.directories, ask::list, Vec::new)
    }

    /// The contents of a small text file.
    pub fn text(&self, path: &Path) -> Option<String> {
        self.recall_path(path, |facts| &mut facts.texts, ask::text, || None)
    }

    /// The same in a tree that may be another's, of a path that was found free of links: one that stands there now is
    /// not followed.
    pub fn text_of_others(&self, path: &Path) -> Option<String> {
        self.recall_path(path, |facts| &mut facts.texts, ask::text_of_others, || None)
    }

    /// The caller's mounts: a name that is not UTF-8 keeps none of the others from being told.
    pub fn mountinfo(&self) -> String {
        let path = Path::new("/proc/self/mountinfo");
        self.recall_path(path, |facts| &mut facts.texts, ask::lossy_text, || None).unwrap_or_default()
    }

    /// How many names a file has; 1 where nothing says more.
    pub fn links(&self, path: &Path) -> u64 {
        self.recall_path(path, |facts| &mut facts.links, ask::links, || 1)
    }

    /// Whether the caller may write to a file or directory; never on a read-only mount.
    pub fn writable(&self, path: &Path) -> bool {
        self.recall_path(path, |facts| &mut facts.writable, ask::writable, || false)
    }

    /// Whether systemd says that it leaves a cgroup to whoever runs in it.
    pub fn delegated(&self, path: &Path) -> bool {
        self.recall_path(path, |facts| &mut facts.delegated, ask::delegated, || false)
    }

    /// The block device that a path is on, links followed; of a block device's node the device itself.
    pub fn device(&self, path: &Path) -> Option<(u32, u32)> {
        self.recall_path(path, |facts| &mut facts.devices, ask::device, || None)
    }

    /// What a file at a path free of links would be executed as; facts handed in need not tell.
    pub fn format(&self, path: &Path) -> Format {
        let told = || path.to_str().is_some_and(|name| self.facts.borrow().formats.contains_key(name));
        if !self.live && !told() {
            return Format::Unclear;
        }
        self.recall_path(path, |facts| &mut facts.formats, format::of_file, || Format::Unclear)
    }

    /// A path that is not UTF-8 has no place in the facts, and is asked about each time.
    fn recall_path<T: Clone>(
        &self,
        path: &Path,
        place: fn(&mut Facts) -> &mut BTreeMap<String, T>,
        ask: fn(&Path) -> T,
        absent: fn() -> T,
    ) -> T {
        let answer = |path| if self.live { ask(path) } else { absent() };
        let Some(name) = path.to_str() else { return answer(path) };
        let facts = &mut *self.facts.borrow_mut();
        if let Some(fact) = place(facts).get(name) {
            return fact.clone();
        }
        if !self.live && !facts.list_without(path) {
            self.unknown.borrow_mut().insert(name.to_owned());
        }
        let fact = answer(path);
        place(facts).insert(name.to_owned(), fact.clone());
        fact
    }

    fn recall<T: Clone + Default>(&self, place: fn(&mut Facts) -> &mut Option<T>, ask: fn() -> T) -> T {
        self.fill(place, ask);
        place(&mut self.facts.borrow_mut()).clone().unwrap_or_default()
    }

    fn fill<T: Default>(&self, place: fn(&mut Facts) -> &mut Option<T>, ask: fn() -> T) {
        let facts = &mut *self.facts.borrow_mut();
        let fact = place(facts);
        if fact.is_none() {
            *fact = Some(if self.live { ask() } else { T::default() });
        }
    }
}
