//! A domain belongs to a thread and can never be left, so each test that restricts does so in a thread of its own.

use std::fs;
use std::path::Path;
use std::thread;

use landlock::Access as _;

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

/// Plans for the machine we run on, applies in a new thread, and tries something there.
fn restricted<T: Send + 'static>(grants: Vec<Grant>, act: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let body = move || {
        let steps = plan(&Landlock::default(), &grants, true, true, false, &Host::live(), &mut Findings::default());
        assert_eq!(steps.len(), 2, "these tests need a kernel with Landlock");
        nix::sys::prctl::set_no_new_privs().unwrap();
        let mut slot = None;
        steps.iter().try_for_each(|step| step.apply(&mut slot))?;
        assert!(slot.is_none());
        Ok(act())
    };
    thread::spawn(body).join().unwrap()
}

/// A directory of its own for one test, gone with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("sandbox-landlock-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Temporary(path.canonicalize().unwrap())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn errno<T>(result: std::io::Result<T>) -> Option<Errno> {
    result.err().and_then(|error| error.raw_os_error()).map(Errno::from_raw)
}

#[test]
fn the_kernel_allows_what_is_granted_and_nothing_else() {
    let place = Temporary::new("grants");
    let at = |path: &str| place.0.join(path);
    for directory in ["read", "write", "write/a", "write/b", "other"] {
        fs::create_dir(at(directory)).unwrap();
    }
    for file in ["read/file", "write/a/file", "other/file", "single"] {
        fs::write(at(file), "text").unwrap();
    }
    let grants = vec![
        grant(at("read"), Access::ReadOnly, false, false),
        grant(at("write"), Access::ReadWrite, false, false),
        grant(at("single"), Access::ReadWrite, false, false),
    ];
    let root = place.0.clone();
    let act = move || {
        let at = |path: &str| root.join(path);
        let denied = Some(Errno::EACCES);
        assert_eq!(fs::read_to_string(at("read/file")).unwrap(), "text");
        assert_eq!(errno(fs::write(at("read/file"), "new")), denied);
        assert_eq!(errno(fs::File::create(at("read/new"))), denied);
        assert_eq!(errno(fs::read_to_string(at("other/file"))), denied);
        assert_eq!(errno(fs::read_dir(&root)), denied);
        fs::write(at("single"), "new").unwrap();
        assert_eq!(errno(fs::remove_file(at("single"))), denied);
        // Refer: without it the first of these fails with EXDEV.
        fs::rename(at("write/a/file"), at("write/b/file")).unwrap();
        fs::write(at("write/b/new"), "new").unwrap();
        fs::remove_dir(at("write/a")).unwrap();
        std::os::unix::net::UnixListener::bind(at("write/socket")).unwrap();
        assert_eq!(errno(fs::rename(at("write/b/file"), at("read/file"))), denied);
        // Execution was not granted.
        let run = std::process::Command::new("/bin/sh").arg("-c").arg(":").status();
        assert_eq!(errno(run), denied);
    };
    restricted(grants, act).unwrap();
    assert_eq!(fs::read_to_string(place.0.join("read/file")).unwrap(), "text");
}

#[test]
fn a_path_that_is_missing_or_a_link_stops_the_launch() {
    let place = Temporary::new("links");
    std::os::unix::fs::symlink("/", place.0.join("link")).unwrap();
    for (path, cause) in [("missing", Errno::ENOENT), ("link", Errno::ELOOP), ("link/etc", Errno::ELOOP)] {
        let path = place.0.join(path);
        let fault = restricted(vec![grant(&path, Access::ReadOnly, false, false)], || ()).unwrap_err();
        assert_eq!((fault.operation, fault.errno), ("openat2", cause));
        assert_eq!(Path::new(&fault.detail), path);
    }
}

#[test]
fn what_the_kernel_does_not_have_stops_the_launch() {
    // A plan made for a newer kernel than this one.
    let newer = Host::live().landlock_abi() + 1;
    if newer > 9 {
        return assert_eq!(version(newer), version(9));
    }
    let fault = apply::open(9, BitFlags::empty(), &[]).unwrap_err();
    assert_eq!((fault.operation, fault.errno), ("landlock_create_ruleset", Errno::UnknownErrno));
    assert!(!fault.detail.is_empty());
}

#[test]
fn restricting_needs_a_ruleset_and_no_new_privs() {
    assert_eq!(Step::Restrict.apply(&mut None).unwrap_err().errno, Errno::EBADF);
    if !nix::unistd::geteuid().is_root() {
        let act = || {
            let mut slot = Some(apply::open(1, BitFlags::empty(), &[]).unwrap());
            Step::Restrict.apply(&mut slot).unwrap_err()
        };
        let fault = thread::spawn(act).join().unwrap();
        assert_eq!((fault.operation, fault.errno), ("landlock_restrict_self", Errno::EPERM));
    }
}
