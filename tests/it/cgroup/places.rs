//! Machines and surroundings in which a limit cannot be set: refused by name before anything starts, or started with less
//! and told so, as the profile says.

use std::process::Command;

use crate::harness::{Running, Sandbox, Seen, is_root, left_to_root};

/// `sandbox run`, in a mount namespace and a cgroup namespace of its own that a shell has changed.
fn changed(sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Seen {
    let launch = sandbox.command("run", arguments);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--cgroup", "--propagation", "private", "sh", "-euc"]);
    command.arg(format!("{script}\nexec \"$@\"")).arg("sh").arg(launch.get_program()).args(launch.get_args());
    command.env_clear().envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir("/");
    Running::start(command, format!("{arguments:?} after\n{script}")).ends()
}

/// As container engines show cgroups: there, and read-only.
const READ_ONLY: &str = "awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read -r at; do
    mount -o remount,bind,ro \"$at\"
done";

/// As a container without any: an empty directory is all that is left.
const NONE: &str = "mount -t tmpfs none /sys/fs/cgroup";

#[test]
fn a_limit_that_the_author_wrote_stops_the_launch() {
    if !is_root() {
        return left_to_root("only root can change what is mounted");
    }
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 30");
    let program = ["/probe", "say", "started"];
    // The control: in surroundings of its own, with nothing changed.
    changed(&sandbox, ":", &program).succeeds().prints("started\n");
    changed(&sandbox, READ_ONLY, &program)
        .refused(125, &["pids-max: ", " is read-only", "hint: a container around"])
        .prints("");
    changed(&sandbox, NONE, &program).refused(125, &["pids-max: ", "mount", "hint: "]).prints("");
}

#[test]
fn what_settles_for_less_starts_and_says_so() {
    if !is_root() {
        return left_to_root("only root can change what is mounted");
    }
    let sandbox = Sandbox::new().with("cgroup", "pids-max = 30").with("cgroup", r#"enforce = "best-effort""#);
    let sandbox = sandbox.with("process", r#"user = "nobody""#);
    for script in [READ_ONLY, NONE] {
        let seen = changed(&sandbox, script, &["/probe", "say", "started", "+", "forks", "40"]).exits(0);
        assert!(seen.stdout.starts_with("started\n"), "{seen}");
        // An rlimit stands in, and holds: that is a note, which launches do not repeat.
        seen.answers("forks 40", "EAGAIN");
    }
    let sandbox = Sandbox::new().with("cgroup", r#"memory-max = "64M""#).with("cgroup", r#"enforce = "best-effort""#);
    for script in [READ_ONLY, NONE] {
        changed(&sandbox, script, &["/probe", "say", "started"])
            .exits(0)
            .says(&["not on this machine: cgroup: memory-max: "]);
    }
}

#[test]
fn what_only_a_default_asks_for_does_without() {
    if !is_root() {
        return left_to_root("only root can change what is mounted");
    }
    for script in [READ_ONLY, NONE] {
        changed(&Sandbox::new(), script, &["/probe", "say", "started"]).succeeds().prints("started\n");
    }
}

/// A sandbox in a sandbox is the nearest thing to a container engine that is always there.
#[test]
fn inside_of_another_sandbox_it_is_refused_or_done_without() {
    let program = crate::harness::program().display().to_string();
    let sandbox = Sandbox::new()
        .with("namespaces", r#"nested = "mounts""#)
        .with("landlock", r#"enforce = "off""#)
        .with("process", r#"user = "nobody""#)
        .read_only(&format!("{program}:/sandbox"));
    let inner = sandbox.file("inner.toml", "[cgroup]\npids-max = 30\n");
    let best = sandbox.file("best.toml", "[cgroup]\npids-max = 30\nenforce = \"best-effort\"\n");
    let sandbox = sandbox.read_only(&format!("{}:/inner.toml", inner.display()));
    let sandbox = sandbox.read_only(&format!("{}:/best.toml", best.display()));
    let refused = sandbox.run(&["/sandbox", "run", "/inner.toml", "--", "/probe", "say", "started"]);
    refused.refused(125, &["pids-max: ", "hint: "]).prints("");
    let seen = sandbox.run(&["/sandbox", "run", "/best.toml", "--", "/bin/echo", "started"]).exits(0);
    seen.prints("started\n");
}

#[test]
fn values_that_this_machine_does_not_know_are_refused_by_name() {
    for (limit, words) in [
        (r#"io-max = [{ device = "/nowhere", read-bps = "1M" }]"#, ["io-max: ", "does not exist"]),
        (r#"io-max = [{ device = "/proc", read-bps = "1M" }]"#, ["io-max: ", "which is no disk"]),
        (r#"cpuset-cpus = "4000""#, ["cpuset-cpus: ", "the CPUs that we may use are "]),
        (r#"hugetlb-max = { "64K" = "1M" }"#, ["hugetlb-max: ", "no huge pages of 64 KiB"]),
        (r#"cpu-max = "0.01%""#, ["cpu-max", "0.1%"]),
    ] {
        let seen = Sandbox::new().with("cgroup", limit).probe("say started").exits(125).prints("");
        // Whoever may set no limit at all is told that instead.
        assert!(seen.stderr.contains(words[0]), "{seen}");
        let kept_by_systemd = seen.stderr.contains("systemd delegates no");
        assert!(seen.stderr.contains(words[1]) || kept_by_systemd || !is_root(), "{seen}");
    }
}

#[test]
fn too_little_to_start_with_is_explained() {
    let tight = Sandbox::new().with("cgroup", r#"memory-max = "128K""#).probe("say started").exits(125).prints("");
    let few = Sandbox::new().with("cgroup", "pids-max = 1").probe("say started").exits(125).prints("");
    if is_root() {
        tight.says(&["out of memory, limit 128K", "hint: raise memory-max"]);
        few.says(&["hint: raise pids-max"]);
    }
}
