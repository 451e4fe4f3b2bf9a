//! `delegate`: a part of its cgroup that the program divides, below limits that it cannot reach.

use std::fs;

use super::cleaning::directories;
use crate::harness::{Running, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new().with("cgroup", "delegate = true").with("process", r#"user = "root""#)
}

/// A shell in the part; `None` for a user to whom nothing is delegated, or on a machine without cgroup v2.
fn shell(sandbox: &Sandbox, script: &str) -> Option<Running> {
    let check = sandbox.ask("check", &["sh"]);
    if check.status.code() == Some(1) {
        sandbox.run(&["sh"]).refused(125, &["delegate: ", "hint: "]);
        return None;
    }
    check.exits(0);
    Some(sandbox.start(&["sh", "-c", &format!("cd /sys/fs/cgroup || exit 1\n{script}")]))
}

/// The control of what is refused where nothing is delegated: it is there to be done.
#[test]
fn it_can_be_divided() {
    let sandbox = sandbox();
    let script = "mkdir x; echo $$ > x/cgroup.procs; cat /proc/self/cgroup; mkdir ../y || echo refused";
    let Some(running) = shell(&sandbox, script) else { return };
    let seen = running.ends().exits(0);
    assert!(seen.stdout.lines().any(|line| line == "0::/x"), "its part is the root of what it sees\n{seen}");
    // What is above lies outside of the mount: `..` of its root is a directory of the sandbox's own.
    assert!(seen.stdout.lines().any(|line| line == "refused"), "{seen}");
}

#[test]
fn limits_hold_whatever_is_written_to_what_it_owns() {
    let sandbox = sandbox().with("cgroup", "pids-max = 30");
    // "max" freezes and kills nobody, and lifts every limit that takes it.
    let script = "mkdir x; echo 0 > x/cgroup.max.depth; echo own $(cat x/cgroup.max.depth); /probe forks 10
        for file in * x/*; do echo max > $file; done 2> /dev/null
        echo own $(cat x/cgroup.max.depth); /probe forks 60; echo running; read line; exit 0";
    let Some(mut running) = shell(&sandbox, script) else { return };
    running.line("running");
    let above = directories(&sandbox.name).into_iter().find(|directory| directory.join("cgroup.max.depth").exists());
    let above = above.expect("a directory of cgroup v2");
    let read = |file: &str| fs::read_to_string(above.join(file)).expect("reading a limit").trim_end().to_owned();
    assert_eq!((read("cgroup.max.depth"), read("cgroup.max.descendants")), ("16".to_owned(), "1000".to_owned()));
    let seen = running.ends().exits(0);
    // The control: what it owns it could write. With nsdelegate that begins below the root of its namespace.
    assert_eq!(seen.values("own").collect::<Vec<_>>(), ["0", "max"], "{seen}");
    seen.allows("forks 10").answers("forks 60", "EAGAIN");
}

/// The part itself is one of them, and so is the leaf that it begins with.
#[test]
fn it_grows_neither_deep_nor_wide() {
    let script = "mkdir $(seq 1100) 2> /dev/null; echo wide $(ls -d [0-9]* | wc -l); rmdir [0-9]*
        deep=0; while mkdir d && cd d; do deep=$((deep + 1)); done; echo deep $deep";
    let sandbox = sandbox();
    let Some(running) = shell(&sandbox, script) else { return };
    let seen = running.ends().exits(0);
    seen.has_value("wide", "998").has_value("deep", "15");
    seen.says(&["Resource temporarily unavailable"]);
}
