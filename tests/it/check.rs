//! `check`: who wrote what, and what is wrong with it, for people and for editors.

use serde_json::Value;

use crate::harness::{Sandbox, program};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn each_value_is_shown_with_its_file_and_line() {
    let sandbox =
        Sandbox::bare().with("process", "nice = 5").option("--origin").option("--set").option("process.nice=7");
    let parent = sandbox.file("parent.toml", "[process]\nnice = 3\ntimeout = \"1h\"\n");
    let sandbox = sandbox.with("", "extends = \"./parent.toml\"");
    let seen = sandbox.ask("check", &["/bin/true"]).exits(0);
    let parent = parent.display();
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    let shown: String = seen.stdout.lines().map(squeezed).collect();
    for words in [
        "nice = 7 # --set process.nice=7, over ".to_owned(),
        format!("timeout = \"1h\" # {parent}:3:11\n"),
        "args = [\"/bin/true\"] # the command line\n".to_owned(),
        "umask = \"0022\" # default\n".to_owned(),
    ] {
        assert!(shown.contains(&words), "{words}\n{seen}");
    }
    let origins = json(&sandbox.option("--json").ask("check", &["/bin/true"]).exits(0).stdout);
    let line = |key: &str| {
        let lines = origins["origins"].as_array().expect("a list");
        lines.iter().find(|line| line["section"] == "process" && line["key"] == key).expect(key).clone()
    };
    assert_eq!((&line("nice")["value"], &line("nice")["from"]["kind"]), (&Value::from(7), &Value::from("set")));
    assert_eq!(line("timeout")["from"]["file"], Value::from(parent.to_string()));
    assert_eq!(line("umask")["from"]["kind"], "default");
    assert_eq!(origins["ok"], true);
}

#[test]
fn what_planning_finds_points_into_the_profile() {
    let sandbox = Sandbox::bare().with("rootfs", "read-only = [\"/usr\", \"/not/there\"]");
    let line = "2 | read-only = [\"/usr\", \"/not/there\"]";
    let caret = "  |                      ^^^^^^^^^^^^";
    for (subcommand, code) in [("check", 1), ("plan", 1), ("run", 125)] {
        let seen = sandbox.ask(subcommand, &["/bin/true"]).exits(code);
        assert!(seen.stderr.contains(&format!("{line}\n{caret}\n")), "{subcommand}\n{seen}");
        assert!(seen.stderr.contains("error: rootfs: bind source /not/there does not exist"), "{subcommand}\n{seen}");
    }
    let found = json(&sandbox.option("--json").ask("check", &["/bin/true"]).exits(1).stdout);
    let list = found["diagnostics"].as_array().expect("files");
    let file = list.iter().find(|file| file["uri"].as_str().is_some_and(|uri| uri.starts_with("file:///")));
    let error = &file.expect("the profile")["diagnostics"][0];
    assert_eq!((&error["severity"], &error["range"]["start"]["line"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(error["range"]["end"]["character"], 33);
    assert_eq!(found["ok"], false);
}

/// `head` is not a failure.
#[test]
fn a_reader_that_stops_is_no_error() {
    let program = program().display();
    let script = format!("{program} check --origin hello | head -n 1; echo ${{PIPESTATUS[0]}}");
    let shell = std::process::Command::new("bash").args(["-c", &script]).output().expect("starting bash");
    let (out, errors) = (String::from_utf8_lossy(&shell.stdout), String::from_utf8_lossy(&shell.stderr));
    assert!(
        out.starts_with("name = \"hello\"") && out.ends_with("\n0\n") && !errors.contains("panicked"),
        "{out}{errors}"
    );
}
