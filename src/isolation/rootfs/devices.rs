//! Devices: the few that every program may count on, and groups by name.

use std::path::{Path, PathBuf};

use super::Device;
use super::tree::{Content, Kind, Tree};
use crate::host::{Host, Node};
use crate::isolation::{Access, Findings, Section};

/// Name, major and minor number (the kernel's Documentation/admin-guide/devices.txt): anything else is an impostor.
const MINIMAL: [Minimal; 6] = [
    Minimal { path: "/dev/null", major: 1, minor: 3 },
    Minimal { path: "/dev/zero", major: 1, minor: 5 },
    Minimal { path: "/dev/full", major: 1, minor: 7 },
    Minimal { path: "/dev/random", major: 1, minor: 8 },
    Minimal { path: "/dev/urandom", major: 1, minor: 9 },
    Minimal { path: "/dev/tty", major: 5, minor: 0 },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimal {
    pub path: &'static str,
    pub major: u32,
    pub minor: u32,
}

impl Minimal {
    fn kind(self) -> Kind {
        Kind::Device { block: false, major: self.major, minor: self.minor }
    }
}

const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Group to the nodes and directories of nodes that belong to it; `*` ends a prefix of names.
const GROUPS: [(&str, &[&str]); 7] = [
    ("gpu", &["/dev/dri/*", "/dev/nvidia*", "/dev/kfd"]),
    ("alsa", &["/dev/snd/*"]),
    ("camera", &["/dev/video*", "/dev/media*"]),
    ("fuse", &["/dev/fuse"]),
    ("tun", &["/dev/net/tun"]),
    ("kvm", &["/dev/kvm"]),
    ("input", &["/dev/input/*", "/dev/uinput"]),
];

pub fn minimal() -> Vec<(PathBuf, Content)> {
    let nodes =
        MINIMAL.iter().map(|device| (PathBuf::from(device.path), node(PathBuf::from(device.path), device.kind())));
    let links = LINKS.iter().map(|(path, to)| (PathBuf::from(path), Content::Link(PathBuf::from(to))));
    nodes.chain(links).chain([(PathBuf::from("/dev/pts"), Content::Devpts)]).collect()
}

/// Those whose nodes are there.
pub fn minimal_in(tree: &Tree) -> Vec<Minimal> {
    let stands = |device: &&Minimal| match tree.get(Path::new(device.path)) {
        Some(Content::Bind { kind, .. }) => *kind == device.kind(),
        _ => false,
    };
    MINIMAL.iter().filter(stands).copied().collect()
}

/// The nodes that one entry of `devices` names on this host.
pub fn named(device: &Device, host: &Host, findings: &mut Findings) -> Vec<(PathBuf, Content)> {
    let origin = device.origin.as_ref();
    let name = device.name.as_str();
    let patterns: Vec<&str> = match GROUPS.iter().find(|(group, _)| *group == name) {
        Some((_, patterns)) => patterns.to_vec(),
        None if name.starts_with("/dev/") => vec![name],
        None => {
            let groups: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
            let hint = format!("one of {}, or a path below /dev", groups.join(", "));
            findings.error_alone(
                Section::Rootfs,
                format!("devices: {name:?} is neither a group nor a path"),
                hint,
                origin,
            );
            return Vec::new();
        }
    };
    let nodes: Vec<_> = patterns.iter().flat_map(|pattern| matching(pattern, host)).collect();
    if nodes.is_empty() && !device.optional {
        let found = if name.starts_with('/') { host.node(Path::new(name)) } else { Node::Missing };
        let (message, hint) = match found {
            Node::Directory { .. } => (format!("{name} is a directory"), "name the devices in it".to_owned()),
            Node::Symlink { to } => (format!("{name} is a link"), format!("name what it leads to: {}", to.display())),
            Node::File { .. } => (format!("{name} is an ordinary file"), "bind it by `read-only`".to_owned()),
            _ => {
                let hint = format!("load its driver, or write \"-{name}\" to go without");
                (format!("this machine has no {name}"), hint)
            }
        };
        findings.error_alone(Section::Rootfs, format!("devices: {message}"), hint, origin);
    }
    nodes
}

fn matching(pattern: &str, host: &Host) -> Vec<(PathBuf, Content)> {
    let paths = match pattern.strip_suffix('*') {
        None => vec![PathBuf::from(pattern)],
        Some(start) => {
            let (directory, start) = start.rsplit_once('/').unwrap_or(("/dev", start));
            let names = host.list(Path::new(directory));
            names.iter().filter(|name| name.starts_with(start)).map(|name| Path::new(directory).join(name)).collect()
        }
    };
    paths
        .into_iter()
        .filter_map(|path| match host.node(&path) {
            Node::Device { kind, major, minor } => {
                Some((path.clone(), node(path, Kind::Device { block: kind == 'b', major, minor })))
            }
            _ => None,
        })
        .collect()
}

fn node(source: PathBuf, kind: Kind) -> Content {
    Content::Bind { source, kind, access: Access::ReadWrite, exec: false, discard: false, system: true }
}
