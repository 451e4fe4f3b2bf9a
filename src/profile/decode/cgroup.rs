//! `[cgroup]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::set::{nothing_to_remove, removed};
use super::{refused, set};
use crate::isolation::Enforce;
use crate::isolation::cgroup::list::{CPUS, MEMS};
use crate::isolation::cgroup::{Asked, Cgroup, IoMax, Max};
use crate::profile::diagnostic::How;
use crate::profile::keys;
use crate::profile::source::{Place, Provenance};
use crate::profile::tree::{Kind, Node, Table};
use crate::profile::units;

/// How much a limit that this host cannot set matters.
pub const ENFORCE: [(&str, Enforce); 2] = [("require", Enforce::Require), ("best-effort", Enforce::BestEffort)];

pub fn decode(reader: &Reader, table: &Table, cgroup: &mut Cgroup) {
    let mut required: Option<Vec<&str>> = None;
    for entry in table.iter() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        let place = value.place;
        let found = reader.report.count();
        match key {
            "memory-max" => cgroup.memory_max = asked(reader, place, bytes(reader, key, value)),
            "memory-high" => cgroup.memory_high = asked(reader, place, bytes(reader, key, value)),
            "memory-low" => cgroup.memory_low = asked(reader, place, bytes(reader, key, value)),
            "memory-swap-max" => cgroup.memory_swap_max = asked(reader, place, bytes(reader, key, value)),
            "memory-oom-group" => cgroup.memory_oom_group = asked(reader, place, reader.boolean(key, value)),
            "cpu-max" => cgroup.cpu_max = asked(reader, place, cpu_max(reader, key, value)),
            "cpu-weight" => cgroup.cpu_weight = asked(reader, place, weight(reader, key, value)),
            "cpuset-cpus" => cgroup.cpuset_cpus = asked(reader, place, cpuset(reader, key, value)),
            "cpuset-mems" => cgroup.cpuset_mems = asked(reader, place, cpuset(reader, key, value)),
            "pids-max" => cgroup.pids_max = asked(reader, place, count(reader, key, value)),
            "io-max" => cgroup.io_max = io_max(reader, key, value),
            "io-weight" => cgroup.io_weight = asked(reader, place, weight(reader, key, value)),
            "hugetlb-max" => set(&mut cgroup.hugetlb_max, hugetlb(reader, key, value)),
            "delegate" => cgroup.delegate = asked(reader, place, reader.boolean(key, value)),
            "enforce" => match &value.kind {
                Kind::List(items) => {
                    required = Some(items.iter().filter_map(|item| limit(reader, key, item)).collect());
                }
                Kind::Text(_) => set(&mut cgroup.enforce, reader.word(key, value, &ENFORCE)),
                _ => {
                    let hint = "write \"require\", \"best-effort\", or a list of the keys that must hold";
                    reader.wrong_type::<()>(key, value, "a word or a list of keys", hint);
                }
            },
            _ => {}
        }
        // A mistake in the value is the more useful message, and stays one once the feature is built.
        if reader.report.count() == found {
            refused(reader, "cgroup", entry);
        }
    }
    // Only now are all limits known.
    if let Some(keys) = required {
        cgroup.require(&keys);
    }
}

/// One of the section's other keys.
fn limit(reader: &Reader, key: &str, item: &Node) -> Option<&'static str> {
    if !matches!(item.kind, Kind::Text(_)) {
        return reader.wrong_entry(key, item, "keys of [cgroup]", "write the name of a key in quotes");
    }
    let (_, keys) = keys::section("cgroup")?;
    let words: Vec<(&str, &str)> =
        keys.iter().filter(|(name, _)| *name != key).map(|(name, _)| (*name, *name)).collect();
    reader.word(key, item, &words)
}

fn asked<T>(reader: &Reader, place: Place, value: Option<T>) -> Option<Asked<T>> {
    let required = reader.sources.get(place.file).provenance != Provenance::BuiltIn { base: true };
    Some(Asked { value: value?, origin: reader.origin(place), required })
}

fn is_max(value: &Node) -> bool {
    matches!(&value.kind, Kind::Text(text) if text == "max")
}

fn bytes(reader: &Reader, key: &str, value: &Node) -> Option<Max> {
    if is_max(value) { Some(Max::Max) } else { reader.size(key, value).map(Max::Limit) }
}

fn count(reader: &Reader, key: &str, value: &Node) -> Option<Max> {
    if is_max(value) {
        return Some(Max::Max);
    }
    // PIDS_MAX is the kernel's PID_MAX_LIMIT.
    let number = reader.integer(key, value, 1, 4_194_304)?;
    u64::try_from(number).ok().map(Max::Limit)
}

fn weight(reader: &Reader, key: &str, value: &Node) -> Option<u64> {
    reader.integer(key, value, 1, 10_000).and_then(|number| number.try_into().ok())
}

fn cpu_max(reader: &Reader, key: &str, value: &Node) -> Option<Max> {
    match &value.kind {
        _ if is_max(value) => Some(Max::Max),
        Kind::Text(_) => reader.quantity(key, value, units::percent).map(Max::Limit),
        _ => reader.wrong_type(key, value, "a percentage", "write it as \"50%\", of one CPU"),
    }
}

/// The kernel's list format: `0-3,6`.
fn cpuset(reader: &Reader, key: &str, value: &Node) -> Option<String> {
    let text = match &value.kind {
        Kind::Integer(number) => {
            return reader.wrong_type(key, value, "a list of numbers in quotes", format!("write \"{number}\""));
        }
        _ => reader.name(key, value)?,
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => Some(number(first)? <= number(last)?),
        None => number(part).map(|_| true),
    };
    if text.split(',').all(|part| range(part) == Some(true)) {
        return Some(text);
    }
    let (noun, online) = if key == "cpuset-mems" { MEMS } else { CPUS };
    let large = text.split([',', '-']).any(|part| part.parse::<u128>().is_ok_and(|part| part > u16::MAX.into()));
    let hint = match reader.variables.host().text(Path::new(online)).filter(|_| large) {
        Some(there) => format!("the {noun} of this machine are {}", there.trim_end()),
        None => "write numbers and ranges, as in \"0-1,4\"".to_owned(),
    };
    reader.error(value.place, format!("`{key}` cannot be \"{text}\""), hint)
}

fn io_max(reader: &Reader, key: &str, value: &Node) -> Vec<Asked<IoMax>> {
    let mut limits: BTreeMap<PathBuf, (Place, Asked<IoMax>)> = BTreeMap::new();
    let overrule = |place: Place, item: &Node, how| reader.report.overrule(place, item.place, how);
    for item in reader.list(key, value).unwrap_or_default() {
        match removed(item) {
            Some("*") => {
                limits.values().for_each(|(place, _)| overrule(*place, item, How::Removed));
                limits.clear();
            }
            Some(device) => {
                let Some(path) = super::path::resolve(reader, key, device, item.place) else { continue };
                match limits.remove(&path) {
                    Some((place, _)) => overrule(place, item, How::Removed),
                    None => nothing_to_remove(reader, key, device, item.place, false),
                }
            }
            None => {
                let Some(limit) = asked(reader, item.place, io_limit(reader, key, item)) else { continue };
                if let Some((place, _)) = limits.insert(limit.value.device.clone(), (item.place, limit)) {
                    overrule(place, item, How::Replaced);
                }
            }
        }
    }
    limits.into_values().map(|(_, limit)| limit).collect()
}

/// Cgroup v1 takes 0 for no limit at all, and version 2 takes none.
fn rate(reader: &Reader, key: &str, value: &Node) -> Option<u64> {
    match reader.size(key, value)? {
        0 => reader.error(value.place, format!("`{key}` cannot be 0"), "write the bytes of a second, as in \"10M\""),
        bytes => Some(bytes),
    }
}

fn io_limit(reader: &Reader, key: &str, item: &Node) -> Option<IoMax> {
    let table = reader.table(key, item)?;
    let found = reader.report.count();
    let mut device = None;
    let (mut read_bps, mut write_bps, mut read_iops, mut write_iops) = (None, None, None, None);
    let iops = |name: &str, node: &Node| {
        reader.integer(name, node, 1, u32::MAX.into()).and_then(|number| u64::try_from(number).ok())
    };
    for entry in
        reader.known("an entry of `io-max`", table, &["device", "read-bps", "write-bps", "read-iops", "write-iops"])
    {
        let (name, node) = (entry.key.as_str(), &entry.value);
        match name {
            "device" => device = reader.path(name, node),
            "read-bps" => read_bps = rate(reader, name, node),
            "write-bps" => write_bps = rate(reader, name, node),
            "read-iops" => read_iops = iops(name, node),
            _ => write_iops = iops(name, node),
        }
    }
    if reader.report.count() > found {
        return None;
    }
    let Some(device) = device else {
        return reader.error(
            item.place,
            format!("an entry of `{key}` has no `device`"),
            "add device = \"/path\", a file on the device or the node itself",
        );
    };
    if [read_bps, write_bps, read_iops, write_iops].iter().all(Option::is_none) {
        return reader.error(
            item.place,
            format!("an entry of `{key}` limits nothing"),
            "add read-bps, write-bps, read-iops or write-iops",
        );
    }
    Some(IoMax { device, read_bps, write_bps, read_iops, write_iops })
}

fn hugetlb(reader: &Reader, key: &str, value: &Node) -> Option<BTreeMap<u64, Asked<Max>>> {
    let mut limits = BTreeMap::new();
    for entry in reader.table(key, value)?.iter() {
        match units::size(&entry.key) {
            Ok(page) if page.is_power_of_two() => {
                if let Some(limit) = asked(reader, entry.value.place, bytes(reader, &entry.key, &entry.value)) {
                    limits.insert(page, limit);
                }
            }
            _ => {
                let hint = "write the size of a huge page, as in \"2M\" or \"1G\"";
                reader.error::<()>(entry.key_place, format!("`{}` is no page size", entry.key), hint);
            }
        }
    }
    Some(limits)
}
