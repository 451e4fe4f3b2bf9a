//! FD and EXE: no descriptor of the caller gets in, and no way leads to the launcher's own binary.

use std::process::{Command, Stdio};

use crate::harness::{Sandbox, caller, eventually, is_root, probe};
use crate::oracle::{Canary, fingerprint};

const LEAKS: [u32; 5] = [3, 63, 64, 999, 1000];

#[test]
fn nothing_but_the_three_standard_descriptors_gets_in() {
    for init in [true, false] {
        let sandbox = Sandbox::new().with("process", &format!("init = {init}"));
        let leak = format!("leak {}", sandbox.dir().display());
        let seen = sandbox.called_with(&leak).probe("fds").succeeds();
        assert_eq!(seen.values("fd").count(), 3, "{seen}");
        for number in ["0", "1", "2"] {
            assert!(seen.values("fd").any(|line| line.split(' ').next() == Some(number)), "no {number}\n{seen}");
        }
    }
    let output = std::process::Command::new(caller()).args(["leak", "/tmp", "--"]).arg(probe()).arg("fds").output();
    let text = String::from_utf8(output.expect("starting").stdout).expect("text");
    assert!(LEAKS.iter().all(|leak| text.contains(&format!("fd {leak} "))), "without a sandbox all are there: {text}");
}

#[test]
fn init_holds_none_of_them_either() {
    let sandbox = Sandbox::new();
    let leak = format!("leak {}", sandbox.dir().display());
    let sandbox = sandbox.called_with(&leak);
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let inside = crate::process::descendants(running.pid());
    // Init closes them when it has seen the program run. As an ordinary user it cannot be looked at, which is as well.
    let held = |pid: &i32| {
        let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        entries.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|to| to.starts_with(sandbox.dir()))
    };
    eventually("nothing of the caller's is held inside", || !inside.iter().any(held));
}

/// By a directory the program could climb out of its root, whatever is mounted.
#[test]
fn a_directory_as_a_standard_descriptor_is_refused() {
    use std::os::unix::fs::OpenOptionsExt;
    let path_only = nix::libc::O_PATH;
    for preset in ["default", "none"] {
        for flags in [0, path_only] {
            let sandbox = Sandbox::new().with("seccomp", &format!("preset = {preset:?}"));
            let directory = || {
                let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(sandbox.dir());
                Stdio::from(file.expect("opening a directory"))
            };
            for number in 0..3 {
                let mut command = sandbox.command("run", &["/probe", "say", "started"]);
                command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
                match number {
                    0 => command.stdin(directory()),
                    1 => command.stdout(directory()),
                    _ => command.stderr(directory()),
                };
                let output = command.spawn().and_then(|child| child.wait_with_output()).expect("starting");
                assert_eq!(output.status.code(), Some(125), "{number} {flags:o} {output:?}");
                assert!(!String::from_utf8_lossy(&output.stdout).contains("started"), "{output:?}");
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(number == 2 || said.contains(&format!("descriptor {number} is a directory")), "{said}");
            }
        }
    }
    // The control: a file is none, and by a directory one does climb.
    let sandbox = Sandbox::new();
    let file = std::fs::File::open(sandbox.file("input", "through\n")).expect("opening");
    let output = sandbox.command("run", &["/probe", "cat"]).stdin(file).output().expect("starting");
    assert_eq!(output.stdout, b"through\n", "{output:?}");
    let mut probe = std::process::Command::new(probe());
    let directory = std::fs::File::open(sandbox.dir()).expect("opening");
    let output = probe.args(["read", "/proc/self/fd/0/input"]).stdin(directory).output().expect("starting");
    assert_eq!(output.stdout, b"read /proc/self/fd/0/input: ok\n", "{output:?}");
}

#[test]
fn a_working_directory_behind_a_descriptor_is_refused() {
    for cwd in ["/proc/self/fd/3", "/proc/self/fd/64", "/proc/self/cwd", "/proc/1/root", "/proc/self/root"] {
        let sandbox = Sandbox::new();
        let leak = format!("leak {}", sandbox.dir().display());
        let seen = sandbox.called_with(&leak).with("process", &format!("cwd = {cwd:?}")).probe("cwd");
        let inside = seen.status.code() == Some(0) && seen.stdout.starts_with("cwd /proc/self/");
        assert!(inside || seen.status.code() == Some(125), "{cwd}\n{seen}");
        assert!(!seen.stdout.contains("(unreachable)"), "{cwd}\n{seen}");
    }
}

#[test]
fn the_working_directory_is_absolute() {
    let sandbox = Sandbox::new();
    let outside = sandbox.dir().to_owned();
    for cwd in [outside.as_path(), "/".as_ref(), "/proc".as_ref(), "/usr".as_ref()] {
        let seen = Sandbox::new().called_in(cwd).probe("cwd").succeeds();
        assert!(seen.value("cwd").starts_with('/'), "{seen}");
    }
    // A caller whose directory is gone.
    let gone = sandbox.dir().join("gone");
    std::fs::create_dir(&gone).expect("making a directory");
    let command = sandbox.command("run", &["/probe", "cwd"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "rmdir \"$PWD\" && exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(&gone);
    let output = shell.output().expect("starting");
    assert!(output.stdout.starts_with(b"cwd /"), "{output:?}");
}

#[test]
fn the_launcher_cannot_be_written_to_from_inside() {
    let binary = crate::harness::caller().with_file_name("sandbox");
    let binary = if binary.exists() { binary } else { env!("CARGO_BIN_EXE_sandbox").into() };
    let before = fingerprint(&binary);
    for init in [true, false] {
        let sandbox = Sandbox::new().with("process", &format!("init = {init}"));
        let seen = sandbox.probe("write /proc/1/exe x + read /proc/1/exe + write /proc/self/exe x").succeeds();
        let read_only = ["EACCES", "EPERM", "EROFS", "ETXTBSY", "ENOENT"];
        seen.refuses("write /proc/1/exe x", &read_only).refuses("write /proc/self/exe x", &read_only);
        if init {
            seen.refuses("read /proc/1/exe", &["EACCES", "EPERM", "ENOENT"]);
        }
    }
    assert_eq!(fingerprint(&binary), before);
    // The control: what runs here can be read by such a link, and a copy of it that does not run can be written to.
    let sandbox = Sandbox::new();
    let copy = sandbox.dir().join("copy");
    std::fs::copy(&binary, &copy).expect("copying the binary");
    let write = format!("write {} x", copy.display());
    let seen = crate::harness::outside(&format!("read /proc/self/exe + write /proc/self/exe x + {write}"));
    seen.allows("read /proc/self/exe")
        .refuses("write /proc/self/exe x", &["ETXTBSY", "EACCES", "EROFS"])
        .allows(&write);
    assert_ne!(fingerprint(&copy), before);
}

#[test]
fn proc_self_exe_is_no_program() {
    // During set-up it would be the launcher (CVE-2019-5736).
    let binary: std::path::PathBuf = env!("CARGO_BIN_EXE_sandbox").into();
    let before = binary.exists().then(|| fingerprint(&binary));
    for entry in ["/proc/self/exe", "/proc/1/exe", "/proc/self/root/probe", "/proc/thread-self/exe"] {
        Sandbox::new().run(&[entry, "--version"]).refused(126, &[entry]);
    }
    for interpreter in ["/proc/self/exe", "  /proc/thread-self/exe --version", "/script2"] {
        let files = format!(
            "files = {{ \"/script\" = {{ text = \"#!{interpreter}\\n\", mode = \"0755\" }}, \
             \"/script2\" = {{ text = \"#!/proc/self/exe\\n\", mode = \"0755\" }} }}"
        );
        let scripts = || Sandbox::new().with("rootfs", &files);
        scripts().run(&["/script"]).refused(126, &["/script"]);
        // Landlock, which lets nothing be opened through such a link, put aside.
        let open = scripts().with("landlock", r#"enforce = "off""#).run(&["/script"]);
        open.refused(126, &["its interpreter", "is a link of /proc"]);
    }
    let script = r##"files = { "/script" = { text = "#!/probe args\n", mode = "0755" } }"##;
    let control = Sandbox::new().with("rootfs", script).with("landlock", r#"enforce = "off""#).run(&["/script"]);
    assert!(control.stdout.starts_with("arg /script"), "{control}");
    assert_eq!(binary.exists().then(|| fingerprint(&binary)), before);
}

/// Without Landlock the launch itself looks at the interpreter: a pipe that nobody writes to must not keep it.
#[test]
fn an_interpreter_that_is_no_file_is_not_waited_for() {
    use std::os::unix::fs::PermissionsExt;
    let own = Sandbox::bare();
    let pipe = own.dir().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o755)).expect("making a pipe");
    let script = own.file("script", "#!/own/pipe\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let bind = format!("read-only = [{:?}]", format!("{}:/own", own.dir().display()));
    let sandbox = Sandbox::bare().with("rootfs", &bind).with("landlock", r#"enforce = "off""#);
    sandbox.run(&["/own/script"]).refused(126, &["/own/script", "EACCES"]);
}

/// Nothing but blanks and tabs may stand before its path: what else is there belongs to it.
#[test]
fn an_interpreter_is_read_as_the_kernel_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let own = Sandbox::bare();
    std::fs::create_dir(own.dir().join("\r")).expect("making a directory");
    std::os::unix::fs::symlink("/proc/self/exe", own.dir().join("\r/link")).expect("linking");
    let script = own.file("script", "#!\r/link\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let bind = format!("read-only = [{:?}]", format!("{}:/own", own.dir().display()));
    let sandbox = Sandbox::bare().with("rootfs", &bind).with("process", r#"cwd = "/own""#);
    let open = sandbox.with("landlock", r#"enforce = "off""#).run(&["/own/script"]);
    open.refused(126, &["its interpreter \\u{d}/link", "is a link of /proc"]);
}

#[test]
fn a_link_to_proc_self_exe_in_a_root_is_no_program_either() {
    let sandbox = Sandbox::new();
    let canary = Canary::in_directory(sandbox.dir());
    std::os::unix::fs::symlink("/proc/self/exe", sandbox.dir().join("link")).expect("linking");
    let entry = format!("{}:/data", sandbox.dir().display());
    let sandbox = sandbox.read_only(&entry);
    sandbox.run(&["/data/link"]).refused(126, &["/data/link"]);
    canary.lives();
}

/// A file, and a pipe, whose locks are nobody's concern.
#[test]
fn what_the_caller_has_open_is_put_back() {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let state = |file: &std::fs::File| {
        let flags = nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_GETFL).expect("asking for its flags");
        let data = file.metadata().expect("looking at it");
        let information = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).expect("reading");
        let locks = information.lines().filter(|line| data.is_file() && line.starts_with("lock:"));
        (data.mode(), flags, locks.count())
    };
    let sandbox = Sandbox::new();
    let opened = || {
        let path = sandbox.file("input", "text");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("chmod");
        let pipe = std::io::pipe().expect("making a pipe");
        let all: [std::fs::File; 2] =
            [std::fs::File::open(path).expect("opening"), std::os::fd::OwnedFd::from(pipe.0).into()];
        (all, pipe.1)
    };
    let (files, _writer) = opened();
    for (file, locks) in files.iter().zip([true, false]) {
        let before = state(file);
        let same = || std::process::Stdio::from(file.try_clone().expect("copying"));
        let output = sandbox.command("run", &["/probe", "leave", "0"]).stdin(same()).output().expect("starting");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.matches(": ok\n").count(), 5, "{output:?}");
        assert_eq!(state(file), before, "{said}");
        // The control: without a sandbox all of it stays.
        let output = std::process::Command::new(probe()).args(["leave", "0"]).stdin(same()).output();
        let after = state(file);
        assert!(after.0 != before.0 && after.1 != before.1 && (after.2 == 2) == locks, "{output:?} {after:?}");
    }
}

/// Whom the kernel tells that there is something to read, and by which signal.
#[test]
fn the_callers_owner_of_an_open_file_is_put_back() {
    let sandbox = Sandbox::new();
    let (end, _writer) = std::io::pipe().expect("making a pipe");
    let same = || std::process::Stdio::from(end.try_clone().expect("copying"));
    let outside = |words: &[&str]| {
        let output = std::process::Command::new(probe()).args(words).stdin(same()).output().expect("starting");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for owned in [false, true] {
        if owned {
            outside(&["own", "0"]);
        }
        let before = outside(&["owner", "0"]);
        assert_eq!(before.contains(&std::process::id().to_string()), owned, "{before}");
        let output = sandbox.command("run", &["/probe", "leave", "0"]).stdin(same()).output().expect("starting");
        assert!(String::from_utf8_lossy(&output.stdout).contains("leave owner: ok\n"), "{output:?}");
        assert_eq!(outside(&["owner", "0"]), before);
    }
    // The control: without a sandbox it is another's.
    let before = outside(&["owner", "0"]);
    outside(&["leave", "0"]);
    assert_ne!(outside(&["owner", "0"]), before);
}

/// What was locked before stays so.
#[test]
fn the_callers_own_lock_is_kept() {
    let sandbox = Sandbox::new();
    let file = std::fs::File::open(sandbox.file("input", "text")).expect("opening");
    file.lock().expect("locking");
    let copy = file.try_clone().expect("copying");
    let output = sandbox.command("run", &["/probe", "leave", "0"]).stdin(copy).output().expect("starting");
    assert!(String::from_utf8_lossy(&output.stdout).contains("leave lock: ok\n"), "{output:?}");
    let other = std::fs::File::open(sandbox.dir().join("input")).expect("opening");
    assert!(other.try_lock().is_err(), "it has been given up");
}

/// Services are started on /dev/null: its node is the whole machine's.
#[test]
fn a_device_that_is_open_is_the_one_inside() {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let attempts = |number: u32| {
        [format!("fchmod 0666 {number}"), format!("futimens {number}"), format!("fremovexattr trusted.none {number}")]
    };
    let control = if is_root() { ["ok", "ok", "ENODATA"] } else { ["EPERM", "EPERM", "EPERM"] };
    for device in ["/dev/null", "/dev/zero", "/dev/full"] {
        for (number, flags) in [(0, 0), (2, 0), (0, nix::libc::O_APPEND | nix::libc::O_NONBLOCK)] {
            let open = || {
                let file = std::fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(device);
                Stdio::from(file.expect("opening a device"))
            };
            let sandbox = Sandbox::new();
            let said = |mut command: Command| {
                command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
                if number == 0 {
                    command.stdin(open())
                } else {
                    command.stderr(open())
                };
                let output = command.spawn().and_then(|child| child.wait_with_output()).expect("starting");
                String::from_utf8(output.stdout).expect("text")
            };
            let words = format!("{} + cat /proc/self/fdinfo/{number}", attempts(number).join(" + "));
            let words: Vec<&str> = words.split(' ').collect();
            let node =
                || std::fs::metadata(device).map(|data| (data.mode(), data.mtime(), data.uid())).expect("looking");
            let before = node();
            let inside = said(sandbox.command("run", &[&["/probe"], &words[..]].concat()));
            assert_eq!(node(), before, "{device}");
            let mut outside = Command::new(probe());
            outside.args(&words);
            let outside = said(outside);
            for (attempt, answer) in attempts(number).iter().zip(control) {
                assert!(inside.contains(&format!("{attempt}: EROFS\n")), "{device} {number}\n{inside}");
                assert!(outside.contains(&format!("{attempt}: {answer}\n")), "{device} {number}\n{outside}");
            }
            let flags = |text: &str| text.lines().find(|line| line.starts_with("flags:")).map(str::to_owned);
            assert_eq!(flags(&inside), flags(&outside), "{device}");
            assert!(flags(&inside).is_some(), "{inside}");
        }
    }
}

#[test]
fn no_lease_is_taken_on_what_is_open() {
    let answer = |sandbox: &Sandbox| {
        let file = std::fs::File::open(sandbox.file("input", "")).expect("opening");
        let output = sandbox.command("run", &["/probe", "lease", "0"]).stdin(file).output().expect("starting");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(answer(&Sandbox::new()), "lease 0: EPERM\n");
    let open = Sandbox::new().with("seccomp", r#"preset = "none""#);
    assert_eq!(answer(&open), "lease 0: ok\n", "the control");
}
