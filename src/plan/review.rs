//! What a profile does as it says, and its author may not have meant. Only `check` asks: a launch does not repeat it.

use crate::host::Host;
use crate::isolation::capabilities::Keep;
use crate::isolation::network::Mode;
use crate::isolation::{Findings, landlock, namespaces, network, process, rootfs};
use crate::profile::Profile;

/// Adds warnings to what planning found.
pub fn review(profile: &Profile, host: &Host, findings: &mut Findings) {
    let own_network = profile.network.mode == Mode::None;
    // Their errors are the plan's to report.
    let mut known = Findings::default();
    let one_id = profile.namespaces.user && !host.is_root() && profile.namespaces.id_map == namespaces::IdMap::Auto;
    let account = process::account(&profile.process, one_id, host, &mut known);
    let namespaces = namespaces::plan(&profile.namespaces, own_network, &account, &profile.name, host, &mut known);
    let overrides = match &profile.capabilities.keep {
        Keep::All => true,
        Keep::Only(names) => names.iter().any(|name| name == "dac_override"),
    };
    let granted: Vec<&str> = profile.rootfs.devices.iter().map(|device| device.name.as_str()).collect();
    process::review(&profile.process, namespaces.one_id, &granted, host, findings);
    let given = rootfs::Writer { name: &account.name, uid: namespaces.program.0, overrides };
    rootfs::review(&profile.rootfs, &given, host, findings);
    network::review(&profile.network, findings);
    landlock::review(&profile.landlock, own_network, findings);
}
