//! What the kernel then does. A domain belongs to a thread and can never be left, so each test has a thread of its own.

use std::fs;
use std::path::Path;
use std::thread;

use super::*;

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
        assert_eq!((fault.operation, fault.errno), (Operation::Openat2, cause));
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
    assert_eq!((fault.operation, fault.errno), (Operation::LandlockCreateRuleset, Errno::UnknownErrno));
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
        assert_eq!((fault.operation, fault.errno), (Operation::LandlockRestrictSelf, Errno::EPERM));
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
