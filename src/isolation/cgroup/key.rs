//! The keys of the section, one value each, whatever the layout of the machine.

use super::{Asked, Cgroup, IoMax, Max};
use crate::isolation::Origin;

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    MemoryMax(Max),
    MemoryHigh(Max),
    MemoryLow(Max),
    MemorySwapMax(Max),
    MemoryOomGroup(bool),
    CpuMax(Max),
    CpuWeight(u64),
    CpusetCpus(String),
    CpusetMems(String),
    PidsMax(Max),
    IoMax(IoMax),
    IoWeight(u64),
    /// Page size in bytes, and the limit.
    HugetlbMax(u64, Max),
}

/// A key, and who asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub key: Key,
    pub origin: Origin,
    /// The author wrote it, and the section does not settle for less.
    pub required: bool,
}

impl Key {
    /// As the profile has it.
    pub fn name(&self) -> &'static str {
        match self {
            Key::MemoryMax(_) => "memory-max",
            Key::MemoryHigh(_) => "memory-high",
            Key::MemoryLow(_) => "memory-low",
            Key::MemorySwapMax(_) => "memory-swap-max",
            Key::MemoryOomGroup(_) => "memory-oom-group",
            Key::CpuMax(_) => "cpu-max",
            Key::CpuWeight(_) => "cpu-weight",
            Key::CpusetCpus(_) => "cpuset-cpus",
            Key::CpusetMems(_) => "cpuset-mems",
            Key::PidsMax(_) => "pids-max",
            Key::IoMax(_) => "io-max",
            Key::IoWeight(_) => "io-weight",
            Key::HugetlbMax(..) => "hugetlb-max",
        }
    }

    /// As cgroup v2 calls it.
    pub fn controller(&self) -> &'static str {
        match self {
            Key::MemoryMax(_)
            | Key::MemoryHigh(_)
            | Key::MemoryLow(_)
            | Key::MemorySwapMax(_)
            | Key::MemoryOomGroup(_) => "memory",
            Key::CpuMax(_) | Key::CpuWeight(_) => "cpu",
            Key::CpusetCpus(_) | Key::CpusetMems(_) => "cpuset",
            Key::PidsMax(_) => "pids",
            Key::IoMax(_) | Key::IoWeight(_) => "io",
            Key::HugetlbMax(..) => "hugetlb",
        }
    }

    /// What holds without any cgroup.
    pub fn asks_nothing(&self) -> bool {
        match self {
            Key::MemoryMax(max) | Key::MemoryHigh(max) | Key::MemorySwapMax(max) => *max == Max::Max,
            Key::CpuMax(max) | Key::PidsMax(max) | Key::HugetlbMax(_, max) => *max == Max::Max,
            Key::MemoryLow(low) => *low == Max::Limit(0),
            Key::MemoryOomGroup(group) => !group,
            // Among its neighbours everybody has that weight.
            Key::CpuWeight(weight) | Key::IoWeight(weight) => *weight == 100,
            Key::CpusetCpus(_) | Key::CpusetMems(_) | Key::IoMax(_) => false,
        }
    }
}

/// Everything the section asks for, in the order in which the kernel wants it written.
pub fn wishes(section: &Cgroup) -> Vec<Wish> {
    let best_effort = section.enforce != crate::isolation::Enforce::Require;
    let mut wishes = Vec::new();
    each(&mut section.clone(), &mut |key, origin, required| {
        wishes.push(Wish { key, origin: origin.clone(), required: *required && !best_effort });
    });
    wishes
}

/// The one list of the keys: shows each that is set, who asks for it, and whether it must hold, which may be changed.
pub(super) fn each(section: &mut Cgroup, see: &mut See) {
    one(&mut section.pids_max, Key::PidsMax, see);
    one(&mut section.memory_max, Key::MemoryMax, see);
    one(&mut section.memory_high, Key::MemoryHigh, see);
    one(&mut section.memory_low, Key::MemoryLow, see);
    one(&mut section.memory_swap_max, Key::MemorySwapMax, see);
    one(&mut section.memory_oom_group, Key::MemoryOomGroup, see);
    one(&mut section.cpu_max, Key::CpuMax, see);
    one(&mut section.cpu_weight, Key::CpuWeight, see);
    one(&mut section.cpuset_cpus, Key::CpusetCpus, see);
    one(&mut section.cpuset_mems, Key::CpusetMems, see);
    one(&mut section.io_max, Key::IoMax, see);
    one(&mut section.io_weight, Key::IoWeight, see);
    for (size, limit) in &mut section.hugetlb_max {
        one([limit], |limit| Key::HugetlbMax(*size, limit), see);
    }
}

type See<'a> = dyn FnMut(Key, &Origin, &mut bool) + 'a;

fn one<'a, T: Clone + 'a>(asked: impl IntoIterator<Item = &'a mut Asked<T>>, key: impl Fn(T) -> Key, see: &mut See) {
    for Asked { value, origin, required } in asked {
        see(key(value.clone()), origin, required);
    }
}
