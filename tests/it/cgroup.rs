//! `[cgroup]`: what of the machine the program may use up.

mod cleaning;
mod delegated;
mod disks;
pub mod in_force;
mod mounted;
mod places;
mod scope;

pub use cleaning::directories;

use std::path::Path;
use std::process::Command;

use crate::harness::{LACKING, Running, Sandbox, is_root, lacks, left_to_root, outside};

#[test]
fn its_own_place_is_the_root_of_what_it_sees() {
    let seen = Sandbox::new().probe("cat /proc/self/cgroup + ls /sys/fs/cgroup").succeeds();
    let places = seen.stdout.lines().filter(|line| line.contains(':') && !line.starts_with("ls "));
    for line in places {
        assert!(line.ends_with(":/"), "{seen}");
    }
}

#[test]
fn no_cgroup_can_be_changed_from_inside() {
    let words = "write /sys/fs/cgroup/cgroup.procs 0 + write /sys/fs/cgroup/memory/release_agent x \
                 + mkdir /sys/fs/cgroup/x + mount cgroup2 x /tmp + mount cgroup x /tmp";
    for sys in ["none", "read-only"] {
        let sandbox = Sandbox::new().with("rootfs", &format!("sys = {sys:?}")).with("process", r#"user = "root""#);
        let seen = sandbox.probe(words).succeeds();
        for attempt in words.split(" + ").map(str::trim) {
            seen.refuses(attempt, &["ENOENT", "EROFS", "EACCES", "EPERM"]);
        }
    }
}

#[test]
fn who_may_change_cgroups_outside_still_may_not_inside() {
    if !is_root() {
        return left_to_root("only root may change cgroups that nobody delegated");
    }
    let tops = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/pids"];
    let top = tops.iter().find(|top| Path::new(top).join("cgroup.procs").exists()).expect("a hierarchy is mounted");
    let directory = format!("{top}/sandbox-it-{}", std::process::id());
    let words = format!("mkdir {directory} + write {directory}/cgroup.procs 0 + rmdir {directory}");
    let seen = outside(&words);
    seen.allows(&format!("mkdir {directory}")).allows(&format!("write {directory}/cgroup.procs 0"));
    let gone = || std::fs::remove_dir(&directory).is_ok() || !Path::new(&directory).exists();
    crate::harness::eventually("it can be removed", gone);
    let seen = Sandbox::new().with("process", r#"user = "root""#).probe(&words).exits(0);
    seen.refuses(&format!("mkdir {directory}"), &["ENOENT", "EROFS", "EACCES", "EPERM"]);
    assert!(!Path::new(&directory).exists());
}

#[test]
fn pids_max_holds() {
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 30");
    let seen = sandbox.probe("forks 10 + forks 60");
    if !is_root() && seen.status.code() == Some(125) {
        // No cgroup is delegated to this user: then it is refused, by name.
        return drop(seen.refused(125, &["pids-max", "hint: "]));
    }
    let seen = seen.exits(0);
    seen.allows("forks 10").answers("forks 60", "EAGAIN");
    Sandbox::new().probe("forks 60").succeeds().allows("forks 60");
}

/// 4096 by default: by pids.max for root, whom rlimits do not bind, by an rlimit for everybody else.
#[test]
fn no_profile_lets_processes_grow_without_bound() {
    let seen = Sandbox::new().probe("forks 500 + forks 4200").succeeds();
    seen.allows("forks 500");
    let check = Sandbox::new().ask("check", &["/probe"]).exits(0);
    // A machine that gives root no pids controller without more ado says so.
    if check.stderr.contains("nothing stops a fork bomb of root's") {
        assert!(is_root(), "{check}");
        seen.allows("forks 4200");
        return;
    }
    seen.answers("forks 4200", "EAGAIN");
    let more = Sandbox::new().with("cgroup", r#"pids-max = "max""#);
    if is_root() {
        more.probe("forks 4200").succeeds().allows("forks 4200");
    }
}

/// An rlimit would hold each of its users by itself, and root, whom it might become, not at all.
#[test]
fn a_program_that_may_become_root_is_limited_too() {
    if !is_root() {
        return left_to_root("an ordinary user has one id");
    }
    let sandbox =
        Sandbox::new().with("process", r#"user = "nobody""#).with("capabilities", r#"keep = ["setuid", "setgid"]"#);
    let check = sandbox.ask("check", &["/probe"]).exits(0);
    let seen = sandbox.probe("forks 500 + become-root + forks 4200").exits(0);
    seen.allows("forks 500").allows("become-root");
    match check.stderr.contains("nothing stops a fork bomb of root's") {
        true => drop(seen.allows("forks 4200")),
        false => drop(seen.answers("forks 4200", "EAGAIN")),
    }
}

#[test]
fn memory_max_holds_and_the_end_is_explained() {
    // Where memory and swap are counted together, a limit of both is another way to run into it.
    for swap in ["", r#"memory-swap-max = "0""#] {
        let sandbox = Sandbox::new().with("cgroup", r#"memory-max = "32M""#).with("cgroup", swap);
        let seen = sandbox.probe("hold 20 + hold 80");
        if !is_root() && seen.status.code() == Some(125) {
            return drop(seen.refused(125, &["memory-max", "hint: "]));
        }
        if lacks("memory") {
            return drop(seen.refused(125, &["memory-max: ", LACKING, "hint: "]));
        }
        let seen = seen.refused(137, &["the program was killed: out of memory, limit 32M, peak 3"]);
        seen.prints("holding\n").says(&["hint: raise memory-max in [cgroup]"]);
        let shell = "/probe hold 80; echo survived";
        let seen = sandbox.run(&["sh", "-c", shell]).exits(0).prints("survived\n");
        seen.says(&["a process was killed: out of memory, limit 32M", "hint: raise memory-max in [cgroup]"]);
    }
    Sandbox::new().probe("hold 20 + hold 80").succeeds().prints("holding\nholding\n");
}

/// Where the kernel shares out real time by cgroups, a new one has none of it.
#[test]
fn a_launcher_with_real_time_priority_is_told_why_cpu_max_cannot_hold_it() {
    if !is_root() {
        return left_to_root("only root may give itself real-time priority");
    }
    let sandbox = Sandbox::new().with("cgroup", r#"cpu-max = "50%""#);
    let launch = sandbox.command("run", &["/probe", "say", "started"]);
    let mut command = Command::new("chrt");
    command.args(["-f", "1"]).arg(launch.get_program()).args(launch.get_args()).current_dir("/");
    command.env_clear().envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let seen = Running::start(command, "chrt".to_owned()).ends();
    match Path::new("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists() {
        true => seen.refused(125, &["join the cgroup of cpu", "EINVAL", "hint: ", "real-time"]).prints(""),
        false => seen.exits(0).prints("started\n"),
    };
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (line, word) in [
        (r#"memory-max = "lots""#, "memory-max"),
        (r#"pids-maximum = 3"#, "pids-max"),
        (r#"pids-max = -1"#, "pids-max"),
        (r#"cpu-max = "fast""#, "cpu-max"),
    ] {
        Sandbox::new().with("cgroup", line).probe("say").refused(125, &[word]);
    }
}
