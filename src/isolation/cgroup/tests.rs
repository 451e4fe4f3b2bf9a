//! Planning on machines made up: where directories are made, and what is refused.

use std::rc::Rc;

use super::*;
use crate::host::{Facts, Host, Node};
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Findings, IdRange, Severity};

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
fn root_of_a_unified_hierarchy() {
    let root = "/sys/fs/cgroup";
    let machine =
        Machine::of(0).text("/proc/self/cgroup", "0::/\n").v2(root, "cpu memory pids", "cpu memory", "1\n2\n");
    let (steps, planned) = machine.owned(root).steps(&limits());
    assert_eq!(
        steps,
        [
            "give children of /sys/fs/cgroup pids",
            "create /sys/fs/cgroup/sandbox-<id>",
            "pids.max = 64",
            "memory.max = 268435456"
        ]
    );
    assert_eq!(planned.clone_into, Some(Slot::Cgroup(0)));
    assert_eq!(planned.membership, Some(membership(&[""])));
    assert_eq!((planned.memory_max, planned.processes), (Some(256 << 20), Some(Max::Max)));
    let traces: Vec<_> = planned.host_before.iter().filter_map(|step| step.trace(&seven())).collect();
    assert_eq!(traces, [Trace::Cgroup { path: "/sys/fs/cgroup/sandbox-7".into() }]);
}

#[test]
fn processes_of_root_are_limited_by_default_where_it_takes_no_more_than_a_directory() {
    let (nothing, host_before) = (Cgroup::default(), |planned: &Planned| -> Vec<String> {
        planned.host_before.iter().map(Step::to_string).collect()
    });
    let (planned, said) = Machine::of(0).hybrid().writable_v1().writable("/sys/fs/cgroup/unified").plan_as(0, &nothing);
    assert_eq!(said, []);
    assert_eq!(host_before(&planned), ["create /sys/fs/cgroup/pids/sandbox-<id>", "pids.max = 4096"]);
    assert_eq!(planned.processes, Some(Max::Max));
    // Where the author says something, that holds; another user's processes are held by an rlimit.
    let unlimited = Cgroup { pids_max: asked(Max::Max), ..Cgroup::default() };
    let (planned, _) = Machine::of(0).hybrid().writable_v1().writable("/sys/fs/cgroup/unified").plan_as(0, &unlimited);
    assert!(!host_before(&planned).contains(&"pids.max = 4096".to_owned()));
    assert_eq!(Machine::of(0).hybrid().writable_v1().plan_as(33, &nothing), (Planned::default(), Vec::new()));
    // Neither is the launcher moved for it, nor systemd asked.
    let own = "/sys/fs/cgroup/system.slice/ssh.service";
    let machine = || Machine::of(0).text("/proc/self/cgroup", "0::/system.slice/ssh.service\n").owned(own).systemd();
    let alone = machine().v2_below(own, "memory pids", "", "77\n").delegated(own);
    let scope = machine().v2_below(own, "memory pids", "", "77\n78\n").node("/run/systemd/private", Node::Other);
    for machine in [alone, scope] {
        let (planned, said) = machine.plan_as(0, &nothing);
        assert_eq!(planned, Planned::default());
        let (severity, message, _) = &said[0];
        assert_eq!(*severity, Severity::Note);
        assert!(message.ends_with("nothing stops a fork bomb of root's"), "{message}");
    }
}

#[test]
fn a_user_alone_in_a_delegated_scope_leaves_it_for_a_leaf() {
    let own = "/sys/fs/cgroup/user.slice/user@1000.service/app.slice/run-1.scope";
    let machine = Machine::of(1000)
        .systemd()
        .text("/proc/self/cgroup", "0::/user.slice/user@1000.service/app.slice/run-1.scope\n")
        .v2_below(own, "memory pids", "", "77\n")
        .owned(own)
        .delegated(own);
    let (steps, planned) = machine.steps(&limits());
    assert_eq!(steps[0], format!("move the launcher to a leaf of {own}"));
    assert_eq!(steps[1], format!("give children of {own} pids, memory"));
    assert_eq!(steps[2], format!("create {own}/sandbox-<id>"));
    let trace = planned.host_before[0].trace(&seven());
    assert_eq!(trace, Some(Trace::Cgroup { path: format!("{own}/sandbox-7.launcher").into() }));
}

#[test]
fn beside_a_leaf_that_was_made_before() {
    for leaf in ["sandbox-1.launcher", "init.scope"] {
        let parent = "/sys/fs/cgroup/job";
        let own = format!("{parent}/{leaf}");
        let machine = Machine::of(1000)
            .text("/proc/self/cgroup", &format!("0::/job/{leaf}\n"))
            .v2_below(&own, "memory pids", "", "77\n78\n")
            .v2_below(parent, "memory pids", "memory pids", "")
            .owned(parent);
        let (steps, _) = machine.steps(&limits());
        assert_eq!(steps[0], "create /sys/fs/cgroup/job/sandbox-<id>");
    }
}

#[test]
fn root_without_systemd_uses_the_nearest_cgroup_that_holds_nobody() {
    let own = "/sys/fs/cgroup/jobs/ssh";
    let machine = || {
        Machine::of(0)
            .text("/proc/self/cgroup", "0::/jobs/ssh\n")
            .v2_below(own, "memory pids", "", "77\n78\n")
            .owned(own)
            .v2("/sys/fs/cgroup", "memory pids", "memory pids", "1\n")
    };
    let (steps, _) = machine().v2_below("/sys/fs/cgroup/jobs", "memory pids", "memory pids", "").steps(&limits());
    assert_eq!(steps[0], "create /sys/fs/cgroup/jobs/sandbox-<id>");
    let (steps, _) = machine().v2_below("/sys/fs/cgroup/jobs", "memory pids", "", "5\n").steps(&limits());
    assert_eq!(steps[0], "create /sys/fs/cgroup/sandbox-<id>");
    // Alone, it would do, but has no controllers to give.
    let alone = machine().v2_below(own, "", "", "77\n").v2_below("/sys/fs/cgroup/jobs", "memory pids", "", "");
    assert_eq!(alone.steps(&limits()).0[1], "create /sys/fs/cgroup/jobs/sandbox-<id>");
}

#[test]
fn a_user_without_delegation_is_told_what_to_do() {
    let own = "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope";
    let machine = || {
        Machine::of(1000)
            .systemd()
            .text("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n")
            .v2_below(own, "memory pids", "", "77\n78\n")
    };
    let (_, said) = machine().plan(&limits());
    assert_eq!(said[0].0, Severity::Error);
    assert_eq!(said[0].1, format!("pids-max: {own} is not the caller's"));
    assert!(said[0].2.starts_with("start it with: systemd-run --user"), "{said:?}");
    assert!(said[0].2.ends_with("or set enforce = \"best-effort\""), "{said:?}");

    let best = Cgroup { enforce: Enforce::BestEffort, ..limits() };
    let (planned, said) = machine().plan(&best);
    assert_eq!(planned.host_before, []);
    assert_eq!(planned.processes, Some(Max::Limit(64)));
    assert!(said[1..].iter().all(|(severity, ..)| *severity == Severity::Shortfall), "{said:?}");
    assert!(said[0].0 == Severity::Note && said[0].1.ends_with("; RLIMIT_NPROC stands in"), "{said:?}");
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
fn a_controller_that_is_not_delegated_is_named() {
    let own = "/sys/fs/cgroup/a.slice/b.scope";
    let machine = Machine::of(1000)
        .systemd()
        .text("/proc/self/cgroup", "0::/a.slice/b.scope\n")
        .text("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
        .v2_below(own, "pids", "", "77\n")
        .owned(own)
        .delegated(own);
    let (_, said) = machine.plan(&limits());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1, format!("memory-max: the memory controller is not delegated to {own}"));
    assert!(said[0].2.contains("user@.service.d/delegate.conf"), "{said:?}");
}

#[test]
fn systemds_own_directories_are_left_to_it() {
    let own = "/sys/fs/cgroup/system.slice/x.service";
    let machine = Machine::of(0)
        .systemd()
        .text("/proc/self/cgroup", "0::/system.slice/x.service\n")
        .v2_below(own, "memory pids", "", "77\n")
        .owned(own);
    let (_, said) = machine.plan(&limits());
    assert_eq!(said[0].1, format!("pids-max: {own} belongs to systemd, which has not delegated it"));
}

#[test]
fn hybrid_as_root_has_a_directory_a_controller_and_one_to_be_born_in() {
    let (steps, planned) = Machine::of(0).hybrid().writable_v1().owned("/sys/fs/cgroup/unified").steps(&limits());
    assert_eq!(
        steps,
        [
            "create /sys/fs/cgroup/unified/sandbox-<id>",
            "create /sys/fs/cgroup/pids/sandbox-<id>",
            "pids.max = 64",
            "create /sys/fs/cgroup/memory/api/x/sandbox-<id>",
            "memory.limit_in_bytes = 268435456",
            "join the cgroup of pids",
            "join the cgroup of memory",
        ]
    );
    assert_eq!(planned.clone_into, Some(Slot::Cgroup(0)));
    assert_eq!(planned.membership, Some(membership(&["", "pids", "memory"])));
}

#[test]
fn hybrid_as_a_user_is_refused_key_by_key() {
    let (_, said) = Machine::of(1000).hybrid().plan(&limits());
    assert_eq!(
        said[0].1,
        "pids-max: only root can limit processes here: /sys/fs/cgroup/pids is cgroup v1, which nobody else may change"
    );
    assert!(said[0].2.contains("rlimits = { nproc"), "{said:?}");
    assert!(said[1].1.starts_with("memory-max: only root can limit memory here"), "{said:?}");
}

#[test]
fn cgroup_v1_alone_is_frozen_by_the_freezer_and_counted_by_cpuacct() {
    let lines = "8:pids:/\n6:freezer:/\n5:cpuacct:/\n4:memory:/\n1:name=systemd:/\n";
    let machine = ["pids", "freezer", "cpuacct", "memory"].into_iter().fold(
        Machine::of(0).text("/proc/self/cgroup", lines),
        |machine, name| {
            let directory = format!("/sys/fs/cgroup/{name}");
            machine.node(&format!("{directory}/tasks"), FILE).writable(&directory)
        },
    );
    let (steps, planned) = machine.steps(&limits());
    assert_eq!(steps.last().unwrap(), "join the cgroup of cpuacct");
    assert_eq!(planned.clone_into, None);
    assert_eq!(planned.membership, Some(membership(&["pids", "memory", "freezer", "cpuacct"])));
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

#[test]
fn a_controller_that_cgroup_v1_has_lost_is_named() {
    let machine = || {
        let machine = Machine::of(0).text("/proc/self/cgroup", "8:pids:/\n1:name=systemd:/\n");
        machine.node("/sys/fs/cgroup/pids/tasks", FILE).writable("/sys/fs/cgroup/pids")
    };
    let (_, said) = machine().plan(&limits());
    assert_eq!(said.len(), 1);
    let message = "no cgroup v1 hierarchy has the memory controller, and cgroup v2 is not mounted";
    assert_eq!(said[0].1, format!("memory-max: {message}"));
    assert!(said[0].2.contains("mount -t cgroup2 none /sys/fs/cgroup/unified"), "{said:?}");
}

#[test]
fn a_cgroup_namespace_that_shows_other_cgroups_is_named() {
    let namespaced = |cgroup: &str, mounts: &str| {
        let machine = Machine::of(0).v2("/sys/fs/cgroup", "memory pids", "memory pids", "").owned("/sys/fs/cgroup");
        let machine = machine.node("/proc/self/ns/cgroup", Node::Symlink { to: "cgroup:[4026532001]".into() });
        machine.text("/proc/self/cgroup", cgroup).text("/proc/self/mountinfo", mounts)
    };
    let kept = "31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    let said = |section: &Cgroup| namespaced("0::/\n", kept).plan(section).1;
    let limits = said(&limits());
    assert_eq!(limits[0].1, "pids-max: what is mounted at /sys/fs/cgroup lies outside of this cgroup namespace");
    assert!(limits[0].2.contains("mount -t cgroup2 none /sys/fs/cgroup"), "{limits:?}");
    let delegate = said(&Cgroup { delegate: asked(true), ..Cgroup::default() });
    assert!(delegate[0].1.contains("lies outside of this cgroup namespace"), "{delegate:?}");
    let kept = "32 23 0:29 /.. /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
    let (_, said) = namespaced("8:pids:/\n", kept).plan(&Cgroup { pids_max: asked(Max::Max), ..Cgroup::default() });
    assert!(said[0].2.contains("mount -t cgroup -o pids cgroup /sys/fs/cgroup/pids"), "{said:?}");
}

/// Who made the namespace has left its top to us, whatever systemd runs outside; nobody is asked for a scope.
#[test]
fn at_the_top_of_a_cgroup_namespace_no_systemd_is_asked() {
    let top = "/sys/fs/cgroup";
    let machine = Machine::of(0)
        .systemd()
        .node("/run/systemd/private", Node::Other)
        .node("/proc/self/ns/cgroup", Node::Symlink { to: "cgroup:[4026532001]".into() })
        .text("/proc/self/cgroup", "0::/\n")
        .text("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n")
        .v2_below(top, "memory pids", "", "77\n")
        .owned(top);
    let (steps, _) = machine.steps(&limits());
    assert_eq!(steps[0], "move the launcher to a leaf of /sys/fs/cgroup");
}

#[test]
fn no_scope_is_asked_for_where_cgroups_are_read_only() {
    let own = "/sys/fs/cgroup/system.slice/x.service";
    let machine = Machine::of(0)
        .systemd()
        .node("/run/systemd/private", Node::Other)
        .text("/proc/self/cgroup", "0::/system.slice/x.service\n")
        .v2_below(own, "memory pids", "", "77\n");
    assert_eq!(machine.plan(&limits()).1[0].1, format!("pids-max: {own} is read-only"));
}

#[test]
fn a_delegated_part_lies_below_the_limits() {
    let root = "/sys/fs/cgroup";
    let section = Cgroup { delegate: asked(true), memory_max: asked(Max::Limit(1 << 30)), ..Cgroup::default() };
    let machine = Machine::of(0).text("/proc/self/cgroup", "0::/\n").v2(root, "cpu memory pids misc", "", "1\n");
    let (steps, planned) = machine.owned(root).steps(&section);
    assert_eq!(
        steps,
        [
            "give children of /sys/fs/cgroup memory, cpu, pids",
            "create /sys/fs/cgroup/sandbox-<id>",
            "memory.max = 1073741824",
            "cgroup.max.descendants = 1000",
            "cgroup.max.depth = 16",
            "delegate /sys/fs/cgroup/sandbox-<id>/payload to 1000:1000",
        ]
    );
    assert_eq!(
        planned.inside.iter().map(Step::to_string).collect::<Vec<_>>(),
        ["move to init.scope of the delegated part"]
    );
    assert_eq!(planned.clone_into, Some(Slot::Cgroup(0)));
    assert_eq!(planned.access, Some(crate::isolation::Access::ReadWrite));
}

#[test]
fn delegation_without_controllers_is_said_to_be_less_and_on_v1_refused() {
    let section = Cgroup { delegate: asked(true), ..Cgroup::default() };
    let hybrid = Machine::of(0).hybrid().writable_v1().owned("/sys/fs/cgroup/unified");
    let (planned, said) = hybrid.plan(&section);
    assert_eq!(planned.clone_into, Some(Slot::Cgroup(0)));
    assert_eq!(said[0].0, Severity::Shortfall);
    assert!(said[0].1.ends_with("but not limited"), "{said:?}");
    let v1 = Machine::of(0).text("/proc/self/cgroup", "4:memory:/\n").node("/sys/fs/cgroup/memory/tasks", FILE);
    assert_eq!(
        v1.writable("/sys/fs/cgroup/memory").plan(&section).1[0].1,
        "delegate: cgroup v1 cannot be delegated safely"
    );
    let no = Cgroup { delegate: asked(false), ..Cgroup::default() };
    assert_eq!(Machine::of(1000).plan(&no), (Planned::default(), vec![]));
}

#[test]
fn what_cgroup_v1_does_differently() {
    let section = Cgroup {
        memory_max: asked(Max::Limit(100 << 20)),
        memory_high: asked(Max::Limit(50 << 20)),
        memory_swap_max: asked(Max::Limit(10 << 20)),
        cpu_max: asked(Max::Limit(5000)),
        cpu_weight: asked(100),
        cpuset_cpus: asked("1".to_owned()),
        ..Cgroup::default()
    };
    let machine = Machine::of(0)
        .hybrid()
        .writable_v1()
        .node("/sys/fs/cgroup/memory/api/x/memory.memsw.limit_in_bytes", FILE)
        .text("/sys/fs/cgroup/cpuset/cpuset.cpus", "0-3\n")
        .text("/sys/fs/cgroup/cpuset/cpuset.mems", "0\n")
        .text("/sys/fs/cgroup/cpuset/cpuset.effective_cpus", "0-3\n");
    let (planned, said) = machine.plan(&section);
    assert_eq!(said.len(), 1);
    assert!(said[0].1.starts_with("memory-high: on cgroup v1 it is memory.soft_limit_in_bytes"), "{said:?}");
    let steps: Vec<_> = planned.host_before.iter().map(Step::to_string).filter(|step| step.contains(" = ")).collect();
    assert_eq!(
        steps,
        [
            "memory.limit_in_bytes = 104857600",
            "memory.soft_limit_in_bytes = 52428800",
            "memory.memsw.limit_in_bytes = 115343360",
            "cpu.cfs_quota_us = 50000",
            "cpu.shares = 1024",
            "cpuset.cpus = 1",
            "cpuset.mems = 0",
        ]
    );
}

#[test]
fn no_limit_is_the_same_on_every_version() {
    let section = Cgroup { memory_high: asked(Max::Max), memory_low: asked(Max::Limit(0)), ..Cgroup::default() };
    let (steps, _) = Machine::of(0).hybrid().writable_v1().owned("/sys/fs/cgroup/unified").steps(&section);
    assert!(steps.contains(&"memory.soft_limit_in_bytes = -1".to_owned()), "{steps:?}");
}

#[test]
fn what_cgroup_v1_cannot_do() {
    let refused = |section: Cgroup| {
        let (_, said) = Machine::of(0).hybrid().writable_v1().plan(&section);
        assert_eq!(said[0].0, Severity::Error);
        said[0].1.clone()
    };
    let low = Cgroup { memory_low: asked(Max::Limit(1)), ..Cgroup::default() };
    assert_eq!(refused(low), "memory-low: cgroup v1 protects no memory from reclaim");
    let group = Cgroup { memory_oom_group: asked(true), ..Cgroup::default() };
    assert_eq!(refused(group), "memory-oom-group: cgroup v1 kills one process at a time when memory runs out");
    let swap = Cgroup { memory_swap_max: asked(Max::Limit(1)), ..Cgroup::default() };
    assert!(refused(swap).starts_with("memory-swap-max: cgroup v1 limits memory and swap together"));
    let weight = Cgroup { io_weight: asked(100), ..Cgroup::default() };
    assert_eq!(refused(weight), "io-weight: no disk of this machine shares its time by weight");
    let cpus = Cgroup { cpuset_cpus: asked("0-9".to_owned()), ..Cgroup::default() };
    assert!(refused(cpus).starts_with("cpuset-cpus: the CPUs that we may use are"));
}

#[test]
fn a_user_asks_its_systemd_for_a_scope_where_nothing_is_delegated() {
    let manager = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
    let machine = |controllers: &str| {
        Machine::of(1000)
            .systemd()
            .text("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n")
            .text("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
            .v2_below("/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope", "memory pids", "", "77\n78\n")
            .v2_below(manager, controllers, controllers, "")
            .owned(manager)
            .node("/run/user/1000/bus", Node::Other)
    };
    let (steps, planned) = machine("memory pids").steps(&limits());
    assert_eq!(
        steps,
        [
            "have the user's systemd make sandbox-<id>.scope around the launcher",
            "move the launcher to a leaf of <scope>",
            "give children of <scope> pids, memory",
            "create <scope>/sandbox-<id>",
            "pids.max = 64",
            "memory.max = 268435456",
        ]
    );
    let mut context = seven();
    assert_eq!(planned.host_before[1].trace(&context), None);
    context.scope = Some("/sys/fs/cgroup/x/sandbox-7.scope".into());
    let traces: Vec<_> = planned.host_before.iter().filter_map(|step| step.trace(&context)).collect();
    let path = |name: &str| Trace::Cgroup { path: format!("/sys/fs/cgroup/x/sandbox-7.scope/{name}").into() };
    assert_eq!(traces, [path("sandbox-7.launcher"), path("sandbox-7")]);

    let (_, said) = machine("pids").plan(&limits());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1, format!("memory-max: the memory controller is not delegated to {manager}"));
    assert!(said[0].2.contains("/etc/systemd/system/user@.service.d/delegate.conf"), "{said:?}");
}

#[test]
fn the_managers_own_socket_is_preferred() {
    let machine = |socket: &str, uid: u32| {
        let machine = Machine::of(uid).systemd().node("/run/dbus/system_bus_socket", Node::Other);
        Host::known(machine.node("/run/user/1000/bus", Node::Other).node(socket, Node::Other).0)
    };
    let manager = scope::Manager::find(&machine("/run/user/1000/systemd/private", 1000)).unwrap();
    assert_eq!((manager.socket, manager.direct), ("/run/user/1000/systemd/private".into(), true));
    let manager = scope::Manager::find(&machine("/run/systemd/private", 0)).unwrap();
    assert_eq!((manager.socket, manager.direct, manager.user), ("/run/systemd/private".into(), true, false));
    let manager = scope::Manager::find(&machine("/nothing", 0)).unwrap();
    assert_eq!((manager.socket, manager.direct), ("/run/dbus/system_bus_socket".into(), false));
    assert_eq!(scope::Manager::find(&Host::known(Machine::of(0).0)), None);
}

/// A program that may mount cgroups by itself, for a profile that limits nothing.
fn plan_mounting(machine: Machine, section: &Cgroup, given: Given<'_>) -> (Vec<String>, Vec<String>) {
    let mut findings = Findings::default();
    let given = Given { mounts: true, ..given };
    let planned = plan(section, given, &Host::known(machine.0), &mut findings);
    let steps = planned.host_before.iter().chain(&planned.init).map(Step::to_string).collect();
    let errors = findings.0.iter().filter(|one| one.severity == Severity::Error);
    (steps, errors.map(|one| one.message.clone()).collect())
}

#[test]
fn a_program_that_mounts_cgroups_gets_a_part_of_each_that_it_could_change() {
    let machine = || {
        Machine::of(0)
            .hybrid()
            .writable_v1()
            .writable("/sys/fs/cgroup/unified")
            .text("/sys/fs/cgroup/cpuset/cpuset.cpus", "0-1\n")
    };
    let (steps, errors) = plan_mounting(machine(), &Cgroup::default(), given(0));
    assert_eq!(errors, [] as [&str; 0]);
    for hierarchy in ["unified", "pids", "blkio", "freezer", "memory/api/x", "cpuset", "cpu"] {
        let made = format!("create /sys/fs/cgroup/{hierarchy}/sandbox-<id>");
        let at = steps.iter().position(|step| *step == made).expect(hierarchy);
        let part = steps.iter().position(|step| *step == format!("{made}/payload")).expect(hierarchy);
        assert!(part > at, "{hierarchy}");
        match hierarchy {
            // Limits lie above the part, and a set of CPUs in it too.
            "pids" => assert_eq!(steps[at + 1..part], ["pids.max = 4096"]),
            "unified" => assert_eq!(steps[at + 1..part], ["cgroup.max.descendants = 1000", "cgroup.max.depth = 16"]),
            "cpuset" => {
                assert_eq!(steps[at + 1], "cpuset.cpus = 0-1");
                assert_eq!(steps[part + 1], "cpuset.cpus = 0-1");
            }
            _ => assert_eq!(part, at + 1),
        }
    }
    assert!(steps.contains(&"join the cgroup of freezer".to_owned()));
    // Who is somebody else outside can change nothing of root's, but with a capability over whoever exists inside.
    let none = (Vec::new(), Vec::new());
    assert_eq!(plan_mounting(machine(), &Cgroup::default(), given(33)), none);
    let range = |outside| [IdRange { inside: 0, outside, count: 40 }];
    let (root, others) = (range(0), range(1));
    let keeping = |users| Given { keeps: true, users: Some(users), ..given(33) };
    assert_eq!(plan_mounting(machine(), &Cgroup::default(), keeping(&others)), none);
    let parts = |steps: &[String]| steps.iter().filter(|step| step.ends_with("/payload")).cloned().collect::<Vec<_>>();
    assert_eq!(parts(&plan_mounting(machine(), &Cgroup::default(), keeping(&root)).0), parts(&steps));
}

#[test]
fn a_user_who_mounts_cgroups_gets_a_part_of_what_is_the_users() {
    let own = "/sys/fs/cgroup/job";
    let machine = |uid| {
        let machine = Machine::of(1000).text("/proc/self/cgroup", "4:memory:/x\n0::/job\n");
        machine.v2_below(own, "", "", "1\n2\n").owned(own).node(own, Node::Directory { uid, mode: 0o755 })
    };
    let (steps, errors) = plan_mounting(machine(1000), &Cgroup::default(), given(1000));
    assert_eq!(errors, [] as [&str; 0]);
    assert_eq!(
        (steps[0].as_str(), steps[3].as_str()),
        ("create /sys/fs/cgroup/job/sandbox-<id>", "create /sys/fs/cgroup/job/sandbox-<id>/payload")
    );
    assert_eq!(plan_mounting(machine(0), &Cgroup::default(), given(1000)), (Vec::new(), Vec::new()));
}

#[test]
fn where_no_part_can_be_made_a_program_that_mounts_cgroups_is_refused() {
    let machine = || Machine::of(0).hybrid().writable_v1();
    let (_, errors) = plan_mounting(machine(), &Cgroup::default(), given(0));
    assert_eq!(
        errors,
        [
            "the program could mount the launcher's own cgroup, and lift limits there: /sys/fs/cgroup/unified is read-only"
        ]
    );
    let (_, errors) =
        plan_mounting(Machine::of(0).text("/proc/self/cgroup", "4:memory:/x\n"), &Cgroup::default(), given(0));
    assert!(errors[0].ends_with("that of memory is not mounted here"), "{errors:?}");
    assert_eq!(plan_mounting(machine(), &Cgroup::default(), given(33)), (Vec::new(), Vec::new()));
}

/// RLIMIT_NPROC holds one user of the host's, and root not at all.
#[test]
fn processes_of_a_program_that_may_change_users_are_limited_by_a_cgroup_or_said_not_to_be() {
    let many = [IdRange { inside: 0, outside: 100_000, count: 65536 }];
    let one = [IdRange { inside: 33, outside: 1000, count: 1 }];
    let changing = |program, users| Given { changes_user: true, users: Some(users), ..given(program) };
    let planned = |machine: Machine, section: &Cgroup, given| {
        let mut findings = Findings::default();
        let planned = plan(section, given, &Host::known(machine.0), &mut findings);
        let steps: Vec<String> = planned.host_before.iter().map(Step::to_string).collect();
        (steps, findings.0.into_iter().map(|one| (one.severity, one.message)).collect::<Vec<_>>())
    };
    let root = || Machine::of(0).hybrid().writable_v1();
    let limited = ["create /sys/fs/cgroup/pids/sandbox-<id>", "pids.max = 4096"].map(String::from).to_vec();
    assert_eq!(planned(root(), &Cgroup::default(), changing(33, &many)), (limited, Vec::new()));
    assert_eq!(planned(root(), &Cgroup::default(), changing(33, &one)), (Vec::new(), Vec::new()));
    let user = || Machine::of(1000).hybrid();
    let (_, said) = planned(user(), &Cgroup::default(), changing(100_033, &many));
    assert_eq!(said[0].0, Severity::Note);
    assert!(said[0].1.ends_with("holds each user that the program may become by itself"), "{said:?}");
    assert_eq!(planned(user(), &Cgroup::default(), changing(1000, &one)), (Vec::new(), Vec::new()));
    // Written down it must hold, or is less than was asked for.
    let mut section = Cgroup { pids_max: asked(Max::Limit(30)), ..Cgroup::default() };
    assert_eq!(planned(user(), &section, changing(100_033, &many)).1[0].0, Severity::Error);
    section.require(&[]);
    let (_, said) = planned(user(), &section, changing(100_033, &many));
    assert_eq!(said[0].0, Severity::Shortfall);
    assert!(said[0].1.contains("RLIMIT_NPROC holds each user"), "{said:?}");
    assert!(planned(user(), &section, changing(1000, &one)).1[0].1.ends_with("RLIMIT_NPROC stands in"));
}
