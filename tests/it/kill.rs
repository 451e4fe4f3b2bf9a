//! KILL: no process outside can be signalled, found or looked into, and init cannot be taken over.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use crate::harness::{Sandbox, Terminal, is_root, landlock_abi, outside};

struct Victim(Child);

impl Victim {
    fn new() -> Victim {
        Victim(Command::new("sleep").arg("1000").spawn().expect("starting"))
    }

    /// With a process group of its own. Nobody's priority is changed who holds more capabilities, so root's holds none.
    fn leading() -> Victim {
        let mut command = Command::new("setpriv");
        if is_root() {
            command.arg("--bounding-set=-all");
        }
        Victim(command.args(["sleep", "1000"]).process_group(0).spawn().expect("starting"))
    }

    /// What the probe says that is started in this one's process group, as a shell starts a pipeline; at a terminal or
    /// with pipes alone.
    fn joined_by(&self, sandbox: &Sandbox, words: &str, terminal: bool) -> String {
        let arguments: Vec<&str> = std::iter::once("/probe").chain(words.split_whitespace()).collect();
        let command = sandbox.command("run", &arguments);
        let mut launch = Command::new(command.get_program());
        launch.args(command.get_args()).process_group(self.0.id() as i32);
        launch.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let pty = nix::pty::openpty(None, None).expect("opening a pty");
        if terminal {
            launch.stdin(pty.slave);
        }
        let output = launch.output().expect("starting");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Nice, and what ionice(1) says.
    fn priorities(&self) -> (String, String) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("reading its stat");
        let nice = stat.split(' ').nth(18).expect("a nineteenth field").to_owned();
        let io = Command::new("ionice").arg("-p").arg(self.0.id().to_string()).output().expect("starting ionice");
        (nice, String::from_utf8_lossy(&io.stdout).trim().to_owned())
    }

    #[track_caller]
    fn lives(&mut self) {
        assert!(self.0.try_wait().expect("asking").is_none(), "it was killed from inside");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn processes_of_the_host_do_not_exist_inside() {
    let mut victim = Victim::new();
    let pid = victim.0.id();
    let words = format!("kill {pid} 9 + tgkill {pid} 9 + pidfd-open {pid} + ptrace {pid} + vm-read {pid}");
    for user in ["root", "nobody"] {
        let seen = Sandbox::new().with("process", &format!("user = {user:?}")).probe(&words).exits(0);
        for verb in ["kill", "tgkill"] {
            seen.refuses(&format!("{verb} {pid} 9"), &["ESRCH"]);
        }
        seen.refuses(&format!("pidfd-open {pid}"), &["ESRCH", "EPERM", "ENOSYS", "EINVAL"]);
        seen.refuses(&format!("ptrace {pid}"), &["EPERM"]).refuses(&format!("vm-read {pid}"), &["EPERM"]);
    }
    victim.lives();
    let seen = outside(&format!("kill {pid} 0 + pidfd-open {pid} + ptrace {pid}"));
    seen.allows(&format!("kill {pid} 0")).allows(&format!("pidfd-open {pid}")).allows(&format!("ptrace {pid}"));
}

#[test]
fn without_a_filter_they_do_not_exist_either() {
    let mut victim = Victim::new();
    let pid = victim.0.id();
    let sandbox = Sandbox::new().with("seccomp", r#"preset = "none""#).with("landlock", r#"enforce = "off""#);
    let words = format!("kill {pid} 9 + pidfd-open {pid} + ptrace {pid} + vm-read {pid}");
    let seen = sandbox.probe(&words).exits(0);
    for words in words.split(" + ") {
        seen.refuses(words, &["ESRCH", "EINVAL"]);
    }
    victim.lives();
}

#[test]
fn init_can_be_neither_traced_nor_signalled_away() {
    for user in ["root", "nobody"] {
        for preset in ["default", "none"] {
            let sandbox = Sandbox::new()
                .with("process", &format!("user = {user:?}"))
                .with("seccomp", &format!("preset = {preset:?}"));
            let words = "ptrace 1 + vm-read 1 + kill 1 9 + kill 1 19 + read /proc/1/mem + write /proc/1/mem \
                         + read /proc/1/environ + read /proc/1/fd/0 + chdir /proc/1/cwd + read /proc/1/maps + list /proc/1/root + say alive + sleep 100";
            let seen = sandbox.probe(words).exits(0);
            seen.refuses("ptrace 1", &["EPERM"]).refuses("vm-read 1", &["EPERM"]);
            for path in [
                "read /proc/1/mem",
                "write /proc/1/mem",
                "read /proc/1/environ",
                "read /proc/1/fd/0",
                "chdir /proc/1/cwd",
                "read /proc/1/maps",
                "list /proc/1/root",
            ] {
                // Init holds no descriptor at all, so there is none to refuse.
                let none = if path.ends_with("/fd/0") { "ENOENT" } else { "EACCES" };
                seen.refuses(path, &["EACCES", "EPERM", none]);
            }
            assert!(seen.stdout.contains("alive\n"), "init went, and took the program with it\n{seen}");
        }
    }
}

/// A process group is one across pid namespaces: kill(0) reaches who shares ours, the launcher and the shell's pipeline.
#[test]
fn its_process_group_outside_is_out_of_reach() {
    for user in ["root", "nobody"] {
        for (init, terminal) in [(true, false), (true, true), (false, false), (false, true)] {
            let sandbox = Sandbox::new().with("process", &format!("user = {user:?}\ninit = {init}"));
            let mut bystander = Victim::leading();
            bystander.joined_by(&sandbox, "kill 0 15 + say alive", terminal);
            bystander.lives();
        }
    }
    // Where no scope of Landlock is in between, as before Linux 6.12, the filter refuses it.
    for (preset, terminal, reached) in
        [("default", true, false), ("compat", true, false), ("none", false, false), ("none", true, true)]
    {
        for init in [true, false] {
            let sandbox = Sandbox::new()
                .with("process", &format!("user = \"root\"\ninit = {init}"))
                .with("landlock", r#"enforce = "off""#)
                .with("seccomp", &format!("preset = {preset:?}"));
            let mut bystander = Victim::leading();
            let seen = bystander.joined_by(&sandbox, "kill 0 15 + kill 0x100000000 15", terminal);
            if reached {
                // The control.
                assert!(bystander.0.wait().is_ok_and(|status| !status.success()), "{seen}");
                let said = sandbox.ask("check", &["/probe"]).exits(0).stderr;
                assert!(said.contains("nothing refuses the program signals to the caller's process group"), "{said}");
            } else {
                bystander.lives();
                let refused = ["kill 0 15: EPERM", "kill 0x100000000 15: EPERM"];
                assert!(refused.iter().all(|refused| terminal == seen.contains(refused)), "{init} {seen}");
            }
        }
    }
    // Nor does a terminal: of its events it tells whatever group is in the foreground, by the signal that one likes.
    let asks = "syscall 72 0 4 0x2000 + syscall 16 0 0x5452 0";
    let unscoped = landlock_abi() < 6;
    for (landlock, preset, refused) in [
        ("off", "default", true),
        ("off", "compat", true),
        ("off", "none", false),
        ("best-effort", "default", unscoped),
    ] {
        let sandbox = Sandbox::new().with("landlock", &format!("enforce = {landlock:?}"));
        let sandbox = sandbox.with("seccomp", &format!("preset = {preset:?}"));
        let seen = Victim::leading().joined_by(&sandbox, asks, true);
        let answers = if refused { ["EPERM"; 2] } else { ["ok", "EFAULT"] };
        for (asked, answer) in asks.split(" + ").zip(answers) {
            assert!(seen.contains(&format!("{asked}: {answer}")), "{landlock} {preset}: {seen}");
        }
    }
    // The control: outside of a sandbox it does reach it.
    let mut bystander = Victim::leading();
    let mut probe = Command::new(crate::harness::probe());
    probe.args(["kill", "0", "15"]).process_group(bystander.0.id() as i32).output().expect("starting");
    assert!(bystander.0.wait().is_ok_and(|status| !status.success()));
}

/// Setting a priority by process group, which asks for no pid namespace either.
#[test]
fn its_process_group_outside_keeps_its_priority() {
    // setpriority(PRIO_PGRP, 0, 5) and ioprio_set(IOPRIO_WHO_PGRP, 0, best effort 7).
    let words = "syscall 141 1 0 5 + syscall 141 0x100000001 0x100000000 5 + syscall 251 2 0 0x4007 \
                 + syscall 251 0x100000002 0x100000000 0x4007";
    // Its own it may lower.
    let own = "syscall 141 0 0 5 + syscall 251 1 0 0x4006";
    for user in ["root", "nobody"] {
        for (init, terminal) in [(true, true), (false, true), (true, false), (false, false)] {
            let with = |preset: &str| {
                Sandbox::new()
                    .with("process", &format!("user = {user:?}\ninit = {init}"))
                    .with("seccomp", &format!("preset = {preset:?}"))
            };
            for preset in ["default", "compat"] {
                let bystander = Victim::leading();
                let before = bystander.priorities();
                let seen = bystander.joined_by(&with(preset), &format!("{words} + {own}"), terminal);
                for words in words.split(" + ") {
                    assert!(seen.contains(&format!("{}: EPERM\n", words.trim())), "{seen}");
                }
                for own in own.split(" + ") {
                    assert!(seen.contains(&format!("{own}: ok\n")), "{seen}");
                }
                assert_eq!(bystander.priorities(), before, "{seen}");
            }
            // The control: without a filter it changes whoever shares its group, which is so at a terminal alone, and
            // has its uid. ioprio_set stops at the first process that it may not change, which init is, and root's
            // launcher.
            let bystander = Victim::leading();
            let mut after = bystander.priorities();
            let seen = bystander.joined_by(&with("none"), words, terminal);
            if terminal && !(is_root() && user == "nobody") {
                after.0 = "5".to_owned();
                if !init && !is_root() {
                    after.1 = "best-effort: prio 7".to_owned();
                }
            }
            assert_eq!(bystander.priorities(), after, "{seen}");
        }
    }
}

#[test]
fn everything_of_its_own_it_may_end() {
    // kill(-1) reaches all but the caller and pid 1.
    let seen = Sandbox::new().probe("orphan 100000 + kill -1 9 + ls /proc").exits(137);
    assert!(!seen.stdout.contains("entry 3\n"), "{seen}");
}

#[test]
fn a_program_that_shares_the_pid_namespace_leaves_nothing_either() {
    let sandbox = Sandbox::new().with("namespaces", "pid = false");
    let mut running = sandbox.start_probe("daemon + hang");
    running.line("running");
    let below = crate::process::descendants(running.pid());
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends().exits(143);
    crate::harness::eventually("its daemon has ended too", || below.iter().all(|pid| !crate::process::alive(*pid)));
}

/// With their pids known, and the same uid, the kernel lets limits and priorities of processes outside be changed.
#[test]
fn a_program_that_shares_the_pid_namespace_leaves_other_processes_as_they_are() {
    let victim = Victim::leading();
    let (pid, before) = (victim.0.id(), victim.priorities());
    // prlimit64, sched_setaffinity, sched_setattr, sched_setparam, sched_setscheduler: what the kernel makes of them is
    // told by its answer to arguments that change nothing. setpriority and ioprio_set do change something.
    let calls = [
        (format!("syscall 302 {pid} 0 0 0"), "ok"),
        (format!("syscall 302 {} 0 0 0", u64::from(pid) | 1 << 32), "ok"),
        (format!("syscall 203 {pid} 8 0"), "EFAULT"),
        (format!("syscall 314 {pid} 0 0"), "EINVAL"),
        (format!("syscall 142 {pid} 0"), "EINVAL"),
        (format!("syscall 144 {pid} 0 0"), "EINVAL"),
        (format!("syscall 141 0 {pid} 5"), "ok"),
        (format!("syscall 251 1 {pid} 0x4007"), "ok"),
    ];
    let others = "syscall 141 2 0 6 + syscall 141 1 0 6 + syscall 251 3 0 0x4006 + syscall 251 2 0 0x4006";
    let own = "syscall 302 0 0 0 0 + syscall 141 0 0 5 + syscall 251 1 0 0x4006";
    let words: Vec<&str> = calls.iter().map(|(words, _)| words.as_str()).collect();
    let (words, rest) = (words.join(" + "), format!("{others} + {own} + kill {pid} 0"));
    let sandbox = |preset: &str| {
        Sandbox::new().with("namespaces", "pid = false").with("seccomp", &format!("preset = {preset:?}"))
    };
    for preset in ["default", "compat"] {
        let seen = sandbox(preset).probe(&format!("{words} + {rest}")).exits(0);
        for words in calls.iter().map(|(words, _)| words.as_str()).chain(others.split(" + ")) {
            seen.answers(words, "EPERM");
        }
        for words in own.split(" + ") {
            seen.allows(words);
        }
        // A signal only Landlock's scope refuses, from Linux 6.12 on; else it is said.
        let scoped = landlock_abi() >= 6;
        match scoped {
            true => drop(seen.refuses(&format!("kill {pid} 0"), &["EPERM"])),
            false => drop(seen.allows(&format!("kill {pid} 0"))),
        }
        assert_eq!(victim.priorities(), before, "{seen}");
        let said = sandbox(preset).ask("check", &["/probe"]).exits(0).stderr;
        assert_eq!(said.contains("with pid = false nothing keeps"), !scoped, "{said}");
    }
    // Nor is there anything of theirs to write to.
    for base in ["system", "host"] {
        let sandbox = sandbox("default").with("rootfs", &format!("base = {base:?}"));
        let seen = sandbox.probe(&format!("write /proc/{pid}/oom_score_adj + list /proc/{pid}")).exits(0);
        seen.refuses(&format!("write /proc/{pid}/oom_score_adj"), &["ENOENT", "EACCES", "EROFS"]);
        seen.refuses(&format!("list /proc/{pid}"), &["ENOENT", "EACCES"]);
    }
    // The control: without a filter the kernel takes them, and check says so. By user it would be everybody's here.
    let seen = sandbox("none").probe(&words).exits(0);
    for (words, answer) in &calls {
        seen.answers(words, answer);
    }
    assert_ne!(victim.priorities(), before, "{seen}");
    let said = sandbox("none").ask("check", &["/probe"]).exits(0).stderr;
    assert!(said.contains("with pid = false nothing keeps the program from processes outside: ioprio_set"), "{said}");
}

/// By the file of the scheduler: of the session, not of a process. At a terminal that is the caller's.
#[test]
fn its_session_keeps_its_weight() {
    let own = "/proc/self/autogroup";
    let before = std::fs::read_to_string(own).unwrap_or_default();
    let enabled = std::fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").unwrap_or_default();
    if enabled.trim() != "1" {
        // Here sessions have no weight that could be changed.
        return assert!(!before.contains(" nice "), "{before}");
    }
    // Of all who are not root the kernel takes one write in a tenth of a second.
    let change = "until echo 15 2>/dev/null > /proc/self/autogroup; do sleep 0.05; done; cat /proc/self/autogroup";
    let sandbox = Sandbox::bare();
    let script = sandbox.file("change", change);
    let sandbox = sandbox.read_only(&format!("{}:/change", script.display()));
    let seen = sandbox.run(&["sh", "/change"]).succeeds();
    assert!(seen.stdout.ends_with(" nice 15\n"), "the control: it has changed one\n{seen}");
    assert_eq!(std::fs::read_to_string(own).expect("reading"), before);
    let command = sandbox.command("run", &["sh", "/change"]);
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let program = command.get_program().to_string_lossy();
    let mut terminal = Terminal::sit_down();
    let line = format!("XDG_RUNTIME_DIR={} {program} {}", sandbox.runtime().display(), words.join(" "));
    terminal.types(&format!("{line}; echo after=$(cat {own})\n"));
    terminal.shows(" nice 15").shows("after=").shows(" nice 0");
}
