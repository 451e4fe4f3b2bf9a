//! cgroups: the layout, and which controllers are the caller's to use.

use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::Feature;
use crate::host::Host;

const ROOT: &str = "/sys/fs/cgroup";
/// Those that keys of `[cgroup]` need.
const WANTED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];
const LOST: &str = "limits in [cgroup]; the limit of processes holds without";

pub fn examine(host: &Host) -> Feature {
    judge(&look(host))
}

/// What there is, before it is judged.
#[derive(Clone, Debug, Default)]
struct Found {
    layout: Layout,
    root: bool,
    uid: u32,
    /// cgroup v2: the controllers of our own cgroup, and whether we may make others in it.
    own: Vec<String>,
    own_writable: bool,
    /// Those of the user's service manager, if it runs.
    manager: Option<Vec<String>>,
    /// cgroup v1: controllers, and whether our own directory there is writable.
    hierarchies: Vec<(String, bool)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layout {
    #[default]
    None,
    Unified,
    Hybrid,
    Legacy,
}

fn look(host: &Host) -> Found {
    let text = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let words = |path: &Path| text(path).split_ascii_whitespace().map(String::from).collect::<Vec<_>>();
    // The root of a cgroup v2 tree always has it, and no other file system does.
    let is_v2 = |path: &Path| path.join("cgroup.controllers").exists();
    let places = text(Path::new("/proc/self/cgroup"));
    let own = |mount: PathBuf, path: &str| mount.join(path.trim_start_matches('/'));
    let writable = |path: &Path| access(path, AccessFlags::W_OK).is_ok();
    let (unified, hybrid) = (Path::new(ROOT), Path::new(ROOT).join("unified"));
    let hierarchies: Vec<_> = places
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let mount = Path::new(ROOT).join(controllers.trim_start_matches("name="));
            let named = !controllers.is_empty() && !controllers.starts_with("name=");
            named.then(|| (controllers.to_owned(), writable(&own(mount, path))))
        })
        .collect();
    let layout = match (is_v2(unified), is_v2(&hybrid), hierarchies.is_empty()) {
        (true, ..) => Layout::Unified,
        (false, true, _) => Layout::Hybrid,
        (false, false, false) => Layout::Legacy,
        (false, false, true) => Layout::None,
    };
    let v2 = if layout == Layout::Unified { unified.to_owned() } else { hybrid };
    let place = places.lines().find_map(|line| line.strip_prefix("0::")).map(|path| own(v2.clone(), path));
    let uid = host.uid();
    let manager = v2.join(format!("user.slice/user-{uid}.slice/user@{uid}.service"));
    Found {
        layout,
        root: host.is_root(),
        uid,
        own: place.as_deref().map(|own| words(&own.join("cgroup.controllers"))).unwrap_or_default(),
        own_writable: place.is_some_and(|own| {
            writable(&own) && writable(&own.join("cgroup.procs")) && writable(&own.join("cgroup.subtree_control"))
        }),
        manager: manager.is_dir().then(|| words(&manager.join("cgroup.controllers"))),
        hierarchies,
    }
}

fn judge(found: &Found) -> Feature {
    let name = "cgroups";
    match found.layout {
        Layout::None => Feature::no(name, "no cgroup file system is to be seen at /sys/fs/cgroup")
            .lost(LOST)
            .remedy("as root: mount -t cgroup2 none /sys/fs/cgroup; in a container: share the cgroup namespace"),
        Layout::Unified => unified(found),
        Layout::Hybrid | Layout::Legacy => legacy(found),
    }
}

fn unified(found: &Found) -> Feature {
    let name = "cgroups";
    let (whose, controllers) = match &found.manager {
        _ if found.own_writable => ("the caller's own cgroup", &found.own),
        Some(controllers) => ("the user's service manager", controllers),
        None if found.root => {
            return Feature::no(name, "v2, read-only").lost(LOST).remedy(
                "start the container with a writable cgroup of its own: --cgroupns=private and a delegated cgroup",
            );
        }
        None => {
            return Feature::no(name, "v2, and nothing of it is delegated to the caller").lost(LOST).remedy(format!(
                "log in so that systemd starts a manager for the user (loginctl enable-linger {0}), or as root: \
                     mkdir /sys/fs/cgroup/user-{0} && chown -R {0} /sys/fs/cgroup/user-{0}, and start from a shell \
                     in there",
                found.uid
            ));
        }
    };
    let missing: Vec<_> = WANTED.into_iter().filter(|wanted| !controllers.iter().any(|own| own == wanted)).collect();
    let detail = match controllers.is_empty() {
        true => format!("v2, {whose}: no controller"),
        false => format!("v2, {whose}: {}", controllers.join(" ")),
    };
    if missing.is_empty() {
        return Feature::ok(name, detail);
    }
    let keys: Vec<_> = missing.iter().map(|controller| format!("{controller}-…")).collect();
    let feature = Feature::limited(name, detail).lost(format!("the keys {} of [cgroup]", keys.join(", ")));
    if found.root {
        return feature.remedy(format!(
            "give them to this cgroup, from the top down: echo +{} > /sys/fs/cgroup/cgroup.subtree_control, and so on",
            missing.join(" +")
        ));
    }
    feature.remedy(drop_in())
}

/// systemd gives an ordinary user memory and pids unless it is told otherwise (systemd.resource-control(5)).
fn drop_in() -> String {
    format!(
        "as root, save this as /etc/systemd/system/user@.service.d/delegate.conf, then: systemctl daemon-reload, and \
         log in anew\n  [Service]\n  Delegate={}",
        WANTED.join(" ")
    )
}

fn legacy(found: &Found) -> Feature {
    let name = "cgroups";
    let layout = match found.layout {
        Layout::Hybrid => "hybrid: v1 controllers, and a v2 tree that kills and freezes",
        _ => "v1",
    };
    let of = |writable: bool| -> Vec<&str> {
        let hierarchies = found.hierarchies.iter().filter(|(_, own)| *own == writable);
        hierarchies.flat_map(|(controllers, _)| controllers.split(',')).collect()
    };
    let (writable, closed) = (of(true), of(false));
    let unified = "boot with systemd.unified_cgroup_hierarchy=1 for cgroup v2, which can be delegated";
    if writable.is_empty() {
        let whose = if found.root { "none of them writable" } else { "and none of it is the caller's" };
        return Feature::no(name, format!("{layout}; {whose}")).lost(LOST).remedy(unified);
    }
    let detail = format!("{layout}\nwritable: {}", writable.join(" "));
    let wanted: Vec<_> =
        ["cpu", "cpuset", "blkio", "memory", "pids"].into_iter().filter(|wanted| !writable.contains(wanted)).collect();
    if wanted.is_empty() {
        return Feature::ok(name, detail);
    }
    let closed = if closed.is_empty() { String::new() } else { format!("\nnot writable: {}", closed.join(" ")) };
    Feature::limited(name, format!("{detail}{closed}"))
        .lost(format!("what needs {}", wanted.join(", ")))
        .remedy(unified)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn a_session_uses_what_its_manager_was_given() {
        let user = Found { layout: Layout::Unified, uid: 1000, ..Found::default() };
        let some = judge(&Found { manager: Some(words("memory pids")), ..user.clone() });
        assert_eq!(some.state, State::Limited);
        assert_eq!(some.lost.unwrap(), "the keys cpu-…, cpuset-…, io-… of [cgroup]");
        assert!(some.remedy.unwrap().ends_with("[Service]\n  Delegate=cpu cpuset io memory pids"));
        let all = judge(&Found { manager: Some(words("cpuset cpu io memory pids")), ..user.clone() });
        assert_eq!(all.state, State::Ok);
        assert!(judge(&user).remedy.unwrap().contains("enable-linger 1000"));
    }

    #[test]
    fn an_own_cgroup_comes_before_the_managers() {
        let found = Found {
            layout: Layout::Unified,
            own: words("cpuset cpu io memory pids"),
            own_writable: true,
            manager: Some(words("pids")),
            ..Found::default()
        };
        assert_eq!(judge(&found).state, State::Ok);
    }

    #[test]
    fn on_v1_only_root_has_anything() {
        let hierarchies = ["cpu,cpuacct", "cpuset", "blkio", "memory", "pids"].map(|name| (name.to_owned(), true));
        let root = Found { layout: Layout::Hybrid, root: true, hierarchies: hierarchies.to_vec(), ..Found::default() };
        assert_eq!(judge(&root).state, State::Ok);
        let mut part = root.clone();
        part.hierarchies[3].1 = false;
        assert_eq!(judge(&part).lost.unwrap(), "what needs memory");
        let closed = hierarchies.map(|(name, _)| (name, false)).to_vec();
        let user = judge(&Found { layout: Layout::Legacy, hierarchies: closed, ..Found::default() });
        assert_eq!(user.state, State::No);
        assert_eq!(judge(&Found::default()).state, State::No);
    }
}
