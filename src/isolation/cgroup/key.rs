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
}

/// Everything the section asks for, in the order in which the kernel wants it written.
pub fn wishes(section: &Cgroup) -> Vec<Wish> {
    let best_effort = section.enforce != crate::isolation::Enforce::Require;
    let mut wishes = Vec::new();
    fn push<T: Clone>(wishes: &mut Vec<Wish>, best_effort: bool, asked: Option<&Asked<T>>, key: impl Fn(T) -> Key) {
        if let Some(asked) = asked {
            let required = asked.required && !best_effort;
            wishes.push(Wish { key: key(asked.value.clone()), origin: asked.origin.clone(), required });
        }
    }
    let all = &mut wishes;
    push(all, best_effort, section.pids_max.as_ref(), Key::PidsMax);
    push(all, best_effort, section.memory_max.as_ref(), Key::MemoryMax);
    push(all, best_effort, section.memory_high.as_ref(), Key::MemoryHigh);
    push(all, best_effort, section.memory_low.as_ref(), Key::MemoryLow);
    push(all, best_effort, section.memory_swap_max.as_ref(), Key::MemorySwapMax);
    push(all, best_effort, section.memory_oom_group.as_ref(), Key::MemoryOomGroup);
    push(all, best_effort, section.cpu_max.as_ref(), Key::CpuMax);
    push(all, best_effort, section.cpu_weight.as_ref(), Key::CpuWeight);
    push(all, best_effort, section.cpuset_cpus.as_ref(), Key::CpusetCpus);
    push(all, best_effort, section.cpuset_mems.as_ref(), Key::CpusetMems);
    for limit in &section.io_max {
        push(all, best_effort, Some(limit), Key::IoMax);
    }
    push(all, best_effort, section.io_weight.as_ref(), Key::IoWeight);
    for (size, limit) in &section.hugetlb_max {
        push(all, best_effort, Some(limit), |limit| Key::HugetlbMax(*size, limit));
    }
    wishes
}
