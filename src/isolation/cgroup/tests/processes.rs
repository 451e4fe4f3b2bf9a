//! The limit of processes that nobody wrote down, and who an rlimit does not hold.

use super::*;

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
