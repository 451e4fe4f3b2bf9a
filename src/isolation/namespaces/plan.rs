//! Which namespaces are made, by whom, and what is set in them.

use std::path::Path;

use super::ids::{self, Writer};
use super::limits::CLONED;
use super::{ClockOffsets, Namespaces, Nested, ReadBack, Step, sysctl};
use crate::host::Host;
use crate::isolation::{Account, Findings, IdMaps, Section};
use crate::sys::namespace::Namespace;

/// What `[namespaces]` asks of each stage.
#[derive(Debug, Default)]
pub struct Planned {
    /// For clone3, in the order they are printed.
    pub cloned: Vec<Namespace>,
    pub host_after: Vec<Step>,
    /// The first thing that init does, when nobody else does it.
    pub maps: Vec<Step>,
    /// Once the maps are there, where init itself is not in them.
    pub become_account: Option<Step>,
    /// Which of the host's ids exist inside.
    pub ids: IdMaps,
    /// After init has joined its cgroups.
    pub late_namespaces: Vec<Step>,
    /// After the root has been assembled.
    pub settings: Vec<Step>,
    /// What the kernel must say of all that.
    pub read_back: ReadBack,
    /// The uid and gid that init then has, inside.
    pub mapped: Option<(u32, u32)>,
    /// The program's ids as the host sees them.
    pub program: (u32, u32),
    /// Only one id exists inside, and setgroups is denied.
    pub one_id: bool,
}

/// The first kernel with time namespaces.
const TIME: (u32, u32) = (5, 6);

pub fn plan(
    section: &Namespaces,
    own_network: bool,
    account: &Account,
    name: &str,
    host: &Host,
    findings: &mut Findings,
) -> Planned {
    let mut planned = Planned { program: (account.uid, account.gid), ..Planned::default() };
    planned.cloned = CLONED.into_iter().filter(|kind| section.wants(*kind, own_network)).collect();

    if section.user {
        available(section, host, findings);
        own_ids(&mut planned, section, account, host, findings);
    } else if !host.is_root() {
        findings.error(
            Section::Namespaces,
            "user = false shares the host's ids, which only root can do",
            "leave it out, or run as root",
            section.user_origin.as_ref(),
        );
    }
    planned.late_namespaces.extend(section.cgroup.then_some(Step::UnshareCgroup));
    planned.late_namespaces.extend(own_clocks(section, host, findings));

    if section.uts {
        planned.settings.push(Step::Hostname(section.hostname.clone().unwrap_or_else(|| name.to_owned())));
    } else if section.hostname.is_some() {
        findings.error(
            Section::Namespaces,
            "hostname would be the host's own, with uts = false",
            "leave out one of the two",
            section.hostname_origin.as_ref(),
        );
    }
    planned.settings.extend(sysctl::steps(section, own_network, host, findings));
    planned.settings.extend(section.user.then(|| sysctl::shares(section, host)).into_iter().flatten());
    planned.settings.extend((section.user && section.nested == Nested::No).then_some(Step::ForbidNested));
    planned.settings.push(Step::Undumpable);
    planned.read_back = read_back(&planned);
    planned
}

/// The maps, who writes them, and who init and the program then are.
fn own_ids(planned: &mut Planned, section: &Namespaces, account: &Account, host: &Host, findings: &mut Findings) {
    let (maps, writer) = ids::maps(section, account, host, findings);
    match writer {
        Writer::Init => planned.maps.push(Step::MapOwnId(maps.clone())),
        Writer::Supervisor => planned.host_after.push(Step::MapIds(maps.clone())),
        Writer::Helper => planned.host_after.push(Step::MapIdsByHelper(maps.clone())),
    }
    planned.program = ids::of_program(&maps, account);
    planned.one_id = writer == Writer::Init;
    planned.mapped = Some(ids::of_init(&maps, host));
    let is_nobody = |(uid, gid): (u32, u32)| uid == u32::MAX || gid == u32::MAX;
    if planned.mapped.is_some_and(is_nobody) {
        let (uid, gid) = (account.uid, account.gid);
        planned.become_account = Some(Step::Become { uid, gid });
        planned.mapped = Some((uid, gid));
    }
    if is_nobody(planned.program) && !findings.refuse() {
        let hint = "add a line whose inside range holds its uid and gid, or choose another process.user";
        let origin = section.id_map_origin.as_ref();
        findings.error(Section::Namespaces, "id-map leaves out the program's account", hint, origin);
    }
    planned.ids = maps;
}

/// A time namespace, its clocks moved as the profile says.
fn own_clocks(section: &Namespaces, host: &Host, findings: &mut Findings) -> Option<Step> {
    let offsets = section.time?;
    clocks(section, offsets, host, findings);
    if host.kernel_at_least(TIME) {
        return Some(Step::UnshareTime(offsets));
    }
    let message = format!("kernel {} cannot give the program clocks of its own; it sees the host's", host.kernel());
    findings.shortfall(Section::Namespaces, message, "Linux 5.6 or newer can".to_string(), None);
    None
}

fn read_back(planned: &Planned) -> ReadBack {
    let has = |wanted: fn(&Step) -> bool| planned.late_namespaces.iter().any(wanted);
    ReadBack {
        cgroup: has(|step| matches!(step, Step::UnshareCgroup)),
        time: has(|step| matches!(step, Step::UnshareTime(_))),
        hostname: planned.settings.iter().find_map(|step| match step {
            Step::Hostname(name) => Some(name.clone()),
            _ => None,
        }),
    }
}

/// Refuses early, with the remedy, what clone3 would refuse with a bare EPERM or ENOSPC.
fn available(section: &Namespaces, host: &Host, findings: &mut Findings) {
    let origin = section.user_origin.as_ref();
    if host.max_user_namespaces() == 0 {
        let nested = super::limits::nested(host);
        let whose = if nested.is_some() { "the sandbox around this one" } else { "this machine" };
        let message = format!("{whose} allows no user namespaces: user.max_user_namespaces is 0");
        let hint = nested.unwrap_or("as root: sysctl user.max_user_namespaces=10000");
        findings.error(Section::Namespaces, message, hint.to_owned(), origin);
    } else if !host.is_root()
        && host.text(Path::new("/proc/sys/kernel/unprivileged_userns_clone")).is_some_and(|text| text.trim() == "0")
    {
        findings.error(
            Section::Namespaces,
            "this machine allows user namespaces to root alone: kernel.unprivileged_userns_clone is 0",
            "as root: sysctl kernel.unprivileged_userns_clone=1".to_string(),
            origin,
        );
    }
}

/// Half of KTIME_MAX in seconds: a moved clock must stay below it (proc_timens_set_offset() in the kernel).
const LATEST: u64 = i64::MAX as u64 / 1_000_000_000 / 2;

/// Refuses early what the kernel would refuse with ERANGE.
fn clocks(section: &Namespaces, offsets: ClockOffsets, host: &Host, findings: &mut Findings) {
    for (clock, offset) in [("boottime", offsets.boottime), ("monotonic", offsets.monotonic)] {
        // A second, because what is left of both may add up to one more, and a minute for what happens until then.
        let room = || LATEST.saturating_sub(host.uptime()).saturating_sub(61);
        if !offset.is_zero() && offset.as_secs() > room() {
            let message = format!("time: {clock} moves its clock beyond what the kernel can count");
            let hint = format!("write at most \"{}d\"", room() / 86_400);
            findings.error(Section::Namespaces, message, hint, section.time_origin.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn a_clock_is_moved_no_further_than_the_kernel_counts() {
        let said = |uptime: u64, seconds: u64| {
            let host = Host::known(Facts { uptime: Some(uptime), ..Facts::default() });
            let offsets = ClockOffsets { boottime: std::time::Duration::from_secs(seconds), ..ClockOffsets::default() };
            let mut findings = Findings::default();
            clocks(&Namespaces::default(), offsets, &host, &mut findings);
            findings.0.into_iter().next().and_then(|finding| finding.hint)
        };
        assert_eq!(said(1000, LATEST - 1061), None);
        assert_eq!(said(1000, LATEST - 1060).as_deref(), Some("write at most \"53375d\""));
        assert_eq!(said(u64::MAX, 0), None);
        assert_eq!(said(u64::MAX, 1).as_deref(), Some("write at most \"0d\""));
    }
}
