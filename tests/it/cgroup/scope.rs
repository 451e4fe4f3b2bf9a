//! A scope from systemd, where nothing is delegated: asked for over its own socket or the bus, and gone afterwards. On a
//! machine without systemd nobody is asked, which is shown too.

use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::harness::{Running, Sandbox, eventually, is_root};

/// The caller's real runtime directory: its manager's sockets are there.
fn sandbox() -> Sandbox {
    let runtime = format!("/run/user/{}", nix::unistd::getuid());
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 30");
    if Path::new(&runtime).is_dir() { sandbox.env("XDG_RUNTIME_DIR", &runtime) } else { sandbox }
}

/// Who sits in a unit's own directory, beside others, has been delegated nothing; a manager can be asked for a scope.
fn must_have_scope() -> bool {
    let user = nix::unistd::getuid();
    let sockets = match is_root() {
        true => vec!["/run/systemd/private".to_owned(), "/run/dbus/system_bus_socket".to_owned()],
        false => vec![format!("/run/user/{user}/systemd/private"), format!("/run/user/{user}/bus")],
    };
    let text = std::fs::read_to_string("/proc/self/cgroup").expect("reading our cgroups");
    let unit = |path: &str| path.ends_with(".scope") || path.ends_with(".service");
    // On a hybrid machine the controller of processes is not systemd's to give.
    let unified = text.lines().count() == 1 && text.strip_prefix("0::").is_some_and(|own| unit(own.trim_end()));
    let manager = sockets.iter().any(|socket| Path::new(socket).exists());
    unified && manager && Path::new("/run/systemd/system").is_dir()
}

/// Whether the plan has a scope made; if not, that this is for a reason.
fn has_scope(sandbox: &Sandbox) -> bool {
    let plan = sandbox.ask("plan", &["/probe"]);
    let scope = plan.stdout.contains("make sandbox-<id>.scope around the launcher");
    let systemd = Path::new("/run/systemd/system").is_dir();
    assert!(systemd || !scope, "there is no systemd to ask\n{plan}");
    assert!(scope || !must_have_scope(), "nothing is delegated, and nobody asked for a scope\n{plan}");
    if !scope && plan.status.code() == Some(1) {
        // A user to whom nothing is delegated, and no manager who could.
        assert!(!is_root(), "{plan}");
        plan.says(&["pids-max: ", "hint: "]);
    }
    scope
}

/// On cgroup v2, from below its root, of whoever runs inside.
fn place(running: &Running) -> PathBuf {
    let inside = crate::process::descendants(running.pid());
    let init = inside.first().expect("init runs");
    let text = std::fs::read_to_string(format!("/proc/{init}/cgroup")).expect("reading its cgroups");
    let path = text.lines().find_map(|line| line.strip_prefix("0::")).expect("cgroup v2");
    Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'))
}

#[test]
fn it_holds_the_limits_and_goes_with_the_sandbox() {
    let sandbox = sandbox();
    if !has_scope(&sandbox) {
        return;
    }
    let seen = sandbox.probe("forks 10 + forks 60").exits(0);
    seen.allows("forks 10").answers("forks 60", "EAGAIN");
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let place = place(&running);
    let scope = place.parent().expect("it has one").to_owned();
    assert!(scope.extension().is_some_and(|kind| kind == "scope"), "{}", place.display());
    assert_eq!(place.file_name(), scope.file_stem(), "both are named after the sandbox");
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
    eventually("systemd has removed the scope", || !scope.exists());
}

#[test]
fn a_supervisor_that_is_killed_leaves_none_either() {
    let sandbox = sandbox();
    if !has_scope(&sandbox) {
        return;
    }
    let mut running = sandbox.start_probe("daemon + hang");
    running.line("running");
    let place = place(&running);
    let scope = place.parent().expect("it has one").to_owned();
    running.signal(Signal::SIGKILL);
    drop(running);
    sandbox.sandbox(&["gc"]).exits(0);
    eventually("nothing of it is left", || !place.exists() && !scope.exists());
}

/// A manager that cannot be reached stops the launch: a limit that the author wrote is never dropped.
#[test]
fn a_manager_that_does_not_answer_stops_the_launch() {
    if is_root() || !has_scope(&sandbox()) {
        return;
    }
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 30");
    let directory = sandbox.runtime().join("systemd");
    std::fs::create_dir(&directory).expect("making a directory");
    // Made up: it closes the connection at once.
    let listener = std::os::unix::net::UnixListener::bind(directory.join("private")).expect("binding");
    let thread = std::thread::spawn(move || drop(listener.accept()));
    sandbox.probe("say started").refused(125, &["StartTransientUnit", "hint: "]).prints("");
    drop(thread.join());
}
