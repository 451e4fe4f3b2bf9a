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
mod step;
#[cfg(test)]
mod tests;
pub mod update;
mod v1;
mod v2;
pub mod value;
mod weight;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::{Enforce, Origin};

pub use super::Max;
pub use given::Given;
pub use key::Key;
pub use plan::{Planned, lack, plan};
pub use review::{review_grants, review_power};
pub use settings::{Lack, Setting};
pub use step::{Delegated, Place, Step};

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

/// A controller, or another word that a hierarchy of cgroup v1 is known by.
pub type Name = Cow<'static, str>;

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

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cgroups that init is in")
    }
}
