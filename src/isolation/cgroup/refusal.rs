//! Why a limit cannot be had, and what whoever reads it can do.

use std::path::Path;

use super::key::Key;
use super::layout::Home;
use super::scope;
use super::settings::Lack;
use crate::host::{Host, Node};

pub fn not_writable(directory: &Path, key: &Key, host: &Host) -> Lack {
    let shown = directory.display();
    if host.is_root() {
        let hint = "a container around this sandbox must mount its cgroups writable";
        return Lack::new(format!("{shown} is read-only"), hint);
    }
    let message = format!("only root can limit {} here: {shown} is cgroup v1, which nobody else may change", noun(key));
    Lack::new(message, "run it as root, or boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)")
}

/// Of a controller that no directory of ours has.
pub fn not_there(controller: &str, home: &Home, has_v1: bool) -> Lack {
    let mount = |names: Option<&str>| match names {
        Some(names) => format!("mount -t cgroup -o {names} cgroup"),
        None => "mount -t cgroup2 none".to_owned(),
    };
    match home {
        Home::NotMounted(names) => Lack::new(
            format!("the {controller} controller belongs to cgroup v1, which is not mounted"),
            format!("as root: {} DIRECTORY, in /sys/fs/cgroup", mount(Some(names))),
        ),
        Home::Outside(at, names) => Lack::new(
            format!("what is mounted at {} lies outside of this cgroup namespace", at.display()),
            // The kernel mounts no file system on itself.
            format!(
                "as root, in a mount namespace of its own: umount {0} && {1} {0}",
                at.display(),
                mount(names.as_deref())
            ),
        ),
        // Kernels lose the controllers of cgroup v1 one by one.
        _ if has_v1 => Lack::new(
            format!("no cgroup v1 hierarchy has the {controller} controller, and cgroup v2 is not mounted"),
            format!("as root: mkdir /sys/fs/cgroup/unified, and {} /sys/fs/cgroup/unified", mount(None)),
        ),
        _ => Lack::new("no cgroup file system is mounted", format!("{} /sys/fs/cgroup, as root", mount(None))),
    }
}

fn noun(key: &Key) -> &'static str {
    match key.controller() {
        "pids" => "processes",
        "memory" => "memory",
        "io" => "disks",
        "hugetlb" => "huge pages",
        _ => "CPUs",
    }
}

pub fn no_controller(controller: &str, directory: &Path, host: &Host) -> Lack {
    let known = host.text(Path::new("/sys/fs/cgroup/cgroup.controllers")).unwrap_or_default();
    if known.split_ascii_whitespace().any(|name| name == controller) {
        let systemd = matches!(host.node(Path::new("/run/systemd/system")), Node::Directory { .. });
        if systemd && !scope::DELEGATED.contains(&controller) {
            let hint = "start it below a cgroup of your own, made as root outside of what systemd manages, or leave the \
                        key out";
            return Lack::new(format!("systemd delegates no {controller} controller"), hint);
        }
        let message = format!("the {controller} controller is not delegated to {}", directory.display());
        let hint = if systemd {
            "as root: put \"[Service]\" and \"Delegate=cpu cpuset io memory pids\" into \
             /etc/systemd/system/user@.service.d/delegate.conf, then systemctl daemon-reload and log in again"
                .to_owned()
        } else {
            format!("as root: echo +{controller} > …/cgroup.subtree_control in each directory above it")
        };
        return Lack::new(message, hint);
    }
    Lack::new(
        format!("this kernel has no {controller} controller"),
        format!("boot without cgroup_disable={controller}, with a kernel that has it"),
    )
}
