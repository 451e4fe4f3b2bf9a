//! The keys as files of cgroup v1: the same, the nearest thing, or nothing.

use std::path::Path;

use super::key::Key;
use super::settings::{Carried, Lack, Setting, USUAL_PERIOD, bandwidth, huge_page, round_down};
use super::{Max, device, list, weight};
use crate::host::{Host, Node};

/// What a controller of cgroup v2 is called here.
pub fn controller(name: &'static str) -> &'static str {
    if name == "io" { "blkio" } else { name }
}

/// The files that carry a key, in a directory to be made below `place`. `memory` is the section's memory-max.
pub fn carry(key: &Key, memory: Option<Max>, place: &Path, host: &Host) -> Result<Carried, Lack> {
    let one = |file: &str, value: String| Carried::exactly(vec![Setting::new(file, value)]);
    Ok(match key {
        Key::MemoryMax(max) => {
            let mut settings = vec![Setting::new("memory.limit_in_bytes", bytes(*max))];
            if host.node(&place.join(SOCKETS)) != Node::Missing {
                settings.push(Setting::new(SOCKETS, bytes(*max)));
            }
            Carried::exactly(settings)
        }
        Key::MemoryHigh(Max::Max) => one("memory.soft_limit_in_bytes", bytes(Max::Max)),
        Key::MemoryHigh(max) => one("memory.soft_limit_in_bytes", bytes(*max)).approximately(
            "on cgroup v1 it is memory.soft_limit_in_bytes: above it memory is taken back when the machine runs short, \
             but the program is not slowed down",
        ),
        Key::MemoryLow(Max::Limit(0)) => Carried::default(),
        Key::MemoryLow(_) => return Err(Lack::new("cgroup v1 protects no memory from reclaim", UNIFIED)),
        Key::MemorySwapMax(max) => swap(*max, memory, place, host)?,
        Key::MemoryOomGroup(false) => Carried::default(),
        Key::MemoryOomGroup(true) => {
            return Err(Lack::new("cgroup v1 kills one process at a time when memory runs out", UNIFIED));
        }
        Key::CpuMax(max) => {
            let (quota, period) = bandwidth(*max)?;
            let quota = quota.map_or("-1".to_owned(), |quota| quota.to_string());
            let mut settings = vec![Setting::new("cpu.cfs_quota_us", quota)];
            if period != USUAL_PERIOD {
                settings.insert(0, Setting::new("cpu.cfs_period_us", period.to_string()));
            }
            Carried::exactly(settings)
        }
        // The kernel's own relation of the two: weight 100 and 1024 shares are both the default.
        Key::CpuWeight(weight) => one("cpu.shares", (weight.saturating_mul(1024).saturating_add(50) / 100).to_string()),
        Key::CpusetCpus(cpus) => {
            list::check(cpus, &place.join("cpuset.effective_cpus"), list::CPUS, host)?;
            one("cpuset.cpus", cpus.clone())
        }
        Key::CpusetMems(mems) => {
            list::check(mems, &place.join("cpuset.effective_mems"), list::MEMS, host)?;
            one("cpuset.mems", mems.clone())
        }
        Key::PidsMax(Max::Max) => one("pids.max", "max".into()),
        Key::PidsMax(Max::Limit(limit)) => one("pids.max", limit.to_string()),
        Key::IoMax(limit) => {
            let device = device::disk(&limit.device, host)?;
            let limits = [
                ("read_bps", limit.read_bps),
                ("write_bps", limit.write_bps),
                ("read_iops", limit.read_iops),
                ("write_iops", limit.write_iops),
            ];
            let settings = limits.into_iter().filter_map(|(name, limit)| {
                Some(Setting::new(&format!("blkio.throttle.{name}_device"), format!("{device} {}", limit?)))
            });
            let carried = Carried::exactly(settings.collect());
            if limit.write_bps.or(limit.write_iops).is_none() {
                return Ok(carried);
            }
            carried.approximately(
                "on cgroup v1 writes that go through the page cache are written back on nobody's account: only direct \
                 and synchronous writes are limited",
            )
        }
        Key::IoWeight(weight) => {
            if !weight::schedulers(place, host)?.bfq {
                return Err(Lack::new("no disk here is scheduled by bfq, the one that cgroup v1 has weights for", BFQ));
            }
            one("blkio.bfq.weight", weight::bfq(*weight).to_string())
        }
        Key::HugetlbMax(size, max) => {
            one(&format!("hugetlb.{}.limit_in_bytes", huge_page(*size, host)?), bytes(round_down(*max, *size)))
        }
    })
}

/// Buffers of sockets, whatever their protocol: counted by themselves, and not at all before this is set.
pub const SOCKETS: &str = "memory.kmem.tcp.limit_in_bytes";

pub const UNIFIED: &str = "boot with cgroup v2 alone: systemd.unified_cgroup_hierarchy=1 on the kernel's command line";
const BFQ: &str = "as root: echo bfq > /sys/block/DISK/queue/scheduler";

fn bytes(max: Max) -> String {
    match max {
        Max::Max => "-1".into(),
        Max::Limit(limit) => limit.to_string(),
    }
}

/// Cgroup v1 has no limit of swap, only one of memory and swap together.
fn swap(swap: Max, memory: Option<Max>, place: &Path, host: &Host) -> Result<Carried, Lack> {
    let Max::Limit(swap) = swap else { return Ok(Carried::default()) };
    let Some(Max::Limit(memory)) = memory else {
        if swap == 0 {
            return Ok(Carried::exactly(vec![Setting::new("memory.swappiness", "0".into())]).approximately(
                "on cgroup v1 without memory-max it is memory.swappiness 0: swap is used as a last resort only",
            ));
        }
        let message = "cgroup v1 limits memory and swap together, and there is no memory-max";
        return Err(Lack::new(message, "set memory-max too"));
    };
    if host.node(&place.join("memory.memsw.limit_in_bytes")) == Node::Missing {
        let message = "this kernel does not count swap";
        return Err(Lack::new(message, "boot with swapaccount=1 on the kernel's command line"));
    }
    let both = memory.checked_add(swap).map_or(Max::Max, Max::Limit);
    Ok(Carried::exactly(vec![Setting::new("memory.memsw.limit_in_bytes", bytes(both))]))
}
