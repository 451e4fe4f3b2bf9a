//! Places on cgroup v2, and what is said where there is none.

use super::*;

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
    let (_, said) =
        namespaced("8:pids:/\n", kept).plan(&Cgroup { pids_max: asked(Max::Limit(9)), ..Cgroup::default() });
    assert!(said[0].2.contains("mount -t cgroup -o pids cgroup /sys/fs/cgroup/pids"), "{said:?}");
}
