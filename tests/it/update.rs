//! `update`: other limits for a sandbox that runs.

use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::cgroup::in_force::value;
use crate::harness::{Running, Sandbox, Seen, eventually, is_root, lacks, left_to_root, skip};

/// A shell inside that does what it is told, a line each; `None` where this caller may make no cgroup.
fn shell(sandbox: &Sandbox) -> Option<Running> {
    let mut running = sandbox.start(&["sh", "-c", "echo running; while read line; do eval \"$line\"; echo done; done"]);
    if (!is_root() || lacks("memory")) && sandbox.ask("check", &["sh"]).status.code() == Some(1) {
        running.ends().refused(125, &["cgroup: ", "hint: "]);
        return None;
    }
    running.line("running");
    Some(running)
}

fn update(sandbox: &Sandbox, limits: &[&str]) -> Seen {
    sandbox.sandbox(&[&["update", &sandbox.name], limits].concat())
}

#[test]
fn a_limit_is_raised_and_lowered_while_the_program_runs() {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 20");
    let Some(mut running) = shell(&sandbox) else { return };
    let forks = |running: &mut Running, answer: &str| {
        running.send("/probe forks 30\n");
        running.line(&format!("forks 30: {answer}")).line("done");
    };
    forks(&mut running, "EAGAIN");
    update(&sandbox, &["pids-max=60"]).succeeds();
    forks(&mut running, "ok");
    update(&sandbox, &["pids-max=25"]).succeeds();
    forks(&mut running, "EAGAIN");
    update(&sandbox, &["pids-max=max"]).succeeds();
    forks(&mut running, "ok");
    running.send("/probe crowd 9 + hang &\n");
    running.line("done").line("running");
    let seen = update(&sandbox, &["pids-max=4"]).exits(0);
    seen.says(&["there are 12 processes already"]);
    let record = std::fs::read_to_string(record(&sandbox)).expect("reading it");
    for line in [r#"{"updated":["cgroup.pids-max=60"]}"#, r#"{"updated":["cgroup.pids-max=4"]}"#] {
        assert!(record.lines().any(|known| known == line), "{record}");
    }
    running.signal(Signal::SIGTERM);
    running.ends();
}

/// A disk that is full after half a line: the rest of the record stays one.
#[test]
fn what_cannot_be_written_down_leaves_no_half_of_a_line() {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 20");
    let Some(running) = shell(&sandbox) else { return };
    let record = record(&sandbox);
    let before = std::fs::read_to_string(&record).expect("reading it");
    // SIGXFSZ would end it before it could say so.
    let script = "trap '' XFSZ; most=$1; shift; exec prlimit --fsize=$most \"$@\"";
    let most = (before.len() + 10).to_string();
    let limited = sandbox.without_profile(&["update", &sandbox.name, "pids-max=60"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, "sh", &most]).arg(limited.get_program()).args(limited.get_args());
    command.env_clear().envs(limited.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let full = command.output().expect("starting it");
    assert!(!full.status.success() && String::from_utf8_lossy(&full.stderr).contains("EFBIG"), "{full:?}");
    assert_eq!(std::fs::read_to_string(&record).expect("reading it"), before);
    update(&sandbox, &["pids-max=61"]).succeeds();
    let after = std::fs::read_to_string(&record).expect("reading it");
    assert_eq!(after, format!("{before}{}\n", r#"{"updated":["cgroup.pids-max=61"]}"#));
    running.signal(Signal::SIGTERM);
    running.ends();
}

fn record(sandbox: &Sandbox) -> PathBuf {
    let mut records = std::fs::read_dir(state(sandbox)).into_iter().flatten().flatten();
    let record = records.find(|entry| entry.file_name().to_string_lossy().starts_with(&sandbox.name));
    record.expect("its record").path()
}

fn state(sandbox: &Sandbox) -> PathBuf {
    if is_root() { "/run/sandbox".into() } else { sandbox.runtime().join("sandbox") }
}

#[test]
fn memory_in_use_stays_allowed_and_nothing_is_changed_by_halves() {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 20").with("cgroup", r#"memory-max = "48M""#);
    let Some(mut running) = shell(&sandbox) else { return };
    running.send("/probe hold 24 + hang &\n");
    running.line("done").line("holding");
    update(&sandbox, &["pids-max=60", "memory-max=8M"]).refused(1, &["memory-max: ", "are in use", "hint: "]);
    running.send("/probe forks 30\n");
    running.line("forks 30: EAGAIN").line("done");
    // What is too much for the limit of the start is not for a higher one.
    running.send("/probe hold 60 || echo killed\n");
    running.line("killed").line("done");
    update(&sandbox, &["memory-max=128M"]).succeeds();
    running.send("/probe hold 60 || echo killed\n");
    running.line("holding").line("done");
    update(&sandbox, &["memory-max=40M"]).succeeds();
    running.signal(Signal::SIGTERM);
    running.ends();
}

/// Cgroup v1 counts buffers of sockets by themselves: another limit of memory is theirs too.
#[test]
fn buffers_of_sockets_follow_the_limit_of_memory() {
    const LIMITS: [&str; 2] = ["memory.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes"];
    if !is_root() || !Path::new("/sys/fs/cgroup/memory").join(LIMITS[1]).exists() {
        return left_to_root("limits of cgroup v1");
    }
    let sandbox = Sandbox::new().with("cgroup", r#"memory-max = "32M""#);
    let Some(mut running) = shell(&sandbox) else { return };
    let agree = |running: &Running, limit: u64| {
        for file in LIMITS {
            let seen: u64 = value(&sandbox, running, file).parse().expect("a number");
            assert!(
                seen == limit.wrapping_shl(20) || limit == u64::MAX && seen > i64::MAX as u64 - 65536,
                "{file}: {seen}"
            );
        }
    };
    agree(&running, 32);
    update(&sandbox, &["memory-max=96M"]).succeeds();
    agree(&running, 96);
    running.send("/probe queue 40 + hang &\n");
    running.line("done").line_with("queued").line("running");
    // How much the kernel leaves in the buffers is its own affair.
    let used = value(&sandbox, &running, "memory.kmem.tcp.usage_in_bytes").parse::<u64>().expect("a number") >> 20;
    assert!((16..=96).contains(&used), "{used} MiB");
    update(&sandbox, &[&format!("memory-max={}M", used / 2)]).refused(1, &["memory-max: ", "are in use", "hint: "]);
    agree(&running, 96);
    update(&sandbox, &["memory-max=max"]).succeeds();
    agree(&running, u64::MAX);
    running.signal(Signal::SIGTERM);
    running.ends();
}

#[test]
fn swap_stays_limited_as_it_was_where_memory_and_swap_are_counted_together() {
    let sandbox = Sandbox::new().with("cgroup", r#"memory-swap-max = "16M""#).with("cgroup", r#"memory-max = "64M""#);
    let Some(running) = shell(&sandbox) else { return };
    // Up and down: the kernel refuses a sum below either.
    for limits in
        [&["memory-max=256M"][..], &["memory-max=32M"], &["memory-swap-max=0", "memory-max=300M"], &["memory-max=max"]]
    {
        update(&sandbox, limits).succeeds();
    }
    // On cgroup v2 a directory has every controller that another of the sandboxes beside it asked for.
    if Path::new("/sys/fs/cgroup/memory").exists() {
        update(&sandbox, &["cpu-max=50%"])
            .refused(1, &["the cpu controller does not count for this sandbox", "hint: "]);
    }
    running.signal(Signal::SIGTERM);
    running.ends();
}

#[test]
fn a_share_of_the_processor_holds_whatever_it_was_before() {
    let sandbox = Sandbox::new().with("cgroup", r#"cpu-max = "0.5%""#).with("cgroup", "cpu-weight = 50");
    let Some(mut running) = shell(&sandbox) else { return };
    update(&sandbox, &["cpu-max=50%", "cpu-weight=200"]).succeeds();
    running.send("/probe burn 2000 & wait; cat /proc/self/stat > /dev/null\n");
    running.line("done");
    let seen = sandbox.sandbox(&["stats", &sandbox.name, "--json"]).succeeds();
    let stats: serde_json::Value = serde_json::from_str(&seen.stdout).expect("JSON");
    // Two seconds at 50 %, on a busy machine less; at 0.5 % it would be a hundredth of that.
    let of = |what: &str| stats["cpu"][what].as_u64().unwrap_or_default();
    assert!((100_000..1_400_000).contains(&of("usage")) && of("throttled") > 0, "{seen}");
    running.signal(Signal::SIGTERM);
    running.ends();
}

#[test]
fn what_a_profile_would_be_refused_is_refused_here() {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 20");
    let Some(running) = shell(&sandbox) else { return };
    for (limit, word) in [
        ("memory-max=lots", "`lots` is no size"),
        ("memory-mux=1G", "did you mean `memory-max`?"),
        ("pids-max=-1", "`pids-max` cannot be -1"),
        ("pids-max", "write KEY=VALUE"),
        ("cpuset-cpus=5-1", "cpuset-cpus"),
        ("delegate=true", "delegate cannot be changed while it runs"),
        ("enforce=best-effort", "enforce is for"),
        (r#""delegate"=true"#, "write its key without quotes"),
        (r#"'enforce'="best-effort""#, "write its key without quotes"),
        ("io-max=[]", "io-max=[] sets no limit"),
        ("hugetlb-max = {}", "hugetlb-max = {} sets no limit"),
        ("process.user=root", "process"),
        (r#"io-max=[{ device = "/nowhere", read-bps = "1M" }]"#, "io-max"),
    ] {
        let seen = update(&sandbox, &["pids-max=21", limit]).refused(1, &[word]);
        assert_eq!(seen.stdout, "", "{seen}");
    }
    sandbox.sandbox(&["update", "no-such", "pids-max=1"]).refused(1, &["no running sandbox"]);
    sandbox.sandbox(&["update", &sandbox.name]).exits(2);
    let seen = sandbox.sandbox(&["stats", &sandbox.name, "--json"]).succeeds();
    assert!(!seen.stdout.is_empty());
    running.signal(Signal::SIGTERM);
    running.ends();
}

#[test]
fn a_sandbox_without_a_cgroup_has_nothing_to_update() {
    // Root's own processes are counted by default.
    let sandbox = Sandbox::new().with("process", r#"user = "nobody""#);
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    update(&sandbox, &["memory-max=1G"]).refused(1, &["the memory controller does not count for this sandbox"]);
    running.signal(Signal::SIGTERM);
    running.ends();
}

/// Its launcher takes a while to make its directories, and writes the limits of the profile only then.
#[test]
fn a_change_that_meets_the_start_is_not_lost() {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 20");
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        return skip("strace is missing");
    }
    if !is_root() && sandbox.ask("check", &["sh"]).status.code() == Some(1) {
        return left_to_root("this user may make no cgroup");
    }
    let command = sandbox.command("run", &["/probe", "await", "1"]);
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=mkdir:delay_exit=400000:when=1+"]);
    strace.arg(command.get_program()).args(command.get_args()).current_dir("/").env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut running = Running::start(strace, "a slow start".into());
    let record = || {
        let mut entries = std::fs::read_dir(state(&sandbox)).into_iter().flatten().flatten();
        let own = entries.find(|entry| entry.file_name().to_string_lossy().starts_with(&sandbox.name))?;
        std::fs::read_to_string(own.path()).ok()
    };
    eventually("it has begun", || record().is_some_and(|record| record.contains("/sys/fs/cgroup/")));
    assert!(!record().unwrap_or_default().contains("started"), "it is not slow");
    update(&sandbox, &["pids-max=60"]).succeeds();
    running.line("running");
    let directories = super::cgroup::directories(&sandbox.name);
    let limit = directories.iter().find_map(|path| std::fs::read_to_string(path.join("pids.max")).ok());
    assert_eq!(limit.as_deref(), Some("60\n"));
    let launcher = crate::process::descendants(running.pid())[0];
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(launcher), Signal::SIGTERM).expect("ending it");
    running.ends();
}
