//! What the author wrote: found, read, extended, substituted. Nothing here touches the kernel.

use std::path::PathBuf;

use crate::isolation::{capabilities, cgroup, landlock, namespaces, network, process, rootfs, seccomp};

/// A profile with everything it extends folded in and every variable replaced.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Profile {
    /// `[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}`; keys everything that is kept.
    pub name: String,
    pub description: Option<String>,
    pub process: process::Process,
    pub namespaces: namespaces::Namespaces,
    pub rootfs: rootfs::Rootfs,
    pub cgroup: cgroup::Cgroup,
    pub network: network::Network,
    pub capabilities: capabilities::Capabilities,
    pub seccomp: seccomp::Seccomp,
    pub landlock: landlock::Landlock,
    /// The files it was read from, absolute; built-in ones are left out.
    pub files: Vec<PathBuf>,
}
