//! Where on cgroup v2 a sandbox's directory can be made, so that it has the controllers it needs.
//!
//! A cgroup that gives controllers to its children may hold no processes itself (the root alone may), and our own holds
//! us. docs/decisions/0005-cgroup-places.md tells how each case came to be.

use std::path::{Path, PathBuf};

use super::layout::ROOT;
use super::scope::{self, Manager};
use super::settings::Lack;
use crate::host::{Host, Node};

/// A directory that may have children with controllers, and what has to be done for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Of a scope that is still to be made, the directory that it will get its controllers from.
    pub directory: PathBuf,
    /// systemd has to make a scope first.
    pub scope: Option<Manager>,
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

/// The place for children with these controllers, or without any.
pub fn choose(own: &Path, needs: &[&str], host: &Host) -> Result<Ground, Lack> {
    if needs.is_empty() {
        let directory = own.to_owned();
        let free = Ground { directory, scope: None, leave: false, controllers: Vec::new(), given: Vec::new() };
        return if host.writable(own) { Ok(free) } else { Err(not_ours(own, host)) };
    }
    if is_root(own, host) {
        return if host.writable(own) { Ok(ground(own, false, host)) } else { Err(not_ours(own, host)) };
    }
    // A leaf of ours lies in a place that was prepared before; systemd may have made such a leaf too.
    if let Some(parent) = own.parent()
        && (is_our_leaf(own) || inside_delegated(parent, host))
        && writable(parent, host)
        && processes(parent, host) == 0
    {
        return Ok(ground(parent, false, host));
    }
    // What is the top to a cgroup namespace of its own was made by whoever made that: systemd keeps its own top empty.
    let managed = is_systemd(host) && own != Path::new(ROOT);
    let direct = writable(own, host) && (!managed || (inside_delegated(own, host) && processes(own, host) == 1));
    // Where cgroups are mounted read-only, nothing could be done in what the manager makes.
    let manager = || Manager::find(host).filter(|manager| host.writable(&manager.directory(host)));
    if !direct
        && managed
        && let Some(manager) = manager()
    {
        let mut from = ground(&manager.directory(host), true, host);
        from.controllers.retain(|name| scope::DELEGATED.contains(&name.as_str()));
        return Ok(Ground { scope: Some(manager), given: Vec::new(), ..from });
    }
    if !writable(own, host) {
        return Err(not_ours(own, host));
    }
    if managed && !inside_delegated(own, host) {
        let message = format!("{} belongs to systemd, which has not delegated it", own.display());
        return Err(Lack::new(message, DELEGATED_SCOPE));
    }
    let alone = (processes(own, host) == 1).then(|| ground(own, true, host));
    if let Some(alone) = alone.as_ref().filter(|alone| alone.has(needs)) {
        return Ok(alone.clone());
    }
    // Root may go up, as container engines without systemd do.
    let free = |up: &&Path| is_root(up, host) || is_free(up, host);
    let up = own.ancestors().skip(1).filter(|_| host.is_root() && !managed).find(free);
    match (up.map(|up| ground(up, false, host)), alone) {
        (Some(up), alone) if up.has(needs) || alone.is_none() => Ok(up),
        (_, Some(alone)) => Ok(alone),
        _ => Err(busy(own, managed)),
    }
}

impl Ground {
    fn has(&self, needs: &[&str]) -> bool {
        needs.iter().all(|need| self.controllers.iter().any(|known| known == need))
    }
}

const DELEGATED_SCOPE: &str = "start it with: systemd-run --scope -p Delegate=yes sandbox run …";

fn busy(own: &Path, managed: bool) -> Lack {
    let own = own.display();
    let message = format!("{own} holds other processes too, so it can give no controller to a child");
    if managed {
        return Lack::new(message, DELEGATED_SCOPE);
    }
    Lack::new(message, format!("mkdir {own}/init, and move each process of {own}/cgroup.procs to {own}/init"))
}

fn ground(directory: &Path, leave: bool, host: &Host) -> Ground {
    let words = |file: &str| {
        let text = host.text(&directory.join(file)).unwrap_or_default();
        text.split_ascii_whitespace().map(String::from).collect()
    };
    Ground {
        directory: directory.to_owned(),
        scope: None,
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
    let hint = if is_systemd(host) {
        "start it with: systemd-run --user --scope -p Delegate=yes sandbox run …, or run it as root"
    } else {
        "as root: make a cgroup, chown it with its cgroup.procs and cgroup.subtree_control to the caller, and start the \
         caller's shell in it"
    };
    Lack::new(format!("{} is not the caller's", own.display()), hint)
}
