//! How many namespaces of a kind a user may make: `user.max_*_namespaces`, where 0 forbids them.

use std::path::Path;

use super::Namespaces;
use crate::host::Host;
use crate::isolation::{Findings, Section};
use crate::sys::namespace::Namespace;

/// Those that clone3 makes; a cgroup's is made by who has joined it, and clocks are moved before anybody is in theirs.
pub const CLONED: [Namespace; 6] =
    [Namespace::User, Namespace::Mount, Namespace::Pid, Namespace::Net, Namespace::Ipc, Namespace::Uts];

const ANY: &str = "one of user.max_*_namespaces";

/// What the launch would find out half-way: the kernel says ENOSPC, and not of which kind.
pub fn review(section: &Namespaces, own_network: bool, host: &Host, findings: &mut Findings) {
    // Planning has asked about the user's.
    let others = Namespace::ALL.into_iter().filter(|kind| *kind != Namespace::User);
    for kind in others.filter(|kind| section.wants(*kind, own_network)) {
        if host.max_namespaces(kind) == Some(0) {
            let (noun, limit) = (if kind == Namespace::Net { "network" } else { kind.noun() }, kind.limit());
            let message = format!("this machine allows no {noun} namespaces: {limit} is 0");
            let origin = section.time_origin.as_ref().filter(|_| kind == Namespace::Time);
            let hint = nested(host).map_or_else(|| raise(kind), str::to_owned);
            findings.error(Section::Namespaces, message, hint, origin);
        }
    }
}

/// What to do where the kernel has said ENOSPC about making one of these.
pub fn remedy(kinds: &[Namespace], host: &Host) -> String {
    if let Some(nested) = nested(host) {
        return nested.to_owned();
    }
    let forbidden = kinds.iter().filter(|kind| host.max_namespaces(**kind) == Some(0));
    let forbidden: Vec<String> = forbidden.map(|kind| kind.limit()).collect();
    match &forbidden[..] {
        [] => {
            let name = if let [kind] = kinds { kind.limit() } else { ANY.to_owned() };
            format!("{name} is used up, here or around this user namespace: raise it as root, or end what holds them")
        }
        names => {
            let settings: Vec<String> = names.iter().map(|name| format!("{name}=10000")).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            format!("{} {verb} 0; as root: sysctl {}", names.join(", "), settings.join(" "))
        }
    }
}

/// What the limits of a sandbox around this one ask for: no setting of the machine changes them.
pub fn nested(host: &Host) -> Option<&'static str> {
    host.text(Path::new("/proc/1/comm")).is_some_and(|name| name.trim_end() == INIT).then_some(NESTED)
}

/// What init calls itself: it is never executed.
pub const INIT: &str = "sandbox-init";

pub const NESTED: &str = "this is inside a sandbox: let its profile say nested = \"mounts\" in [namespaces] and enforce = \
                          \"off\" in [landlock]";

fn raise(kind: Namespace) -> String {
    format!("as root: sysctl {}=10000", kind.limit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    fn host(limits: &[(&str, u64)]) -> Host {
        let limits = limits.iter().map(|(kind, limit)| ((*kind).to_owned(), *limit)).collect();
        Host::known(Facts { max_namespaces: Some(limits), max_user_namespaces: Some(9), ..Facts::default() })
    }

    fn said(section: &Namespaces, limits: &[(&str, u64)]) -> Vec<String> {
        let mut findings = Findings::default();
        review(section, true, &host(limits), &mut findings);
        findings.0.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_kind_that_is_forbidden_is_named_where_it_is_wanted() {
        let section = Namespaces { time: None, ..Namespaces::default() };
        assert_eq!(
            said(&section, &[("cgroup", 0), ("mnt", 9), ("net", 0), ("time", 0)]),
            [
                "this machine allows no network namespaces: user.max_net_namespaces is 0",
                "this machine allows no cgroup namespaces: user.max_cgroup_namespaces is 0",
            ]
        );
        let shared = Namespaces { cgroup: false, ..section };
        assert_eq!(said(&shared, &[("cgroup", 0)]), [""; 0]);
        // What a report does not tell is not guessed.
        assert_eq!(said(&shared, &[]), [""; 0]);
    }

    #[test]
    fn the_limit_that_is_0_is_the_one_to_raise() {
        let remedy = |limits: &[_], kinds: &[_]| remedy(kinds, &host(limits));
        assert_eq!(
            remedy(&[("net", 0), ("time", 0)], &CLONED),
            "user.max_net_namespaces is 0; as root: sysctl user.max_net_namespaces=10000"
        );
        assert!(remedy(&[("net", 9)], &CLONED).starts_with("one of user.max_*_namespaces is used up"));
        assert!(remedy(&[], &[Namespace::Time]).starts_with("user.max_time_namespaces is used up"));
    }
}
