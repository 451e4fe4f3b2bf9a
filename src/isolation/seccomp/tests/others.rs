//! What the presets let a program do to processes outside: of its group, of its host.

use super::*;

#[test]
fn the_priority_of_the_own_process_group_stays() {
    for preset in PRESETS {
        let filter = filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() });
        for arch in [Arch::X86_64, Arch::I386] {
            // PRIO_PGRP is 1, IOPRIO_WHO_PGRP is 2.
            for (name, group) in [("setpriority", 1), ("ioprio_set", 2)] {
                for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
                    for which in 0..5 {
                        let verdict = if which == group { "EPERM" } else { "allow" };
                        assert_eq!(ask(&filter, arch, name, &[which | high, high]), verdict, "{name} {which}");
                        assert_eq!(ask(&filter, arch, name, &[which | high, high | 7]), "allow", "{name} {which}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_shared_process_group_is_signalled_only_where_landlock_holds_it_back() {
    for preset in PRESETS {
        let section = Seccomp { preset, architectures: both(), ..Seccomp::default() };
        for (group, scoped, verdict) in [
            (Group::Shared, false, "EPERM"),
            (Group::Shared, true, "allow"),
            (Group::AtTerminals, false, "allow"),
            (Group::Own, false, "allow"),
        ] {
            let given = Given { group, scoped, ..Given::default() };
            let filter = among(&section, given);
            for arch in [Arch::X86_64, Arch::I386] {
                for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
                    assert_eq!(ask(&filter, arch, "kill", &[high, 15]), verdict, "{preset} {given:?}");
                    for pid in [1, 77, 0xffff_fffe, 0xffff_ffff] {
                        assert_eq!(ask(&filter, arch, "kill", &[high | pid, 15]), "allow", "{preset} {given:?}");
                    }
                }
            }
            let step = Step::Filter(filter);
            assert_eq!(step.to_string().ends_with(", no kill(0)"), verdict == "EPERM");
            assert_eq!(step.why().contains("kill(0)"), verdict == "EPERM");
        }
    }
    let given = Given { group: Group::Shared, ..Given::default() };
    let allowed = Seccomp { allow: Some(names(&["kill"])), ..Seccomp::default() };
    assert_eq!(native(&among(&allowed, given), "kill", &[0]), "allow", "by its own name");
    let grouped = Seccomp { allow: Some(names(&["@process"])), ..Seccomp::default() };
    assert_eq!(native(&among(&grouped, given), "kill", &[0]), "EPERM", "a group lifts no condition");
}

#[test]
fn the_events_of_a_file_signal_nobody_where_landlock_does_not_hold_it_back() {
    let (set, get, asynchronous) = (libc::F_SETFL as u64, libc::F_GETFL as u64, libc::O_ASYNC as u64);
    for preset in [Preset::Default, Preset::SystemService, Preset::Compat] {
        for (scoped, verdict) in [(false, "EPERM"), (true, "allow")] {
            let section = Seccomp { preset, ..Seccomp::default() };
            let filter = among(&section, Given { scoped, ..Given::default() });
            for high in [0, 1 << 32] {
                for flags in [asynchronous, asynchronous | libc::O_NONBLOCK as u64] {
                    assert_eq!(native(&filter, "fcntl", &[0, high | set, high | flags]), verdict, "{preset}");
                }
                assert_eq!(native(&filter, "fcntl", &[0, high | set, 0o4000]), "allow");
                assert_eq!(native(&filter, "fcntl", &[0, high | get, asynchronous]), "allow");
                assert_eq!(native(&filter, "ioctl", &[0, high | libc::FIOASYNC]), verdict);
                assert_eq!(native(&filter, "ioctl", &[0, high | libc::TIOCSTI]), "EPERM");
                assert_eq!(native(&filter, "ioctl", &[0, high | libc::FIONBIO]), "allow");
            }
        }
    }
}

#[test]
fn of_pids_that_are_not_its_own_only_what_changes_nothing_is_allowed() {
    for preset in PRESETS {
        let section = Seccomp { preset, architectures: both(), ..Seccomp::default() };
        let [own, shared] = [false, true].map(|pids| among(&section, Given { pids, ..Given::default() }));
        for (name, at, which, others) in [
            ("prlimit64", 0, 0, &[][..]),
            ("sched_setaffinity", 0, 0, &[]),
            ("sched_setattr", 0, 0, &[]),
            ("sched_setparam", 0, 0, &[]),
            ("sched_setscheduler", 0, 0, &[]),
            ("setpriority", 1, 0, &[1, 2]),
            ("ioprio_set", 1, 1, &[2, 3]),
        ] {
            for arch in [Arch::X86_64, Arch::I386] {
                // What `strict` refuses altogether stays refused.
                let lets = |filter: &Filter, args: &[u64]| ask(filter, arch, name, args);
                let allowed = lets(&own, &[which, 7]);
                assert!(allowed == "allow" || preset == Preset::Strict, "{preset} {name}");
                for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
                    for pid in [0, 1, 2, 0x8000_0000, 0xffff_ffff] {
                        let args = if at == 0 { [pid | high, 0] } else { [which | high, pid | high] };
                        let verdict = if pid == 0 { allowed.as_str() } else { "EPERM" };
                        assert_eq!(lets(&shared, &args), verdict, "{preset} {name} {args:x?}");
                        assert_eq!(lets(&own, &args), allowed, "{preset} {name} {args:x?}");
                    }
                    for other in others {
                        for who in [0, 2] {
                            assert_eq!(lets(&shared, &[other | high, who]), "EPERM", "{preset} {name} {other}");
                        }
                    }
                }
            }
        }
        let step = Step::Filter(shared);
        assert!(step.to_string().contains(", no pid but 0") && step.why().contains("own pid namespace"), "{preset}");
    }
    let pids = Given { pids: true, ..Given::default() };
    let grouped = Seccomp { allow: Some(names(&["@resources"])), preset: Preset::Strict, ..Seccomp::default() };
    assert_eq!(native(&among(&grouped, pids), "sched_setparam", &[5]), "EPERM", "a group lifts no condition");
    assert_eq!(native(&among(&grouped, pids), "sched_setparam", &[0]), "allow");
    let said = |section: &Seccomp, given| {
        let mut findings = Findings::default();
        plan(section, given, &mut findings);
        findings.0.iter().map(|finding| finding.message.clone()).collect::<String>()
    };
    let begins = "with pid = false nothing keeps the program from processes outside: ";
    let scoped = Given { scoped: true, ..pids };
    let named = Seccomp { allow: Some(names(&["prlimit64"])), ..Seccomp::default() };
    let none = Seccomp { preset: Preset::None, ..Seccomp::default() };
    assert_eq!(said(&Seccomp::default(), scoped), "");
    assert_eq!(said(&Seccomp::default(), pids), format!("{begins}kill"));
    assert_eq!(said(&named, scoped), format!("{begins}prlimit64"));
    assert!(said(&none, scoped).ends_with("sched_setparam, sched_setscheduler, setpriority"));
    assert_eq!(said(&none, Given { pids: false, ..scoped }), "");
}
