//! What planning needs to know of this machine.
//!
//! A fact is asked of the kernel when it is first needed and remembered, so that planning is a function of the profile
//! and these facts: tests hand in facts made up, a record keeps those that a sandbox was planned with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

mod accounts;
mod ask;
pub mod elf;
mod facts;
mod format;
pub mod mountinfo;
mod paths;
mod walk;

use crate::sys::namespace::Namespace;

pub use accounts::{Group, User};
pub use ask::limit_of;
pub use facts::{Facts, Limit, Node};
pub use format::{BINPRM_BUF_SIZE, Format, INTERPRETERS, interpreter, of_start};
pub use walk::{join, names};

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
