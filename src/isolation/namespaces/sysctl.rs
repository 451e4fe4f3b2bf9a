//! `sysctl`: values that belong to one of the own namespaces, as far as the host can tell of them.

use std::path::Path;

use super::{Namespaces, Step};
use crate::host::{Host, Node};
use crate::isolation::{Findings, Origin, Section, nearest};

/// Below /proc/sys. In a name with slashes a dot is part of a word, as in sysctl(8).
pub fn path(key: &str) -> String {
    if key.contains('/') { key.to_owned() } else { key.replace('.', "/") }
}

/// The kind of namespace that keeps a value of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Network,
    Uts,
    Ipc,
    User,
}

const UTS_SETTINGS: [&str; 2] = ["domainname", "hostname"];
#[rustfmt::skip]
pub const IPC_SETTINGS: [&str; 11] = [
    "msg_next_id", "msgmax", "msgmnb", "msgmni", "sem", "sem_next_id", "shm_next_id", "shm_rmid_forced", "shmall",
    "shmmax", "shmmni",
];

/// Counts that the kernel adds up through all user namespaces above, and bounds in each.
pub const USER_SETTINGS: [&str; 2] = ["max_inotify_instances", "max_inotify_watches"];
const SHARED: [&str; 2] = ["user/max_inotify_instances", "user/max_inotify_watches"];

/// Whose value a setting is; none where it is the whole machine's.
pub fn owner(key: &str) -> Option<Owner> {
    match path(key).split('/').collect::<Vec<_>>()[..] {
        ["net", _, ..] => Some(Owner::Network),
        ["kernel", name] if UTS_SETTINGS.contains(&name) => Some(Owner::Uts),
        ["kernel", name] if IPC_SETTINGS.contains(&name) => Some(Owner::Ipc),
        ["fs", "mqueue", _] => Some(Owner::Ipc),
        ["user", name] if USER_SETTINGS.contains(&name) => Some(Owner::User),
        _ => None,
    }
}

pub fn steps(section: &Namespaces, own_network: bool, host: &Host, findings: &mut Findings) -> Vec<Step> {
    const LOW_PORTS: &str = "net/ipv4/ip_unprivileged_port_start";
    let mut steps = Vec::new();
    if own_network && !section.sysctl.keys().any(|key| path(key) == LOW_PORTS) {
        steps.push(Step::Sysctl { path: LOW_PORTS.into(), value: "0".into() });
    }
    for (key, (value, origin)) in &section.sysctl {
        let path = path(key);
        let own = match owner(key) {
            Some(Owner::Network) => own_network,
            Some(Owner::Uts) => section.uts,
            Some(Owner::Ipc) => section.ipc,
            Some(Owner::User) => section.user,
            None => false,
        };
        if !own {
            let message =
                format!("sysctl {key} is the whole machine's, not a value of one of the sandbox's own namespaces");
            let hint = "net.* (own network), kernel.shm*, kernel.msg*, kernel.sem* and fs.mqueue.* (ipc), and \
                        user.max_inotify_* (user) are";
            findings.error(Section::Namespaces, message, hint, Some(origin));
        } else if foreseen(key, &path, value, origin, host, findings) {
            steps.push(Step::Sysctl { path, value: value.clone() });
        }
    }
    steps
}

/// Half of what the host has, unless the profile says how much: a program that takes all it may leaves its user the rest.
pub fn shares(section: &Namespaces, host: &Host) -> Vec<Step> {
    let written = |shared: &str| section.sysctl.keys().any(|key| path(key) == shared);
    let share = |path: &'static str| {
        let whole = host.text(&Path::new("/proc/sys").join(path))?.trim().parse::<u64>().ok()?;
        Some(Step::Share { path, value: (whole / 2).max(1) })
    };
    SHARED.into_iter().filter(|shared| !written(shared)).filter_map(share).collect()
}

/// What the host's own value tells of the sandbox's; the rest the kernel says at the launch.
fn foreseen(key: &str, path: &str, value: &str, origin: &Origin, host: &Host, findings: &mut Findings) -> bool {
    if let ["net", _, "conf" | "neigh", device, ..] = path.split('/').collect::<Vec<_>>()[..]
        && !["all", "default", "lo"].contains(&device)
    {
        let message = format!("sysctl {key}: the sandbox's own network has no {device}");
        findings.error(
            Section::Namespaces,
            message,
            "its only device is lo; \"default\" is for those made later",
            Some(origin),
        );
        return false;
    }
    let file = Path::new("/proc/sys").join(path);
    if host.node(&file) == Node::Missing && host.tells_of(&file) {
        let names = file.parent().map(|directory| host.list(directory)).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{}{near}\"?", &key[..key.len() - name.len()]),
            None => "sysctl -a lists those of this kernel; some come with a module".to_owned(),
        };
        findings.error(
            Section::Namespaces,
            format!("sysctl {key}: this kernel has no such setting"),
            hint,
            Some(origin),
        );
        return false;
    }
    let now = host.text(&file).unwrap_or_default();
    let now = now.trim();
    let numbers = !now.is_empty() && now.split_ascii_whitespace().all(|word| word.parse::<i64>().is_ok());
    // Lists of ports and masks of CPUs may look like a number for now.
    if numbers && !value.contains(|c: char| c.is_ascii_digit()) {
        let message = format!("sysctl {key} cannot be {value:?}: it is a number");
        findings.error(Section::Namespaces, message, format!("on this machine it is {now}"), Some(origin));
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn half_of_what_is_counted_outside_too_unless_the_profile_says_how_much() {
        let texts = [("instances", "128\n"), ("watches", "1\n")];
        let texts = texts.map(|(kind, text)| (format!("/proc/sys/user/max_inotify_{kind}"), Some(text.to_owned())));
        let host = Host::known(Facts { texts: texts.into(), ..Facts::default() });
        let said =
            |section: &Namespaces, host: &Host| shares(section, host).iter().map(Step::to_string).collect::<Vec<_>>();
        let instances = "set user.max_inotify_instances = 64";
        let watches = "set user.max_inotify_watches = 1";
        let mut section = Namespaces::default();
        assert_eq!(said(&section, &host), [instances, watches]);
        let origin = Origin { file: "x".into(), line: 1, column: 1 };
        section.sysctl.insert("user/max_inotify_instances".into(), ("100".into(), origin));
        assert_eq!(said(&section, &host), [watches]);
        // A kernel that has none, or a report that does not tell.
        assert_eq!(said(&section, &Host::known(Facts::default())), [""; 0]);
    }
}
