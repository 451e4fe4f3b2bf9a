//! THE ORDER, on one screen, and what the sections tell one another.

use super::power::{has_power, mounts_cgroups};
use super::step::{Gate, Step};
use super::verify::{Privilege, Verify};
use super::{Plan, Supervision, slots};
use crate::host::Host;
use crate::isolation::capabilities::Keep;
use crate::isolation::namespaces::Nested;
use crate::isolation::network::Mode;
use crate::isolation::process::Tty;
use crate::isolation::{
    Account, Findings, Severity, capabilities, cgroup, landlock, namespaces, network, process, rootfs, seccomp,
};
use crate::profile::Profile;

/// The plan of a profile on a host; `None` when the findings hold an error.
pub fn plan(profile: &Profile, host: &Host, findings: &mut Findings) -> Option<Plan> {
    let inside = inside(profile, host, findings);
    order(profile, inside, host, findings)
}

pub(super) fn order(profile: &Profile, inside: Inside, host: &Host, findings: &mut Findings) -> Option<Plan> {
    let Inside { account, namespaces, cgroup, rootfs } = inside;
    let own_user = profile.namespaces.user;
    let own_network = profile.network.mode == Mode::None;
    let visitor = visitor(profile, &account, namespaces.program.0);
    let enters = |path: &std::path::Path| rootfs.enters(path, &visitor, host);
    let given = process::Given {
        account: &account,
        one_id: namespaces.one_id,
        own_user,
        own_pid: profile.namespaces.pid,
        processes: cgroup.processes,
        interpreters: profile.landlock.enforce != crate::isolation::Enforce::Require,
        runtime: rootfs.runtime.as_deref(),
        enters: &enters,
    };
    let process = process::plan(&profile.process, &given, host, findings);
    let nesting_limited = own_user && profile.namespaces.nested == Nested::No;
    let within = capabilities::Within { own_user, nesting_limited };
    let capabilities = capabilities::plan(&profile.capabilities, account.uid, within, host, findings);
    let nested_mounts = profile.namespaces.nested == Nested::Mounts;
    let (pid, grants) = (profile.namespaces.pid, &rootfs.grants);
    let landlock = landlock::plan(&profile.landlock, grants, pid, own_network, nested_mounts, host, findings);
    let (witness, scoped) = (landlock::witness(&landlock), landlock::scopes_signals(&landlock));
    let (restrict, open_ruleset): (Vec<_>, Vec<_>) =
        landlock.into_iter().partition(|step| matches!(step, landlock::Step::Restrict));
    let namespaces_within = profile.namespaces.nested != Nested::No;
    let group = match profile.process.tty {
        Tty::None => seccomp::Group::Own,
        Tty::Inherit if process.session.is_empty() => seccomp::Group::Shared,
        Tty::Inherit => seccomp::Group::AtTerminals,
    };
    let given = seccomp::Given { namespaces: namespaces_within, mounts: nested_mounts, group, scoped, pids: !pid };
    let seccomp = seccomp::plan(&profile.seccomp, given, findings);
    let keyring = seccomp::admits_keys(seccomp.as_ref()).then_some(process::Step::NewKeyring);
    let privilege = Privilege {
        uid: account.uid,
        gid: account.gid,
        capabilities: capabilities.expected,
        no_new_privileges: profile.process.no_new_privileges,
        groups: process.groups.clone(),
        umask: profile.process.umask,
        nested: namespaces_within,
        filters: seccomp.is_some().into(),
    };
    if findings.0.iter().any(|finding| finding.severity == Severity::Error) {
        return None;
    }

    let mut host_before = Stage::default();
    host_before.add(process.host_before, Step::Process);
    host_before.add(cgroup.host_before, Step::Cgroup);
    host_before.add(rootfs.host_before, Step::Rootfs);

    let mut host_after = Stage::default();
    let mapped = !namespaces.host_after.is_empty();
    host_after.add(namespaces.host_after, Step::Namespaces);
    host_after.add(mapped.then_some(Gate::Mapped), Step::Gate);

    let mut init = Stage::default();
    let lifeline_again = namespaces.become_account.as_ref().map(|_| process.lifeline.clone());
    init.add(process.lifeline, Step::Process);
    // While the supervisor writes the maps.
    init.add(cgroup.init, Step::Cgroup);
    init.add(cgroup.membership.map(Verify::Cgroup), Step::Verify);
    init.add(namespaces.maps, Step::Namespaces);
    init.add(mapped.then_some(Gate::Mapped), Step::Gate);
    // A change of ids clears the signal for the supervisor's death.
    init.add(namespaces.become_account, Step::Namespaces);
    init.add(lifeline_again.into_iter().flatten(), Step::Process);
    init.add(namespaces.mapped.map(|(uid, gid)| Verify::Ids(uid, gid)), Step::Verify);
    // The cgroup that init is in becomes its root here.
    init.add(namespaces.late_namespaces, Step::Namespaces);
    init.add(cgroup.inside, Step::Cgroup);
    init.add(rootfs.assemble, Step::Rootfs);
    // Once init cannot be traced its procfs belongs to root, and the target's with it, whose memory it shares.
    init.add(process.score, Step::Process);
    init.add(namespaces.settings, Step::Namespaces);
    init.add(network::plan(&profile.network), Step::Network);
    init.add(rootfs.finish, Step::Rootfs);
    init.add([Verify::Namespaces(namespaces.read_back), Verify::Mounts(rootfs.read_back)], Step::Verify);
    init.add(own_network.then(|| Verify::Network(profile.network.clone())), Step::Verify);

    let mut target = Stage::default();
    // Once in a session of its own /dev/tty cannot be opened.
    target.add(rootfs.reopen, Step::Rootfs);
    target.add(process.session, Step::Process);
    target.add([Verify::OpenStatus], Step::Verify);
    target.add(open_ruleset, Step::Landlock);
    target.add(process.limits, Step::Process);
    target.add(capabilities.before_ids, Step::Capabilities);
    target.add(process.ids, Step::Process);
    target.add(capabilities.after_ids, Step::Capabilities);
    target.add(process.lifeline_again, Step::Process);
    target.add(keyring, Step::Process);
    target.add(process.surroundings, Step::Process);
    target.add(process.no_new_privileges, Step::Process);
    // Nothing mounts, and nothing new is opened, after Landlock.
    target.add(restrict, Step::Landlock);
    target.add(witness.map(Verify::Landlock), Step::Verify);
    target.add([Verify::Privilege(privilege.clone())], Step::Verify);
    // They bite the program alone: whatever is opened and remembered to start it has been.
    target.add(process.lowered, Step::Process);
    target.add(process.signals, Step::Process);
    // Last, so that the filter need not allow what the steps above take.
    target.add(seccomp, Step::Seccomp);
    target.add(process.execute, Step::Process);

    let plan = Plan {
        name: profile.name.clone(),
        namespaces: namespaces.cloned,
        clone_into: cgroup.clone_into,
        host_before: host_before.0,
        host_after: host_after.0,
        init: init.0,
        target: target.0,
        supervision: Supervision {
            init: profile.process.init,
            own_pid: profile.namespaces.pid,
            stop_signal: profile.process.stop_signal,
            stop_timeout: profile.process.stop_timeout,
            timeout: profile.process.timeout,
            privilege: Some(privilege),
        },
    };
    debug_assert_eq!(slots::unfilled(&plan), None, "of the profile {}", plan.name);
    Some(plan)
}

pub(super) fn visitor(profile: &Profile, account: &Account, outside: u32) -> rootfs::Visitor {
    let overrides = ["dac_override", "dac_read_search"].iter().any(|name| profile.capabilities.keeps(name));
    rootfs::Visitor { uid: account.uid, outside, overrides }
}

/// Who the program is, and what it sees: what the rest of a plan depends on.
pub(super) struct Inside {
    pub account: Account,
    pub namespaces: namespaces::Planned,
    pub cgroup: cgroup::Planned,
    pub rootfs: rootfs::Planned,
}

/// The account, and the namespaces that it is in.
pub(super) fn account(profile: &Profile, host: &Host, findings: &mut Findings) -> (Account, namespaces::Planned) {
    let own_network = profile.network.mode == Mode::None;
    // One id is all that an ordinary user has, unless the profile asks for more.
    let one_id = profile.namespaces.user && !host.is_root() && profile.namespaces.id_map == namespaces::IdMap::Auto;
    let account = process::account(&profile.process, one_id, host, findings);
    let namespaces = namespaces::plan(&profile.namespaces, own_network, &account, &profile.name, host, findings);
    (account, namespaces)
}

pub(super) fn inside(profile: &Profile, host: &Host, findings: &mut Findings) -> Inside {
    let own_user = profile.namespaces.user;
    let own_network = profile.network.mode == Mode::None;
    let (account, namespaces) = account(profile, host, findings);
    let cgroup = cgroup::plan(&profile.cgroup, within(profile, &namespaces, host), host, findings);
    let given = rootfs::Given {
        state: crate::state::locate,
        name: &profile.name,
        account: &account,
        one_id: namespaces.one_id,
        ids: own_user.then_some(&namespaces.ids),
        becomes: namespaces.become_account.is_some(),
        own_pid: profile.namespaces.pid,
        own_network,
        nested_mounts: profile.namespaces.nested == Nested::Mounts,
        cgroup: cgroup.access,
        memory_max: cgroup.memory_max,
        profiles: &profile.files,
        sought: &profile.sought,
        looked_up: crate::profile::looked_up,
    };
    let rootfs = rootfs::plan(&profile.rootfs, &given, host, findings);
    Inside { account, namespaces, cgroup, rootfs }
}

/// What `[cgroup]` has to know of the program.
pub(super) fn within<'a>(profile: &Profile, namespaces: &'a namespaces::Planned, host: &Host) -> cgroup::Given<'a> {
    let own_user = profile.namespaces.user;
    cgroup::Given {
        own_user,
        own_cgroup: profile.namespaces.cgroup,
        program: namespaces.program,
        users: own_user.then_some(&namespaces.ids.users[..]),
        changes_user: profile.capabilities.keeps("setuid"),
        keeps: profile.capabilities.keep != Keep::default(),
        // The host's own power no cgroup namespace holds.
        mounts: !has_power(profile) && mounts_cgroups(profile, host),
        init: profile.process.init,
    }
}

/// The steps of one stage while they are put in order.
#[derive(Default)]
struct Stage(Vec<Step>);

impl Stage {
    fn add<T>(&mut self, steps: impl IntoIterator<Item = T>, of: fn(T) -> Step) {
        self.0.extend(steps.into_iter().map(of));
    }
}
