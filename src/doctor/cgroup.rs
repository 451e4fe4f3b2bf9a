//! cgroups: the layout, and which limits could be set from here; asked of the planning that a launch would do.

use std::path::{Path, PathBuf};

use super::Feature;
use crate::host::{Host, Node};
use crate::isolation::Max;
use crate::isolation::cgroup::{self, Given, IoMax, Key, Lack};

const NAME: &str = "cgroups";

pub fn examine(host: &Host) -> Feature {
    let tried = limits().map(|key| (key.controller(), lack(&key, host)));
    let feature = judge(layout(host), &tried);
    match manager(host) {
        Some(controllers) if !host.is_root() => with_manager(feature, &controllers),
        _ => feature,
    }
}

/// One of each controller.
fn limits() -> [Key; 5] {
    let io = IoMax { device: "/".into(), read_bps: Some(1 << 30), write_bps: None, read_iops: None, write_iops: None };
    [
        Key::CpuMax(Max::Limit(5000)),
        Key::CpusetCpus("0".to_owned()),
        Key::IoMax(io),
        Key::MemoryMax(Max::Limit(1 << 30)),
        Key::PidsMax(Max::Limit(4096)),
    ]
}

fn lack(key: &Key, host: &Host) -> Option<Lack> {
    let given = Given {
        own_user: true,
        own_cgroup: true,
        program: (host.uid(), host.gid()),
        users: None,
        keeps: false,
        changes_user: false,
        mounts: false,
        init: true,
    };
    cgroup::lack(key, given, host)
}

fn layout(host: &Host) -> &'static str {
    let is_v2 = |mount: &str| host.node(&Path::new(mount).join("cgroup.controllers")) != Node::Missing;
    let v1 = host.text(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let v1 = v1.lines().any(|line| line.split(':').nth(1).is_some_and(|controllers| !controllers.is_empty()));
    match (is_v2("/sys/fs/cgroup"), is_v2("/sys/fs/cgroup/unified"), v1) {
        (true, ..) => "v2",
        (false, true, _) => "hybrid: controllers on v1, and a v2 tree that kills and freezes",
        (false, false, true) => "v1",
        (false, false, false) => "none to be seen at /sys/fs/cgroup",
    }
}

fn judge(layout: &str, tried: &[(&str, Option<Lack>)]) -> Feature {
    let usable: Vec<_> = tried.iter().filter(|(_, lack)| lack.is_none()).map(|(key, _)| *key).collect();
    let mut reasons: Vec<(Vec<&str>, &str)> = Vec::new();
    let mut remedies: Vec<&str> = Vec::new();
    for (key, Lack { message, hint }) in tried.iter().filter_map(|(key, lack)| Some((*key, lack.as_ref()?))) {
        match reasons.iter_mut().find(|(_, known)| known == message) {
            Some((keys, _)) => keys.push(key),
            None => reasons.push((vec![key], message)),
        }
        if !remedies.contains(&hint.as_str()) {
            remedies.push(hint);
        }
    }
    let mut detail = layout.to_owned();
    if !usable.is_empty() {
        detail.push_str(&format!("\nlimits of {}", usable.join(", ")));
    }
    if reasons.is_empty() {
        return Feature::ok(NAME, detail);
    }
    for (keys, reason) in &reasons {
        detail.push_str(&format!("\nnot of {}: {reason}", keys.join(", ")));
    }
    let lost: Vec<_> = reasons.iter().flat_map(|(keys, _)| keys).copied().collect();
    let feature = if usable.is_empty() { Feature::no(NAME, detail) } else { Feature::limited(NAME, detail) };
    feature.lost(format!("the limits of {} in [cgroup]", lost.join(", "))).remedy(remedies.join("\n"))
}

/// The controllers that the user's service manager was given; `None` where none runs.
fn manager(host: &Host) -> Option<Vec<String>> {
    let uid = host.uid();
    let unit = PathBuf::from(format!("/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service"));
    let text = host.text(&unit.join("cgroup.controllers"))?;
    Some(text.split_ascii_whitespace().map(String::from).collect())
}

/// systemd gives a user memory and pids unless it is told otherwise (systemd.resource-control(5)).
fn with_manager(feature: Feature, controllers: &[String]) -> Feature {
    let wanted = limits().map(|key| key.controller());
    let missing: Vec<_> = wanted.iter().filter(|key| !controllers.iter().any(|own| own == *key)).copied().collect();
    if missing.is_empty() {
        return feature;
    }
    let detail = format!("{}\nthe user's service manager was given {}", feature.detail, controllers.join(", "));
    let drop_in = format!(
        "for {}: as root, save this as /etc/systemd/system/user@.service.d/delegate.conf, then: systemctl \
         daemon-reload, and log in anew\n  [Service]\n  Delegate={}",
        missing.join(", "),
        wanted.join(" ")
    );
    // Planning says the same in one line.
    let said = feature.remedy.clone().unwrap_or_default();
    let kept = said.lines().filter(|line| !line.contains("delegate.conf"));
    let remedy = kept.chain([drop_in.as_str()]).collect::<Vec<_>>().join("\n");
    Feature { detail, ..feature }.remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::host::Facts;

    /// A shell in a scope of its own, as `systemd-run --user --scope` makes it.
    fn host(writable: bool, controllers: &str) -> Host {
        let manager = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
        let own = format!("{manager}/app.slice/run-1.scope");
        let file = Node::File { uid: 1000, mode: 0o644 };
        let text = |path: String, text: &str| (path, Some(text.to_owned()));
        let mut paths: std::collections::BTreeMap<_, _> = ["cgroup.controllers", "cgroup.events", "cgroup.procs"]
            .iter()
            .map(|name| (format!("{own}/{name}"), file.clone()))
            .collect();
        paths.insert("/sys/fs/cgroup/cgroup.controllers".into(), file);
        paths.insert("/run/systemd/system".into(), Node::Directory { uid: 0, mode: 0o755 });
        let files = ["", "/cgroup.procs", "/cgroup.subtree_control"];
        Host::known(Facts {
            uid: Some(1000),
            paths,
            texts: [
                text("/proc/self/cgroup".to_owned(), &format!("0::{}\n", own.trim_start_matches("/sys/fs/cgroup"))),
                text("/sys/fs/cgroup/cgroup.controllers".to_owned(), "cpuset cpu io memory pids"),
                text(format!("{manager}/cgroup.controllers"), controllers),
                text(format!("{own}/cgroup.controllers"), controllers),
                text(format!("{own}/cgroup.subtree_control"), ""),
                text(format!("{own}/cgroup.procs"), "1\n"),
            ]
            .into(),
            writable: files.iter().map(|file| (format!("{own}{file}"), writable)).collect(),
            delegated: [(own.clone(), true)].into(),
            devices: [("/".to_owned(), Some((8, 1)))].into(),
            ..Facts::default()
        })
    }

    #[test]
    fn what_is_not_the_callers_is_said_once_for_all_limits() {
        let feature = examine(&host(false, "cpuset cpu io memory pids"));
        assert_eq!(feature.state, State::No, "{feature:?}");
        assert!(feature.detail.starts_with("v2\nnot of cpu, cpuset, io, memory, pids: "), "{}", feature.detail);
        assert!(feature.remedy.unwrap().starts_with("start it with: systemd-run --user --scope -p Delegate=yes"));
    }

    #[test]
    fn what_systemd_was_not_told_to_delegate_is_named_with_the_drop_in() {
        let feature = examine(&host(true, "memory pids"));
        assert_eq!(feature.state, State::Limited, "{feature:?}");
        assert_eq!(feature.lost.as_deref(), Some("the limits of cpu, cpuset, io in [cgroup]"));
        let remedy = feature.remedy.unwrap();
        assert_eq!(remedy.matches("delegate.conf").count(), 1);
        assert!(remedy.ends_with("\n  [Service]\n  Delegate=cpu cpuset io memory pids"), "{remedy}");
    }

    #[test]
    fn a_machine_without_cgroups_says_so() {
        let feature = examine(&Host::known(Facts::default()));
        assert_eq!(feature.state, State::No);
        assert!(feature.detail.starts_with("none to be seen"));
    }
}
