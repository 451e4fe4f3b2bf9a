//! How many namespaces are left, as far as /proc shows those that others hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Namespaces other than our own that some process is seen to be in, by their names in /proc/PID/ns.
pub type Seen = BTreeMap<&'static str, BTreeSet<String>>;

const LINKS: [(&str, &str); 8] = [
    ("user", "user"),
    ("mount", "mnt"),
    ("pid", "pid"),
    ("net", "net"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("cgroup", "cgroup"),
    ("time", "time"),
];

pub fn seen() -> Seen {
    let link = |pid: &str, name: &str| {
        let link = std::fs::read_link(format!("/proc/{pid}/ns/{name}")).ok()?;
        Some(link.to_string_lossy().into_owned())
    };
    let mut seen = Seen::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|entry| entry.file_name().into_string().ok()) {
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for (kind, name) in LINKS {
            seen.entry(kind).or_default().extend(link(&pid, name));
        }
    }
    for (kind, name) in LINKS {
        if let (Some(own), Some(others)) = (link("self", name), seen.get_mut(kind)) {
            others.remove(&own);
        }
    }
    seen
}

/// The kernel counts for each user and tells nobody: what /proc shows is the least that is in use.
pub fn left(kind: &str, limit: &str, seen: &Seen) -> String {
    let used = seen.get(kind).map_or(0, BTreeSet::len) as u64;
    let text = std::fs::read_to_string(Path::new("/proc/sys/user").join(limit)).unwrap_or_default();
    match text.trim().parse::<u64>() {
        Ok(limit) => format!("at most {} of {limit} left ({used} seen in use)", limit.saturating_sub(used)),
        Err(_) => format!("{used} seen in use"),
    }
}
