//! `check`: who wrote what, and what is wrong with it, for people and for editors.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::{Sandbox, is_root, landlock_abi, left_to_root, program, quoted, seconds};

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

/// The warning is right: what it foretells happens, and nothing of the kind where there is no warning.
#[test]
fn writes_that_permissions_refuse_are_foretold() {
    let sandbox = Sandbox::new();
    let (open, shut) = (sandbox.dir().join("open"), sandbox.dir().join("shut"));
    for (directory, mode) in [(&open, 0o755), (&shut, 0o555)] {
        std::fs::create_dir(directory).expect("making a directory");
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).expect("its mode");
    }
    let granted =
        format!("read-write = [{}, {}]", quoted(&open.display().to_string()), quoted(&shut.display().to_string()));
    let sandbox = sandbox.with("rootfs", &granted);
    let (open, shut) = (open.display(), shut.display());
    let said = sandbox.ask("check", &["/probe"]).exits(0).stderr;
    assert!(said.contains(&format!("warning: rootfs: read-write {shut} will refuse writes")), "{said}");
    assert!(!said.contains(&format!("read-write {open} will")), "{said}");
    let seen = sandbox.probe(&format!("create {open}/x + create {shut}/x"));
    seen.allows(&format!("create {open}/x")).refuses(&format!("create {shut}/x"), &["EACCES"]);
    assert!(!seen.stderr.contains("warning"), "a launch does not repeat it: {seen}");
}

#[test]
fn a_single_writable_file_is_warned_about() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("settings", "x");
    let entry = format!("read-write = [{}]", quoted(&file.display().to_string()));
    let sandbox = sandbox.with("rootfs", &entry);
    let said = sandbox.ask("check", &["/probe"]).exits(0).stderr;
    assert!(said.contains(&format!("warning: rootfs: read-write {} is a single file", file.display())), "{said}");
    assert!(said.contains("^^^^"), "it points into the profile: {said}");
}

#[test]
fn the_hosts_network_and_its_sockets_are_warned_about() {
    let host = || Sandbox::bare().with("network", "mode = \"host\"");
    let said = host().ask("check", &["/bin/true"]).exits(0).stderr;
    // Only from ABI 6 on Landlock keeps them apart.
    assert!(said.contains("loopback answers"), "{said}");
    assert_eq!(said.contains("abstract sockets"), landlock_abi() < 6, "{said}");
    // A scope that is asked for by name is refused there.
    let code = i32::from(landlock_abi() < 6);
    let said = host().with("landlock", "scope = [\"signal\"]").ask("check", &["/bin/true"]).exits(code).stderr;
    assert!(said.contains("loopback answers") && said.contains("abstract sockets"), "{said}");
    let said = Sandbox::bare().with("landlock", "enforce = \"off\"").ask("check", &["/bin/true"]).exits(0).stderr;
    assert!(!said.contains("loopback answers") && !said.contains("abstract sockets"), "{said}");
}

#[test]
fn privileged_groups_of_the_caller_are_named() {
    if !is_root() {
        return left_to_root("only root can put a caller into groups");
    }
    let sandbox = Sandbox::bare();
    let copy = sandbox.dir().join("sandbox");
    std::fs::copy(program(), &copy).expect("copying the program");
    for path in [sandbox.dir(), &copy] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let said = |groups: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", groups]).arg(&copy).args(["check", "hello"]).current_dir("/");
        let output = command.output().expect("starting setpriv");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let words = "the caller's group disk (every block device) stays in effect inside";
    assert!(said("--groups=disk").contains(words), "{}", said("--groups=disk"));
    assert!(!said("--clear-groups").contains("in effect"), "{}", said("--clear-groups"));
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

/// Each message is found its place without looking through the whole text, and each grant the one above it.
#[test]
fn many_entries_take_no_longer_each() {
    let entries = |line: &dyn Fn(usize) -> String, count| (0..count).map(line).collect::<Vec<_>>();
    let missing = |count| entries(&|number| format!("\"/no/such/{number}\""), count).join(",\n");
    let one_line = |count| entries(&|number| format!("\"/no/such/{number}\""), count).join(", ");
    let there = |count| entries(&|number| format!("\"/usr:/srv/{number}\""), count).join(",\n");
    let kinds: [(&dyn Fn(usize) -> String, _, _); 3] =
        [(&missing, &[][..], 1), (&one_line, &["--json"], 1), (&there, &[], 0)];
    for (list, options, code) in kinds {
        let takes = |count| {
            let sandbox = Sandbox::bare().with("rootfs", &format!("read-only = [\n{}\n]", list(count)));
            let sandbox = options.iter().fold(sandbox, |sandbox, option| sandbox.option(option));
            let start = std::time::Instant::now();
            sandbox.ask("check", &["/bin/true"]).exits(code);
            start.elapsed()
        };
        // Eight times as many would take sixty-four times as long if each were held against all others.
        let (few, many) = (takes(2_500), takes(20_000));
        assert!(many < 24 * few + seconds(1), "{options:?}: {few:?}, {many:?}");
    }
}

/// Whoever may write to its directory can put another in a profile's place.
#[test]
fn a_profile_that_others_may_replace_is_named() {
    let sandbox = Sandbox::bare();
    let path = sandbox.file("shared/p.toml", "");
    let directory = path.parent().expect("joined");
    let said = |mode| {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).expect("its mode");
        let seen = sandbox.sandbox(&["check", &path.display().to_string(), "--", "/bin/true"]).exits(0);
        seen.stderr.contains("p.toml may be replaced by everybody")
    };
    assert_eq!([0o777, 0o755, 0o1777].map(said), [true, false, false]);
}

#[test]
fn what_a_shared_ipc_namespace_keeps_is_named() {
    let said = |ipc: bool| {
        let sandbox = Sandbox::bare().with("namespaces", &format!("ipc = {ipc}"));
        sandbox.ask("check", &["/bin/true"]).exits(0).stderr.contains("stay on this machine when it has ended")
    };
    assert_eq!([false, true].map(said), [true, false]);
}

#[test]
fn a_missing_mount_point_is_named_where_it_would_be_made() {
    let sandbox = Sandbox::bare().with("rootfs", r#"files = { "/data/f/x" = "hi" }"#);
    let there = sandbox.dir().join("tree/f");
    std::fs::create_dir_all(&there).expect("making a directory");
    let entry = quoted(&format!("{}:/data", sandbox.dir().join("tree").display()));
    let sandbox = sandbox.with("rootfs", &format!("read-write = [{entry}]"));
    let seen = sandbox.ask("check", &["/bin/true"]).exits(1);
    seen.says(&[&format!("hint: create {} first", there.join("x").display())]);
    // The control: what the hint says is what is missing.
    std::fs::write(there.join("x"), "").expect("making a file");
    sandbox.ask("check", &["/bin/true"]).exits(0);
}
