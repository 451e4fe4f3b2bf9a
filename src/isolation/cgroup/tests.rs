//! Planning on machines made up: where directories are made, and what is refused.

mod parts;
mod places;
mod processes;
mod scopes;
mod v1;

use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::host::{Facts, Host, Node};
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Findings, IdRange, Severity, Trace};

const DIRECTORY: Node = Node::Directory { uid: 0, mode: 0o755 };
const FILE: Node = Node::File { uid: 0, mode: 0o644 };

fn asked<T>(value: T) -> Option<Asked<T>> {
    let origin = Origin { file: Rc::from("a.toml"), line: 1, column: 1 };
    Some(Asked { value, origin, required: true })
}

fn limits() -> Cgroup {
    Cgroup { pids_max: asked(Max::Limit(64)), memory_max: asked(Max::Limit(256 << 20)), ..Cgroup::default() }
}

fn seven() -> Context {
    let mut context = Context::default();
    context.id = "7".into();
    context
}

/// A machine to be furnished, seen by this user.
struct Machine(Facts);

impl Machine {
    fn of(uid: u32) -> Machine {
        Machine(Facts { uid: Some(uid), ..Facts::default() })
    }

    fn text(mut self, path: &str, text: &str) -> Machine {
        self.0.texts.insert(path.into(), Some(text.into()));
        self
    }

    fn node(mut self, path: &str, node: Node) -> Machine {
        self.0.paths.insert(path.into(), node);
        self
    }

    fn writable(mut self, path: &str) -> Machine {
        self.0.writable.insert(path.into(), true);
        self
    }

    fn delegated(mut self, path: &str) -> Machine {
        self.0.delegated.insert(path.into(), true);
        self
    }

    /// A directory of cgroup v2 with these controllers and processes.
    fn v2(self, path: &str, controllers: &str, given: &str, processes: &str) -> Machine {
        self.node(&format!("{path}/cgroup.controllers"), FILE)
            .text(&format!("{path}/cgroup.controllers"), controllers)
            .text(&format!("{path}/cgroup.subtree_control"), given)
            .text(&format!("{path}/cgroup.procs"), processes)
    }

    /// The same, but not the root of the hierarchy.
    fn v2_below(self, path: &str, controllers: &str, given: &str, processes: &str) -> Machine {
        self.v2(path, controllers, given, processes).node(&format!("{path}/cgroup.events"), FILE)
    }

    fn owned(self, path: &str) -> Machine {
        self.writable(path)
            .writable(&format!("{path}/cgroup.procs"))
            .writable(&format!("{path}/cgroup.subtree_control"))
    }

    fn systemd(self) -> Machine {
        self.node("/run/systemd/system", DIRECTORY)
    }

    /// As on the machine that this was written on.
    fn hybrid(self) -> Machine {
        let lines = "8:pids:/\n7:blkio:/\n6:freezer:/\n4:memory:/api/x\n3:cpuset:/\n1:cpu:/\n0::/\n";
        let machine = self.text("/proc/self/cgroup", lines).v2("/sys/fs/cgroup/unified", "", "", "1\n2\n");
        ["pids", "blkio", "freezer", "memory/api/x", "cpuset", "cpu"]
            .into_iter()
            .fold(machine, |machine, directory| machine.node(&format!("/sys/fs/cgroup/{directory}/tasks"), FILE))
    }

    fn writable_v1(self) -> Machine {
        ["pids", "blkio", "freezer", "memory/api/x", "cpuset", "cpu"]
            .into_iter()
            .fold(self, |machine, directory| machine.writable(&format!("/sys/fs/cgroup/{directory}")))
    }

    fn plan(self, section: &Cgroup) -> (Planned, Vec<(Severity, String, String)>) {
        self.plan_as(1000, section)
    }

    /// With a program of this user.
    fn plan_as(self, program: u32, section: &Cgroup) -> (Planned, Vec<(Severity, String, String)>) {
        let mut findings = Findings::default();
        let given = given(program);
        let planned = plan(section, given, &Host::known(self.0), &mut findings);
        let said =
            findings.0.into_iter().map(|one| (one.severity, one.message, one.hint.unwrap_or_default())).collect();
        (planned, said)
    }

    /// The steps in words; nothing was to be found wrong.
    fn steps(self, section: &Cgroup) -> (Vec<String>, Planned) {
        let (planned, said) = self.plan(section);
        assert_eq!(said, []);
        (planned.host_before.iter().chain(&planned.init).map(Step::to_string).collect(), planned)
    }
}

fn given(program: u32) -> Given<'static> {
    Given {
        own_user: true,
        own_cgroup: true,
        program: (program, program),
        users: None,
        keeps: false,
        changes_user: false,
        mounts: false,
        init: true,
    }
}

fn membership(names: &[&'static str]) -> Membership {
    Membership(names.iter().map(|name| (*name).into()).collect())
}

#[test]
fn nothing_asked_is_nothing_done_and_nothing_looked_at() {
    let host = Host::known(Facts::default());
    let given = given(1000);
    let planned = plan(&Cgroup::default(), given, &host, &mut Findings::default());
    assert_eq!(planned, Planned::default());
    assert!(host.facts().texts.is_empty() && host.facts().paths.is_empty());
}

#[test]
fn what_only_a_base_asks_for_is_best_effort() {
    let mut section = limits();
    section.pids_max.as_mut().unwrap().required = false;
    let (_, said) = Machine::of(1000).plan(&section);
    let severities: Vec<_> = said.iter().map(|(severity, ..)| *severity).collect();
    assert_eq!(severities, [Severity::Note, Severity::Error]);
}

#[test]
fn read_only_cgroups_are_named_even_to_root() {
    let (_, said) = Machine::of(0).hybrid().plan(&limits());
    assert_eq!(said[0].1, "pids-max: /sys/fs/cgroup/pids is read-only");
    let root = Machine::of(0).text("/proc/self/cgroup", "0::/\n").v2("/sys/fs/cgroup", "memory pids", "", "1\n");
    assert_eq!(root.plan(&limits()).1[0].1, "pids-max: /sys/fs/cgroup is read-only");
}

#[test]
fn no_cgroups_at_all() {
    let (_, said) = Machine::of(0).plan(&limits());
    assert_eq!(said[0].1, "pids-max: no cgroup file system is mounted");
}
