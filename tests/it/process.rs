//! `[process]`: the program that runs, its end, and what it starts with.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::harness::{Sandbox, alone, eventually, is_root, outside, quoted, seconds, slowness};

#[test]
fn its_exit_code_is_the_launchers() {
    for code in [0, 1, 2, 99, 124, 125, 126, 127, 128, 255] {
        Sandbox::new().probe(&format!("exit {code}")).exits(code);
    }
}

#[test]
fn a_signal_that_ends_it_is_added_to_128() {
    for signal in [1, 2, 3, 6, 9, 11, 13, 14, 15] {
        Sandbox::new().probe(&format!("die {signal}")).exits(128 + signal);
    }
}

#[test]
fn command_always_runs_and_args_are_its_defaults() {
    let sandbox = Sandbox::new()
        .with("process", r#"command = ["/probe", "args"]"#)
        .with("process", r#"args = ["one", "two words"]"#);
    sandbox.run(&[]).succeeds().prints("arg one\narg two words\n");
    sandbox.run(&["", "-x", "--"]).succeeds().prints("arg \narg -x\narg --\n");
}

#[test]
fn it_is_found_on_the_path_inside() {
    let sandbox = Sandbox::new().with("process", r#"env = { PATH = "/nowhere:/" }"#);
    sandbox.run(&["probe", "say", "found"]).succeeds().prints("found\n");
    // The caller's own PATH has no say.
    Sandbox::new().env("PATH", "/").run(&["probe", "say"]).refused(127, &["probe"]);
}

#[test]
fn a_relative_path_entry_is_no_way_to_the_working_directory() {
    let sandbox = Sandbox::new().with("process", r#"env = { PATH = ".::" }"#).with("process", r#"cwd = "/""#);
    sandbox.run(&["probe", "say"]).refused(127, &["probe"]);
}

/// The kernel cuts the name that it shows of a process to 15 bytes, here in the middle of a character.
#[test]
fn a_name_that_is_cut_within_a_character_hides_nothing_from_the_read_back() {
    let script = r##"files = { "/ääääääääää" = { text = "#!/probe args\n", mode = "0755" } }"##;
    for init in ["true", "false"] {
        let sandbox = Sandbox::new().with("rootfs", script).with("process", &format!("init = {init}"));
        sandbox.run(&["/ääääääääää", "one"]).succeeds().prints("arg /ääääääääää\narg one\n");
    }
}

#[test]
fn input_and_output_pass_through() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start(&["/probe", "say", "ready", "+", "cat"]);
    running.line("ready").send("through\n");
    running.ends().succeeds().prints("ready\nthrough\n");
}

#[test]
fn pid_1_is_ours_and_reaps_what_others_leave() {
    let seen = Sandbox::new().probe("orphan 20 + sleep 200 + process + ls /proc").succeeds();
    seen.has_value("parent", "1");
    assert_ne!(seen.value("pid"), "1");
    let processes: Vec<u32> = seen.values("entry").filter_map(|name| name.parse().ok()).collect();
    assert_eq!(processes.len(), 2, "pid 1 and the probe\n{seen}");
}

#[test]
fn without_init_the_program_is_pid_1() {
    let sandbox = Sandbox::new().with("process", "init = false");
    sandbox.probe("process + exit 7").exits(7).has_value("pid", "1");
    // As pid(7) says: no signal without a handler reaches it, its own SIGKILL included.
    sandbox.probe("die 9").succeeds().prints("alive\n");
}

#[test]
fn what_it_leaves_running_ends_with_it() {
    let start = Instant::now();
    Sandbox::new().probe("daemon + orphan 60000 + exit 3").exits(3);
    assert!(start.elapsed() < seconds(5), "it waited for them");
}

#[test]
fn a_reader_that_goes_away_ends_it_by_sigpipe() {
    // Rust programs ignore SIGPIPE, and an ignored signal would be inherited.
    let sandbox = Sandbox::bare();
    let script = "yes | head -1; echo ${PIPESTATUS[0]}";
    sandbox.run(&["bash", "-c", script]).succeeds().prints("y\n141\n");
    let mut command = sandbox.command("run", &["yes"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("starting");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("waiting").code(), Some(141));
}

#[test]
fn a_short_timeout_stops_it() {
    for deaf in [false, true] {
        let act = if deaf { "await 100" } else { "hang" };
        let time = format!("{}ms", 300 * slowness());
        let sandbox = Sandbox::new()
            .with("process", &format!("timeout = {time:?}"))
            .with("process", &format!("stop-timeout = {time:?}"));
        let start = Instant::now();
        let seen = sandbox.probe(act);
        let taken = start.elapsed();
        assert!(taken >= Duration::from_millis(300) * slowness() && taken < seconds(5), "{taken:?}\n{seen}");
        seen.exits(if deaf { 137 } else { 143 }).says(&["the program was stopped: its time of", "hint: --timeout"]);
    }
    let start = Instant::now();
    let told = Sandbox::new().option("--timeout=200ms").option("--status-fd=1").probe("hang").exits(143);
    assert!(told.stdout.contains("\"timed-out\":true"), "{told}");
    let told = Sandbox::new().option("--timeout=1h").option("--status-fd=1").probe("say done").exits(0);
    assert!(!told.stdout.contains("timed-out") && told.stderr.is_empty(), "{told}");
    assert!(start.elapsed() < seconds(5));
}

#[test]
fn stop_signal_is_the_profiles() {
    let sandbox = Sandbox::new()
        .with("process", &format!("timeout = \"{}ms\"", 200 * slowness()))
        .with("process", r#"stop-signal = "USR2""#);
    sandbox.probe("await 1").exits(0).prints("running\nsignal USR2\n");
}

#[test]
fn limits_nice_and_umask_are_the_profiles() {
    let seen = Sandbox::new()
        .with("process", "rlimits = { nofile = 77, core = 0, nproc = 50 }")
        .with("process", "nice = 5")
        .with("process", r#"umask = "0027""#)
        .probe("limits + process")
        .succeeds();
    seen.has_value("limit nofile", "77 77").has_value("limit core", "0 0").has_value("limit nproc", "50 50");
    seen.has_value("nice", "5").has_value("umask", "0027");
    // The caller's umask is not inherited.
    Sandbox::new().called_with("umask 0777").probe("process").succeeds().has_value("umask", "0022");
}

#[test]
fn the_number_of_processes_is_limited() {
    // Where a cgroup limits them, as it can for root, the rlimit stays out of its way.
    if !Sandbox::new().ask("plan", &["/probe"]).exits(0).stdout.contains("pids.max") {
        Sandbox::new().probe("limits").succeeds().has_value("limit nproc", "4096 4096");
    }
    // Uid 0 of the host is exempt from this limit, whatever it is called inside.
    let few = Sandbox::new().with("process", r#"user = "nobody""#).with("process", "rlimits = { nproc = 30 }");
    few.probe("forks 20").succeeds().allows("forks 20");
    few.probe("forks 40").succeeds().answers("forks 40", "EAGAIN");
    // The kernel counts each user namespace for itself: a full sandbox is no other's business.
    let mut full = few.start_probe("crowd 20 + hang");
    full.line("running");
    few.probe("forks 20").succeeds().allows("forks 20");
    outside("forks 40").allows("forks 40");
}

#[test]
fn the_number_of_processes_is_limited_even_for_root() {
    // The rlimit does not count root's processes; the cgroup does.
    let sandbox = if is_root() { Sandbox::new().with("cgroup", "pids-max = 4096") } else { Sandbox::new() };
    let seen = sandbox.probe("forks 4000 + forks 4200").succeeds();
    seen.allows("forks 4000").answers("forks 4200", "EAGAIN");
}

#[test]
fn it_starts_where_the_profile_says() {
    Sandbox::new().with("process", r#"cwd = "/usr/bin""#).probe("cwd").succeeds().prints("cwd /usr/bin\n");
    // The caller's directory, where it can be seen inside; else the home.
    Sandbox::new().called_in("/usr/lib").probe("cwd").succeeds().prints("cwd /usr/lib\n");
    let home = std::env::var("HOME").unwrap_or_default();
    let elsewhere = Sandbox::new();
    let hidden = elsewhere.dir().to_owned();
    elsewhere.called_in(hidden).probe("cwd").succeeds().prints(&format!("cwd {home}\n"));
}

#[test]
fn it_starts_in_a_directory_whose_name_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let own = Sandbox::new();
    let directory = own.dir().join(std::ffi::OsStr::from_bytes(b"a\xff"));
    std::fs::create_dir(&directory).expect("making a directory");
    let sandbox = Sandbox::bare().read_only(own.dir().to_str().expect("text"));
    let seen = sandbox.called_in(directory).run(&["sh", "-c", "pwd | tail -c 3 | od -An -tx1"]).succeeds();
    seen.prints(" 61 ff 0a\n");
}

#[test]
fn a_directory_that_is_not_there_is_refused() {
    let sandbox = Sandbox::new().with("process", r#"cwd = "/not/there""#);
    sandbox.probe("cwd").refused(125, &["/not/there", "hint: "]);
}

#[test]
fn its_caller_sees_how_it_went_on_a_descriptor() {
    let sandbox = Sandbox::new();
    let report = sandbox.dir().join("report");
    let shell = |words: &str| {
        let launch = sandbox.command("run", &words.split(' ').collect::<Vec<_>>());
        let mut command = std::process::Command::new("sh");
        let script = format!("exec \"$@\" 9>{}", quoted(&report.display().to_string()));
        command.args(["-c", &script, "sh"]).arg(launch.get_program());
        let mut arguments: Vec<_> = launch.get_args().collect();
        arguments.insert(1, "--status-fd=9".as_ref());
        command.args(arguments).env_clear();
        command.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir("/");
        let status = command.status().expect("starting");
        let text = std::fs::read_to_string(&report).expect("reading the report");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON, a line each")).collect();
        assert!(!lines.is_empty(), "nothing was reported of {words}");
        (status.code(), lines)
    };
    // The program's own 127 and a program that is not there end with the same code; the report tells them apart.
    let (own, own_report) = shell("/probe exit 127");
    let (missing, missing_report) = shell("/missing");
    assert_eq!((own, missing), (Some(127), Some(127)));
    assert_ne!(own_report.last(), missing_report.last());
}

#[test]
fn its_caller_is_told_that_it_runs_while_it_runs() {
    for init in ["true", "false"] {
        let sandbox = Sandbox::new().with("process", &format!("init = {init}")).option("--status-fd=1");
        // The report comes between the program's own lines.
        let mut running = sandbox.start_probe("hang");
        running.line("running");
        running.line_with(r#""event":"started""#);
        running.signal(nix::sys::signal::Signal::SIGKILL);
    }
}

/// Neither its start nor its time is kept up by a pipe that is full, and what finds room later is told then.
#[test]
fn nobody_has_to_read_how_it_went() {
    for read in [false, true] {
        let sandbox = Sandbox::new().option("--timeout=1s").option("--status-fd=0");
        let (mut reader, mut writer) = std::io::pipe().expect("making a pipe");
        let size = nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_GETPIPE_SZ).expect("asking for its size");
        writer.write_all(&vec![b' '; size as usize]).expect("filling it");
        let mut command = sandbox.command("run", &["/probe", "hang"]);
        command.stdin(writer).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        let start = Instant::now();
        let child = command.spawn().expect("starting");
        drop(command);
        let mut told = String::new();
        if read {
            std::thread::sleep(Duration::from_millis(300));
            reader.read_to_string(&mut told).expect("reading");
        }
        let output = child.wait_with_output().expect("waiting");
        assert!(start.elapsed() < seconds(8), "{:?}", start.elapsed());
        assert_eq!(output.status.code(), Some(143), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.contains("--status-fd: nobody reads it"), !read, "{said}");
        assert!(!read || told.contains("\"started\"") && told.contains("\"signaled\""), "{told}");
    }
}

#[test]
fn a_descriptor_that_cannot_tell_how_it_went_is_refused_or_said() {
    let sandbox = Sandbox::new().option("--status-fd=0");
    let with = |file: std::fs::File| {
        let output = sandbox.command("run", &["/probe", "say", "started"]).stdin(file).output().expect("starting");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let open =
        |path: &str, write: bool| std::fs::OpenOptions::new().read(!write).write(write).open(path).expect("opening");
    let (code, said) = with(open("/dev/null", false));
    assert!(code == Some(125) && said.contains("--status-fd 0: it is not open for writing"), "{said}");
    let (code, said) = with(open("/dev/full", true));
    assert!(code == Some(0) && said.contains("--status-fd: write: ") && said.contains("ENOSPC"), "{said}");
    assert_eq!(with(open("/dev/null", true)), (Some(0), String::new()));
}

#[test]
fn the_supervisors_death_is_the_end_of_everything() {
    for (line, collected) in [("", false), ("pid = false", true)] {
        let sandbox = Sandbox::new().with("namespaces", line);
        let mut running = sandbox.start_probe("daemon + hang");
        running.line("running");
        let inside = Survivors(descendants(running.pid()));
        assert!(inside.0.len() >= 3, "init, the program and its daemon: {:?}", inside.0);
        running.signal(nix::sys::signal::Signal::SIGKILL);
        drop(running);
        // Where no pid namespace ends them, `gc` does.
        if collected {
            sandbox.sandbox(&["gc"]).exits(0);
        }
        eventually(&format!("every process of the sandbox has ended ({line})"), || {
            inside.0.iter().all(|pid| !alive(*pid))
        });
    }
}

/// A child that nobody has waited for, dead by a real-time signal, and one that leaves a child of its own when it is
/// killed, as that does in turn: init has to come round again for each.
#[test]
fn what_a_program_leaves_is_ended_whatever_signal_others_of_its_children_died_of() {
    let chain = "sh -c 'sh -c \"sh -c \\\"sleep 1000 & wait\\\" & wait\" & wait'";
    // A shell collects its children, and cat does not: by the time that this one dies its parent is that.
    let script = format!("{chain} & sh -c 'sleep 1; kill -34 $$' & echo running; exec cat");
    let sandbox = Sandbox::new().with("namespaces", "pid = false");
    let mut running = sandbox.start(&["sh", "-c", &script]);
    running.line("running");
    let mut inside = Survivors(Vec::new());
    eventually("init, the program, the chain and the other child are there", || {
        inside.0 = descendants(running.pid());
        inside.0.len() == 7 && inside.0.iter().any(|pid| !alive(*pid))
    });
    running.ends().exits(0);
    eventually("every process of the sandbox has ended", || inside.0.iter().all(|pid| !alive(*pid)));
}

/// Without an init the program itself says what its supervisor's death is to it; the record says who it was.
#[test]
fn a_program_that_outlives_its_supervisor_is_ended_by_whoever_collects() {
    // Any other launch would collect it.
    alone();
    let data = |sandbox: Sandbox| sandbox.with("process", "init = false").with("rootfs", "persist = [\"/data\"]");
    for by in ["gc", "rm", "run"] {
        let sandbox = data(Sandbox::new());
        let home = sandbox.dir().join("data").display().to_string();
        let sandbox = sandbox.env("XDG_DATA_HOME", &home);
        let mut running = sandbox.start_probe("outlive + hang");
        running.line("running");
        let program = Survivors(descendants(running.pid()));
        assert_eq!(program.0.len(), 1, "{:?}", program.0);
        running.signal(nix::sys::signal::Signal::SIGKILL);
        eventually("its supervisor has gone", || !alive(running.pid()));
        assert!(alive(program.0[0]), "it has outlived its supervisor");
        match by {
            // The same directory is kept for this one: nobody else writes there any more.
            "run" => drop(sandbox.probe("say").succeeds()),
            "rm" => drop(sandbox.sandbox(&["rm", &sandbox.name]).succeeds()),
            _ => drop(sandbox.sandbox(&["gc"]).succeeds()),
        }
        assert!(!alive(program.0[0]), "{by} leaves it running");
        assert!(!sandbox.sandbox(&["ps"]).succeeds().stdout.contains(&sandbox.name));
        if is_root() {
            std::fs::remove_dir_all(format!("/var/lib/sandbox/persist/{}", sandbox.name))
                .expect("removing what it kept");
        }
    }
}

/// What a test that fails must not leave behind.
struct Survivors(Vec<i32>);

impl Drop for Survivors {
    fn drop(&mut self) {
        for pid in &self.0 {
            if alive(*pid) {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), nix::sys::signal::Signal::SIGKILL);
            }
        }
    }
}

/// Every process below this one.
pub fn descendants(pid: i32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let children: Vec<i32> = children.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    children.iter().flat_map(|child| descendants(*child)).chain(children.clone()).collect()
}

pub fn alive(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

/// However low, they limit the program and not what starts it; what nobody may give is refused before it starts.
#[test]
fn limits_bite_the_program_alone() {
    let limited = |limits: &str| Sandbox::new().with("process", &format!("rlimits = {{ {limits} }}"));
    let seen = limited("nofile = 3, nproc = 0, fsize = 0").probe("limits").succeeds();
    seen.has_value("limit nofile", "3 3").has_value("limit nproc", "0 0").has_value("limit fsize", "0 0");
    limited("nofile = 3").with("process", "init = false").probe("say started").succeeds().prints("started\n");
    // As the kernel ends whom it cannot load: the launch itself succeeded.
    for (limit, warning) in [("as = \"1K\"", "at least \"3M\""), ("stack = 0", "at least \"16K\"")] {
        let said = limited(limit).ask("check", &["/probe"]).exits(0).stderr;
        assert!(said.contains("an ordinary program cannot start") && said.contains(warning), "{said}");
        Sandbox::bare().with("process", &format!("rlimits = {{ {limit} }}")).run(&["/bin/true"]).exits(139);
    }
    let said = limited("nofile = 3").ask("check", &["/probe"]).exits(0).stderr;
    assert!(said.contains("warning: process: rlimits: with nofile = 3 an ordinary program cannot start"), "{said}");
    let said = limited("nofile = 4, as = \"3M\", stack = \"16K\"").ask("check", &["/probe"]).exits(0).stderr;
    assert!(!said.contains("rlimits"), "{said}");
    let most = |name: &str| limited(&format!("{name} = \"unlimited\""));
    let sandbox = most("nofile");
    for (subcommand, code) in [("check", 1), ("plan", 1), ("run", 125)] {
        let said = sandbox.ask(subcommand, &["/probe"]).exits(code).stderr;
        assert!(
            said.contains("nofile = \"unlimited\" is more than this machine gives anybody") && said.contains("^^^"),
            "{said}"
        );
    }
    let low = Sandbox::new().with("process", "rlimits = { nofile = 101, core = 1 }").called_with("nofile 100");
    low.ask("check", &["/probe"]).exits(1);
    let said = low.ask("run", &["/probe", "say"]).exits(125).stderr;
    assert!(
        said.contains("nofile = 101 is above the caller's hard limit, 100") && said.contains("at most 100"),
        "{said}"
    );
}
