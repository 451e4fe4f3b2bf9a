//! Groups that open more than their members' own files.

use crate::host::Host;

/// And what they open.
const PRIVILEGED: &[(&str, &str)] = &[
    ("root", "what is root's group's"),
    ("docker", "a daemon that is root"),
    ("podman", "a daemon that is root"),
    ("lxd", "a daemon that is root"),
    ("incus", "containers"),
    ("incus-admin", "a daemon that is root"),
    ("libvirt", "a daemon that is root"),
    ("disk", "every block device"),
    ("kmem", "the kernel's memory"),
    ("shadow", "password hashes"),
    ("sudo", "administration"),
    ("wheel", "administration"),
    ("admin", "administration"),
    ("adm", "logs"),
    ("systemd-journal", "logs"),
    ("kvm", "virtual machines"),
    ("input", "every key that is typed"),
];

/// Those that the caller is in, and what each opens: an ordinary user cannot drop one.
pub fn privileged(host: &Host) -> Vec<(&'static str, &'static str)> {
    let mut held = host.groups();
    held.push(host.gid());
    held.sort_unstable();
    held.dedup();
    let named = held.into_iter().filter_map(|gid| host.group_by_gid(gid));
    named.filter_map(|group| PRIVILEGED.iter().find(|(name, _)| *name == group.name)).copied().collect()
}
