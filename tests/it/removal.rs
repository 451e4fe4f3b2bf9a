//! The negative control of every step: the default plan without it, first as it is, then with the read-backs off too.
//!
//! A step is worth its line when the launch then stops, or the program sees another world. Both are printed, a line a
//! step; one that changes nothing fails.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Sandbox, alone, eventually, is_root, step_removal};
use crate::process::{alive, descendants};

/// What the program tells of its world; the paths that a step names come on top.
const AUDIT: &str = "namespaces + ids + privilege + signals + cwd + process + limits + names + interfaces + fds \
    + cat /proc/sys/net/ipv4/ip_unprivileged_port_start + cat /proc/sys/user/max_user_namespaces \
    + cat /proc/sys/user/max_inotify_instances + cat /proc/sys/user/max_inotify_watches \
    + mknod c 0 0 /tmp/node + mkdir /directory + chmod 0644 /proc/sys/kernel/domainname \
    + write /proc/sys/kernel/domainname + stat /proc/1/status + stat /proc/keys + stat /proc/kallsyms + ls /dev/pts";

/// A step of the plan, by its place and its words.
struct Step {
    place: String,
    section: String,
    text: String,
}

/// What the program told, line by line; or, where none was started, what the launcher said.
type World = Result<Vec<String>, String>;

/// Makes the same sandbox again and again.
type Situation<'a> = &'a dyn Fn() -> Sandbox;

#[test]
fn a_plan_without_one_of_its_steps_is_noticed() {
    let steps = steps(&plain);
    assert!(steps.len() > 50, "the plan is longer than that");
    let paths =
        steps.iter().flat_map(|step| step.text.split([' ', '\n'])).map(|word| word.trim_end_matches([',', ':']));
    let paths = paths.filter(|word| word.starts_with('/') && !word.starts_with("/proc/self/fd/"));
    let audit: Vec<String> = AUDIT.split_whitespace().map(str::to_owned).collect();
    let audit =
        paths.fold(audit, |words, path| words.into_iter().chain(["+", "stat", path].map(str::to_owned)).collect());
    let program: Vec<&str> = std::iter::once("/probe").chain(audit.iter().map(String::as_str)).collect();
    let whole = world(&plain, "", &program);
    assert!(whole.is_ok(), "the whole plan does not start: {whole:?}");
    assert_eq!(world(&plain, "", &program), whole, "two launches of the whole plan differ");
    let mut unnoticed = Vec::new();
    for step in steps.iter().filter(|step| step.section != "read-back") {
        // Without its gate the child must really be ahead.
        let place = if step.section == "gate" { format!("{},late", step.place) } else { step.place.clone() };
        let refused = world(&plain, &place, &program).err().unwrap_or_else(|| "-".to_owned());
        let seen = difference(&whole, &world(&plain, &format!("{place},read-back"), &program));
        let seen = seen.or_else(|| elsewhere(step));
        let line = format!("{} {} | {refused} | ", step.place, step.text.lines().next().unwrap_or_default());
        let _ = writeln!(std::io::stderr(), "without {line}{}", seen.as_deref().unwrap_or("NOTHING"));
        if seen.is_none() {
            unnoticed.push(line);
        }
    }
    assert!(unnoticed.is_empty(), "nothing tells that these are missing: {unnoticed:#?}");
}

/// With init the table shows it; without, nobody inside is left to look.
#[test]
fn what_exec_lost_is_noticed_without_init_too() {
    let direct = || plain().with("process", "init = false");
    let steps = steps(&direct);
    let filter = steps.iter().find(|step| step.section == "seccomp").expect("a filter");
    let program = ["/probe", "sleep", "10000"];
    // However long the supervisor takes to look: the exec may be over by then.
    for removed in [filter.place.clone(), format!("{},late", filter.place)] {
        let refused = world(&direct, &removed, &program).expect_err("it went on without its filter");
        assert!(refused.contains("system-call filter") && refused.contains("125"), "{refused}");
    }
    assert_eq!(world(&direct, "", &["/probe", "say", "started"]), Ok(vec!["started".to_owned()]), "the control");
}

/// Without a pid namespace the kernel ends nobody with init; what goes on would hold the standard output.
#[test]
fn what_exec_lost_ends_whom_the_program_has_started_meanwhile() {
    let shared = || plain().with("namespaces", "pid = false");
    let steps = steps(&shared);
    let filter = steps.iter().find(|step| step.section == "seccomp").expect("a filter");
    let sandbox = shared().of(step_removal()).env("SANDBOX_REMOVE", &format!("{},late", filter.place));
    let seen = sandbox.probe("orphan 60000 + hang").refused(125, &["system-call filter"]);
    assert_eq!(seen.stdout, "running\n", "the look came before the orphan\n{seen}");
}

fn plain() -> Sandbox {
    let sandbox = Sandbox::new().with("namespaces", r#"hostname = "inside""#).called_in("/usr");
    // Groups that are to be dropped.
    if is_root() { sandbox.called_with("groups 4,24") } else { sandbox }
}

/// Steps whose absence shows only in surroundings of another kind.
fn elsewhere(step: &Step) -> Option<String> {
    match step.text.as_str() {
        "die with the supervisor" => outlives(step),
        "take all mounts out of propagation" => {
            compare(step, &|| plain().called_with("shared"), &["/probe", "propagation"])
        }
        // Init's memory is the launcher's copy and belongs to the host: no capability of a namespace opens it then.
        "make init untraceable" => {
            let bare = || {
                let nested = plain().with("namespaces", r#"nested = "namespaces""#);
                let nested = nested.with("capabilities", r#"keep = "all""#).with("seccomp", r#"preset = "none""#);
                nested.with("landlock", r#"enforce = "off""#)
            };
            compare(step, &bare, &["/probe", "vm-read", "1"])
        }
        // The exec takes them too; until then they would open what the account may not.
        "effective, permitted, inheritable sets: empty" => {
            let odd = || {
                let sandbox = plain();
                let odd = sandbox.dir().join("odd");
                std::fs::copy(crate::harness::probe(), &odd).expect("copying the probe");
                std::fs::set_permissions(&odd, PermissionsExt::from_mode(0o010)).expect("changing its mode");
                sandbox.read_only(&format!("{}:/odd", odd.display()))
            };
            compare(step, &odd, &["/odd", "say", "started"])
        }
        text if text.starts_with("open again what is one of these") => {
            compare(step, &|| plain().called_with("null"), &["/probe", "fchmod", "0666", "0"])
        }
        // More than anything else in the audit would start.
        "pids.max = 4096" | "join the cgroup of pids" => compare(step, &plain, &["/probe", "forks", "4200"]),
        _ => None,
    }
}

/// What differs without the step, in this situation and with this program.
fn compare(step: &Step, situation: Situation, program: &[&str]) -> Option<String> {
    let place = place(step, situation);
    difference(&world(situation, "", program), &world(situation, &format!("{place},read-back"), program))
}

/// Whether the program goes on when its supervisor is killed. Any other launch would collect what that left.
fn outlives(step: &Step) -> Option<String> {
    alone();
    let sandbox = plain().of(step_removal()).env("SANDBOX_REMOVE", &format!("{},read-back", place(step, &plain)));
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let below = descendants(running.pid());
    running.signal(Signal::SIGKILL);
    std::thread::sleep(Duration::from_millis(200));
    let left: Vec<i32> = below.into_iter().filter(|pid| alive(*pid)).collect();
    for pid in &left {
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    eventually("they are gone", || left.iter().all(|pid| !alive(*pid)));
    (!left.is_empty()).then(|| "the program outlives its supervisor".to_owned())
}

fn steps(situation: Situation) -> Vec<Step> {
    let seen = situation().option("--json").ask("plan", &["/probe"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&seen.stdout).expect("JSON");
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().expect("text").to_owned();
    let mut steps = Vec::new();
    for stage in plan["stages"].as_array().expect("stages") {
        for (index, step) in stage["steps"].as_array().expect("steps").iter().enumerate() {
            let place = format!("{}:{index}", text(stage, "stage"));
            steps.push(Step { place, section: text(step, "section"), text: text(step, "step") });
        }
    }
    steps
}

/// Where the same step stands in the plan of another situation.
fn place(wanted: &Step, situation: Situation) -> String {
    let same = steps(situation).into_iter().find(|step| step.text == wanted.text);
    same.unwrap_or_else(|| panic!("no step {:?}", wanted.text)).place
}

fn world(situation: Situation, removed: &str, program: &[&str]) -> World {
    let seen = situation().of(step_removal()).env("SANDBOX_REMOVE", removed).run(program);
    if seen.status.success() {
        return Ok(seen.stdout.lines().map(whose).collect());
    }
    let message = seen.stderr.lines().next().unwrap_or("no word").trim_start_matches("sandbox: ");
    Err(format!("{message} ({})", seen.status))
}

/// A namespace is the host's or another; which other differs each time.
fn whose(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let ["ns", kind, inode] = words[..] else { return line.to_owned() };
    let host = std::fs::metadata(format!("/proc/self/ns/{kind}")).map(|metadata| metadata.ino().to_string());
    format!("ns {kind} {}", if host.is_ok_and(|host| host == inode) { "of the host" } else { "of its own" })
}

/// The first thing that differs.
fn difference(whole: &World, other: &World) -> Option<String> {
    match (whole, other) {
        (Ok(_), Err(message)) => Some(message.clone()),
        (Err(message), Ok(_)) => Some(format!("no more: {message}")),
        (Err(_), Err(_)) => None,
        (Ok(whole), Ok(other)) => {
            let absent = whole.iter().find(|line| !other.contains(line)).map(|line| format!("no more: {line}"));
            other.iter().find(|line| !whole.contains(line)).map(|line| format!("now: {line}")).or(absent)
        }
    }
}
