//! `[cgroup]`: how much of the machine the program may use.

mod apply;
pub mod control;
mod dbus;
mod device;
mod directory;
mod exposed;
mod given;
mod key;
mod layout;
pub mod list;
pub mod oom;
mod place;
mod plan;
mod refusal;
mod required;
mod review;
mod scope;
mod settings;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod update;
mod v1;
mod v2;
mod weight;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::context::{Context, Slot, Slots};
use super::{Enforce, Origin, Trace};

pub use super::Max;
pub use given::Given;
pub use plan::{Planned, plan};
pub use review::{review_grants, review_power};
use scope::Manager;
pub use settings::{Lack, Setting};

/// The section as the author wrote it. Keys are named after the files of cgroup v2, on every layout.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Cgroup {
    /// Bytes; `Max::Max` is the kernel's `max`.
    pub memory_max: Option<Asked<Max>>,
    pub memory_high: Option<Asked<Max>>,
    pub memory_low: Option<Asked<Max>>,
    pub memory_swap_max: Option<Asked<Max>>,
    pub memory_oom_group: Option<Asked<bool>>,
    /// In hundredths of a percent of one CPU: `50%` is 5000.
    pub cpu_max: Option<Asked<Max>>,
    /// 1–10000.
    pub cpu_weight: Option<Asked<u64>>,
    /// In the kernel's list format, as `0-1,4`.
    pub cpuset_cpus: Option<Asked<String>>,
    pub cpuset_mems: Option<Asked<String>>,
    pub pids_max: Option<Asked<Max>>,
    pub io_max: Vec<Asked<IoMax>>,
    /// 1–10000.
    pub io_weight: Option<Asked<u64>>,
    /// Page size in bytes to limit in bytes.
    pub hugetlb_max: BTreeMap<u64, Asked<Max>>,
    pub delegate: Option<Asked<bool>>,
    pub enforce: Enforce,
}

/// A value, and who asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked<T> {
    pub value: T,
    pub origin: Origin,
    /// The author wrote it, so it is required; what only a built-in base says, or a list in `enforce` leaves out, is best
    /// effort.
    pub required: bool,
}

/// Limits of one block device, each in bytes or operations a second.
#[derive(Clone, Debug, PartialEq)]
pub struct IoMax {
    /// A path on the device, or the device node itself.
    pub device: PathBuf,
    pub read_bps: Option<u64>,
    pub write_bps: Option<u64>,
    pub read_iops: Option<u64>,
    pub write_iops: Option<u64>,
}

/// The directory that a sandbox's own is made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    At(PathBuf),
    /// The scope's, which is known when systemd has made it.
    Scope,
}

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

/// A controller, or another word that a hierarchy of cgroup v1 is known by.
pub type Name = Cow<'static, str>;

/// A part that the program may divide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    pub controllers: Vec<Name>,
    /// To whom it has to be given.
    pub owner: Option<(u32, u32)>,
}

/// Init is in each of the directories: a controller of the hierarchy by their numbers, none for cgroup v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership(pub Vec<Name>);

/// The part of a sandbox's directory that is the program's.
const PAYLOAD: &str = "payload";

/// What a directory of a sandbox is called.
pub fn directory_name(id: &str) -> String {
    format!("sandbox-{id}")
}

/// Whether a cgroup of this name is the sandbox's own, or what its launcher retreated to. Another's begins the same when
/// its name is this one's id.
pub fn is_named_after(name: &str, id: &str) -> bool {
    let own = directory_name(id);
    name.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest == place::LAUNCHER)
}

/// A size as profiles write it, rounded down to at least three digits.
pub fn size(bytes: u64) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let exact = |shift: u32| bytes >> shift > 0 && bytes.trailing_zeros() >= shift;
    match units.into_iter().find(|(shift, _)| exact(*shift) || bytes >> shift >= 100) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

impl Place {
    fn directory<'a>(&'a self, context: &'a Context) -> Option<&'a Path> {
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

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cgroups that init is in")
    }
}
