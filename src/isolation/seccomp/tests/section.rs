//! What a profile's own words change.

use super::super::calls::CALLS;
use super::super::groups::resolve;
use super::super::presets::MISSING;
use super::*;

#[test]
fn deny_then_rules_then_allow_then_the_preset() {
    let section = Seccomp {
        allow: Some(names(&["ptrace", "kcmp", "personality", "socket"])),
        deny: names(&["kcmp", "getpid", "@timer"]),
        rules: vec![
            rule(&["ptrace", "kcmp", "getpid"], &[(0, Op::Eq, 7)], Action::Errno(libc::EIO as u16)),
            rule(&["getppid"], &[], Action::Errno(libc::EBUSY as u16)),
            rule(&["getppid"], &[], Action::KillProcess),
            rule(&["bpf"], &[(0, Op::Lt, 5)], Action::Allow),
            rule(&["socket"], &[(0, Op::Eq, 16)], Action::Errno(libc::EPERM as u16)),
        ],
        ..Seccomp::default()
    };
    let filter = filter(&Seccomp {
        rules: {
            let mut rules = section.rules.clone();
            rules[0].syscalls.truncate(2);
            rules
        },
        ..section
    });
    assert_eq!(native(&filter, "kcmp", &[7]), "EPERM", "deny beats rules and allow");
    assert_eq!(native(&filter, "getpid", &[]), "EPERM", "deny beats the preset");
    assert_eq!(native(&filter, "timer_create", &[]), "EPERM", "by its group");
    assert_eq!(native(&filter, "ptrace", &[7]), "EIO", "rules beat allow");
    assert_eq!(native(&filter, "ptrace", &[8]), "allow", "allow beats the preset");
    assert_eq!(native(&filter, "getppid", &[]), "EBUSY", "the first rule decides");
    assert_eq!(native(&filter, "bpf", &[4]), "allow");
    assert_eq!(native(&filter, "bpf", &[5]), "EPERM", "the preset decides what no rule matches");
    assert_eq!(native(&filter, "socket", &[16]), "EPERM");
    assert_eq!(native(&filter, "socket", &[38]), "allow", "an own name lifts the conditions on arguments");
    assert_eq!(native(&filter, "personality", &[0x4_0000]), "allow");
    assert_eq!(native(&filter, "ioctl", &[0, 0x5412]), "EPERM");
    let number = |name: &str| find(name).and_then(|call| call.number(Arch::X86_64)).map_or(0, u32::from);
    for (name, verdict, by) in [
        ("kcmp", "EPERM", By::Deny),
        ("ptrace", "EIO if argument 0 == 0x7, else allow", By::Rules),
        ("personality", "allow", By::Allow),
        ("read", "allow", By::Preset),
        ("clone", "allow if argument 0 & 0x7e020000 == 0x0, else EPERM", By::Preset),
    ] {
        assert_eq!(filter.verdict(Arch::X86_64, number(name)), Some((verdict.to_string(), by)), "{name}");
    }
    assert_eq!(filter.verdict(Arch::X86_64, 500), Some(("ENOSYS".to_string(), By::Unknown)));
    assert_eq!(filter.verdict(Arch::X86_64, X32), Some(("ENOSYS".to_string(), By::Unknown)));
}

#[test]
fn a_group_keeps_the_conditions_that_the_preset_sets() {
    let allow = Some(names(&["@network-io", "@process", "@aio", "@mount"]));
    let filter = filter(&Seccomp { preset: Preset::Strict, allow, architectures: both(), ..Seccomp::default() });
    assert_eq!(native(&filter, "connect", &[]), "allow");
    assert_eq!(native(&filter, "socket", &[2]), "allow");
    assert_eq!(native(&filter, "socket", &[38]), "EAFNOSUPPORT");
    assert_eq!(native(&filter, "clone", &[0x1000_0000]), "EPERM");
    assert_eq!(native(&filter, "unshare", &[]), "allow", "it has no conditions");
    assert_eq!(native(&filter, "mount", &[]), "allow");
    for name in ["clone3", "io_uring_setup", "fsopen"] {
        assert_eq!(native(&filter, name, &[]), "ENOSYS", "{name}");
    }
    assert_eq!(ask(&filter, Arch::I386, "socketcall", &[]), "ENOSYS");
}

#[test]
fn the_preset_none_is_what_the_lists_make_of_it() {
    let none = Seccomp { preset: Preset::None, ..Seccomp::default() };
    let mut findings = Findings::default();
    assert!(plan(&none, Given { scoped: true, ..Given::default() }, &mut findings).is_none());
    assert!(findings.0.is_empty());

    let denied = filter(&Seccomp { deny: names(&["ptrace", "clone3"]), ..none.clone() });
    assert_eq!(native(&denied, "ptrace", &[]), "EPERM");
    assert_eq!(native(&denied, "clone3", &[]), "ENOSYS");
    assert_eq!(native(&denied, "clone", &[u64::MAX]), "allow");
    assert_eq!(run(denied.program(), &Data::new(Arch::X86_64, 500, [0; 6])).name(), "allow");
    assert_eq!(run(denied.program(), &Data::new(Arch::X86_64, X32, [0; 6])).name(), "ENOSYS");
    assert_eq!(run(denied.program(), &Data::new(Arch::I386, 1, [0; 6])).name(), "kill");

    let empty = Seccomp { allow: Some(Vec::new()), ..none.clone() };
    assert_eq!(
        errors(&empty),
        [(
            "the list of what is allowed leaves out execve, by which the program itself is started".to_string(),
            Some("add \"execve\" to allow".to_string())
        )]
    );
    let only = filter(&Seccomp { allow: Some(names(&["execve", "@network-io"])), ..none });
    for call in CALLS.iter().filter(|call| call.number(Arch::X86_64).is_some()) {
        let number = usize::from(call.number(Arch::X86_64).unwrap_or_default());
        let listed =
            call.name == "execve" || resolve("@network-io").is_some_and(|group| group.contains(Arch::X86_64, number));
        let refused = if MISSING.contains(Arch::X86_64, number) { "ENOSYS" } else { "EPERM" };
        assert_eq!(native(&only, call.name, &[38]), if listed { "allow" } else { refused }, "{}", call.name);
    }
}

#[test]
fn on_deny_changes_refusals_but_not_what_libraries_fall_back_from() {
    for (on_deny, refused, x32) in [(OnDeny::Kill, "kill", "kill"), (OnDeny::Log, "log", "ENOSYS")] {
        let filter = filter(&Seccomp { on_deny, ..Seccomp::default() });
        assert_eq!(native(&filter, "ptrace", &[]), refused);
        assert_eq!(native(&filter, "socket", &[38]), refused);
        assert_eq!(native(&filter, "ioctl", &[0, 0x5412]), refused);
        assert_eq!(native(&filter, "clone", &[0x1000_0000]), refused);
        for name in ["clone3", "io_uring_setup", "fsopen", "_sysctl"] {
            assert_eq!(native(&filter, name, &[]), "ENOSYS", "{name}");
        }
        let other = |arch, number| run(filter.program(), &Data::new(arch, number, [0; 6])).name();
        for (number, verdict) in [(500, "ENOSYS"), (X32, x32), (0x7fff_ffff, x32), (u32::MAX, "ENOSYS")] {
            assert_eq!(other(Arch::X86_64, number), verdict, "{number:#x}");
        }
        assert_eq!(other(Arch::I386, 20), "kill");
    }
}

/// CVE-2019-10063: the kernel ignores the upper half of an int, so a filter must.
#[test]
fn rules_compare_as_many_bits_as_the_kernel_reads() {
    let denied = |name: &str, index, op, value| Rule { ..rule(&[name], &[(index, op, value)], Action::Errno(1)) };
    let section = Seccomp {
        rules: vec![
            denied("socket", 0, Op::Eq, 1),
            denied("chmod", 1, Op::MaskedEq(0o4000), 0o4000),
            denied("fchmod", 1, Op::Eq, 0o777),
            denied("setns", 1, Op::Ge, 0x10),
            denied("prctl", 1, Op::Eq, u64::MAX),
            denied("dup3", 2, Op::Eq, -2i64 as u64),
            denied("setuid", 0, Op::Eq, 5),
        ],
        allow: Some(names(&["setns"])),
        architectures: both(),
        ..Seccomp::default()
    };
    let filter = filter(&section);
    for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
        assert_eq!(native(&filter, "socket", &[high | 1]), "EPERM");
        assert_eq!(native(&filter, "chmod", &[0, high | 0xffff_0000 | 0o4000]), "EPERM");
        assert_eq!(native(&filter, "chmod", &[0, high | 0xffff_0000 | 0o1000]), "allow");
        assert_eq!(native(&filter, "fchmod", &[0, high | 0xffff_0000 | 0o777]), "EPERM");
        assert_eq!(native(&filter, "setns", &[0, high | 0x10]), "EPERM");
        assert_eq!(native(&filter, "setns", &[0, high | 0xf]), "allow");
        assert_eq!(native(&filter, "dup3", &[0, 0, high | 0xffff_fffe]), "EPERM");
    }
    assert_eq!(native(&filter, "prctl", &[0, u64::MAX]), "EPERM");
    assert_eq!(native(&filter, "prctl", &[0, u64::from(u32::MAX)]), "allow");
    assert_eq!(ask(&filter, Arch::I386, "prctl", &[0, u64::from(u32::MAX)]), "EPERM");
    assert_eq!(native(&filter, "setuid", &[0x1_0005]), "allow");
    assert_eq!(ask(&filter, Arch::I386, "setuid", &[0x1_0005]), "EPERM", "16 bits on i386");
}

#[test]
fn a_filter_that_the_kernel_would_not_take_is_an_error() {
    let rules = |count| {
        let one = |value| rule(&["read", "write"], &[(0, Op::Eq, value), (1, Op::Gt, value)], Action::Errno(1));
        Seccomp { rules: (0..count).map(one).collect(), ..Seccomp::default() }
    };
    assert!(filter(&rules(300)).program().len() > 2000);
    assert_eq!(native(&filter(&rules(300)), "read", &[299, 300]), "EPERM");
    assert_eq!(native(&filter(&rules(300)), "read", &[300, 301]), "allow");
    assert_eq!(native(&filter(&rules(300)), "io_uring_setup", &[]), "ENOSYS", "behind a long jump");
    let (message, hint) = errors(&rules(2000)).remove(0);
    assert!(message.ends_with("instructions, the kernel takes 4096"), "{message}");
    assert!(hint.is_some());
    assert_eq!(errors(&rules(5000))[0].0, "there are 5000 rules, the kernel takes 4096 instructions");
    let many = vec![Condition { index: 2, op: Op::Ne, value: 9 }; 300];
    let many = Rule { args: many, ..rule(&["read"], &[], Action::Errno(5)) };
    let filter = filter(&Seccomp { rules: vec![many], ..Seccomp::default() });
    assert_eq!(native(&filter, "read", &[0, 0, 8]), "EIO");
    assert_eq!(native(&filter, "read", &[0, 0, 9]), "allow");
}
