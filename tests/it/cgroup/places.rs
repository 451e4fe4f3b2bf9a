//! Machines and surroundings in which a limit cannot be set: refused by name before anything starts, or started with less
//! and told so, as the profile says.

use std::path::Path;
use std::process::Command;

use crate::harness::{LACKING, Running, Sandbox, Seen, eventually, is_root, lacks, left_to_root};

/// `sandbox run`, in a mount namespace of its own that a shell has changed.
fn changed(sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Seen {
    let launch = sandbox.command("run", arguments);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-euc"]);
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

/// In a cgroup namespace that begins below the root, the mounts that were there before show other cgroups than its own.
#[test]
fn a_cgroup_namespace_of_its_own_takes_a_mount_of_its_own() {
    if !is_root() {
        return left_to_root("only root can make a cgroup namespace beside the machine's mounts");
    }
    let (top, again) = match Path::new("/sys/fs/cgroup/pids/tasks").exists() {
        true => {
            ("/sys/fs/cgroup/pids", "umount /sys/fs/cgroup/pids && mount -t cgroup -o pids cgroup /sys/fs/cgroup/pids")
        }
        false => ("/sys/fs/cgroup", "umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"),
    };
    let own = Path::new(top).join(format!("sandbox-it-{}", std::process::id()));
    std::fs::create_dir(&own).expect("making a cgroup");
    let namespaced = |inner: &str| {
        let enter = format!("echo 0 > {}/cgroup.procs", own.display());
        format!("{enter}\nset -- unshare --cgroup sh -euc '{inner}\nexec \"$@\"' sh \"$@\"")
    };
    // The remedy that is named.
    let (kept, anew) = (namespaced(":"), namespaced(again));
    let limited = Sandbox::new().with("cgroup", "pids-max = 30");
    changed(&limited, &kept, &["/probe", "say", "started"])
        .refused(125, &["pids-max: ", " lies outside of this cgroup namespace", "hint: ", again])
        .prints("");
    changed(&Sandbox::new(), &kept, &["/probe", "say", "started"]).succeeds().prints("started\n");
    let seen = changed(&limited, &anew, &["/probe", "forks", "10", "+", "forks", "60"]).exits(0);
    seen.allows("forks 10").answers("forks 60", "EAGAIN");
    eventually("it can be removed", || std::fs::remove_dir(&own).is_ok());
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
        let lost = words[0] == "cpuset-cpus: " && lacks("cpuset") && seen.stderr.contains(LACKING);
        assert!(seen.stderr.contains(words[1]) || kept_by_systemd || lost || !is_root(), "{seen}");
    }
}

#[test]
fn too_little_to_start_with_is_explained() {
    let tight = Sandbox::new().with("cgroup", r#"memory-max = "192K""#).probe("say started").prints("");
    // How far a launch comes with so little is the kernel's to say.
    assert!(matches!(tight.status.code(), Some(125 | 137)), "{tight}");
    let few = Sandbox::new().with("cgroup", "pids-max = 1").probe("say started").exits(125).prints("");
    if is_root() {
        match lacks("memory") {
            true => tight.says(&["memory-max: ", LACKING, "hint: "]),
            false => tight.says(&["out of memory, limit 192K", "hint: raise memory-max"]),
        };
    }
    few.says(&["pids-max = 1 leaves no room for the program", "hint: write 2 or more"]);
}
