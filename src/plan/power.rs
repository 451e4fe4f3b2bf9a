//! What the program may do to the mounts that hold it, by its capabilities, its namespaces and what refuses calls.

use crate::host::Host;
use crate::isolation::namespaces::Nested;
use crate::isolation::{Enforce, seccomp};
use crate::profile::Profile;

/// Whether its capabilities are the host's.
pub(super) fn has_power(profile: &Profile) -> bool {
    !profile.namespaces.user && profile.capabilities.keeps("sys_admin")
}

/// Whether Landlock binds the program.
fn restricted(profile: &Profile, host: &Host) -> bool {
    profile.landlock.enforce != Enforce::Off && host.landlock_abi() > 0
}

/// Whether the program can take back what mounts hide and forbid: it has power over the mounts that were made for it,
/// and neither the filter nor Landlock keeps it from using that.
pub(super) fn undoes_mounts(profile: &Profile, host: &Host) -> bool {
    let nested = profile.namespaces.nested;
    let calls = ["mount", "umount2", "mount_setattr", "open_tree", "fsmount"];
    profile.capabilities.keeps("sys_admin")
        && !restricted(profile, host)
        && (nested == Nested::Mounts || seccomp::admits(&profile.seccomp, nested != Nested::No, &calls))
}

/// Whether the program can mount a cgroup file system and write to what is in there.
pub(super) fn mounts_cgroups(profile: &Profile, host: &Host) -> bool {
    let namespaces = &profile.namespaces;
    // Without a user namespace of its own nothing forbids another but the filter.
    let empowered = namespaces.nested != Nested::No || !namespaces.user || profile.capabilities.keeps("sys_admin");
    if !empowered {
        return false;
    }
    // Landlock refuses mount(2), but not a mount that is attached to nothing. In there it lets nothing be opened, and yet
    // modes be changed.
    let calls: &[&str] = if restricted(profile, host) { &["fsmount"] } else { &["mount", "fsmount"] };
    namespaces.nested == Nested::Mounts || seccomp::admits(&profile.seccomp, namespaces.nested != Nested::No, calls)
}
