//! Why a limit cannot be had, and what whoever reads it can do.

use std::path::Path;

use super::key::Key;
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
