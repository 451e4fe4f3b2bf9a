//! `doctor`, and `check` with what a doctor found on another machine.

use serde_json::Value;

use crate::harness::{Sandbox, alone, is_root};
use crate::oracle::Snapshot;

/// The features by their names, from `doctor --json`.
#[track_caller]
fn features(sandbox: &Sandbox, code: i32) -> Vec<Value> {
    let seen = sandbox.sandbox(&["doctor", "--json"]).exits(code);
    let report: Value = serde_json::from_str(&seen.stdout).expect("JSON");
    report["features"].as_array().expect("features").clone()
}

#[track_caller]
fn feature<'a>(features: &'a [Value], name: &str) -> &'a Value {
    features.iter().find(|feature| feature["name"] == name).unwrap_or_else(|| panic!("no {name}: {features:?}"))
}

#[test]
fn a_machine_that_can_launch_is_found_fit_and_left_as_it_was() {
    alone();
    let sandbox = Sandbox::new();
    let before = Snapshot::take();
    let seen = sandbox.sandbox(&["doctor"]).succeeds();
    before.still_holds();
    for line in ["ok       user-namespaces: ", "ok       proc: ", "ok       seccomp: ", "ok       launch: "] {
        assert!(seen.stdout.lines().any(|known| known.starts_with(line)), "{line:?}\n{seen}");
    }
}

#[test]
fn a_profile_is_told_what_this_machine_lacks_for_it() {
    let sandbox = Sandbox::new();
    let fits = sandbox.file("fits.toml", "[process]\ncommand = [\"true\"]\n").display().to_string();
    let seen = sandbox.sandbox(&["doctor", &fits]).succeeds();
    assert!(seen.stdout.contains("ok       profile fits: this machine has all that it asks for"), "{seen}");
    let text = "[process]\ncommand = [\"true\"]\n[rootfs]\nread-only = [\"/far/away\"]\n";
    let lacks = sandbox.file("lacks.toml", text).display().to_string();
    let seen = sandbox.sandbox(&["doctor", &fits, &lacks]).exits(1);
    for said in ["ok       profile fits: ", "no       profile lacks: it would be refused", "/far/away does not exist"] {
        assert!(seen.stdout.contains(said), "{said:?}\n{seen}");
    }
    // What `check` refuses is not ok, and what cannot be read does not keep the others from being looked at.
    for (name, text, why) in [
        ("program", "[process]\ncommand = [\"/usr/bin/nosuch\"]\n", "/usr/bin/nosuch does not exist inside"),
        (
            "loader",
            "[process]\ncommand = [\"/usr/bin/env\"]\n[rootfs]\nbase = \"none\"\nread-only = [\"/usr\"]\n",
            "ld-",
        ),
    ] {
        let lacks = sandbox.file(&format!("{name}.toml"), text).display().to_string();
        sandbox.sandbox(&["check", &lacks]).exits(1);
        let seen = sandbox.sandbox(&["doctor", "nothere", &lacks, &fits]).exits(1);
        let refused = format!("no       profile {name}: it would be refused");
        for said in [refused.as_str(), why, "ok       profile fits: "] {
            assert!(seen.stdout.contains(said), "{said:?}\n{seen}");
        }
        assert!(seen.stderr.contains("there is no profile named `nothere`"), "{seen}");
    }
}

#[test]
fn what_is_not_fine_says_what_is_lost_and_what_to_do() {
    let features = features(&Sandbox::new(), 0);
    let names: Vec<_> = features.iter().filter_map(|feature| feature["name"].as_str()).collect();
    assert_eq!(names, sandbox::doctor::NAMES);
    for feature in features {
        let whole = feature["name"].is_string() && feature["detail"].is_string() && feature["required"].is_boolean();
        assert!(whole, "{feature}");
        match feature["state"].as_str() {
            Some("ok") => {}
            Some("limited" | "no") => assert!(feature["lost"].is_string(), "{feature}"),
            _ => panic!("{feature}"),
        }
        assert!(feature["state"] != "no" || feature["remedy"].is_string(), "{feature}");
    }
}

#[test]
fn a_refused_call_is_named() {
    for call in ["openat2", "clone3", "fsopen", "open_tree", "move_mount", "mount_setattr", "close_range"] {
        for errno in [38, 1] {
            // Refused as a whole, clone3 leaves no namespace to look for other refusals in.
            if (call, errno) == ("clone3", 1) {
                continue;
            }
            let sandbox = Sandbox::new().called_with(&format!("errno {errno} {call}"));
            let found = features(&sandbox, 1);
            let calls = feature(&found, "system-calls");
            let detail = calls["detail"].as_str().unwrap_or_default();
            assert_eq!(calls["state"], "no", "{call} answered with errno {errno}: {calls}");
            assert!(detail.contains(call), "{call} answered with errno {errno}: {calls}");
            assert_eq!(feature(&found, "launch")["state"], "no", "{call} answered with errno {errno}");
        }
    }
}

#[test]
fn a_filter_that_forbids_user_namespaces_is_found_out() {
    let found = features(&Sandbox::new().called_with("errno 1 clone3"), 1);
    let user = feature(&found, "user-namespaces");
    assert_eq!(user["state"], "no", "{user}");
    assert!(user["remedy"].as_str().is_some_and(|remedy| remedy.contains("seccomp=unconfined")), "{user}");
    assert_eq!(feature(&found, "proc")["detail"], "not tried: the namespaces it needs are refused");
}

#[test]
fn no_new_privileges_of_the_caller_is_told() {
    if is_root() {
        return;
    }
    let found = features(&Sandbox::new().called_with("nnp"), 0);
    assert_eq!(feature(&found, "no-new-privileges")["state"], "limited");
    let ranges = feature(&found, "id-ranges");
    assert!(ranges["state"] == "no" && ranges["remedy"] == "see no-new-privileges above", "{ranges}");
    // What newuidmap said of it, not what the child says that waits for its ids.
    assert!(ranges["detail"].as_str().is_some_and(|detail| detail.starts_with("newuidmap: ")), "{ranges}");
}

#[test]
fn a_profile_is_checked_for_the_machine_that_the_report_is_of() {
    let sandbox = Sandbox::new();
    let report = sandbox.sandbox(&["doctor", "--json"]).exits(0).stdout;
    let here = sandbox.file("here.json", &report).display().to_string();
    sandbox.sandbox(&["check", "--host", &here, "hello"]).exits(0);

    let mut old: Value = serde_json::from_str(&report).expect("JSON");
    old["facts"]["max-user-namespaces"] = 0.into();
    old["facts"]["landlock-abi"] = 1.into();
    let old = sandbox.file("old.json", &old.to_string()).display().to_string();
    let seen = sandbox.sandbox(&["check", "--host", &old, "hello"]).exits(1);
    seen.says(&["user.max_user_namespaces is 0", "has ABI 1"]);

    // What is required there and missing, and a kind of namespaces that is forbidden.
    for name in ["system-calls", "user-namespaces", "launch"] {
        let mut lacking: Value = serde_json::from_str(&report).expect("JSON");
        let features = lacking["features"].as_array_mut().expect("features");
        let feature = features.iter_mut().find(|feature| feature["name"] == name).expect("every report has it");
        feature["state"] = "no".into();
        let lacking = sandbox.file("lacking.json", &lacking.to_string()).display().to_string();
        let seen = sandbox.sandbox(&["check", "--host", &lacking, "hello"]).exits(1);
        seen.says(&[&format!("error: doctor: on that machine, {name}: "), "hint: "]);
    }
    let mut closed: Value = serde_json::from_str(&report).expect("JSON");
    assert!(closed["facts"]["max-namespaces"]["net"].as_u64() > Some(0));
    closed["facts"]["max-namespaces"]["net"] = 0.into();
    let closed = sandbox.file("closed.json", &closed.to_string()).display().to_string();
    let seen = sandbox.sandbox(&["check", "--host", &closed, "hello"]).exits(1);
    seen.says(&["no network namespaces: user.max_net_namespaces is 0", "sysctl user.max_net_namespaces=10000"]);

    let profile = sandbox.file("far.toml", "[process]\ncommand = [\"true\"]\n[rootfs]\nread-only = [\"/far/away\"]\n");
    let profile = profile.display().to_string();
    let seen = sandbox.sandbox(&["check", "--host", &here, &profile]).exits(1);
    seen.says(&["bind source /far/away does not exist"]);

    let broken = sandbox.file("broken.json", "{").display().to_string();
    let seen = sandbox.sandbox(&["check", "--host", &broken, "hello"]).exits(1);
    seen.says(&["broken.json", "it is not what `sandbox doctor --json` prints"]);
}
