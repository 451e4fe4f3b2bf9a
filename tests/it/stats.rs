//! `stats`: what sandboxes use, as the kernel counts it.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{LACKING, Running, Sandbox, Terminal, is_root, lacks, program, quoted};

/// A sandbox that something counts for, in which a program runs, holds memory and has computed; `None` where this caller
/// may make no cgroup.
fn counted(sandbox: &Sandbox) -> Option<Running> {
    let mut running = sandbox.start_probe("crowd 3 + compute 200 + hold 24 + hang");
    if lacks("memory") {
        running.ends().refused(125, &["memory-max: ", LACKING, "hint: "]);
        return None;
    }
    if !is_root() {
        // Whoever is refused a limit is told so, and nothing runs.
        let seen = sandbox.ask("check", &["/probe"]);
        if seen.status.code() == Some(1) {
            running.ends().refused(125, &["memory-max", "hint: "]);
            return None;
        }
    }
    running.line("running");
    Some(running)
}

fn limited() -> Sandbox {
    Sandbox::new()
        .with("cgroup", r#"memory-max = "256M""#)
        .with("cgroup", "pids-max = 50")
        .with("cgroup", r#"cpu-max = "max""#)
}

#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_a_program_uses_is_counted() {
    let sandbox = limited();
    let Some(running) = counted(&sandbox) else { return };
    let seen = sandbox.sandbox(&["stats", &sandbox.name, "--json"]).succeeds();
    let stats = json(&seen.stdout);
    assert_eq!(stats["name"], sandbox.name, "{seen}");
    // Init, the program, and the three that it has started.
    assert_eq!(stats["pids"]["current"], 5, "{seen}");
    let memory = |what: &str| stats["memory"][what].as_u64().unwrap_or_default() >> 20;
    assert!((24..40).contains(&memory("used")) && (24..60).contains(&memory("peak")), "{seen}");
    let cpu = stats["cpu"]["usage"].as_u64().unwrap_or_default();
    assert!((150_000..10_000_000).contains(&cpu), "it computed for 200 ms\n{seen}");

    let lines = sandbox.sandbox(&["stats", &sandbox.name]).succeeds();
    lines.has_value("pids", "5");
    for name in ["cpu", "memory"] {
        assert!(lines.value(name).ends_with(|last: char| last.is_alphanumeric()), "{lines}");
    }
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
}

#[test]
fn all_that_run_are_in_the_table() {
    let sandboxes = [limited(), Sandbox::new()];
    let Some(first) = counted(&sandboxes[0]) else { return };
    let mut second = sandboxes[1].start_probe("hang");
    second.line("running");
    // Each of these callers has a state directory of its own, as an ordinary user; root has one.
    let seen = sandboxes[0].sandbox(&["stats"]).succeeds();
    let row = seen.stdout.lines().find(|line| line.starts_with(&format!("{}-", sandboxes[0].name)));
    let words: Vec<&str> = row.unwrap_or_else(|| panic!("no row\n{seen}")).split_whitespace().collect();
    assert_eq!(words[5], "5", "the processes\n{seen}");
    let list = json(&sandboxes[0].sandbox(&["stats", "--json"]).succeeds().stdout);
    let names: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(names.contains(&sandboxes[0].name.as_str()), "{names:?}");
    assert!(!is_root() || names.contains(&sandboxes[1].name.as_str()), "{names:?}");
    for running in [first, second] {
        running.signal(Signal::SIGTERM);
        running.ends().exits(143);
    }
    // What has ended is not shown.
    let seen = sandboxes[0].sandbox(&["stats"]).succeeds();
    assert!(!seen.stdout.contains(&sandboxes[0].name), "{seen}");
}

#[test]
fn one_is_watched_until_it_ends() {
    let sandbox = limited();
    let Some(mut running) = counted(&sandbox) else { return };
    let mut watch = sandbox.start_sandbox(&["stats", &sandbox.name, "--watch"]);
    watch.line("pids: 5").line("pids: 5");
    running.send("\n");
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
    watch.ends().succeeds();
}

#[test]
fn the_table_is_refreshed_in_its_place_and_fits_the_terminal() {
    let sandbox = limited();
    let Some(running) = counted(&sandbox) else { return };
    let mut terminal = Terminal::sit_down();
    let runtime = sandbox.runtime();
    terminal.types("stty rows 24 cols 70\n").shows("$ ");
    let line =
        format!("XDG_RUNTIME_DIR={} {} stats --watch\n", quoted(&runtime.display().to_string()), program().display());
    terminal.types(&line).shows("\x1b[H").shows("\x1b[J").shows("\x1b[H").shows("NOW").shows("\x1b[J");
    terminal.types("\x03").shows("$ ");
    let all = terminal.all();
    let shown = all.split("\x1b[H").nth(2).and_then(|rest| rest.split("\x1b[J").next()).expect("shown twice");
    for line in shown.split("\r\n") {
        assert!(line.trim_end_matches("\x1b[K").chars().count() <= 70, "{line:?}");
    }
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let sandbox = Sandbox::new();
    let mut watch = sandbox.start_sandbox(&["stats", "--watch"]);
    watch.line("");
    let mut command = std::process::Command::new("sh");
    command.arg("-c").arg(format!("{} stats --watch | head -n 1", program().display()));
    command.env("XDG_RUNTIME_DIR", sandbox.runtime());
    Running::start(command, "stats | head".to_owned()).ends().succeeds();
    watch.signal(Signal::SIGINT);
    drop(watch.ends());
}

#[test]
fn what_does_not_run_or_is_not_counted_is_named() {
    let sandbox = Sandbox::new();
    sandbox.sandbox(&["stats", "no-such"]).refused(1, &["no running sandbox is called \"no-such\""]);
    sandbox.sandbox(&["stats", "../x"]).refused(1, &["no running sandbox is called \"../x\""]);
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let seen = sandbox.sandbox(&["stats", &sandbox.name]);
    // Root's processes are counted by default.
    if is_root() {
        seen.succeeds().has_value("pids", "2");
    } else {
        seen.refused(1, &["has no cgroup", "hint: a limit in [cgroup]"]);
        sandbox.sandbox(&["pause", &sandbox.name]).refused(1, &["has no cgroup", "hint: a limit in [cgroup]"]);
    }
    let end = format!("hint: `kill {}`", running.pid());
    sandbox.sandbox(&["rm", &sandbox.name]).refused(1, &["is running", &end]);
    let second = sandbox.start_probe("say started + hang");
    let mut second = second;
    second.line("running");
    sandbox.sandbox(&["stats", &sandbox.name]).refused(1, &["2 running sandboxes are called", "by its id"]);
    for running in [running, second] {
        running.signal(Signal::SIGTERM);
        running.ends().exits(143);
    }
}

#[test]
fn the_default_limit_of_roots_processes_is_a_cgroup_too() {
    let seen = Sandbox::new().option("--stats").probe("say started").exits(0);
    let check = Sandbox::new().ask("check", &["/probe"]).exits(0);
    // Whatever it counts there: on cgroup v1 processes alone.
    let counted = is_root() && !check.stderr.contains("nothing stops a fork bomb of root's");
    assert_eq!(seen.stderr.contains("has no cgroup of its own"), !counted, "{seen}");
    assert!(!counted || seen.stderr.contains("cpu: ") || seen.stderr.contains("nothing but processes was"), "{seen}");
}
