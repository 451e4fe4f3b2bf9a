//! Every system call of a launch fails once: the launch is then refused with a word of its own, or the program sees the
//! same world. And at every one its process is killed: then nothing is left. `FAULTS=all` is every turn of every call,
//! failing in every way; without it, what is called often fails a few times, and in two ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Sandbox, is_root, patience, skip};

/// The call, in which of its turns, and what happens then, as strace's `inject` says it.
struct Fault<'a> {
    call: &'a str,
    turn: usize,
    event: &'a str,
}

/// What a launch under strace came to.
struct Outcome {
    code: Option<i32>,
    world: String,
    message: String,
    log: String,
}

/// timeout(1) ended it.
const HUNG: i32 = 124;

const WORDS: &str = "namespaces + ids + privilege + limits + interfaces + names + stat /etc/shadow + stat /proc/kallsyms \
                     + ls / + ls /dev + ls /proc/self/fd";

/// Calls that cannot fail, and memory, for want of which any program of Rust's aborts.
const SPARED: [&str; 12] = [
    "brk",
    "execve",
    "exit_group",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getuid",
    "gettid",
    "mprotect",
    "umask",
];

#[test]
fn a_fault_at_any_system_call_is_a_refusal_or_changes_nothing() {
    let Some((sandbox, whole)) = faultless() else { return };
    let errors: &[&str] = if all() { &["ENOMEM", "EPERM", "ENOSPC", "EINTR", "ENOSYS"] } else { &["ENOMEM", "EPERM"] };
    let errors: Vec<String> = errors.iter().map(|errno| format!("error={errno}")).collect();
    let mut harmless = BTreeMap::new();
    let mut wrong = Vec::new();
    each(&whole, &errors, |fault| {
        let seen = launch(&sandbox, Some(&fault));
        let word = seen.message.starts_with("sandbox: ") || seen.message.starts_with("error: ");
        match seen.code {
            Some(0 | 125) if !in_the_launch(&seen.log) => {}
            Some(0) if seen.world == whole.world => *harmless.entry(fault.call.to_owned()).or_insert(0) += 1,
            Some(125..=127) if word && !seen.message.contains("panicked") => {}
            code => {
                let Fault { call, turn, event } = fault;
                wrong.push(format!("{call} {turn} {event}: {code:?} {} {}", seen.message, seen.world));
            }
        }
    });
    println!("without which a launch goes on: {harmless:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    nothing_is_left_of(&sandbox);
}

/// strace ends when every process that it follows has ended: one that outlives the others is a launch that hangs.
#[test]
fn a_kill_at_any_system_call_leaves_nothing() {
    let Some((sandbox, whole)) = faultless() else { return };
    each(&whole, &["signal=KILL".to_owned()], |fault| {
        let Fault { call, turn, .. } = fault;
        let seen = launch(&sandbox, Some(&fault));
        assert_ne!(seen.code, Some(HUNG), "{call} {turn}: {}", seen.message);
        assert!(seen.code != Some(0) || seen.world == whole.world, "{call} {turn}: {}", seen.world);
    });
    sandbox.sandbox(&["gc"]).exits(0);
    nothing_is_left_of(&sandbox);
}

#[test]
fn deadlines_hold_where_the_kernel_signals_nobody_by_descriptor() {
    for (init, code) in [("true", 143), ("false", 137)] {
        let sandbox = Sandbox::new().with("process", &format!("init = {init}"));
        let sandbox = sandbox.with("process", "stop-timeout = \"100ms\"").option("--timeout=300ms");
        sandbox.called_with("enosys pidfd_send_signal").probe("hang").exits(code);
    }
}

/// Who waits for the exec is told of it by a signal, and finds out without one too.
#[test]
fn the_exec_is_noticed_where_nobody_can_be_told_of_it() {
    for init in [true, false] {
        let sandbox = Sandbox::new().with("process", &format!("init = {init}")).option("--status-fd=1");
        let seen = sandbox.called_with("errno 1 F_SETOWN").probe("sleep 500 + say late").succeeds();
        let at = |text: &str| seen.stdout.find(text).unwrap_or_else(|| panic!("no {text} in {seen}"));
        assert!(at("started") < at("late"), "init = {init}: {seen}");
    }
}

/// The launch that all others are held against.
fn faultless() -> Option<(Sandbox, Outcome)> {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        skip("strace is missing");
        return None;
    }
    let sandbox = Sandbox::new().with("namespaces", r#"hostname = "inside""#);
    let whole = launch(&sandbox, None);
    assert_eq!(whole.code, Some(0), "without a fault: {}", whole.message);
    Some((sandbox, whole))
}

fn each(whole: &Outcome, events: &[String], mut see: impl FnMut(Fault)) {
    for (call, turns) in turns(&whole.log) {
        for turn in few(turns) {
            events.iter().for_each(|event| see(Fault { call: &call, turn, event }));
        }
    }
}

#[track_caller]
fn nothing_is_left_of(sandbox: &Sandbox) {
    let left = sandbox.sandbox(&["ps"]).succeeds();
    assert!(!left.stdout.contains(&sandbox.name), "{left}");
    let name = format!("sandbox-{}-*", sandbox.name);
    let cgroups = Command::new("find").args(["/sys/fs/cgroup", "-name", &name]).output().expect("find").stdout;
    assert_eq!(String::from_utf8_lossy(&cgroups), "", "cgroups are left");
}

fn all() -> bool {
    std::env::var("FAULTS").is_ok_and(|value| value == "all")
}

/// How often each call is made at most in one of the three processes, and from which turn on: the first are those of
/// the C library and of Rust's before any code of ours, and what follows the last exec is the program's.
fn turns(log: &str) -> BTreeMap<String, std::ops::RangeInclusive<usize>> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut executed = BTreeSet::new();
    let mut begun = false;
    for (process, call) in calls(log) {
        if executed.contains(process) {
            continue;
        }
        let count = counts.entry((process, call)).or_default();
        *count += 1;
        if !begun {
            first.insert(call, *count);
            begun = call == "close_range";
        } else if call == "execve" {
            executed.insert(process);
        }
    }
    first.remove("close_range");
    let mut turns = BTreeMap::new();
    for ((_, call), count) in counts {
        let from = first.get(call).copied().unwrap_or(0) + 1;
        let range = turns.entry(call.to_owned()).or_insert(from..=count);
        *range = from..=count.max(*range.end());
    }
    turns.retain(|call, range| !range.is_empty() && !SPARED.contains(&call.as_str()));
    turns
}

/// Enough of them to meet each place that makes many: the first, the last, and some between.
fn few(turns: std::ops::RangeInclusive<usize>) -> Vec<usize> {
    const MOST: usize = 5;
    let turns: Vec<usize> = turns.collect();
    if turns.len() <= MOST || all() {
        return turns;
    }
    (0..MOST).map(|at| turns[at * (turns.len() - 1) / (MOST - 1)]).collect()
}

fn launch(sandbox: &Sandbox, fault: Option<&Fault>) -> Outcome {
    let command =
        sandbox.command("run", &std::iter::once("/probe").chain(WORDS.split_whitespace()).collect::<Vec<_>>());
    let log = sandbox.dir().join("strace");
    let mut strace = Command::new("timeout");
    strace.args([&patience().as_secs().to_string(), "strace", "-qq", "-f", "-o"]).arg(&log);
    if let Some(Fault { call, turn, event }) = fault {
        strace.args(["-e", &format!("inject={call}:{event}:when={turn}")]);
    }
    strace.arg(command.get_program()).args(command.get_args()).current_dir("/").env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let output = strace.output().expect("strace");
    Outcome {
        code: output.status.code(),
        world: world(&String::from_utf8_lossy(&output.stdout)),
        message: String::from_utf8_lossy(&output.stderr).into_owned(),
        log: read(&log),
    }
}

fn read(log: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned()
}

/// What the probe told, without the numbers of the namespaces. As root an rlimit stands in where the cgroup that nobody
/// asked for cannot be made.
fn world(told: &str) -> String {
    let line = |line: &str| match line.split(' ').collect::<Vec<_>>()[..] {
        ["ns", kind, _] => format!("ns {kind}\n"),
        ["limit", "nproc", ..] if is_root() => String::new(),
        _ => format!("{line}\n"),
    };
    told.lines().map(line).collect()
}

/// Whether the fault met the launch alone: not the program that it started, nor the words that it said.
fn in_the_launch(log: &str) -> bool {
    let mut executed = BTreeSet::new();
    let mut met = false;
    let launcher = log.split(' ').next();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.ends_with("(INJECTED)") {
            if executed.contains(process) || rest.starts_with("write(2,") {
                return false;
            }
            met = true;
        }
        if rest.starts_with("execve(") && Some(process) != launcher {
            executed.insert(process);
        }
    }
    met
}

/// `PID CALL(ARGUMENTS) = RESULT`, line by line.
fn calls(log: &str) -> impl Iterator<Item = (&str, &str)> {
    log.lines().filter_map(|line| {
        let (process, rest) = line.split_once(' ')?;
        let (call, _) = rest.trim_start().split_once('(')?;
        call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some((process, call))
    })
}
