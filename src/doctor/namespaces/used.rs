//! How many namespaces are left, as far as /proc shows those that others hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::limit_of;
use crate::sys::namespace::Namespace;

/// Namespaces other than our own that some process is seen to be in.
pub type Seen = BTreeMap<Namespace, BTreeSet<String>>;

pub fn seen() -> Seen {
    let link = |pid: &str, kind: Namespace| {
        let link = std::fs::read_link(format!("/proc/{pid}/ns/{}", kind.link())).ok()?;
        Some(link.to_string_lossy().into_owned())
    };
    let mut seen = Seen::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|entry| entry.file_name().into_string().ok()) {
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for kind in Namespace::ALL {
            seen.entry(kind).or_default().extend(link(&pid, kind));
        }
    }
    for (kind, others) in &mut seen {
        if let Some(own) = link("self", *kind) {
            others.remove(&own);
        }
    }
    seen
}

/// The kernel counts for each user and tells nobody: what /proc shows is the least that is in use.
pub fn left(kind: Namespace, seen: &Seen) -> String {
    let used = seen.get(&kind).map_or(0, BTreeSet::len) as u64;
    match limit_of(kind) {
        Some(limit) => format!("at most {} of {limit} left ({used} seen in use)", limit.saturating_sub(used)),
        None => format!("{used} seen in use"),
    }
}
