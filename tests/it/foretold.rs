//! What `run` would find out only half-way is said by `check`, `plan` and `run` alike, before anything starts.

use std::path::PathBuf;

use crate::harness::{Sandbox, Seen, is_root, quoted};

/// All three name it, at the line that it is about.
fn refused(sandbox: &Sandbox, words: &[&str]) {
    for (subcommand, code) in [("check", 1), ("plan", 1), ("run", 125)] {
        let said = sandbox.ask(subcommand, &["/probe", "say"]).exits(code).stderr;
        for word in words.iter().chain(&["error: ", "hint: ", "^"]) {
            assert!(said.contains(word), "{subcommand} without {word:?}: {said}");
        }
    }
}

/// `check` says it and lets it pass.
fn warned(sandbox: &Sandbox, words: &[&str]) -> Seen {
    let seen = sandbox.ask("check", &["/bin/true"]).exits(0);
    for word in words.iter().chain(&["warning: ", "hint: ", "^"]) {
        assert!(seen.stderr.contains(word), "without {word:?}: {seen}");
    }
    seen
}

#[test]
fn clocks_beyond_what_the_kernel_counts() {
    let moved = |time: &str| Sandbox::new().with("namespaces", &format!("time = {{ {time} }}"));
    for clock in ["boottime", "monotonic"] {
        refused(&moved(&format!("{clock} = \"106751d\"")), &[clock, "at most \"533"]);
        refused(&moved(&format!("{clock} = \"53376d\"")), &[clock]);
        // What the hint offers works, where no machine has run for half a day since.
        moved(&format!("{clock} = \"53374d\"")).probe("say far").succeeds().prints("far\n");
    }
}

#[test]
fn arguments_longer_than_the_kernel_takes() {
    let long = |length: usize| {
        let lines = format!("command = [\"/probe\", \"say\", {:?}]", "x".repeat(length));
        Sandbox::new().with("process", &lines)
    };
    for (subcommand, code) in [("check", 1), ("plan", 1), ("run", 125)] {
        let said = long(131_072).ask(subcommand, &[]).exits(code).stderr;
        assert!(said.contains("argument 2 is 131072 bytes long, and the kernel takes 131071"), "{said}");
    }
    long(131_071).ask("check", &[]).exits(0);
    long(131_071).run(&[]).succeeds();
    let variable = Sandbox::new().with("process", &format!("env = {{ LONG = {:?} }}", "x".repeat(131_067)));
    let said = variable.ask("run", &["/probe", "say"]).exits(125).stderr;
    assert!(said.contains("the variable LONG is 131072 bytes long") && said.contains("hint: "), "{said}");
}

/// To the byte: whatever `check` lets pass, the kernel takes.
#[test]
fn arguments_that_together_fill_the_stack() {
    let mut codes = Vec::new();
    // Half a MiB of stack, a quarter of which is what every program may have; and two MiB.
    for (stack, words) in [("512K", 4), ("2M", 8)] {
        let whole = if stack == "2M" { 512 << 10 } else { 128 << 10 };
        for spare in (0..2000).step_by(100) {
            let word = "x".repeat(whole / words - spare / words);
            let list = vec![format!("{word:?}"); words - 1].join(", ");
            let rest = "x".repeat(whole / words - 100);
            let command = format!("command = [\"/probe\", \"say\", {list}, {rest:?}]");
            let sandbox =
                Sandbox::new().with("process", &command).with("process", &format!("rlimits = {{ stack = {stack:?} }}"));
            let (foretold, happened) = (sandbox.ask("check", &[]), sandbox.run(&[]));
            assert_eq!(foretold.status.success(), happened.status.success(), "{stack} {spare}: {foretold}{happened}");
            codes.push(foretold.status.success());
        }
    }
    assert!(codes.contains(&true) && codes.contains(&false), "the border lies between: {codes:?}");
}

/// execve(2) fails, or succeeds and kills: both are said, and what is not said starts.
#[test]
fn a_stack_that_the_environment_does_not_fit_in() {
    let kib = 1024;
    for stack in [32, 64, 128] {
        for spare in [-4, 1, 8, 17, 24] {
            let variable = "x".repeat(usize::try_from(stack - spare).unwrap().min(127) * kib);
            let rlimits = format!("rlimits = {{ stack = \"{stack}K\" }}\nenv = {{ LONG = {variable:?} }}");
            let sandbox = Sandbox::bare().with("process", &rlimits);
            if stack - spare > 127 {
                continue;
            }
            match spare {
                ..0 => {
                    for (subcommand, code) in [("check", 1), ("plan", 1), ("run", 125)] {
                        let said = sandbox.ask(subcommand, &["/bin/true"]).exits(code).stderr;
                        let words = format!("rlimits: stack = {} cannot hold what the program is handed", stack * 1024);
                        assert!(said.contains(&words) && said.contains("hint: write at least \""), "{said}");
                    }
                }
                0..16 => {
                    warned(&sandbox, &["leaves an ordinary program no room to start", "write at least \""]);
                }
                _ => {
                    let said = sandbox.ask("check", &["/bin/true"]).exits(0).stderr;
                    assert!(!said.contains("rlimits"), "{said}");
                    sandbox.run(&["/bin/true"]).succeeds();
                }
            }
        }
    }
    let full = format!("rlimits = {{ stack = \"64K\" }}\nenv = {{ LONG = {:?} }}", "x".repeat(63 * kib));
    assert_ne!(Sandbox::bare().with("process", &full).run(&["/bin/true"]).status.code(), Some(0));
}

/// Its own file systems hold what the kernel shows there, and nothing of a profile's.
#[test]
fn targets_in_what_the_kernel_fills() {
    for line in [
        r#"files = { "/dev/pts/3" = "x" }"#,
        r#"files = { "/dev/ptmx" = "x" }"#,
        r#"tmpfs = ["/dev/pts/3"]"#,
        r#"tmpfs = ["/dev/ptmx"]"#,
        r#"persist = ["/dev/pts/3"]"#,
        r#"persist = ["/dev/ptmx/x"]"#,
        r#"read-write = ["/var/tmp:/dev/pts/3"]"#,
        r#"symlinks = { "/dev/pts/3" = "x" }"#,
        r#"hide = ["/dev/pts/0"]"#,
        r#"files = { "/dev/fd/7" = "x" }"#,
        r#"files = { "/proc/version" = "x" }"#,
        r#"hide = ["/proc/cpuinfo"]"#,
        "sys = \"read-only\"\ntmpfs = [\"/sys/kernel\"]",
        r#"tmpfs = ["/sys/x"]"#,
        r#"tmpfs = ["/dev"]"#,
        r#"read-write = ["/var/tmp:/dev/pts"]"#,
    ] {
        refused(&Sandbox::new().with("rootfs", line), &["rootfs: ", "belongs to the kernel"]);
    }
    // Beside them there is room, and a link to a terminal is a name like any other.
    let beside = "files = { \"/dev/x\" = \"x\" }\ntmpfs = [\"/dev/y\"]\nsymlinks = { \"/dev/ptmx\" = \"pts/ptmx\" }";
    Sandbox::new().with("rootfs", beside).probe("cat /dev/x + ls /dev/y").succeeds();
}

#[test]
fn memory_that_not_even_the_launch_fits_in() {
    let limited =
        |limit: &str| Sandbox::new().with("cgroup", &format!("memory-max = {limit:?}\nenforce = \"best-effort\""));
    refused(&limited("4K"), &["memory-max = 4096 is less than the launch itself takes"]);
    warned(&limited("256K"), &["memory-max = 262144 is less than the smallest ordinary program takes"]);
    let said = limited("1M").ask("check", &["/probe"]).exits(0).stderr;
    assert!(!said.contains("is less than"), "{said}");
    limited("1M").probe("say fits").exits(0).prints("fits\n");
}

#[test]
fn processes_of_which_init_is_one() {
    let limited = |limit: u32| Sandbox::new().with("cgroup", &format!("pids-max = {limit}\nenforce = \"best-effort\""));
    refused(&limited(1), &["pids-max = 1 leaves no room for the program", "write 2 or more, or init = false"]);
    limited(2).probe("say fits").exits(0).prints("fits\n");
    limited(1).with("process", "init = false").probe("say fits").exits(0).prints("fits\n");
}

#[test]
fn filters_that_no_program_starts_under() {
    let filtered = |line: &str| Sandbox::new().with("seccomp", line);
    refused(&filtered("deny = [\"ptrace\", \"execve\"]"), &["deny refuses execve", "take \"execve\" out", "deny = ["]);
    refused(&filtered("rules = [{ syscalls = [\"execve\"], action = \"errno:EPERM\" }]"), &["rules refuse execve"]);
    refused(&filtered("preset = \"none\"\nallow = [\"read\"]"), &["leaves out execve", "add \"execve\" to allow"]);
    for call in ["mmap", "openat", "write", "exit_group", "arch_prctl", "newfstatat"] {
        let sandbox = Sandbox::bare().with("seccomp", &format!("deny = [{call:?}]"));
        warned(&sandbox, &[&format!("seccomp: deny refuses {call}: "), &format!("take {call:?} out")]);
    }
    for call in ["mmap", "openat", "write", "arch_prctl", "newfstatat", "read", "close", "mprotect", "pread64"] {
        let ended = Sandbox::bare().with("seccomp", &format!("deny = [{call:?}]")).run(&["/bin/echo", "said"]);
        assert_ne!(ended.status.code(), Some(0), "{call}: {ended}");
    }
    warned(&filtered("deny = [\"@file-system\"]"), &["deny refuses openat", "what you mean of \"@file-system\""]);
    let said = filtered("deny = [\"mkdir\", \"brk\"]").ask("check", &["/probe"]).exits(0).stderr;
    assert!(!said.contains("seccomp: deny"), "{said}");
}

/// Shells replace them, and `sandbox` in paths.
#[test]
fn tildes_that_the_program_would_be_handed() {
    let words = |words: &str| Sandbox::bare().with("process", words);
    let argument = words("command = [\"/bin/echo\", \"~/data\"]");
    let said = argument.ask("check", &[]).exits(0).stderr;
    assert!(said.contains("warning: process: argument \"~/data\" is handed over as it is") && said.contains("^^^"));
    assert!(said.contains("hint: write \"${HOME}/data\""), "{said}");
    argument.run(&[]).succeeds().prints("~/data\n");
    warned(&words("command = [\"/bin/true\", \"~/a\\nb\"]"), &["hint: write \"${HOME}/a\\nb\""]);
    let variable = words("env = { DATA = \"~/data\" }");
    let said = variable.ask("check", &["/bin/true"]).exits(0).stderr;
    assert!(said.contains("env: DATA = \"~/data\" is handed over as it is"), "{said}");
    let home =
        words("command = [\"/bin/echo\", \"${HOME}/data\", \"~\", \"a~/b\", \"~user/x\"]\nenv = { X = \"a~/\" }");
    let said = home.ask("check", &[]).exits(0).stderr;
    assert!(!said.contains("handed over"), "{said}");
    let variable = words("command = [\"/bin/echo\", \"$HOME/data\"]\nenv = { X = \"$HOME\" }");
    let said = variable.ask("check", &[]).exits(0).stderr;
    assert!(said.contains("argument \"$HOME/data\" is handed over as it is: no shell replaces `$HOME`"), "{said}");
    assert!(said.contains("hint: write \"${HOME}/data\"") && said.contains("env: X = \"$HOME\""), "{said}");
    let shell = words("command = [\"/bin/sh\", \"-c\", \"$HOME/x\", \"$HOMES/x\"]");
    assert!(!shell.ask("check", &[]).exits(0).stderr.contains("handed over"));
}

/// `run` leaves the search to the launch, which ends with 126 or 127 as shells do; `check` says it ahead.
#[test]
fn programs_that_are_not_there_or_are_none() {
    let none = || Sandbox::bare().with("rootfs", "base = \"none\"");
    let hidden = || Sandbox::bare().with("rootfs", "hide = [\"/usr/bin\"]");
    let own = Sandbox::bare();
    let file = own.file("file", "#!/bin/sh\n");
    let bind = |exec: bool| format!("read-only = [{{ source = {file:?}, target = \"/file\", exec = {exec} }}]");
    let mode = |mode| {
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("its mode");
    };
    let foretold = |sandbox: Sandbox, command: &[&str], code: i32, words: &str| {
        let said = sandbox.ask("check", command).exits(1).stderr;
        assert!(said.contains(&format!("error: process: command: {words}")) && said.contains("hint: "), "{said}");
        sandbox.run(command).exits(code);
    };
    foretold(Sandbox::bare(), &["/usr"], 126, "/usr is a directory");
    foretold(Sandbox::bare(), &["/dev/null"], 126, "/dev/null is a device");
    foretold(Sandbox::bare(), &["/etc/passwd"], 126, "/etc/passwd has mode 0644");
    foretold(Sandbox::bare(), &["no-such-program"], 127, "there is no no-such-program in /");
    foretold(Sandbox::bare(), &["/no/such/program"], 127, "/no/such/program does not exist inside");
    foretold(none(), &["/bin/true"], 127, "/bin/true does not exist inside");
    let misled = |command: &str, hint: &str| {
        let sandbox = Sandbox::bare().with("process", &format!("command = [{}]", quoted(command)));
        sandbox.ask("check", &[]).refused(1, &[&format!("{command} does not exist in /"), hint]);
        sandbox.run(&[]).refused(127, &[command, hint]);
    };
    misled("~/no-such/x", "`~` is not replaced in a command: write \"${HOME}/no-such/x\"");
    misled(
        "./venv/no-such",
        "a relative command starts at cwd, inside: with cwd = \"${PROFILE_DIR}\" in [process] and read-only",
    );
    // What the hints say to write works.
    let beside = Sandbox::bare().called_in("/").with("rootfs", "read-only = [\".\"]");
    let beside = beside.with("process", "command = [\"./tool\"]\ncwd = \"${PROFILE_DIR}\"");
    let tool = beside.file("tool", "#!/bin/sh\necho started\n");
    std::fs::set_permissions(tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    beside.run(&[]).succeeds().prints("started\n");
    foretold(hidden(), &["true"], 126, "/usr/bin/true lies in a hidden directory");
    mode(0o755);
    foretold(Sandbox::bare().with("rootfs", &bind(false)), &["/file"], 126, "/file lies on a mount with exec = false");
    Sandbox::bare().with("rootfs", &bind(true)).ask("check", &["/file"]).exits(0);
    mode(0o644);
    foretold(Sandbox::bare().with("rootfs", &bind(true)), &["/file"], 126, "/file has mode 0644");
    let inline = || Sandbox::bare().with("rootfs", "files = { \"/run/inline\" = \"#!/bin/sh\\n\" }");
    foretold(inline(), &["/run/inline"], 126, "/run/inline has mode 0644");
    // What it says of the profile's own command stands at its line.
    let written = Sandbox::bare().with("process", "command = [\"/usr\"]").ask("check", &[]).exits(1);
    assert!(written.stderr.contains("2 | command = [\"/usr\"]"), "{written}");
    // The controls: found on PATH, by a relative path, and through a link.
    for command in ["true", "/bin/sh", "../usr/bin/true"] {
        Sandbox::bare().with("process", "cwd = \"/etc\"").ask("check", &[command]).exits(0);
    }
}

/// Found and permitted, and then refused by the kernel: what is to start it is not there, or nothing is.
#[test]
fn programs_that_nothing_starts() {
    let own = Sandbox::bare();
    let line = format!("read-only = [{:?}]", format!("{}:/own", own.dir().display()));
    let granted = |more: &str| Sandbox::bare().with("rootfs", &line).with("rootfs", more);
    let write = |name: &str, text: &str| {
        let file = own.file(name, text);
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    };
    let foretold = |sandbox: &Sandbox, command: &str, words: &str| {
        let said = sandbox.ask("check", &[command]).exits(1).stderr;
        assert!(said.contains(&format!("error: process: command: {words}")) && said.contains("hint: "), "{said}");
        sandbox.run(&[command]).exits(126);
    };
    let works = |sandbox: &Sandbox, command: &str| {
        sandbox.ask("check", &[command]).exits(0);
        sandbox.run(&[command]).exits(0);
    };
    for (name, line, words) in [
        ("none", "#!/nonexist", "names the interpreter /nonexist, which does not exist inside"),
        ("dos", "#!/bin/sh\r", "names the interpreter /bin/sh\\r, which does not exist inside"),
        ("relative", "#!usr/bin/nonexist -x", "names the interpreter usr/bin/nonexist, which does not exist"),
        ("folder", "#! /usr", "names the interpreter /usr, which is a directory"),
        ("mode", "#!/etc/passwd", "names the interpreter /etc/passwd, which has mode 0644"),
        ("chain", "#!/own/none", "names the interpreter /own/none, which names the interpreter /nonexist, which does"),
        ("loop", "#!/own/loop", "names the interpreter /own/loop, which names the"),
    ] {
        write(name, &format!("{line}\n"));
        foretold(&granted(""), &format!("/own/{name}"), &format!("/own/{name} {words}"));
    }
    // The controls: what there is, by its path and by one from where the program starts.
    write("sh", "#!/bin/sh\nexit 0\n");
    write("here", "#!bin/sh\nexit 0\n");
    write("twice", "#!/own/env\n");
    write("env", "#!/usr/bin/env true\n");
    for name in ["sh", "here", "twice"] {
        works(&granted("").with("process", "cwd = \"/\""), &format!("/own/{name}"));
    }
    // By PATH too, and without going on to the next directory: so does execvp(3).
    let path = granted("").with("process", "env = { PATH = \"/own:/usr/bin\" }");
    write("true", "#!/nonexist\n");
    foretold(&path, "true", "/own/true names the interpreter /nonexist");
    write("true", "#!/bin/sh\n");
    works(&path, "true");
    // Neither program nor script: nobody knows who else executes it, unless binfmt_misc shows it.
    let shown = std::path::Path::new("/proc/sys/fs/binfmt_misc/status").exists();
    for (name, text) in [("text", "echo\n"), ("empty", ""), ("arm", "\u{7f}ELF\u{2}\u{1}\u{1}")] {
        write(name, text);
        let command = format!("/own/{name}");
        let seen = granted("").ask("check", &[&command]);
        let words = format!("process: command: {command} is neither a program for this machine nor a script");
        assert!(seen.stderr.contains(&words) && seen.stderr.contains("hint: "), "{seen}");
        assert!(seen.status.success() != shown, "{seen}");
        granted("").run(&[&command]).exits(126);
    }
    // The loader is not there, or must not be executed.
    let loads = |line: &str| Sandbox::bare().with("rootfs", line);
    let link = std::fs::read_link("/lib").is_ok();
    for line in [
        "base = \"none\"\nread-only = [\"/usr\"]",
        "hide = [\"/usr/lib\", \"/usr/lib64\"]",
        "tmpfs = [\"/usr/lib\", \"/usr/lib64\"]",
        "read-only = [{ source = \"/usr/lib\", exec = false }, { source = \"/usr/lib64\", exec = false }]",
    ] {
        // Where /lib is a directory of its own these hide other things.
        if link {
            foretold(&loads(line), "/usr/bin/true", "/usr/bin/true needs the loader /lib");
        }
    }
    works(&loads("read-only = [\"/usr/lib\"]"), "/usr/bin/true");
    // The probe needs none.
    Sandbox::new().with("rootfs", "base = \"none\"").probe("say static").succeeds();
}

/// Which settings a namespace has, and which values it takes, no list knows for all kernels: `check` tries them.
#[test]
fn settings_that_a_namespace_does_not_have_or_take() {
    let set =
        |name: &str, value: &str| Sandbox::new().with("namespaces", &format!("sysctl = {{ {name:?} = {value:?} }}"));
    refused(
        &set("net.core.somaxcon", "1"),
        &["this kernel has no such setting", "did you mean \"net.core.somaxconn\"?"],
    );
    refused(&set("net/ipv4/ip_forward", "yes"), &["cannot be \"yes\": it is a number"]);
    refused(&set("net.ipv4.conf.eth0.forwarding", "1"), &["the sandbox's own network has no eth0"]);
    // Whatever it is, `run` says the same half-way, with the key and the value.
    let tried = [
        ("net.core.rmem_max", "1000000"),
        ("net.ipv4.tcp_congestion_control", "nosuch"),
        ("net.ipv4.ip_default_ttl", "1000"),
        ("net.ipv4.ip_forward", "1"),
        ("net/ipv4/ip_forward", "1"),
        ("kernel.shm_rmid_forced", "1"),
        ("kernel.shm_rmid_forced", "7"),
        ("kernel.domainname", "inside"),
        // Which ids there are, and where the unprivileged ports begin, decide about these.
        ("net.ipv4.ping_group_range", "0 2147483647"),
        ("net.ipv4.ping_group_range", "0 1"),
        ("net.ipv4.ip_local_port_range", "80 1000"),
        ("net.ipv4.ip_local_port_range", "900 60999"),
        ("net.ipv4.ip_local_port_range", "60999 900"),
        ("kernel.msg_next_id", "5"),
        ("fs.mqueue.msg_max", "100000000"),
    ];
    let mut codes = Vec::new();
    for (name, value) in tried {
        let sandbox = set(name, value);
        let (foretold, happened) = (sandbox.ask("check", &["/probe"]), sandbox.run(&["/probe", "say"]));
        let code = foretold.status.code();
        assert_eq!(code == Some(0), happened.status.code() == Some(0), "{name} = {value}: {foretold}{happened}");
        if code != Some(0) {
            assert!(
                foretold.stderr.contains(&format!("sysctl {name}")) && foretold.stderr.contains("^^^"),
                "{foretold}"
            );
            let words = format!("set {} = {value}", name.replace('/', "."));
            assert!(happened.stderr.contains(&words) && happened.stderr.contains("hint: "), "{happened}");
        }
        codes.push(code);
    }
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(1)), "{codes:?}");
    // Ports that the profile leaves to root are no ports to choose from.
    let ports = |first: &str| {
        let line = format!("sysctl = {{ \"net.ipv4.ip_unprivileged_port_start\" = {first:?}, {LOW} }}");
        let sandbox = Sandbox::new().with("namespaces", &line);
        let (foretold, happened) = (sandbox.ask("check", &["/probe"]), sandbox.run(&["/probe", "say"]));
        assert_eq!(foretold.status.success(), happened.status.success(), "{foretold}{happened}");
    };
    ports("1024");
    ports("80");
    // As many ids as the map has.
    let maps = match is_root() {
        true => ["{ inside = 0, outside = 0, count = 10 }", "{ inside = 0, outside = 0, count = 2 }"]
            .map(|line| format!("id-map = [{line}]")),
        false => ["id-map = \"range\"", "user = true"].map(str::to_owned),
    };
    let codes = maps.map(|map| {
        let sysctl = "sysctl = { \"net.ipv4.ping_group_range\" = \"0 5\" }";
        let sandbox = Sandbox::new().with("namespaces", &map).with("namespaces", sysctl);
        let (foretold, happened) = (sandbox.ask("check", &["/probe"]), sandbox.run(&["/probe", "say"]));
        assert_eq!(foretold.status.success(), happened.status.success(), "{map}: {foretold}{happened}");
        foretold.status.code()
    });
    assert_eq!(codes, [Some(0), Some(1)]);
}

/// Forbidden here, or around the user namespace that this is called in, where nobody sees the limit.
#[test]
fn kinds_of_namespaces_that_are_forbidden() {
    let sandbox = Sandbox::new().with("namespaces", "time = { boottime = \"1d\" }");
    let ids = (nix::unistd::getuid(), nix::unistd::getgid());
    let limited = |subcommand: &str, kind: &str, limit: u32, around: bool| {
        let launch = sandbox.command(subcommand, &["/probe", "say", "started"]);
        let mut command = std::process::Command::new("unshare");
        let set = format!("echo {limit} > /proc/sys/user/max_{kind}_namespaces");
        let inner = format!("unshare --user --map-user={} --map-group={}", ids.0, ids.1);
        let inner = if around || !is_root() { inner } else { String::new() };
        command.args(["--user", "--map-root-user", "sh", "-c", &format!("{set} && exec {inner} \"$@\""), "sh"]);
        command.arg(launch.get_program()).args(launch.get_args()).env_clear().current_dir("/");
        command.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().expect("starting");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for kind in ["mnt", "pid", "net", "ipc", "uts", "cgroup", "time"] {
        for around in [true, false] {
            let (foretold, said) = limited("check", kind, 0, around);
            assert_eq!(foretold, Some(1), "{kind}: {said}");
            assert!(said.contains(&format!("user.max_{kind}_namespaces")) && said.contains("hint: "), "{said}");
            let (happened, said) = limited("run", kind, 0, around);
            assert_eq!(happened, Some(125), "{kind}: {said}");
            let named = match around || !is_root() {
                true => said.contains("namespaces is used up"),
                false => said.contains(&format!("user.max_{kind}_namespaces is 0; as root: sysctl ")),
            };
            assert!(named && said.contains("hint: "), "{said}");
        }
    }
    // The control: as many as a launch makes, and a kind that the profile leaves out. As root of such a user namespace
    // nothing is launched, because it may not give up groups.
    let subcommands: &[_] = if is_root() { &["check"] } else { &["check", "run"] };
    for subcommand in subcommands {
        let (code, said) = limited(subcommand, "time", 100, false);
        assert_eq!(code, Some(0), "{said}");
    }
    let sandbox = Sandbox::new().with("namespaces", "ipc = false");
    let launch = |subcommand: &str| {
        let launch = sandbox.command(subcommand, &["/probe", "say", "started"]);
        let mut command = std::process::Command::new("unshare");
        let script =
            "echo 0 > /proc/sys/user/max_ipc_namespaces && exec unshare --user --map-user=$0 --map-group=$0 \"$@\"";
        command.args(["--user", "--map-root-user", "sh", "-c", script, &ids.0.to_string()]);
        command.arg(launch.get_program()).args(launch.get_args()).env_clear().current_dir("/");
        command.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().expect("starting").status.code()
    };
    assert!(subcommands.iter().all(|subcommand| launch(subcommand) == Some(0)));
}

/// `check` refuses no launch that works without a call, and warns of every other call that is not there.
#[test]
fn calls_that_are_missing() {
    let mut refused = Vec::new();
    for call in [
        "openat2",
        "clone3",
        "close_range",
        "mount_setattr",
        "fsopen",
        "fsconfig",
        "fsmount",
        "open_tree",
        "move_mount",
        "pivot_root",
        "pidfd_open",
        "pidfd_send_signal",
        "seccomp",
        "unshare",
        "setns",
    ] {
        for errno in [38, 1] {
            for base in ["system", "none"] {
                let line = format!("base = {base:?}");
                let sandbox = Sandbox::new().with("rootfs", &line).called_with(&format!("errno {errno} {call}"));
                let (foretold, happened) = (sandbox.ask("check", &["/probe"]), sandbox.probe("say"));
                assert!(foretold.stderr.contains(call) || foretold.stderr.contains("user namespaces"), "{foretold}");
                assert!(foretold.stderr.contains("hint: "), "{foretold}");
                if foretold.status.success() {
                    continue;
                }
                refused.push(call);
                assert_eq!(
                    happened.status.code(),
                    Some(125),
                    "{call} with errno {errno}, {base}: {foretold}{happened}"
                );
            }
        }
    }
    refused.dedup();
    assert!(refused.len() >= 10, "{refused:?}");
    Sandbox::new().ask("check", &["/probe"]).exits(0);
}

/// A range that begins below the ports of root.
const LOW: &str = "\"net.ipv4.ip_local_port_range\" = \"80 1000\"";

/// The runtime directory inside is a mount point of its own: it stands in the granted tree where that has it.
#[test]
fn a_grant_of_run_works() {
    let runtime = format!("/run/user/{}", nix::unistd::getuid());
    let there = std::path::Path::new(&runtime).is_dir();
    let granted = |line: &str| Sandbox::new().with("rootfs", line);
    let works = |sandbox: Sandbox| {
        sandbox.ask("check", &["/probe"]).exits(0);
        sandbox.probe("env").succeeds().stdout.contains("XDG_RUNTIME_DIR=/run/user")
    };
    assert_eq!(works(Sandbox::new().read_only("/run")), there);
    assert_eq!(works(granted("base = \"host\"").read_only("/run")), there);
    if is_root() {
        // The records of all sandboxes are in it.
        granted("read-write = [\"/run\"]").ask("check", &["/probe"]).exits(1);
    } else {
        assert_eq!(works(granted("read-write = [\"/run\"]")), there);
    }
    // A tree without a place for it leaves it out, and what is not there is not named.
    assert!(!works(Sandbox::new().read_only("/etc:/run")));
    // With the control: elsewhere it is there.
    for (target, named) in [("/run", false), ("/var", true)] {
        let sandbox = keeping(&format!("persist = [{target:?}]"));
        sandbox.ask("check", &["/probe"]).exits(0);
        assert_eq!(sandbox.probe("env").succeeds().stdout.contains("XDG_RUNTIME_DIR=/run/user"), named);
        std::fs::remove_dir_all(kept(&sandbox)).expect("made by the launch");
    }
}

/// What it keeps lies in its own directory; root has but one place.
fn keeping(line: &str) -> Sandbox {
    let sandbox = Sandbox::new().with("rootfs", line);
    let data = sandbox.dir().join("data").display().to_string();
    sandbox.env("XDG_DATA_HOME", &data)
}

fn kept(sandbox: &Sandbox) -> PathBuf {
    let root = if is_root() { "/var/lib/sandbox".into() } else { sandbox.dir().join("data/sandbox") };
    root.join("persist").join(&sandbox.name)
}

#[test]
fn a_home_that_the_program_may_not_enter() {
    let with = |line: &str| Sandbox::new().with("rootfs", line);
    let hidden = "hide = [\"~\"]";
    refused(&with(hidden).with("rootfs", "home = \"read-only\""), &["is the home that home = \"read-only\" grants"]);
    let home = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("asked").expect("in /etc/passwd").dir;
    let closed = "tmpfs = [{ target = \"~\", mode = \"0000\" }]";
    for line in [hidden, closed] {
        // Documented: else it starts in /.
        let sandbox = with(line).called_in(&home);
        sandbox.ask("check", &["/probe"]).exits(0);
        sandbox.probe("cwd").succeeds().prints("cwd /\n");
        refused(&with(line).with("process", "cwd = \"~\""), &["cwd: ", "hint: name a directory"]);
    }
    let open = with("tmpfs = [{ target = \"~\", mode = \"0100\" }]").with("process", "cwd = \"~\"");
    open.probe("cwd").succeeds().prints(&format!("cwd {}\n", home.display()));
}

/// Terminals belong to the group 5, `tty`, only where that exists inside.
#[test]
fn ids_that_leave_out_the_group_of_terminals() {
    let line = match is_root() {
        true => "id-map = [{ inside = 0, outside = 1001, count = 1 }]".to_owned(),
        // Its own id, by a line.
        false => {
            let id = nix::unistd::getuid();
            format!("id-map = [{{ inside = {id}, outside = {id}, count = 1 }}]")
        }
    };
    let sandbox = Sandbox::bare().with("namespaces", &line);
    sandbox.ask("check", &["/bin/true"]).exits(0);
    sandbox.run(&["/bin/true"]).succeeds();
}

/// newuidmap(1) says it of a launch half-way.
#[test]
fn ids_that_the_caller_has_no_grant_of() {
    let (uid, gid) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    if is_root() || uid != gid {
        return;
    }
    let name = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("asked").expect("in /etc/passwd").name;
    let first = |file: &str| {
        let text = std::fs::read_to_string(file).expect("reading the grants");
        let line =
            text.lines().find_map(|line| line.strip_prefix(&format!("{name}:"))?.split(':').next()?.parse().ok());
        line.unwrap_or_else(|| panic!("{file} has a line of {name}"))
    };
    let (granted, groups): (u32, u32) = (first("/etc/subuid"), first("/etc/subgid"));
    let with = |outside: u32, count: u32| {
        let own = format!("{{ inside = {uid}, outside = {uid}, count = 1 }}");
        let line = format!("id-map = [{own}, {{ inside = 100000, outside = {outside}, count = {count} }}]");
        Sandbox::new().with("namespaces", &line)
    };
    let words = |file: &str| [format!("id-map: {file} does not grant"), "as root: usermod --add-sub".to_owned()];
    for (outside, count) in [(5, 10), (granted - 1, 2), (granted, 4_000_000_000), (uid + 1, 1)] {
        for file in ["/etc/subuid", "/etc/subgid"] {
            refused(&with(outside, count), &words(file).each_ref().map(String::as_str));
        }
    }
    // The control: what is granted.
    assert_eq!(granted, groups, "tests/run.d/machine.sh gives both alike");
    for count in [1, 10] {
        with(granted, count).ask("check", &["/probe"]).exits(0);
        with(granted, count).probe("say granted").succeeds().prints("granted\n");
    }
}

/// Where it is kept is the caller's to say, and may be no place at all.
#[test]
fn a_place_to_keep_things_that_cannot_be_made() {
    if is_root() {
        return;
    }
    let nowhere = keeping("persist = [\"/x\"]").env("XDG_DATA_HOME", "/nowhere");
    let said = nowhere.ask("check", &["/bin/true"]).exits(1).stderr;
    assert!(said.contains("cannot be made: the caller may not write to /\n"), "{said}");
    assert!(said.contains("hint: XDG_DATA_HOME decides where it is kept"), "{said}");
    nowhere.run(&["/bin/true"]).refused(125, &["cannot be made", "XDG_DATA_HOME"]);
}

#[test]
fn what_cannot_be_kept_created_or_written() {
    let with = |line: &str| Sandbox::new().with("rootfs", line);
    for mode in ["0000", "0100", "0600"] {
        refused(
            &with(&format!("persist = [{{ target = \"/x\", mode = {mode:?} }}]")),
            &["its own owner could not use it"],
        );
    }
    let escaped = |length: usize| keeping(&format!("persist = [\"/{}\"]", "-".repeat(length / 4)));
    refused(&escaped(256), &["kept under a name of 256 bytes, and a file system takes 255"]);
    let fits = escaped(252);
    fits.probe("say fits").succeeds();
    std::fs::remove_dir_all(kept(&fits)).expect("made by the launch");
    let link = |length: usize| with(&format!("symlinks = {{ \"/x\" = {:?} }}", "x".repeat(length)));
    let said = link(4096).ask("check", &["/probe"]).exits(1).stderr;
    assert!(said.contains("/x would say 4096 bytes, and a link holds 4095"), "{said}");
    link(4096).run(&["/probe", "say"]).exits(125);
    link(4095).probe("say fits").succeeds();
    if !is_root() {
        let line = "read-write = [{ source = \"/nope/a/b\", create = true }]";
        refused(&with(line), &["/nope/a/b cannot be created: the caller may not write to /"]);
    }
    let guarded = if is_root() { "/var/lib/sandbox" } else { "~/.local/share/sandbox/persist" };
    if is_root() {
        refused(&with(&format!("read-write = [{guarded:?}]")), &["reaches what sandboxes keep"]);
    }
}

/// Where a directory in memory stands for what held the base's secrets there is nothing to hide; where something granted
/// brings them back they are hidden as ever.
#[test]
fn directories_in_memory_in_place_of_those_of_secrets() {
    let own = Sandbox::new();
    own.file("ssl/private/key", "secret");
    own.file("ssl/open", "open");
    let empty = own.dir().join("empty");
    std::fs::create_dir(&empty).expect("making a directory");
    let (empty, ssl) = (empty.display().to_string(), own.dir().join("ssl").display().to_string());
    let names = |sandbox: &Sandbox, directory: &str| {
        sandbox.ask("check", &["/probe"]).exits(0);
        sandbox.probe(&format!("ls {directory}")).succeeds().stdout
    };
    let with = |line: &str| Sandbox::new().with("rootfs", line);
    for line in ["tmpfs = [\"/etc\"]", "tmpfs = [\"/etc\", \"/etc/security\", \"/etc/ssl\"]"] {
        let seen = names(&with(line), "/etc");
        assert!(seen.contains("passwd") && !seen.contains("shadow"), "{line}: {seen}");
    }
    for above in ["/etc/ssl", "/etc/security", "/etc/ssh", "/etc/sudoers.d"] {
        if std::path::Path::new(above).is_dir() {
            assert_eq!(names(&with(&format!("tmpfs = [{above:?}]")), above), "", "{above}");
            assert_eq!(names(&Sandbox::new().read_only(&format!("{empty}:{above}")), above), "", "{above}");
        }
    }
    names(&Sandbox::new().read_only(&format!("{empty}:/etc/ssl")).with("rootfs", "tmpfs = [\"/etc\"]"), "/etc/ssl");
    // What the author puts there stays, wherever a secret would have been.
    let files = "files = { \"/etc/security/opasswd\" = \"mine\", \"/etc/ssl/private/key\" = \"mine\" }";
    let mine = with("tmpfs = [\"/etc\"]").with("rootfs", files);
    for file in ["/etc/security/opasswd", "/etc/ssl/private/key"] {
        mine.ask("check", &["/probe"]).exits(0);
        mine.probe(&format!("cat {file}")).succeeds().prints("mine\n");
    }
    // The control: a tree that has one in it.
    let back = with("tmpfs = [\"/etc\"]").read_only(&format!("{ssl}:/etc/ssl"));
    assert!(names(&back, "/etc/ssl").contains("entry private"));
    let secret = std::path::Path::new("/etc/ssl/private").is_dir();
    assert_eq!(names(&back, "/etc/ssl/private").contains("key"), !secret);
}

/// Nothing of a launch that never was.
#[test]
fn a_launch_that_fails_leaves_no_directory_that_it_made() {
    let sandbox = keeping("persist = [\"/x\"]");
    sandbox.run(&["/no/such/program"]).exits(127);
    assert!(!kept(&sandbox).exists());
    // The control: one that starts keeps it, and a later failure takes nothing that was there before.
    sandbox.probe("say kept").succeeds();
    sandbox.run(&["/no/such/program"]).exits(127);
    assert!(kept(&sandbox).join("x").exists());
    std::fs::remove_dir_all(kept(&sandbox)).expect("made by the launch");
}

#[test]
fn priorities_that_the_caller_may_not_give() {
    let with = |line: &str| Sandbox::new().with("process", line);
    // In a user namespace of its own nobody may, root included.
    for (line, words) in
        [("nice = -20", "nice = -20 is a higher priority"), ("oom-score-adj = -1000", "is below the caller's own")]
    {
        refused(&with(line), &[words]);
        if is_root() {
            let sandbox = with(line).with("namespaces", "user = false");
            assert_eq!(sandbox.ask("check", &["/probe"]).status.success(), sandbox.probe("say").status.success());
        }
    }
    with("nice = 5").probe("say lower").succeeds();
    let first = with("oom-score-adj = 900").probe("cat /proc/self/oom_score_adj").succeeds();
    assert!(first.stdout.contains("900"), "{first}");
}

/// In a user namespace the kernel makes no overlay of a tree that another file system is mounted in: many a host has one.
#[test]
fn writes_that_cannot_be_forgotten() {
    let sandbox = Sandbox::new().with("rootfs", "base = \"host\"\nwrites = \"discard\"");
    let check = sandbox.ask("check", &["/probe"]);
    let run = sandbox.probe("say inside");
    assert_eq!(check.status.success(), run.status.success(), "{check}\n{run}");
    if !check.status.success() {
        refused(&sandbox, &["is mounted beneath it"]);
    }
}

/// The same of a tree that gets places of its own, and where no user namespace makes the kernel refuse it: what a mount
/// covers would be seen.
#[test]
fn layers_that_would_lose_what_is_mounted_beneath() {
    let sandbox = || {
        let sandbox = Sandbox::new();
        let tree = sandbox.dir().join("tree");
        std::fs::create_dir_all(tree.join("m")).expect("making a directory");
        sandbox.file("tree/m/underneath", "hush");
        let sandbox = sandbox.read_only(&format!("{}:/tree", tree.display()));
        let sandbox = if is_root() { sandbox.with("namespaces", "user = false") } else { sandbox };
        (sandbox, tree)
    };
    let adding = |sandbox: Sandbox| sandbox.with("rootfs", r#"files = { "/tree/new/x" = "hi" }"#);
    // In mounts of its own, with what is said first done there.
    let among = |script: String, sandbox: &Sandbox, subcommand: &str| {
        let launch = sandbox.command(subcommand, &["/probe", "cat", "/tree/m/underneath"]);
        let mut command = std::process::Command::new("unshare");
        let script = format!("{script} exec \"$@\"");
        let other: &[&str] = &["--user", "--map-current-user", "--keep-caps", "--mount"];
        let user = if is_root() { &["--mount"] } else { other };
        command.args(user).args(["sh", "-c", &script, "sh"]).arg(launch.get_program()).args(launch.get_args());
        command.env_clear().current_dir("/").envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().expect("starting");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let mounted = |tree: &std::path::Path| format!("mount -t tmpfs none {}/m &&", tree.display());
    let (plain, tree) = sandbox();
    let (_, shown, said) = among(mounted(&tree), &plain, "run");
    assert!(shown.contains("ENOENT"), "the mount comes along: {shown}{said}");
    let (layered, tree) = sandbox();
    let layered = adding(layered);
    let (code, shown, said) = among(String::new(), &layered, "run");
    assert!(code == Some(0) && shown.contains("hush"), "the control: {shown}{said}");
    for (subcommand, refused) in [("check", 1), ("run", 125)] {
        let (code, shown, said) = among(mounted(&tree), &layered, subcommand);
        assert!(code == Some(refused) && said.contains("would be lost"), "{shown}{said}");
        assert!(said.contains("hint: ") && !shown.contains("hush"), "{shown}{said}");
    }
    // Nothing is lost where something else is put over it; a user namespace's kernel refuses it all the same.
    if is_root() {
        let covered = layered.with("rootfs", r#"tmpfs = ["/tree/m"]"#);
        let (code, shown, said) = among(mounted(&tree), &covered, "run");
        assert!(code == Some(0) && shown.contains("ENOENT"), "{shown}{said}");
    }
}
