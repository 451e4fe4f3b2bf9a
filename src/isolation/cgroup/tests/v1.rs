//! Hybrid machines, and cgroup v1 alone.

use super::*;

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
        .node("/sys/fs/cgroup/memory/api/x/memory.kmem.tcp.limit_in_bytes", FILE)
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
            "memory.kmem.tcp.limit_in_bytes = 104857600",
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
    let weight = Cgroup { io_weight: asked(50), ..Cgroup::default() };
    assert_eq!(refused(weight), "io-weight: no disk of this machine shares its time by weight");
    let cpus = Cgroup { cpuset_cpus: asked("0-9".to_owned()), ..Cgroup::default() };
    assert!(refused(cpus).starts_with("cpuset-cpus: the CPUs that we may use are"));
}

#[test]
fn what_asks_for_nothing_needs_nothing() {
    let nothing = Cgroup {
        memory_max: asked(Max::Max),
        memory_high: asked(Max::Max),
        memory_low: asked(Max::Limit(0)),
        memory_swap_max: asked(Max::Max),
        memory_oom_group: asked(false),
        cpu_max: asked(Max::Max),
        cpu_weight: asked(100),
        io_weight: asked(100),
        pids_max: asked(Max::Max),
        ..Cgroup::default()
    };
    for machine in [Machine::of(1000).hybrid(), Machine::of(0).hybrid().writable_v1()] {
        let (planned, said) = machine.plan(&nothing);
        assert_eq!(said, []);
        assert_eq!(planned.processes, Some(Max::Max));
    }
    let something = Cgroup { memory_oom_group: asked(true), cpu_weight: asked(101), ..Cgroup::default() };
    let (_, said) = Machine::of(1000).hybrid().plan(&something);
    assert_eq!(said.len(), 2, "{said:?}");
}
