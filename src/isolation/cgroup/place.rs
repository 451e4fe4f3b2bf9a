//! Where on cgroup v2 a sandbox's directory can be made, so that it has the controllers it needs.
//!
//! A cgroup that gives controllers to its children may hold no processes itself (the root alone may), and our own holds
//! us. docs/decisions/0020-cgroup-places.md tells how each case came to be.

use std::path::{Path, PathBuf};

use super::settings::Lack;
use crate::host::{Host, Node};

/// A way to a directory that may have children with controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub directory: PathBuf,
    /// It holds nobody but us, and we have to leave it for a leaf first.
    pub leave: bool,
    /// What children can be given.
    pub controllers: Vec<String>,
    /// What children are given already.
    pub given: Vec<String>,
}

/// The leaf that the launcher retreats to, and the one that a delegated part begins in: systemd knows the latter's name.
pub const LAUNCHER: &str = ".launcher";
pub const INIT: &str = "init.scope";

/// The place for children with controllers, or without any where `need` is false.
pub fn choose(own: &Path, need: bool, host: &Host) -> Result<Place, Lack> {
    if is_root(own, host) || !need {
        return if host.writable(own) { Ok(place(own, false, host)) } else { Err(not_ours(own, host)) };
    }
    // A leaf of ours lies in a place that was prepared before; systemd may have made such a leaf too.
    if let Some(parent) = own.parent()
        && (is_our_leaf(own) || inside_delegated(parent, host))
        && writable(parent, host)
        && processes(parent, host) == 0
    {
        return Ok(place(parent, false, host));
    }
    let managed = is_systemd(host);
    if !writable(own, host) {
        return Err(not_ours(own, host));
    }
    if !managed || inside_delegated(own, host) {
        if processes(own, host) == 1 {
            return Ok(place(own, true, host));
        }
        if host.is_root()
            && !managed
            && let Some(free) = own.ancestors().skip(1).find(|up| is_root(up, host) || is_free(up, host))
        {
            return Ok(place(free, false, host));
        }
        let message = format!("{} holds other processes too, so it can give no controller to a child", own.display());
        return Err(Lack::new(
            message,
            "start it alone in a cgroup: systemd-run --scope -p Delegate=yes sandbox run …",
        ));
    }
    let message = format!("{} belongs to systemd, which has not delegated it", own.display());
    Err(Lack::new(message, "start it with: systemd-run --scope -p Delegate=yes sandbox run …"))
}

fn place(directory: &Path, leave: bool, host: &Host) -> Place {
    let words = |file: &str| {
        let text = host.text(&directory.join(file)).unwrap_or_default();
        text.split_ascii_whitespace().map(String::from).collect()
    };
    Place {
        directory: directory.to_owned(),
        leave,
        controllers: words("cgroup.controllers"),
        given: words("cgroup.subtree_control"),
    }
}

/// The root of the whole hierarchy, which a cgroup namespace's root is not: it has no events.
fn is_root(directory: &Path, host: &Host) -> bool {
    is_cgroup(directory, host) && host.node(&directory.join("cgroup.events")) == Node::Missing
}

fn is_cgroup(directory: &Path, host: &Host) -> bool {
    matches!(host.node(&directory.join("cgroup.controllers")), Node::File { .. })
}

fn is_free(directory: &Path, host: &Host) -> bool {
    is_cgroup(directory, host) && processes(directory, host) == 0
}

fn is_our_leaf(own: &Path) -> bool {
    own.file_name().and_then(|name| name.to_str()).is_some_and(|name| name == INIT || name.ends_with(LAUNCHER))
}

fn writable(directory: &Path, host: &Host) -> bool {
    let file = |name: &str| host.writable(&directory.join(name));
    host.writable(directory) && file("cgroup.procs") && file("cgroup.subtree_control")
}

fn processes(directory: &Path, host: &Host) -> usize {
    host.text(&directory.join("cgroup.procs")).map_or(usize::MAX, |text| text.lines().count())
}

fn is_systemd(host: &Host) -> bool {
    matches!(host.node(Path::new("/run/systemd/system")), Node::Directory { .. })
}

/// Whether systemd has left this directory to whoever runs in it: it says so on the innermost unit's own directory.
fn inside_delegated(directory: &Path, host: &Host) -> bool {
    let is_unit = |path: &&Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".scope") || name.ends_with(".service")
    };
    let Some(unit) = directory.ancestors().find(is_unit) else { return false };
    // The user's own manager has been delegated to, and manages what is below.
    let manager = unit.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("user@"));
    !manager && host.delegated(unit)
}

fn not_ours(own: &Path, host: &Host) -> Lack {
    if host.is_root() {
        let message = format!("{} is read-only", own.display());
        return Lack::new(message, "a container around this sandbox must mount its cgroups writable");
    }
    let message = format!("{} is not the caller's", own.display());
    Lack::new(message, "start it with: systemd-run --user --scope -p Delegate=yes sandbox run …, or run it as root")
}
