//! Parts of the sandbox's directory: delegated ones, and those that keep a program off that mounts cgroups by itself.

use super::*;

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
fn cgroups_without_number_are_foretold_where_nothing_limits_them() {
    let noted = |machine: Machine, uid| {
        let mut findings = Findings::default();
        let given = Given { mounts: true, ..given(uid) };
        plan(&Cgroup::default(), given, &Host::known(machine.0), &mut findings);
        findings.0.iter().any(|one| one.severity == Severity::Note && one.message.contains("cgroups without number"))
    };
    let hybrid = || Machine::of(0).hybrid().writable_v1().owned("/sys/fs/cgroup/unified");
    assert!(noted(hybrid(), 0));
    assert!(!noted(hybrid(), 33));
    let root = "/sys/fs/cgroup";
    let unified = Machine::of(0).text("/proc/self/cgroup", "0::/\n").v2(root, "memory pids", "memory pids", "1\n");
    assert!(!noted(unified.owned(root), 0));
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

#[test]
fn a_grant_that_shows_cgroups_to_whoever_may_write_to_them_is_named() {
    let warned = |machine: Machine, program, path: &str| {
        let mut findings = Findings::default();
        let grants = [(Path::new(path), None)].into_iter();
        review_grants(grants, &given(program), &Host::known(machine.0), &mut findings);
        findings.0.iter().map(|one| one.message.clone()).collect::<Vec<_>>()
    };
    let root = || Machine::of(0).hybrid().writable_v1();
    for path in ["/sys", "/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/"] {
        let said = warned(root(), 0, path);
        assert!(said[0].starts_with(&format!("read-write {path} shows the host's cgroups")), "{said:?}");
        assert_eq!(warned(root(), 33, path), [] as [&str; 0]);
        assert_eq!(warned(Machine::of(1000).hybrid(), 1000, path), [] as [&str; 0]);
    }
    for path in ["/srv", "/sys/fs/cgroups", "/sys/block"] {
        assert_eq!(warned(root(), 0, path), [] as [&str; 0]);
    }
}
