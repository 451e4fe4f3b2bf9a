//! What a profile does as it says, and its author may not have meant. Only `check` asks: a launch does not repeat it.

use std::path::Path;

use super::order::{Inside, inside};
use crate::host::Host;
use crate::isolation::capabilities::Keep;
use crate::isolation::network::Mode;
use crate::isolation::{Findings, landlock, network, process, rootfs};
use crate::profile::Profile;

/// Adds warnings to what planning found.
pub fn review(profile: &Profile, host: &Host, findings: &mut Findings) {
    let own_network = profile.network.mode == Mode::None;
    // Their errors are the plan's to report.
    let mut known = Findings::default();
    let Inside { account, namespaces, rootfs, .. } = inside(profile, host, &mut known);
    let overrides = match &profile.capabilities.keep {
        Keep::All => true,
        Keep::Only(names) => names.iter().any(|name| name == "dac_override"),
    };
    let granted: Vec<&str> = profile.rootfs.devices.iter().map(|device| device.name.as_str()).collect();
    process::review(&profile.process, namespaces.one_id, &granted, host, findings);
    let given = rootfs::Writer { name: &account.name, uid: namespaces.program.0, overrides };
    // Without the tree that was meant nothing is where it was meant to be.
    if !known.refuse() {
        let executes = |path: &Path| rootfs.executes(path, &given, host);
        let directory = process::directory(&profile.process, &account, &|path| rootfs.sees(path, host), host);
        let surroundings =
            process::Surroundings { account: &account, runtime: &rootfs.runtime, directory, executes: &executes };
        process::review_program(&profile.process, &surroundings, host, findings);
    }
    rootfs::review(&profile.rootfs, &given, host, findings);
    network::review(&profile.network, findings);
    landlock::review(&profile.landlock, own_network, findings);
}
