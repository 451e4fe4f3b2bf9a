//! Planning on kernels made up.

mod kernel;

use ::landlock::Access as _;

use super::*;
use crate::host::Facts;
use crate::isolation::Severity;

fn grant(path: impl Into<PathBuf>, access: Access, exec: bool, device: bool) -> Grant {
    Grant { path: path.into(), access, exec, device }
}

fn host(abi: u32) -> Host {
    Host::known(Facts { kernel: Some("1.2.3".into()), landlock_abi: Some(abi), ..Facts::default() })
}

type Said = (Severity, String, Option<String>);

/// The plan for a program with namespaces of its own, and what was found.
fn planned(section: &Landlock, abi: u32) -> (Vec<Step>, Vec<Said>) {
    let mut findings = Findings::default();
    let steps = plan(section, &[], true, true, false, &host(abi), &mut findings);
    let said = findings.0.into_iter().map(|one| (one.severity, one.message, one.hint)).collect();
    (steps, said)
}

fn scopes_of(steps: &[Step]) -> BitFlags<KernelScope> {
    match steps {
        [Step::OpenRuleset { scopes, .. }, Step::Restrict] => *scopes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn off_is_no_step() {
    let off = Landlock { enforce: Enforce::Off, ..Landlock::default() };
    assert_eq!(planned(&off, 0), (vec![], vec![]));
    assert_eq!(plan(&off, &[], false, false, true, &host(7), &mut Findings::default()), []);
}

#[test]
fn a_host_without_landlock_is_an_error_or_a_shortfall() {
    let (steps, said) = planned(&Landlock::default(), 0);
    assert_eq!(steps, []);
    let message = "Landlock is missing: the kernel (1.2.3) lacks it, or it is off".to_owned();
    let hint = "use a kernel from 5.13 on with landlock in its lsm= list";
    let required = format!("{hint}, or set landlock.enforce = \"best-effort\"");
    assert_eq!(said, [(Severity::Error, message.clone(), Some(required))]);
    let best = Landlock { enforce: Enforce::BestEffort, ..Landlock::default() };
    assert_eq!(planned(&best, 0), (vec![], vec![(Severity::Shortfall, message, Some(hint.to_owned()))]));
}

#[test]
fn min_abi_names_the_kernel_needed() {
    let bar = Landlock { min_abi: 6, ..Landlock::default() };
    let (_, said) = planned(&bar, 5);
    assert_eq!(said[0].0, Severity::Error);
    assert_eq!(said[0].1, "min-abi = 6: the kernel (1.2.3) has Landlock ABI 5");
    assert!(said[0].2.as_ref().unwrap().starts_with("ABI 6 needs kernel 6.12"));
    assert_eq!(planned(&bar, 6).1.iter().filter(|said| said.0 == Severity::Error).count(), 0);

    let best = Landlock { enforce: Enforce::BestEffort, ..bar.clone() };
    let (steps, said) = planned(&best, 5);
    assert_eq!((steps.len(), said[0].0), (2, Severity::Shortfall));

    for abi in [9, 10, u32::MAX] {
        let beyond = Landlock { min_abi: 10, ..bar.clone() };
        assert_eq!(planned(&beyond, abi).1[0].1, "min-abi = 10: 9 is the highest Landlock ABI that sandbox knows");
    }
}

#[test]
fn only_a_right_whose_lack_is_noticed_is_named() {
    let said = |abi| planned(&Landlock::default(), abi).1;
    for abi in [2, 8, 9, u32::MAX] {
        assert_eq!(said(abi), []);
    }
    let [(Severity::Note, message, hint)] = &said(1)[..] else { panic!() };
    assert!(message.ends_with("has ABI 1: moving files to another directory always fails (EXDEV)"), "{message}");
    assert_eq!(hint.as_deref(), Some("kernel 5.19 lets it be allowed"));
}

#[test]
fn nested_mounts_contradict_landlock() {
    let mut findings = Findings::default();
    assert_eq!(plan(&Landlock::default(), &[], true, true, true, &host(9), &mut findings), []);
    assert!(findings.refuse());
}

#[test]
fn scopes_stand_in_for_shared_namespaces() {
    let (signal, sockets) = (KernelScope::Signal, KernelScope::AbstractUnixSocket);
    for (own_pid, own_net, expected) in [
        // A process group reaches across pid namespaces, so signals are scoped wherever they can be.
        (true, true, signal.into()),
        (false, true, signal.into()),
        (true, false, signal | sockets),
        (false, false, signal | sockets),
    ] {
        let mut findings = Findings::default();
        let steps = plan(&Landlock::default(), &[], own_pid, own_net, false, &host(9), &mut findings);
        assert_eq!((scopes_of(&steps), findings.0.len()), (expected, 0));

        let steps = plan(&Landlock::default(), &[], own_pid, own_net, false, &host(5), &mut findings);
        assert_eq!(scopes_of(&steps), BitFlags::empty());
        let unscoped = findings.0.iter().any(|one| one.message.contains("cannot refuse"));
        assert_eq!(unscoped, !(own_pid && own_net));
        assert!(!findings.refuse());
    }
}

#[test]
fn written_scopes_are_required() {
    let written = Landlock { scope: Some(vec![Scope::Signal]), ..Landlock::default() };
    assert_eq!(scopes_of(&planned(&written, 6).0), KernelScope::Signal);
    let (_, said) = planned(&written, 5);
    assert!(said.iter().any(|said| said.0 == Severity::Error && said.1.contains("signals to processes outside")));
    let none = Landlock { scope: Some(vec![]), ..Landlock::default() };
    assert_eq!(
        scopes_of(&plan(&none, &[], false, false, false, &host(9), &mut Findings::default())),
        BitFlags::empty()
    );
}

#[test]
fn rights_follow_the_grant_and_the_abi() {
    let read = grant("/a", Access::ReadOnly, false, false);
    assert_eq!(decide::access(&read, 9), AccessFs::ReadFile | AccessFs::ReadDir);
    let all = grant("/a", Access::ReadWrite, true, true);
    let nodes = AccessFs::MakeChar | AccessFs::MakeBlock;
    for abi in 1..=9 {
        assert_eq!(decide::access(&all, abi), AccessFs::from_all(version(abi)) & !nodes, "{abi}");
        assert!(AccessFs::from_file(version(abi)).contains(decide::of_file(decide::access(&all, abi), abi)));
    }
    let shown: Vec<String> = [read, all, grant("/d\n", Access::ReadWrite, false, false)]
        .iter()
        .map(|grant| Rule { path: grant.path.clone(), access: decide::access(grant, 7) }.to_string())
        .collect();
    assert_eq!(
        shown,
        ["allow read beneath /a", "allow read, write, execute, ioctl beneath /a", "allow read, write beneath /d\\n"]
    );
}

#[test]
fn an_open_file_is_opened_again_as_it_is_open() {
    use AccessFs::{IoctlDev, ReadFile, Truncate, WriteFile};
    for (flags, device, expected) in [
        (OFlag::O_RDONLY, false, ReadFile.into()),
        (OFlag::O_WRONLY | OFlag::O_APPEND, false, WriteFile | Truncate),
        (OFlag::O_RDWR, true, ReadFile | WriteFile | Truncate | IoctlDev),
        (OFlag::O_PATH, false, BitFlags::empty()),
    ] {
        assert_eq!(decide::of_open(flags, device, 7), expected, "{flags:?}");
    }
}
