//! KILL: no process outside can be signalled, found or looked into, and init cannot be taken over.

use std::process::{Child, Command};

use crate::harness::{Sandbox, outside};

struct Victim(Child);

impl Victim {
    fn new() -> Victim {
        Victim(Command::new("sleep").arg("1000").spawn().expect("starting"))
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
    use std::os::unix::process::CommandExt;
    for user in ["root", "nobody"] {
        let sandbox = Sandbox::new().with("process", &format!("user = {user:?}"));
        let command = sandbox.command("run", &["/probe", "kill", "0", "15", "+", "say", "alive"]);
        let mut bystander = Command::new("sleep");
        let mut bystander = Victim(bystander.arg("1000").process_group(0).spawn().expect("starting"));
        let mut launch = Command::new(command.get_program());
        launch.args(command.get_args()).process_group(bystander.0.id() as i32);
        launch.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        launch.output().expect("starting");
        bystander.lives();
    }
    // The control: outside of a sandbox it does reach it.
    let mut bystander = Victim(Command::new("sleep").arg("1000").process_group(0).spawn().expect("starting"));
    let mut probe = Command::new(crate::harness::probe());
    probe.args(["kill", "0", "15"]).process_group(bystander.0.id() as i32).output().expect("starting");
    assert!(bystander.0.wait().is_ok_and(|status| !status.success()));
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
