//! `[namespaces]`: which views of the kernel's global names are the program's own.

mod apply;
mod ids;
pub mod limits;
mod plan;
mod read_back;
mod review;
pub mod sysctl;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::context::{Slot, Slots};
use super::{IdMaps, IdRange, Origin};
use crate::sys::namespace::Namespace;

pub use ids::{large_grant, verify_ids};
pub use plan::{Planned, plan};
pub use read_back::{Late, ReadBack};
pub use review::review;

/// The section as the author wrote it. The network's namespace follows `[network]`, the mounts' is always own.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespaces {
    pub user: bool,
    pub user_origin: Option<Origin>,
    pub id_map: IdMap,
    pub id_map_origin: Option<Origin>,
    pub pid: bool,
    pub ipc: bool,
    pub uts: bool,
    pub cgroup: bool,
    /// `None` shares the host's clocks.
    pub time: Option<ClockOffsets>,
    pub time_origin: Option<Origin>,
    pub hostname: Option<String>,
    pub hostname_origin: Option<Origin>,
    pub nested: Nested,
    pub nested_origin: Option<Origin>,
    /// Dotted name to value.
    pub sysctl: BTreeMap<String, (String, Origin)>,
}

impl Namespaces {
    /// Whether the program has one of its own; the network's follows `[network]`.
    pub fn wants(&self, kind: Namespace, own_network: bool) -> bool {
        match kind {
            Namespace::User => self.user,
            Namespace::Mount => true,
            Namespace::Pid => self.pid,
            Namespace::Net => own_network,
            Namespace::Ipc => self.ipc,
            Namespace::Uts => self.uts,
            Namespace::Cgroup => self.cgroup,
            Namespace::Time => self.time.is_some(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum IdMap {
    /// As a user one id, as root every id onto itself.
    #[default]
    Auto,
    /// Ids 0–65535 from /etc/subuid and /etc/subgid.
    Range,
    /// The same lines for users and groups.
    Lines(Vec<IdRange>),
}

/// How far the program's clocks are moved; the kernel takes negative offsets too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClockOffsets {
    pub boottime: Duration,
    pub monotonic: Duration,
}

/// Which namespaces the program may make itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Nested {
    #[default]
    No,
    /// User namespaces and what they allow, as browsers need for their own sandbox.
    Namespaces,
    /// Mounts too, as bwrap, systemd or `sandbox` itself need; excludes Landlock.
    Mounts,
}

impl Default for Namespaces {
    fn default() -> Namespaces {
        Namespaces {
            user: true,
            user_origin: None,
            id_map: IdMap::Auto,
            id_map_origin: None,
            pid: true,
            ipc: true,
            uts: true,
            cgroup: true,
            time: Some(ClockOffsets::default()),
            time_origin: None,
            hostname: None,
            hostname_origin: None,
            nested: Nested::No,
            nested_origin: None,
            sysctl: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Init writes its own maps: one id of each kind needs nobody's help.
    MapOwnId(IdMaps),
    /// The supervisor writes the child's maps, having the privilege over these ids itself.
    MapIds(IdMaps),
    /// newuidmap(1) and newgidmap(1) write them, from what /etc/subuid and /etc/subgid grant the caller.
    MapIdsByHelper(IdMaps),
    /// Where the map leaves out the caller, init becomes the program's account: nobody could make a file.
    Become {
        uid: u32,
        gid: u32,
    },
    /// Nothing can trace us or reach our descriptors through /proc from here on.
    Undumpable,
    UnshareCgroup,
    /// Init enters it: a vforked child may not, on every kernel.
    UnshareTime(ClockOffsets),
    Hostname(String),
    /// `/proc/sys` path below it, slashes for dots, and value.
    Sysctl {
        path: String,
        value: String,
    },
    /// A count that the kernel keeps for the user outside too, of which the program gets a part: the same.
    Share {
        path: &'static str,
        value: u64,
    },
    /// The count of user namespaces below ours is limited to none, and making one is seen to fail.
    ForbidNested,
}

impl Step {
    pub fn why(&self) -> &'static str {
        match self {
            Step::MapOwnId(_) => "inside, the caller is one known account and nobody else exists; setgroups is denied",
            Step::MapIds(_) => "every id means itself inside, so files keep their owners; only the parent may write it",
            Step::MapIdsByHelper(_) => "a range of ids needs what /etc/subuid grants, which only newuidmap can give",
            Step::Become { .. } => "the caller has no id inside, and who has none can make no file",
            Step::Undumpable => "no process inside can trace init, or open its files through /proc",
            Step::UnshareCgroup => "after joining its cgroup, so that the program sees that as /",
            Step::UnshareTime(_) => "clocks of its own: the host's time since boot can be hidden or moved",
            Step::Hostname(_) => "the host's own name is not the program's business",
            Step::Sysctl { .. } => "the profile sets it; it is the namespaces' own value, not the host's",
            Step::Share { .. } => {
                "half of the caller's: what a program takes counts for its user outside too, who then finds none left"
            }
            Step::ForbidNested => {
                "a nested user namespace would give back capabilities within itself, and kernel surface"
            }
        }
    }

    pub fn slots(&self) -> Slots {
        match self {
            Step::MapIds(_) | Step::MapIdsByHelper(_) => Slots::reading(&[Slot::Child]),
            Step::Sysctl { .. } | Step::Share { .. } | Step::ForbidNested => Slots::reading(&[Slot::Proc]),
            Step::MapOwnId(_)
            | Step::Become { .. }
            | Step::Undumpable
            | Step::UnshareCgroup
            | Step::UnshareTime(_)
            | Step::Hostname(_) => Slots::default(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::MapOwnId(maps) => write!(f, "map {maps}, setgroups denied"),
            Step::MapIds(maps) => write!(f, "map {maps}"),
            Step::MapIdsByHelper(maps) => write!(f, "map {maps}, by newuidmap and newgidmap"),
            Step::Become { uid, gid } => write!(f, "become uid {uid}, gid {gid}"),
            Step::Undumpable => f.write_str("make init untraceable"),
            Step::UnshareCgroup => f.write_str("enter an own cgroup namespace"),
            Step::UnshareTime(offsets) if *offsets == ClockOffsets::default() => {
                f.write_str("give the program an own time namespace")
            }
            Step::UnshareTime(offsets) => write!(
                f,
                "give the program an own time namespace, monotonic +{:?}, boottime +{:?}",
                offsets.monotonic, offsets.boottime
            ),
            Step::Hostname(name) => write!(f, "set the hostname {name}"),
            Step::Sysctl { path, value } => write!(f, "set {} = {value}", path.replace('/', ".")),
            Step::Share { path, value } => write!(f, "set {} = {value}", path.replace('/', ".")),
            Step::ForbidNested => f.write_str("forbid further user namespaces"),
        }
    }
}
