//! `[cgroup]`: how much of the machine the program may use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Enforce, Origin};

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
    /// The author wrote it, so it is required; what only a built-in base says is best effort.
    pub required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Max {
    Max,
    Limit(u64),
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
