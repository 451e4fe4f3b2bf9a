//! The steps of `[cgroup]`: what they are called, and what they read and leave behind.

use std::fmt;
use std::path::{Path, PathBuf};

use super::scope::Manager;
use super::{Name, PAYLOAD, Setting, directory_name, place};
use crate::isolation::Trace;
use crate::isolation::context::{Context, Slot, Slots};

/// Directories are called `sandbox-ID`, and numbered in the order in which they are made.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// systemd makes a scope around the launcher.
    Scope {
        manager: Manager,
    },
    /// The launcher moves to a leaf beside the sandbox.
    Leave {
        place: Place,
    },
    /// The place gives its children these controllers.
    Distribute {
        place: Place,
        controllers: Vec<Name>,
    },
    /// Fills `Slot::Cgroup(number)` with the directory.
    Create {
        number: u8,
        place: Place,
        controllers: Vec<Name>,
    },
    Limit {
        number: u8,
        setting: Setting,
    },
    /// A part of the sandbox's directory for the program, which can mount no more than that; fills
    /// `Slot::Cgroup(number)` anew.
    Part {
        number: u8,
        place: Place,
        delegated: Option<Delegated>,
    },
    /// Init enters a directory of cgroup v1; on v2 it is born in it.
    Join {
        number: u8,
        controllers: Vec<Name>,
    },
    /// Init makes way in the delegated part, which is its cgroup namespace's root by now.
    MakeWay {
        number: u8,
    },
}

/// The directory that a sandbox's own is made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    At(PathBuf),
    /// The scope's, which is known when systemd has made it.
    Scope,
}

/// A part that the program may divide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    pub controllers: Vec<Name>,
    /// To whom it has to be given.
    pub owner: Option<(u32, u32)>,
}

impl Step {
    /// What outlives this process if it dies after the step. A scope does not: systemd removes it when it is empty.
    pub fn trace(&self, context: &Context) -> Option<Trace> {
        let name = directory_name(&context.id);
        let (place, name) = match self {
            Step::Create { place, .. } => (place, name),
            Step::Leave { place } => (place, name + place::LAUNCHER),
            _ => return None,
        };
        Some(Trace::Cgroup { path: place.directory(context)?.join(name) })
    }

    pub fn why(&self) -> &'static str {
        match self {
            Step::Scope { .. } => "the tree of cgroups is systemd's: who wants a part of it asks for a scope",
            Step::Leave { .. } => "a cgroup that gives controllers to its children may hold no process itself",
            Step::Distribute { .. } => "a child has only the controllers that its parent gives it",
            Step::Create { controllers, .. } if controllers.is_empty() => {
                "all processes of the sandbox can be frozen, counted and killed as one"
            }
            Step::Create { .. } => "limits hold for all processes of the sandbox together",
            Step::Limit { .. } => "the profile limits it, from the program's first instruction",
            Step::Part { .. } => "the sandbox's own limits lie above it, where no process inside can reach",
            Step::MakeWay { .. } => "a cgroup that gives controllers to its children may hold no process itself",
            Step::Join { .. } => "whatever init starts is born in it, and none can leave it",
        }
    }

    pub fn slots(&self) -> Slots {
        let scope = |place: &Place| if *place == Place::Scope { vec![Slot::Scope] } else { Vec::new() };
        match self {
            Step::Scope { .. } => Slots::filling(&[Slot::Scope]),
            Step::Create { number, place, .. } => {
                Slots { reads: scope(place), ..Slots::filling(&[Slot::Cgroup(*number)]) }
            }
            Step::Part { number, place, .. } => {
                let mut reads = scope(place);
                reads.push(Slot::Cgroup(*number));
                Slots { reads, ..Slots::filling(&[Slot::Cgroup(*number)]) }
            }
            Step::Limit { number, .. } | Step::Join { number, .. } | Step::MakeWay { number } => {
                Slots::reading(&[Slot::Cgroup(*number)])
            }
            Step::Leave { place } | Step::Distribute { place, .. } => Slots::reading(&scope(place)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Scope { manager } => write!(f, "have {manager} make sandbox-<id>.scope around the launcher"),
            Step::Leave { place } => write!(f, "move the launcher to a leaf of {}", place),
            Step::Distribute { place, controllers } => {
                write!(f, "give children of {} {}", place, controllers.join(", "))
            }
            Step::Create { place, .. } => write!(f, "create {}/sandbox-<id>", place),
            Step::Limit { setting, .. } => write!(f, "{} = {}", setting.file, setting.value),
            Step::Part { place, delegated: None, .. } => write!(f, "create {}/sandbox-<id>/{PAYLOAD}", place),
            Step::Part { place, delegated: Some(Delegated { owner, .. }), .. } => {
                write!(f, "delegate {}/sandbox-<id>/{PAYLOAD}", place)?;
                owner.map_or(Ok(()), |(uid, gid)| write!(f, " to {uid}:{gid}"))
            }
            Step::MakeWay { .. } => write!(f, "move to {} of the delegated part", place::INIT),
            Step::Join { controllers, .. } => write!(f, "join the cgroup of {}", controllers.join(", ")),
        }
    }
}

impl Place {
    pub fn directory<'a>(&'a self, context: &'a Context) -> Option<&'a Path> {
        match self {
            Place::At(directory) => Some(directory),
            Place::Scope => context.scope.as_deref(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::At(directory) => directory.display().fmt(f),
            Place::Scope => f.write_str("<scope>"),
        }
    }
}
