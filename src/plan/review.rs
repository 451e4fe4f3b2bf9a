//! What a profile does as it says, and its author may not have meant. Only `check` asks: a launch does not repeat it.

use std::path::Path;

use super::order::{Inside, account, inside, order, visitor, within};
use super::power::{has_power, mounts_cgroups, undoes_mounts};
use crate::host::Host;
use crate::isolation::capabilities::Keep;
use crate::isolation::network::Mode;
use crate::isolation::{Access, Findings, Section, cgroup, landlock, namespaces, network, process, rootfs};
use crate::profile::{Diagnostics, Profile};

/// What planning has to say of a profile that is refused already. Whatever may follow from one of its errors is left out:
/// only what a single entry that could be read is to blame for is said beside them.
pub fn beside(refused: Diagnostics, host: &Host) -> Diagnostics {
    let Some(rest) = &refused.rest else { return refused };
    let mut findings = Findings::default();
    super::plan(&rest.profile, host, &mut findings);
    findings.0.retain(|finding| finding.alone);
    rest.diagnostics(&findings)
}

/// What a launch would do about namespaces, for whoever tries it; `None` where that is refused.
pub fn namespaces(profile: &Profile, host: &Host) -> Option<namespaces::Planned> {
    let mut findings = Findings::default();
    let (_, planned) = account(profile, host, &mut findings);
    (!findings.refuse_of(Section::Namespaces)).then_some(planned)
}

/// All that there is to say: what planning finds, and warnings.
pub fn review(profile: &Profile, host: &Host, findings: &mut Findings) {
    let mut known = Findings::default();
    let inside = inside(profile, host, &mut known);
    let mut warnings = Findings::default();
    warn(profile, &inside, known.refuse(), host, &mut warnings);
    findings.0.append(&mut known.0);
    order(profile, inside, host, findings);
    findings.0.append(&mut warnings.0);
}

/// `refused`: the tree is not the one that was meant.
fn warn(profile: &Profile, inside: &Inside, refused: bool, host: &Host, findings: &mut Findings) {
    let own_network = profile.network.mode == Mode::None;
    let Inside { account, namespaces: ids, rootfs, .. } = inside;
    let keeps = |capability: &str| profile.capabilities.keeps(capability);
    namespaces::review(&profile.namespaces, account.uid, keeps("setfcap"), findings);
    let granted: Vec<&str> = profile.rootfs.devices.iter().map(|device| device.name.as_str()).collect();
    process::review(&profile.process, ids.one_id, &granted, host, findings);
    let given = rootfs::Writer { name: &account.name, uid: ids.program.0, overrides: keeps("dac_override") };
    // Without it nothing is where it was meant to be.
    if !refused {
        let visitor = visitor(profile, account, ids.program.0);
        let enters = |path: &Path| rootfs.enters(path, &visitor, host);
        let directory = process::directory(&profile.process, account, &enters, host);
        let executes = |path: &Path| rootfs.executes(path, &directory, &given, host);
        let surroundings = process::Surroundings {
            account,
            runtime: rootfs.runtime.as_deref(),
            directory: &directory,
            executes: &executes,
        };
        process::review_program(&profile.process, &surroundings, host, findings);
        rootfs.review_names(&profile.rootfs, host, findings);
    }
    namespaces::limits::review(&profile.namespaces, own_network, host, findings);
    rootfs::review(&profile.rootfs, &given, host, findings);
    if profile.rootfs.binds.iter().any(|bind| bind.access == Access::ReadWrite) {
        rootfs::review_names(&profile.rootfs, &crate::profile::looked_up(host), host, findings);
    }
    let mounts_anything = has_power(profile) && mounts_cgroups(profile, host);
    cgroup::review_power(mounts_anything, profile.capabilities.keep_origin.as_ref(), findings);
    if undoes_mounts(profile, host) {
        rootfs::review_power(host.is_root() && ids.program.0 == 0, profile.capabilities.keep_origin.as_ref(), findings);
    }
    let read_write = profile.rootfs.binds.iter().filter(|bind| bind.access == Access::ReadWrite);
    let read_write = read_write.map(|bind| (bind.source.as_path(), bind.origin.as_ref()));
    cgroup::review_grants(read_write, &within(profile, ids, host), host, findings);
    network::review(&profile.network, findings);
    if let (Keep::Only(kept), true) = (&profile.capabilities.keep, profile.namespaces.user) {
        let origin = profile.capabilities.keep_origin.as_ref();
        network::review_power(&profile.network, kept.iter().map(String::as_str), origin, findings);
    }
    landlock::review(&profile.landlock, own_network, findings);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;
    use crate::profile::{self, Overrides};

    fn said(text: &str) -> Vec<String> {
        let host = Host::known(Facts { kernel: Some("6.1.0".to_owned()), ..Facts::default() });
        let refused = profile::load_text(text, "/x/p.toml", &Overrides::default(), &host).map(drop).unwrap_err();
        beside(refused, &host).list.into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn what_is_missing_is_said_beside_what_is_wrong() {
        let text = "[namespaces]\nhostname = 'a b'\n[process]\nnicee = 1\n[rootfs]\nread-only = ['/none', 5]\n\
                    devices = ['/dev/none']\n[cgroup]\nmemory-max = '1K'\n";
        let said = said(text);
        let has = |part: &str| assert!(said.iter().any(|message| message.contains(part)), "{part}: {said:?}");
        has("`a b` is no host name");
        has("unknown key `nicee`");
        has("rootfs: bind source /none does not exist");
        has("rootfs: devices: this machine has no /dev/none");
        has("cgroup: memory-max = 1024 is less");
        assert_eq!(said.len(), 6, "{said:?}");
    }

    #[test]
    fn capabilities_over_the_host_s_network_are_warned_about() {
        let warned = |text: &str| {
            let host = Host::known(Facts { kernel: Some("6.1.0".to_owned()), uid: Some(0), ..Facts::default() });
            let loaded = profile::load_text(text, "/x/p.toml", &Overrides::default(), &host).unwrap();
            let mut findings = Findings::default();
            review(&loaded.profile, &host, &mut findings);
            findings.0.iter().any(|finding| finding.message.contains("net_raw does nothing on a network"))
        };
        let (keep, host) = ("[capabilities]\nkeep = ['net_raw', 'chown']\n", "[network]\nmode = 'host'\n");
        assert!(warned(&[keep, host].concat()));
        assert!(!warned(keep), "the network is its own");
        assert!(!warned(&[keep, host, "[namespaces]\nuser = false\n"].concat()), "the host's root has them");
    }

    /// With `home` in error the empty one stands in, and there is no command because of the mistake alone.
    #[test]
    fn what_may_follow_from_an_error_is_not_said() {
        assert_eq!(said("[rootfs]\nhome = 'read-wrte'\n[process]\ncommand = 5\ncwd = '/none'\n").len(), 2);
    }
}
