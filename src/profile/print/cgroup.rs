//! `[cgroup]`.

use std::collections::BTreeMap;

use super::Lines;
use super::toml::{fields, list, path, quoted, spread, table};
use crate::isolation::Enforce;
use crate::isolation::cgroup::{Asked, Cgroup, IoMax, Max};
use crate::profile::units::show_size;

pub fn keys(cgroup: &Cgroup) -> Lines {
    let mut lines = Lines::new();
    let bytes = [
        ("memory-max", &cgroup.memory_max),
        ("memory-high", &cgroup.memory_high),
        ("memory-low", &cgroup.memory_low),
        ("memory-swap-max", &cgroup.memory_swap_max),
    ];
    lines.extend(bytes.into_iter().filter_map(|(key, asked)| Some((key, size(asked.as_ref()?.value)))));
    let flags = [("memory-oom-group", &cgroup.memory_oom_group), ("delegate", &cgroup.delegate)];
    lines.extend(flags.into_iter().filter_map(|(key, asked)| Some((key, asked.as_ref()?.value.to_string()))));
    lines.extend(cgroup.cpu_max.as_ref().map(|asked| ("cpu-max", limit(asked.value, percent))));
    let weights = [("cpu-weight", &cgroup.cpu_weight), ("io-weight", &cgroup.io_weight)];
    lines.extend(weights.into_iter().filter_map(|(key, asked)| Some((key, asked.as_ref()?.value.to_string()))));
    let sets = [("cpuset-cpus", &cgroup.cpuset_cpus), ("cpuset-mems", &cgroup.cpuset_mems)];
    lines.extend(sets.into_iter().filter_map(|(key, asked)| Some((key, quoted(&asked.as_ref()?.value)))));
    lines.extend(cgroup.pids_max.as_ref().map(|asked| ("pids-max", limit(asked.value, |number| number.to_string()))));
    if !cgroup.io_max.is_empty() {
        lines.push(("io-max", spread(&cgroup.io_max.iter().map(device).collect::<Vec<_>>())));
    }
    if !cgroup.hugetlb_max.is_empty() {
        let pages: BTreeMap<String, &Asked<Max>> =
            cgroup.hugetlb_max.iter().map(|(page, asked)| (show_size(*page), asked)).collect();
        lines.push(("hugetlb-max", table(&pages, |asked| size(asked.value))));
    }
    // What only a built-in base asked for was not required there, and is not to be once it stands here.
    let keys = cgroup.required();
    let must: Vec<String> = keys.iter().filter(|(_, required)| **required).map(|(key, _)| quoted(key)).collect();
    if cgroup.enforce == Enforce::BestEffort || must.is_empty() && !keys.is_empty() {
        lines.push(("enforce", quoted("best-effort")));
    } else if must.len() < keys.len() {
        lines.push(("enforce", list(must)));
    }
    lines
}

fn limit(max: Max, show: fn(u64) -> String) -> String {
    match max {
        Max::Max => quoted("max"),
        Max::Limit(number) => show(number),
    }
}

fn size(max: Max) -> String {
    limit(max, |bytes| quoted(&show_size(bytes)))
}

/// Of hundredths of a percent.
fn percent(hundredths: u64) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => quoted(&format!("{whole}%")),
        (whole, part) => quoted(&format!("{whole}.{part:02}%")),
    }
}

fn device(asked: &Asked<IoMax>) -> String {
    let IoMax { device, read_bps, write_bps, read_iops, write_iops } = &asked.value;
    let bytes = |limit: &Option<u64>| limit.map(|limit| quoted(&show_size(limit)));
    let operations = |limit: &Option<u64>| limit.map(|limit| limit.to_string());
    fields([
        Some(("device", path(device))),
        bytes(read_bps).map(|limit| ("read-bps", limit)),
        bytes(write_bps).map(|limit| ("write-bps", limit)),
        operations(read_iops).map(|limit| ("read-iops", limit)),
        operations(write_iops).map(|limit| ("write-iops", limit)),
    ])
}
