//! What a profile's author is told.

use super::*;

#[test]
fn names_are_checked_and_the_nearest_is_offered() {
    let section = Seccomp {
        allow: Some(names(&["ptrcae", "@netwrok-io", "-nothing", "-@nothing", "zzzzzzzzz", "read ", "debug"])),
        deny: names(&["@"]),
        rules: vec![rule(&["sokcet"], &[], Action::Allow), rule(&[], &[], Action::Allow)],
        architectures: names(&["native", "x68", "-arm64", "x32", "arm64"]),
        ..Seccomp::default()
    };
    let found = errors(&section);
    let found: Vec<_> = found.iter().map(|(message, hint)| (message.as_str(), hint.as_deref())).collect();
    assert_eq!(
        found,
        [
            ("the architecture \"x68\" does not run on x86-64", Some("did you mean \"x86\"?")),
            ("calls of x32 are always refused", Some("leave \"x32\" out")),
            (
                "the architecture \"arm64\" does not run on x86-64",
                Some("write \"native\", or \"x86\" for programs of 32 bits"),
            ),
            ("unknown group of system calls \"@\"", Some("write \"-@\" to skip it where it is unknown")),
            ("unknown system call \"ptrcae\"", Some("did you mean \"ptrace\"?")),
            ("unknown group of system calls \"@netwrok-io\"", Some("did you mean \"@network-io\"?")),
            ("unknown system call \"zzzzzzzzz\"", Some("write \"-zzzzzzzzz\" to skip it where it is unknown")),
            ("unknown system call \"read \"", Some("did you mean \"read\"?")),
            ("unknown system call \"debug\"", Some("did you mean \"@debug\"?")),
            ("unknown system call \"sokcet\"", Some("did you mean \"socket\"?")),
            ("the rule names no system call", Some("correct the condition, or take the rule out")),
        ]
    );
    assert_eq!(
        errors(&Seccomp { architectures: names(&["x86"]), ..Seccomp::default() })[0].0,
        "the architectures leave out the native one"
    );
    assert_eq!(
        errors(&Seccomp { deny: names(&["execve"]), ..Seccomp::default() })[0].0,
        "deny refuses execve, by which the program itself is started"
    );
}

#[test]
fn rules_that_cannot_mean_what_they_say_are_errors() {
    let error = |name: &str, index, op, value| {
        let rules = vec![rule(&[name], &[(index, op, value)], Action::Errno(1))];
        errors(&Seccomp { rules, architectures: both(), ..Seccomp::default() })[0].0.clone()
    };
    let none = |name: &str, index, op, value| {
        let rules = vec![rule(&[name], &[(index, op, value)], Action::Errno(1))];
        filter(&Seccomp { rules, architectures: both(), ..Seccomp::default() });
    };
    assert_eq!(error("socket", 3, Op::Eq, 0), "socket has no argument 3: its 3 arguments count from 0");
    assert_eq!(error("socket", 255, Op::Eq, 0), "socket has no argument 255: its 3 arguments count from 0");
    assert_eq!(error("getpid", 0, Op::Eq, 0), "getpid takes no arguments, so there is none with index 0");
    assert_eq!(error("socket", 0, Op::Eq, 1 << 32), "argument 0 of socket has 32 bits, the value 0x100000000 has more");
    assert_eq!(
        error("socket", 0, Op::MaskedEq(0x1_0000_0001), 1),
        "argument 0 of socket has 32 bits, the mask 0x100000001 has more"
    );
    assert_eq!(
        error("prctl", 1, Op::MaskedEq(0xf), 0x10),
        "the value 0x10 has bits that the mask 0xf lacks: it never matches"
    );
    assert_eq!(error("chmod", 1, Op::Ge, 0), "argument 1 of chmod has 16 bits: only eq and masked-eq compare so few");
    assert_eq!(error("chmod", 1, Op::Eq, 0x1_0000), "argument 1 of chmod has 16 bits, the value 0x10000 has more");
    assert_eq!(
        error("mmap", 2, Op::Eq, 7),
        "i386 passes the arguments of mmap in another way, so no condition fits both"
    );
    assert_eq!(error("setuid", 0, Op::Ge, 7), "argument 0 of setuid has 16 bits: only eq and masked-eq compare so few");
    none("socket", 0, Op::Eq, -1i64 as u64);
    none("socket", 0, Op::MaskedEq(!7), 0);
    none("prctl", 1, Op::Eq, u64::MAX);
    none("chmod", 1, Op::MaskedEq(0o4000), 0o4000);
    for errno in [0, 4096, u16::MAX] {
        let rules = vec![rule(&["read"], &[], Action::Errno(errno))];
        assert_eq!(
            errors(&Seccomp { rules, ..Seccomp::default() })[0].0,
            format!("the errno {errno} is not one: they run from 1 to 4095")
        );
    }
}

#[test]
fn weakening_is_warned_about() {
    let warned = |section: &Seccomp, namespaces| {
        let mut findings = Findings::default();
        plan(section, Given { namespaces, scoped: true, ..Given::default() }, &mut findings);
        assert!(!findings.refuse());
        findings.0.len()
    };
    let allow = |words: &[&str]| Seccomp { allow: Some(names(words)), ..Seccomp::default() };
    assert_eq!(warned(&allow(&["ptrace", "@aio", "@known"]), false), 0);
    assert_eq!(warned(&allow(&["clone", "clone3", "io_uring_setup", "socket", "ioctl", "socketcall"]), false), 6);
    assert_eq!(warned(&allow(&["clone", "clone3"]), true), 0);
    let makes = allow(&["chmod", "openat", "openat2"]);
    assert_eq!(warned(&makes, false), 3);
    assert_eq!(warned(&Seccomp { preset: Preset::Compat, ..makes }, false), 0);
    assert_eq!(warned(&Seccomp { on_deny: OnDeny::Log, ..Seccomp::default() }, false), 1);
}

#[test]
fn what_no_layer_keeps_from_the_callers_process_group_is_warned_about() {
    let warned = |section: &Seccomp, group, scoped| {
        let mut findings = Findings::default();
        plan(section, Given { group, scoped, ..Given::default() }, &mut findings);
        assert!(!findings.refuse());
        let group = |finding: &&crate::isolation::Finding| finding.message.contains("process group");
        let mut found: Vec<_> = findings.0.iter().filter(group).map(|finding| finding.message.clone()).collect();
        assert!(found.len() < 2, "{found:?}");
        found.pop().map(|found| (found.contains("signals"), found.contains("priorities")))
    };
    let none = Seccomp { preset: Preset::None, ..Seccomp::default() };
    let allow = |name| Seccomp { allow: Some(names(&[name])), ..Seccomp::default() };
    let (signals, priorities, both) = (Some((true, false)), Some((false, true)), Some((true, true)));
    for (section, shared, scoped, at_terminals) in [
        (&none, both, priorities, both),
        (&Seccomp::default(), None, None, None),
        (&allow("kill"), signals, None, None),
        (&allow("ioprio_set"), priorities, priorities, priorities),
        (&allow("setpriority"), priorities, priorities, priorities),
        (&Seccomp { deny: names(&["setpriority", "ioprio_set", "kill"]), ..none.clone() }, signals, None, signals),
        (&allow("fcntl"), signals, None, signals),
        (&allow("ioctl"), signals, None, signals),
    ] {
        assert_eq!(warned(section, Group::Shared, false), shared, "{section:?}");
        assert_eq!(warned(section, Group::Shared, true), scoped, "{section:?}");
        assert_eq!(warned(section, Group::AtTerminals, false), at_terminals, "{section:?}");
        // By a terminal's events it signals whoever is at it, without being of his session.
        let events = at_terminals.is_some_and(|(signals, _)| signals);
        assert_eq!(warned(section, Group::Own, false), events.then_some((true, false)), "{section:?}");
        assert_eq!(warned(section, Group::Own, true), None, "{section:?}");
    }
}

#[test]
fn the_step_says_what_it_is_and_why() {
    let step = plan(&Seccomp::default(), Given::default(), &mut Findings::default()).expect("a step");
    let Step::Filter(filter) = &step;
    let count = filter.program().len();
    assert_eq!(step.to_string(), format!("filter system calls: preset default, 310 allowed, {count} instructions"));
    assert_eq!(step.why(), "by default a program may make the system calls that ordinary applications need");
    let origin = Origin { file: "a.toml".into(), line: 3, column: 1 };
    let section = Seccomp { preset: Preset::Strict, preset_origin: Some(origin), ..Seccomp::default() };
    let step = plan(&section, Given::default(), &mut Findings::default()).expect("a step");
    assert_eq!(step.why(), "preset = \"strict\" at a.toml:3:1");
}
