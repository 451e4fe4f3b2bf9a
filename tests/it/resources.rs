//! RES: whatever a program takes as much of as there is, a limit holds, and the host still launches the next one.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{Sandbox, Seen, alone, is_root, lacks};

/// What there is to take, and how that ends.
const KINDS: [(&str, &[&str]); 8] = [
    ("descriptors", &["EMFILE"]),
    ("pipes", &["EMFILE", "ENFILE"]),
    ("terminals", &["EMFILE", "ENOSPC", "EIO"]),
    ("watches", &["EMFILE"]),
    ("queues", &["EMFILE", "ENOSPC", "EPERM", "EACCES"]),
    ("names", &["ENOSPC"]),
    ("signals", &["EAGAIN"]),
    ("locked-memory", &["ENOMEM", "EPERM"]),
];

/// How long a launch takes: the median of five, so that the machine's other work weighs less.
fn launch() -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            Sandbox::new().probe("say started").succeeds().prints("started\n");
            start.elapsed()
        })
        .collect();
    times.sort();
    times[2]
}

#[track_caller]
fn another_still_launches(before: Duration, what: &str) {
    let during = launch();
    // What the machine does besides is not the program's doing.
    assert!(during <= before * 2 + Duration::from_millis(50), "{what}: {during:?}, and {before:?} before");
}

/// As many descriptors, and so much room for files.
fn held(descriptors: u32, room: &str) -> Sandbox {
    let sandbox = Sandbox::new().with("process", r#"user = "nobody""#);
    let sandbox = sandbox.with("process", &format!("rlimits = {{ nofile = {descriptors} }}"));
    sandbox.with("rootfs", &format!(r#"tmpfs = [{{ target = "/work", size = "{room}", mode = "1777" }}]"#))
}

#[test]
fn whatever_is_taken_ends_somewhere_and_another_still_launches() {
    alone();
    let before = launch();
    for (kind, ends) in KINDS {
        let sandbox = held(512, "4M");
        let mut running = sandbox.start_probe(&format!("hog {kind} + hang"));
        running.line("running");
        another_still_launches(before, kind);
        running.signal(Signal::SIGTERM);
        running.ends().exits(143).refuses(&format!("hog {kind}"), ends);
    }
}

/// The control of the test above: it is the sandbox's limit that each of these ended at, and not the machine's. How many
/// can be watched is the kernel's to say, for each user; queues are nobody's.
#[test]
fn whatever_is_taken_ends_at_the_limit() {
    for kind in ["descriptors", "pipes", "terminals", "names"] {
        let taken = |sandbox: Sandbox| -> u32 {
            let seen = sandbox.probe(&format!("hog {kind}")).exits(0);
            seen.value(&format!("hogged {kind}")).parse().expect("a number")
        };
        let (few, many) = (taken(held(256, "2M")), taken(held(512, "4M")));
        let twice = few * 2..few * 2 + 8;
        assert!(few > 100 && twice.contains(&many), "{kind}: {few}, and {many} of twice as much");
        assert!(kind == "names" || few < 256, "{kind}: {few} of 256");
    }
}

/// What the kernel counts for the user through all namespaces is not the program's alone.
#[test]
fn what_counts_for_the_caller_too_is_left_to_the_caller() {
    alone();
    const KINDS: [(&str, &str); 3] = [("watches", "EMFILE"), ("signals", "EAGAIN"), ("locked-memory", "ENOMEM")];
    // Whom nothing limits, nothing is taken from.
    let unlimited = |resource| nix::sys::resource::getrlimit(resource).expect("a limit").1 == libc::RLIM_INFINITY;
    let locks = !unlimited(nix::sys::resource::Resource::RLIMIT_MEMLOCK);
    let held = |sandbox: Sandbox, kind: &str| {
        let mut running = sandbox.start_probe(&format!("hog {kind} + hang"));
        running.line_with(&format!("hogged {kind}")).line("running");
        let left = crate::harness::outside(&format!("hog {kind}"));
        let left: u32 = left.value(&format!("hogged {kind}")).parse().expect("a number");
        running.signal(Signal::SIGTERM);
        (running.ends().exits(143), left)
    };
    for (kind, end) in KINDS.into_iter().filter(|(kind, _)| locks || *kind != "locked-memory") {
        let (seen, left) = held(Sandbox::new(), kind);
        seen.answers(&format!("hog {kind}"), end);
        assert!(left > 10, "{kind}: {left} are left to the caller");
    }
    // The control: as many as the caller has.
    let whole = r#"sysctl = { "user.max_inotify_instances" = 100000 }"#;
    let (_, left) = held(Sandbox::new().with("namespaces", whole), "watches");
    assert!(left < 10, "{left}");
    let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_SIGPENDING).expect("a limit");
    let whole = Sandbox::new().with("process", &format!("rlimits = {{ sigpending = {hard} }}"));
    let (_, left) = held(whole, "signals");
    assert!(left < 10, "{left}");
}

#[test]
fn memory_for_files_counts_as_memory() {
    let fill = "head -c 40000000 /dev/zero > /work/full && echo written";
    // Room enough, so that nothing but the limit can stop it.
    let room = || Sandbox::bare().with("rootfs", r#"tmpfs = [{ target = "/work", size = "64M", mode = "1777" }]"#);
    room().run(&["sh", "-c", fill]).succeeds().prints("written\n");
    let limited = room().with("cgroup", r#"memory-max = "32M""#).with("cgroup", r#"memory-swap-max = "0""#);
    let seen = limited.run(&["sh", "-c", fill]);
    if seen.stderr.contains("memory-max: ") && seen.status.code() == Some(125) {
        assert!(!is_root() || lacks("memory"), "{seen}");
        return drop(seen.refused(125, &["hint: "]));
    }
    seen.exits(137).prints("").says(&["killed: out of memory, limit 32M", "hint: raise memory-max"]);
}

/// Buffers of sockets are memory of the kernel, and on cgroup v1 counted by themselves.
#[test]
fn what_lies_in_sockets_counts_as_memory() {
    let queued = |seen: &Seen| seen.value("queued").parse::<u64>().expect("a number of MiB");
    let free = Sandbox::new().probe("queue 40").succeeds();
    assert!(queued(&free) > 100, "the control: {free}");
    let limited = Sandbox::new().with("cgroup", r#"memory-max = "32M""#);
    if lacks("memory") || !is_root() && limited.ask("check", &["/probe"]).status.code() == Some(1) {
        return drop(limited.probe("queue 40").refused(125, &["memory-max: ", "hint: "]));
    }
    // Whoever sends what has no room waits, or is killed for it.
    let seen = limited.probe("queue 40");
    assert!(seen.stdout.is_empty() && seen.status.code() == Some(137) || queued(&seen) < 40, "{seen}");
}

#[test]
fn a_fork_bomb_and_a_flood_of_output_leave_the_host_usable() {
    alone();
    let before = launch();
    // As many processes as there may be, none of which computes for long.
    let bomb = Sandbox::new().with("process", r#"user = "nobody""#);
    let mut running = bomb.start_probe("forks 4200 + crowd 1000 + hang");
    running.line("running");
    another_still_launches(before, "a crowd of processes");
    running.signal(Signal::SIGTERM);
    running.ends().exits(143).answers("forks 4200", "EAGAIN");
    // A reader that is slow holds the program up, and nobody else.
    let flood = Sandbox::new();
    let mut command = flood.command("run", &["/probe", "yes"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("starting");
    std::thread::sleep(Duration::from_millis(200));
    another_still_launches(before, "a flood of output");
    drop(child.stdout.take());
    let ended = child.wait().expect("waiting");
    assert!(!ended.success() || ended.code() == Some(0), "{ended}");
}
