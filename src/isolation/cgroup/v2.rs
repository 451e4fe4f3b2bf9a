//! The keys as files of cgroup v2.

use std::path::Path;

use super::key::Key;
use super::settings::{Carried, Lack, Setting, bandwidth, bytes, huge_page, round_down};
use super::{device, list, weight};
use crate::host::Host;

/// The files that carry a key, in a directory to be made below `place`.
pub fn carry(key: &Key, place: &Path, host: &Host) -> Result<Carried, Lack> {
    let one = |file: &str, value: String| Carried::exactly(vec![Setting::new(file, value)]);
    Ok(match key {
        Key::MemoryMax(max) => one("memory.max", bytes(*max)),
        Key::MemoryHigh(max) => one("memory.high", bytes(*max)),
        Key::MemoryLow(max) => one("memory.low", bytes(*max)),
        // Missing where the kernel cannot swap at all: then nothing of the program's is ever swapped out.
        Key::MemorySwapMax(max) => {
            Carried::exactly(vec![Setting { optional: true, ..Setting::new("memory.swap.max", bytes(*max)) }])
        }
        Key::MemoryOomGroup(on) => one("memory.oom.group", u8::from(*on).to_string()),
        Key::CpuMax(max) => {
            let (quota, period) = bandwidth(*max)?;
            let quota = quota.map_or("max".to_owned(), |quota| quota.to_string());
            one("cpu.max", format!("{quota} {period}"))
        }
        Key::CpuWeight(weight) => one("cpu.weight", weight.to_string()),
        Key::CpusetCpus(cpus) => {
            list::check(cpus, &place.join("cpuset.cpus.effective"), list::CPUS, host)?;
            one("cpuset.cpus", cpus.clone())
        }
        Key::CpusetMems(mems) => {
            list::check(mems, &place.join("cpuset.mems.effective"), list::MEMS, host)?;
            one("cpuset.mems", mems.clone())
        }
        Key::PidsMax(max) => one("pids.max", bytes(*max)),
        Key::IoMax(limit) => {
            let device = device::disk(&limit.device, host)?;
            let number = |limit: Option<u64>| limit.map_or("max".to_owned(), |limit| limit.to_string());
            let (rbps, wbps) = (number(limit.read_bps), number(limit.write_bps));
            let (riops, wiops) = (number(limit.read_iops), number(limit.write_iops));
            one("io.max", format!("{device} rbps={rbps} wbps={wbps} riops={riops} wiops={wiops}"))
        }
        Key::IoWeight(weight) => {
            let schedulers = weight::schedulers(place, host)?;
            let mut settings = Vec::new();
            if schedulers.cost {
                settings.push(Setting::new("io.weight", format!("default {weight}")));
            }
            if schedulers.bfq {
                settings.push(Setting::new("io.bfq.weight", weight::bfq(*weight).to_string()));
            }
            Carried::exactly(settings)
        }
        Key::HugetlbMax(size, max) => {
            one(&format!("hugetlb.{}.max", huge_page(*size, host)?), bytes(round_down(*max, *size)))
        }
    })
}
