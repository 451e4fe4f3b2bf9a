//! What the presets ask of arguments, and what `nested` opens.

use super::*;

#[test]
fn clone_makes_no_namespace() {
    let both = Seccomp { architectures: both(), ..Seccomp::default() };
    let (closed, open) = (filter(&both), nested(&both, true, false));
    let thread = 0x003d_0f00;
    for arch in [Arch::X86_64, Arch::I386] {
        for flags in [0, thread, libc::SIGCHLD as u64, 0x4111, 0x80 | thread] {
            assert_eq!(ask(&closed, arch, "clone", &[flags]), "allow", "{flags:#x}");
        }
        for bit in [17, 25, 26, 27, 28, 29, 30] {
            for flags in [1u64 << bit, thread | 1 << bit, u64::MAX, 1 << 63 | 1 << bit] {
                assert_eq!(ask(&closed, arch, "clone", &[flags]), "EPERM", "{flags:#x}");
                assert_eq!(ask(&open, arch, "clone", &[flags]), "allow", "{flags:#x}");
            }
        }
        for name in ["unshare", "setns", "sethostname", "setdomainname"] {
            assert_eq!(ask(&closed, arch, name, &[]), "EPERM");
            assert_eq!(ask(&open, arch, name, &[]), "allow");
        }
        assert_eq!(ask(&open, arch, "clone3", &[]), "ENOSYS");
        assert_eq!(ask(&open, arch, "mount", &[]), "EPERM");
        assert_eq!(ask(&open, arch, "fsopen", &[]), "ENOSYS");
    }
}

#[test]
fn nested_mounts_open_mounts_and_namespaces() {
    for (namespaces, mounts) in [(true, true), (false, true)] {
        let filter = nested(&Seccomp::default(), namespaces, mounts);
        for name in "mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr \
                     open_tree_attr unshare setns clone3"
            .split_whitespace()
        {
            assert_eq!(native(&filter, name, &[]), "allow", "{name}");
        }
        assert_eq!(native(&filter, "clone", &[u64::from(u32::MAX)]), "allow");
        for (name, verdict) in [("io_uring_setup", "ENOSYS"), ("bpf", "EPERM"), ("ptrace", "EPERM")] {
            assert_eq!(native(&filter, name, &[]), verdict, "{name}");
        }
        let denied = Seccomp { deny: names(&["mount"]), ..Seccomp::default() };
        assert_eq!(native(&nested(&denied, namespaces, mounts), "mount", &[]), "EPERM");
    }
}

#[test]
fn terminals_take_no_input_from_ioctl() {
    let filter = filter(&Seccomp { architectures: both(), ..Seccomp::default() });
    for arch in [Arch::X86_64, Arch::I386] {
        for request in [0x5412, 0x541c, 0x5423, 0x541d] {
            for high in [0, 1 << 32, 1 << 63, 0xffff_ffff_0000_0000] {
                assert_eq!(ask(&filter, arch, "ioctl", &[0, request | high]), "EPERM", "{request:#x} {high:#x}");
            }
        }
        for request in [0x5401, 0x5413, 0x541b, 0x5411, 0x5422, 0x5424, 0, u64::MAX] {
            assert_eq!(ask(&filter, arch, "ioctl", &[u64::MAX, request]), "allow", "{request:#x}");
        }
    }
}

#[test]
fn sockets_are_of_the_families_that_applications_need() {
    let [default, compat] = [Preset::Default, Preset::Compat]
        .map(|preset| filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() }));
    for arch in [Arch::X86_64, Arch::I386] {
        for family in (0..64).chain([0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX]) {
            for high in [0, 1 << 32] {
                let verdict = if [1, 2, 10, 16].contains(&(family & 0xffff_ffff)) { "allow" } else { "EAFNOSUPPORT" };
                assert_eq!(ask(&default, arch, "socket", &[family | high, 1, 0]), verdict, "{family}");
                assert_eq!(ask(&compat, arch, "socket", &[family | high, 1, 15]), verdict, "{family}");
                let pair = if family == 1 { "allow" } else { "EAFNOSUPPORT" };
                assert_eq!(ask(&default, arch, "socketpair", &[family | high, 1, 0]), pair, "{family}");
            }
        }
        for protocol in 1..32 {
            assert_eq!(ask(&default, arch, "socket", &[16, 3, protocol]), "EAFNOSUPPORT", "{protocol}");
        }
        assert_eq!(ask(&default, arch, "socket", &[16, 3, 1 << 32]), "allow", "the kernel reads 32 bits");
        for (kind, verdict) in [(10, "EAFNOSUPPORT"), (0x8_080a, "EAFNOSUPPORT"), (3, "allow"), (0x8_0801, "allow")] {
            assert_eq!(ask(&default, arch, "socket", &[2, kind, 0]), verdict, "SOCK_PACKET becomes a packet socket");
        }
    }
}

#[test]
fn personalities_are_the_known_few() {
    let filter = filter(&Seccomp { architectures: both(), ..Seccomp::default() });
    for arch in [Arch::X86_64, Arch::I386] {
        for value in [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff] {
            for high in [0, 1 << 32] {
                assert_eq!(ask(&filter, arch, "personality", &[value | high]), "allow", "{value:#x}");
            }
        }
        for value in [1, 4, 9, 0x4_0000, 0x40_0000, 0x10_0008, 0xffff_fffe, 0x8000_0000] {
            assert_eq!(ask(&filter, arch, "personality", &[value]), "EPERM", "{value:#x}");
        }
    }
}

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
fn no_file_gets_a_setuid_or_setgid_bit() {
    let (creat, directory, tmpfile, cloexec) = (0o100, 0o200_000, 0o20_000_000, 0o2_000_000);
    for preset in PRESETS {
        let filter = filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() });
        let refused = if preset == Preset::Compat { "allow" } else { "EPERM" };
        for arch in [Arch::X86_64, Arch::I386] {
            for (name, mode) in [
                ("chmod", 1),
                ("fchmod", 1),
                ("creat", 1),
                ("mknod", 1),
                ("fchmodat", 2),
                ("fchmodat2", 2),
                ("mknodat", 2),
                ("open", 2),
                ("openat", 3),
            ] {
                if preset == Preset::Strict && name.starts_with("mknod") {
                    assert_eq!(ask(&filter, arch, name, &[]), "EPERM");
                    continue;
                }
                let opens = name.starts_with("open");
                let with = |flags, bits| {
                    let mut args = [u64::MAX; 4];
                    if opens {
                        args[mode - 1] = flags;
                    }
                    args[mode] = bits;
                    ask(&filter, arch, name, &args)
                };
                for high in [0, 1 << 16, 1 << 32, 0xffff_ffff_0000_0000] {
                    for flags in [creat, creat | cloexec, directory | tmpfile, tmpfile, u64::MAX, creat | 1 << 40] {
                        for bits in [0o2000, 0o4000, 0o6755, 0o107_777] {
                            assert_eq!(with(flags, bits | high), refused, "{preset} {name} {flags:o} {bits:o}");
                        }
                        for bits in [0, 0o644, 0o1777, 0o100_755, 0o1_000] {
                            assert_eq!(with(flags, bits | high), "allow", "{preset} {name} {flags:o} {bits:o}");
                        }
                    }
                    if opens {
                        for flags in [0, cloexec, directory, !(creat | tmpfile)] {
                            assert_eq!(with(flags | high, u64::MAX), "allow", "{preset} {name} {flags:o}");
                        }
                    }
                }
            }
            let unseen = if preset == Preset::Compat { "allow" } else { "ENOSYS" };
            assert_eq!(ask(&filter, arch, "openat2", &[]), unseen, "{preset}");
        }
    }
    let section = Seccomp { allow: Some(names(&["chmod", "openat2", "@file-system"])), ..Seccomp::default() };
    let filter = filter(&section);
    assert_eq!(native(&filter, "chmod", &[0, 0o6755]), "allow", "by its own name");
    assert_eq!(native(&filter, "openat2", &[]), "allow", "by its own name");
    assert_eq!(native(&filter, "fchmod", &[0, 0o6755]), "EPERM", "a group lifts no condition");
    assert_eq!(native(&nested(&Seccomp::default(), true, true), "openat2", &[]), "allow", "a sandbox needs it");
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
