//! What cannot be started, and how the launcher says so.

use std::os::unix::fs::PermissionsExt;

use crate::harness::{Sandbox, is_root, left_to_root, skip};

#[test]
fn a_missing_program_is_127() {
    let sandbox = Sandbox::new();
    sandbox.run(&["no-such-program"]).refused(127, &["no-such-program", "find"]);
    sandbox.run(&["/no/such/program"]).refused(127, &["/no/such/program"]);
    sandbox.run(&["/probe/not-a-directory"]).refused(127, &["/probe/not-a-directory"]);
    let empty = "hint: the first word of the command is empty";
    sandbox.run(&[""]).refused(127, &["cannot find the program \"\"", empty]);
    sandbox.ask("check", &[""]).refused(1, &[empty]);
    // What is there and is no file.
    let directory = ["cannot execute the program /etc: not a regular file", "hint: name a program: a directory"];
    sandbox.run(&["/etc"]).refused(126, &directory);
    sandbox.ask("check", &["/etc"]).refused(1, &["/etc is a directory", "hint: name a file"]);
    // It exists on the host, and is not to be seen inside.
    let outside = sandbox.file("outside", "#!/bin/sh\n");
    sandbox.run(&[&outside.display().to_string()]).refused(127, &["outside"]);
}

/// A file at /program, executable or not.
fn program(contents: &[u8], mode: u32) -> Sandbox {
    let sandbox = Sandbox::new();
    let path = sandbox.dir().join("program");
    std::fs::write(&path, contents).expect("writing a program");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("its mode");
    let entry = format!("{}:/program", path.display());
    sandbox.read_only(&entry)
}

#[test]
fn what_cannot_be_executed_is_126() {
    program(b"#!/bin/sh\nexit 0\n", 0o644).run(&["/program"]).refused(126, &["/program", "EACCES", "hint: "]);
    program(b"#!/no/such/interpreter\n", 0o755).run(&["/program"]).refused(126, &["/program", "hint: ", "interpreter"]);
    program(b"neither this nor that\n", 0o755).run(&["/program"]).refused(126, &["/program", "ENOEXEC"]);
    program(b"", 0o755).run(&["/program"]).refused(126, &["/program", "ENOEXEC"]);
    Sandbox::new().run(&["/usr"]).refused(126, &["/usr"]);
    Sandbox::new().run(&["/dev/null"]).refused(126, &["/dev/null"]);
    // The same file, on a mount that forbids programs.
    let sandbox = Sandbox::new();
    let script = sandbox.file("script", "#!/bin/sh\nexit 0\n");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("its mode");
    let bind = format!("read-write = [{{ source = {:?}, target = \"/data\", exec = false }}]", sandbox.dir());
    sandbox.with("rootfs", &bind).run(&["/data/script"]).refused(126, &["/data/script"]);
}

#[test]
fn a_program_of_another_machine_is_126() {
    let mut arm = std::fs::read(crate::harness::probe()).expect("reading the probe");
    // e_machine of elf(5): EM_AARCH64.
    arm[18] = 183;
    program(&arm, 0o755).run(&["/program"]).refused(126, &["/program", "ENOEXEC"]);
}

#[test]
fn a_loader_that_is_not_there_is_126() {
    let sandbox = Sandbox::bare().with("rootfs", r#"base = "none""#).read_only("/bin/true:/true");
    sandbox.run(&["/true"]).refused(126, &["/true", "hint: ", "loader"]);
}

#[test]
fn a_missing_source_is_refused_before_anything_starts() {
    let sandbox = Sandbox::new().read_only("/no/such/source");
    sandbox.probe("say").refused(125, &["/no/such/source", "hint: "]);
    Sandbox::new().read_only("-/no/such/source").probe("say here").succeeds().prints("here\n");
    let dangling = Sandbox::new();
    std::os::unix::fs::symlink("/no/such/target", dangling.dir().join("link")).expect("linking");
    let entry = format!("{}:/link", dangling.dir().join("link").display());
    dangling.read_only(&entry).probe("say").refused(125, &["link"]);
}

#[test]
fn a_target_below_a_file_is_refused() {
    for line in [
        r#"tmpfs = ["/etc/passwd/below"]"#,
        r#"files = { "/etc/passwd/below" = "x" }"#,
        r#"symlinks = { "/etc/passwd/below" = "x" }"#,
        r#"tmpfs = ["/etc/hostname"]"#,
    ] {
        let seen = Sandbox::new().with("rootfs", line).probe("say");
        seen.refused(125, &["rootfs"]);
    }
    // The same target twice.
    Sandbox::new().with("rootfs", r#"tmpfs = ["/probe"]"#).probe("say").refused(125, &["/probe", "twice", "hint: "]);
}

#[test]
fn no_command_is_refused() {
    Sandbox::new().run(&[]).refused(125, &["command", "hint: "]);
}

#[test]
fn a_profile_that_is_not_there_or_no_profile_is_refused() {
    let sandbox = Sandbox::bare();
    sandbox.sandbox(&["run", "/no/such/profile.toml", "--", "/bin/true"]).refused(125, &["/no/such/profile.toml"]);
    sandbox.sandbox(&["run", "no-such-profile", "--", "/bin/true"]).refused(125, &["no-such-profile"]);
    for text in ["[process", "\u{0}", "[process]\ncommand = 1\n", "[nonsense]\n", "\u{feff}[process]\nx = 1\n"] {
        let path = sandbox.file("broken.toml", text);
        sandbox.sandbox(&["run", &path.display().to_string(), "--", "/bin/true"]).refused(125, &["broken.toml"]);
    }
    let directory = sandbox.dir().join("directory.toml");
    std::fs::create_dir(&directory).expect("making a directory");
    sandbox.sandbox(&["run", &directory.display().to_string()]).refused(125, &["directory.toml"]);
    let binary = sandbox.dir().join("binary.toml");
    std::fs::write(&binary, [0xff, 0xfe, 0, 1]).expect("writing");
    sandbox.sandbox(&["run", &binary.display().to_string()]).refused(125, &["binary.toml"]);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let sandbox = Sandbox::bare();
    for arguments in [&["run"][..], &["frobnicate"], &["run", "--no-such-option", "x"], &[]] {
        let code = sandbox.sandbox(arguments).status.code();
        // `run` keeps 1 to 124 for the program.
        assert!(code == Some(if arguments.first() == Some(&"run") { 125 } else { 2 }), "{arguments:?}: {code:?}");
    }
    let words = ["sandbox: unexpected argument", "usage: sandbox run", "hint: a similar argument exists: '--timeout'"];
    sandbox.sandbox(&["run", "--tiemout", "1s", "x"]).refused(125, &words);
    sandbox.sandbox(&["run", "--status-fd", "one", "x"]).refused(125, &["the number of an open descriptor", "hint: "]);
}

#[test]
fn without_standard_descriptors_it_works_all_the_same() {
    let sandbox = Sandbox::new().called_with("closed");
    // Whatever is opened next would be taken for standard output; there must be something in these places.
    sandbox.probe("exit 5").exits(5);
    let proof = sandbox.dir().join("proof");
    std::fs::create_dir(&proof).expect("making a directory");
    let line = format!("read-write = [\"{}:/proof\"]", proof.display());
    let sandbox = sandbox.with("rootfs", &line);
    sandbox.run(&["sh", "-c", "/probe fds > /proof/fds"]).exits(0);
    let fds = std::fs::read_to_string(proof.join("fds")).expect("reading what the probe wrote");
    let mut numbers: Vec<&str> = fds.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().all(|number| ["0", "1", "2"].contains(number)), "{fds}");
}

#[test]
fn any_limit_of_open_files_works_or_is_named() {
    let mut refused = 0;
    for limit in 3..=64 {
        let seen = Sandbox::new().called_with(&format!("nofile {limit}")).probe("privilege + fds + limits");
        if seen.status.code() == Some(0) {
            seen.has_value("seccomp", "2").has_value("effective", "0").has_value("no-new-privs", "1");
            seen.has_value("limit nofile", &format!("{limit} {limit}"));
        } else {
            seen.refused(125, &["open files"]);
            refused += 1;
        }
    }
    // Twenty-odd are what the launch itself needs.
    assert!(refused < 32, "{refused} limits are too low");
}

#[test]
fn there_may_be_more_grants_than_open_files() {
    let mut sandbox = Sandbox::new().called_with("nofile 600");
    for number in 0..700 {
        sandbox = sandbox.read_only(&format!("/etc/passwd:/many/{number}"));
    }
    sandbox.probe("read /many/0 + read /many/699").succeeds().allows("read /many/0").allows("read /many/699");
}

/// Before anything of the profile counts: what its keys could raise is not what is used up.
#[test]
fn the_callers_own_limits_are_named() {
    let limited = |limit: &str, words: &[&str]| {
        let mut command = std::process::Command::new("/bin/bash");
        command.args(["-c", &format!("ulimit {limit} && exec \"$0\" run hello")]).arg(launcher());
        let output = command.output().expect("starting");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    limited("-n 10", &["the limit of open files is 10", "`ulimit -n`"]);
    // No limit of processes binds root.
    if !is_root() {
        limited("-u 1", &["Resource temporarily unavailable (EAGAIN)\nhint: ", "`ulimit -u` allows 1"]);
    }
}

/// In a user namespace of its own, in which no further one may be made.
#[test]
fn where_user_namespaces_are_forbidden_it_says_so() {
    let sandbox = Sandbox::new();
    let launch = sandbox.command("run", &["/probe", "say", "started"]);
    let mut command = std::process::Command::new("unshare");
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    command.args(["--user", "--map-root-user", "sh", "-c", script, "sh"]).arg(launch.get_program());
    command.args(launch.get_args()).env_clear().current_dir("/");
    command.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("starting");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(125), "{stdout}{stderr}");
    assert!(stdout.is_empty() && stderr.contains("user"), "{stdout}{stderr}");
    assert!(stderr.contains("hint: "), "{stderr}");
}

#[test]
fn a_chroot_is_no_root_to_pivot_from() {
    if !is_root() {
        return left_to_root("only root may chroot");
    }
    let sandbox = Sandbox::new();
    let launch = sandbox.command("run", &["/probe", "say", "started"]);
    let root = sandbox.dir().join("root");
    std::fs::create_dir(&root).expect("making a directory");
    let mut command = std::process::Command::new("unshare");
    let script =
        format!("mount --rbind / {0} && mount --bind {0}/usr {0}/usr && exec chroot {0} \"$@\"", root.display());
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(launch.get_program()).args(launch.get_args());
    command.env_clear().current_dir("/").envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("starting");
    let stderr = String::from_utf8_lossy(&output.stderr);
    // A user namespace cannot be made in a chroot: EPERM, which is not to be taken for a setting of the machine.
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(stderr.contains("chroot"), "{stderr}");
}

#[test]
fn a_setuid_installation_refuses_to_run() {
    let sandbox = Sandbox::new();
    let copy = sandbox.dir().join("sandbox");
    std::fs::copy(launcher(), &copy).expect("copying the launcher");
    if !is_root() {
        // One's own program, setuid to oneself, gives nothing away and changes no id.
        return left_to_root("only root can make it setuid for somebody else");
    }
    std::fs::set_permissions(sandbox.dir(), PermissionsExt::from_mode(0o755)).expect("opening the directory");
    let as_nobody = |copy: &std::path::Path| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(copy);
        let output = command.args(["run", "x", "--", "/bin/true"]).output().expect("starting");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (mode, word) in [(0o4755, "setuid"), (0o2755, "setgid")] {
        std::fs::set_permissions(&copy, PermissionsExt::from_mode(mode)).expect("its mode");
        let (code, stderr) = as_nobody(&copy);
        assert_eq!(code, Some(125), "{word}: {stderr}");
        assert!(stderr.starts_with("sandbox: ") && stderr.contains(word), "{word}: {stderr}");
    }
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).expect("its mode");
    match std::process::Command::new("setcap").args(["cap_sys_admin+ep"]).arg(&copy).status() {
        Ok(status) if status.success() => {
            let (code, stderr) = as_nobody(&copy);
            assert_eq!(code, Some(125), "{stderr}");
            assert!(stderr.starts_with("sandbox: ") && stderr.contains("capabilit"), "{stderr}");
        }
        _ => skip("setcap is missing (hint: apt-get install libcap2-bin)"),
    }
}

/// A disk that is full, a reader that has gone: neither ends a launch, and no result is lost in silence.
#[test]
fn what_nobody_can_read_ends_nothing() {
    use std::process::{Command, Stdio};
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opening /dev/full"));
    let gone = || Stdio::from(std::io::pipe().map(|(_, writer)| writer).expect("a pipe"));
    let (wrong, sandbox) = (Sandbox::bare().with("process", "comand = 1"), Sandbox::new());
    let code = |command: &mut Command| command.stdin(Stdio::null()).status().expect("starting").code();
    for silent in [&full as &dyn Fn() -> Stdio, &gone] {
        assert_eq!(code(wrong.command("run", &[]).stderr(silent())), Some(125));
        assert_eq!(code(wrong.command("check", &[]).stderr(silent())), Some(1));
        // Messages before, during and after the program's own life.
        let mut noisy = sandbox.command("run", &["/probe", "exit", "7"]);
        assert_eq!(code(noisy.stderr(silent())), Some(7));
        let loud = Sandbox::new().option("--timings").option("--stats").with("cgroup", r#"enforce = "best-effort""#);
        let loud = loud.with("cgroup", "pids-max = 20").with("cgroup", r#"memory-high = "1G""#);
        assert_eq!(code(loud.command("run", &["/probe", "exit", "7"]).stderr(silent())), Some(7));
        // The SIGPIPE of our own write is not one that somebody meant for the program.
        let told = Sandbox::new().option("--status-fd").option("1");
        assert_eq!(code(told.command("run", &["/probe", "exit", "7"]).stdout(silent())), Some(7));
    }
    let checked = Sandbox::new().option("--origin");
    let texts = ["--help", "help", "--version", "run --help", "profiles show --help"];
    let results = ["plan", "check", "doctor", "ps", "schema", "profiles", "profiles show hello", "new sh", "stats"];
    for subcommand in results.into_iter().chain(texts) {
        let command = || match subcommand {
            "plan" => sandbox.command("plan", &["/probe"]),
            "check" => checked.command("check", &["/probe"]),
            _ => {
                let mut command = Command::new(launcher());
                command.args(subcommand.split(' '));
                command
            }
        };
        let well = code(command().stdout(Stdio::null()).stderr(Stdio::null()));
        let failed = Some(if subcommand.starts_with("run") { 125 } else { 1 });
        assert_eq!(code(command().stdout(full()).stderr(Stdio::null())), failed, "{subcommand}");
        assert_eq!(code(command().stdout(full()).stderr(full())), failed, "{subcommand}");
        let said = command_output(command().stdout(full()));
        let why = "sandbox: writing to standard output: No space left on device (ENOSPC)\nhint: make room";
        assert!(said.contains(why), "{subcommand}: {said}");
        assert_eq!(code(command().stdout(gone()).stderr(Stdio::null())), well, "{subcommand}");
    }
    // The standard library opens /dev/null in its place, to which everything can be written.
    for subcommand in ["plan hello", "check --origin hello", "doctor", "ps --json", "stats", "new sh", "--help"] {
        let mut closed = Command::new("/bin/sh");
        closed.args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(launcher()).args(subcommand.split(' '));
        let said = command_output(&mut closed);
        let why = "sandbox: writing to standard output: Bad file descriptor (EBADF)\nhint: it is closed";
        assert!(said.contains(why), "{subcommand}: {said}");
        assert_eq!(code(closed.stderr(Stdio::null())), Some(1), "{subcommand}");
    }
    let mut closed = Command::new("/bin/sh");
    closed.args(["-c", "exec \"$0\" run hello >&-"]).arg(launcher());
    assert_eq!(code(closed.stderr(Stdio::null())), Some(0), "what the program says is its own");
}

fn command_output(command: &mut std::process::Command) -> String {
    let output = command.output().expect("starting");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn launcher() -> std::path::PathBuf {
    let prepared =
        std::env::var_os("SANDBOX_TEST_PROGRAMS").map(|place| std::path::PathBuf::from(place).join("sandbox"));
    prepared.unwrap_or_else(|| env!("CARGO_BIN_EXE_sandbox").into())
}

/// Nothing is looked for in `/` instead, and nothing runs there.
#[test]
fn a_working_directory_that_was_removed_is_named() {
    let sandbox = Sandbox::bare();
    let profile = sandbox.file("profile.toml", "");
    let gone = |arguments: &str| {
        let (dir, program) = (sandbox.dir().join("gone"), launcher());
        let (dir, program) = (dir.display(), program.display());
        let script = format!("mkdir {dir} && cd {dir} && rmdir {dir} && exec {program} {arguments}");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("starting");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let profile = profile.display();
    for relative in [
        "check etc/profile.toml -- /bin/true".to_owned(),
        format!("check --set 'rootfs.read-only=[\"etc\"]' {profile} -- /bin/true"),
        format!("check --set 'process.cwd=\"${{PWD}}\"' {profile} -- /bin/true"),
    ] {
        let (code, _, said) = gone(&relative);
        assert_eq!(code, Some(1), "{relative}: {said}");
        assert!(said.contains("the working directory has been removed") && said.contains("hint: "), "{said}");
    }
    // Where it does not matter, it is said, and the program starts in the home.
    let (code, out, said) = gone(&format!("run {profile} -- /bin/pwd"));
    assert_eq!((code, out.trim()), (Some(0), crate::harness::home().to_str().expect("a path")), "{said}");
    assert!(said.contains("the caller's working directory has been removed"), "{said}");
    let (_, _, said) = gone(&format!("run --set 'process.cwd=\"/\"' {profile} -- /bin/pwd"));
    assert_eq!(said, "");
}
