//! `plan` and `check`: what would be done, said before anything is touched.

use crate::harness::{Sandbox, alone};
use crate::oracle::Snapshot;

#[test]
fn a_plan_prints_every_step_and_why() {
    let sandbox = Sandbox::new();
    let plain = sandbox.ask("plan", &["/probe"]).succeeds();
    for word in [
        "host-before",
        "clone3",
        "init",
        "target",
        "rootfs:",
        "landlock:",
        "capabilities:",
        "seccomp:",
        "process: execute",
    ] {
        assert!(plain.stdout.contains(word), "{word}\n{plain}");
    }
    let reasons = Sandbox::new().option("--why").ask("plan", &["/probe"]).succeeds();
    assert!(reasons.stdout.lines().count() > plain.stdout.lines().count() * 3 / 2, "{reasons}");
    let json = Sandbox::new().option("--json").ask("plan", &["/probe"]).succeeds();
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let stages = value["stages"].as_array().expect("stages");
    let steps = stages.iter().flat_map(|stage| stage["steps"].as_array().expect("steps"));
    assert!(steps.clone().count() > 30);
    assert!(
        steps
            .into_iter()
            .all(|step| step["step"].is_string() && step["why"].as_str().is_some_and(|why| !why.is_empty()))
    );
}

#[test]
fn planning_and_checking_touch_nothing() {
    alone();
    let before = Snapshot::take();
    let sandbox =
        Sandbox::new().with("rootfs", r#"tmpfs = ["/scratch"]"#).with("rootfs", r#"persist = ["/var/lib/kept"]"#);
    let data = sandbox.dir().join("data");
    let sandbox = sandbox.env("XDG_DATA_HOME", data.to_str().expect("plain text"));
    sandbox.ask("plan", &["/probe"]).exits(0);
    sandbox.ask("check", &["/probe"]).exits(0);
    assert!(!data.exists());
    drop(sandbox);
    before.still_holds();
}

#[test]
fn check_tells_all_errors_of_a_profile_at_once() {
    let sandbox = Sandbox::new()
        .with("process", r#"user = "no-such-user""#)
        .with("rootfs", r#"hide = ["/not/there"]"#)
        .with("process", r#"groups = ["no-such-group"]"#);
    let seen = sandbox.ask("check", &["/probe"]);
    assert_eq!(seen.status.code(), Some(1), "{seen}");
    let all = format!("{}{}", seen.stdout, seen.stderr);
    for word in ["no-such-user", "/not/there", "no-such-group"] {
        assert!(all.contains(word), "{word}\n{seen}");
    }
    Sandbox::new().ask("check", &["/probe"]).exits(0);
}

#[test]
fn a_key_that_nobody_knows_is_an_error_with_its_line() {
    let seen = Sandbox::new().with("rootfs", r#"read-olny = ["/srv"]"#).ask("check", &["/probe"]);
    assert_eq!(seen.status.code(), Some(1), "{seen}");
    let all = format!("{}{}", seen.stdout, seen.stderr);
    assert!(all.contains("read-olny") && all.contains("read-only") && all.contains(".toml:"), "{seen}");
}

#[test]
fn the_order_of_the_plan_is_the_order_of_the_launch() {
    let sandbox = Sandbox::new().option("--timings");
    let timed = sandbox.run(&["/probe", "say"]).exits(0);
    let planned = Sandbox::new().ask("plan", &["/probe", "say"]).succeeds();
    let done: Vec<&str> =
        timed.stderr.lines().filter_map(|line| line.split_once(": ").map(|(_, step)| step.trim())).collect();
    assert!(done.len() > 30, "{timed}");
    let mut steps = planned.stdout.lines().map(str::trim);
    for step in done {
        let step = step.split_once(" → ").map_or(step, |(start, _)| start);
        // Directories of this launch differ from that one's.
        if step.contains("sandbox-it-") {
            continue;
        }
        assert!(
            steps.by_ref().any(|planned| planned.starts_with(step)),
            "{step} is not planned where it was done\n{timed}\n{planned}"
        );
    }
}
