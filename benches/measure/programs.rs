//! The launchers compared, each told to start the same program.

use std::path::Path;
use std::process::Command;

use super::caller::Caller;
use super::check;

/// Builds the C programs and puts everything that is measured into one place.
pub fn build(place: &Path, program: &Path) {
    std::fs::create_dir_all(place).expect("making a place for the programs");
    // The bench itself may lie where the other user cannot go.
    std::fs::copy("/proc/self/exe", place.join("bench")).expect("copying the bench");
    for source in ["floor", "least", "true", "pause", "take"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(source).with_extension("c");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-static", "-Wall"]).arg(file).arg("-o").arg(place.join(source));
        check(cc.status().expect("starting cc"), "cc (hint: apt-get install gcc libc6-dev)");
    }
    std::fs::copy(env!("CARGO_BIN_EXE_sandbox"), place.join("sandbox")).expect("copying sandbox");
    for (name, program, more) in [
        ("true", program, ""),
        ("pause", &place.join("pause"), ""),
        ("limited", program, LIMITS),
        ("limited-pause", &place.join("pause"), LIMITS),
    ] {
        let text = format!("[process]\ncommand = [{program:?}]\n{more}");
        std::fs::write(place.join(name).with_extension("toml"), text).expect("writing a profile");
    }
}

/// Four limits, none of which holds back a program that does nothing.
pub const LIMITS: &str = "[cgroup]
memory-max = \"256M\"
pids-max = 64
cpu-max = \"150%\"
cpu-weight = 10000
";

/// What the profile `NAME.toml` starts.
pub fn target(caller: &Caller, name: &str) -> std::path::PathBuf {
    let profile = std::fs::read_to_string(caller.program(name).with_extension("toml")).expect("reading the profile");
    profile.split('"').nth(1).expect("written by build()").into()
}

pub fn floor(caller: &Caller, name: &str) -> Command {
    let mut command = caller.command(&caller.program("floor"));
    command.arg(target(caller, name));
    command
}

/// The kernel's part of the default plan, in C.
pub fn least(caller: &Caller, name: &str) -> Command {
    least_without(caller, name, &[])
}

/// The same without some parts of it.
pub fn least_without(caller: &Caller, name: &str, parts: &[&str]) -> Command {
    let mut command = caller.command(&caller.program("least"));
    command.args(parts.iter().flat_map(|part| ["--without", part])).arg(target(caller, name));
    command
}

/// The same with the most of what is promised beside the plan, as far as the kernel is asked for that.
pub fn promised(caller: &Caller, name: &str) -> Command {
    let mut command = caller.command(&caller.program("least"));
    let cgroup = caller.name == "root" && Path::new("/sys/fs/cgroup/pids/tasks").exists();
    if caller.name == "root" && !cgroup {
        println!("skipped: root's cgroup among what is promised: there is no cgroup v1 of pids");
    }
    let promises = ["caller", "record", "read-back"].into_iter().chain(cgroup.then_some("cgroup"));
    command.args(promises.flat_map(|promise| ["--with", promise])).arg(target(caller, name));
    command
}

/// Debian's bubblewrap, with the options that come nearest to what every sandbox has.
pub fn bubblewrap(caller: &Caller, name: &str) -> Command {
    let options = "--unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --die-with-parent";
    let mut command = caller.command(Path::new("/usr/bin/bwrap"));
    command.args(options.split(' ')).arg(target(caller, name));
    command
}

/// A profile with nothing but a command.
pub fn sandbox(caller: &Caller, name: &str) -> Command {
    let mut command = caller.command(&caller.program("sandbox"));
    command.arg("run").arg(caller.program(name).with_extension("toml"));
    command
}

/// Every system call of a launch, in all its processes; `None` where there is no strace.
pub fn system_calls(command: &Command, scratch: &Path) -> Option<usize> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-c", "-U", "calls,name", "-o"]).arg(scratch);
    strace.arg(command.get_program()).args(command.get_args()).env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    match strace.status() {
        Ok(status) => check(status, "strace"),
        Err(_) => return None,
    }
    let table = std::fs::read_to_string(scratch).expect("reading what strace counted");
    std::fs::remove_file(scratch).expect("removing what strace counted");
    let total = table.lines().find(|line| line.trim_end().ends_with(" total"))?;
    total.split_whitespace().next()?.parse().ok()
}
