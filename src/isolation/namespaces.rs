//! `[namespaces]`: which views of the kernel's global names are the program's own.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{IdRange, Origin};

/// The section as the author wrote it. The network's namespace follows `[network]`, the mounts' is always own.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespaces {
    pub user: bool,
    pub user_origin: Option<Origin>,
    pub id_map: IdMap,
    pub id_map_origin: Option<Origin>,
    pub pid: bool,
    pub ipc: bool,
    pub uts: bool,
    pub cgroup: bool,
    /// `None` shares the host's clocks.
    pub time: Option<ClockOffsets>,
    pub hostname: Option<String>,
    pub hostname_origin: Option<Origin>,
    pub nested: Nested,
    pub nested_origin: Option<Origin>,
    /// Dotted name to value.
    pub sysctl: BTreeMap<String, (String, Origin)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum IdMap {
    /// As a user one id, as root every id onto itself.
    #[default]
    Auto,
    /// Ids 0–65535 from /etc/subuid and /etc/subgid.
    Range,
    /// The same lines for users and groups.
    Lines(Vec<IdRange>),
}

/// How far the program's clocks are moved; the kernel takes negative offsets too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClockOffsets {
    pub boottime: Duration,
    pub monotonic: Duration,
}

/// Which namespaces the program may make itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Nested {
    #[default]
    No,
    /// User namespaces and what they allow, as browsers need for their own sandbox.
    Namespaces,
    /// Mounts too, as bwrap, systemd or `sandbox` itself need; excludes Landlock.
    Mounts,
}

impl Default for Namespaces {
    fn default() -> Namespaces {
        Namespaces {
            user: true,
            user_origin: None,
            id_map: IdMap::Auto,
            id_map_origin: None,
            pid: true,
            ipc: true,
            uts: true,
            cgroup: true,
            time: Some(ClockOffsets::default()),
            hostname: None,
            hostname_origin: None,
            nested: Nested::No,
            nested_origin: None,
            sysctl: BTreeMap::new(),
        }
    }
}
