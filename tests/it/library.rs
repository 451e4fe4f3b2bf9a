//! `profiles`: what is there, what it reaches, and what it says in full.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::{Sandbox, quoted};

/// A user's own profiles: one more, one in the place of a built-in one, and one with a mistake.
fn own() -> Sandbox {
    let sandbox = Sandbox::bare();
    sandbox.file(
        "config/sandbox/profiles/notes.toml",
        "description = \"my notes\"\n[rootfs]\nread-only = [\"/usr/share\"]\n",
    );
    sandbox.file("config/sandbox/profiles/jq.toml", "extends = \"jq\"\ndescription = \"my jq\"\n");
    sandbox.file("config/sandbox/profiles/slip.toml", "[proces]\n");
    sandbox.file("config/sandbox/profiles/.hidden.toml", "");
    sandbox.file("config/sandbox/profiles/README", "");
    sandbox.file("config/sandbox/profiles/two words.toml", "");
    let config = sandbox.dir().join("config").display().to_string();
    sandbox.env("XDG_CONFIG_HOME", &config)
}

#[test]
fn profiles_are_listed_with_what_they_reach() {
    let sandbox = own();
    let seen = sandbox.sandbox(&["profiles"]).succeeds();
    let directory = sandbox.dir().join("config/sandbox/profiles").display().to_string();
    assert_eq!(seen.stdout.lines().next(), Some(directory.as_str()), "{seen}");
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = seen.stdout.lines().map(squeezed).collect();
    for line in [
        "notes reads /usr/share my notes (-- COMMAND)",
        "unpack writes . tar, unzip, 7z and the like in one directory; no network (-- COMMAND)",
        "jq reads . my jq",
        "slip error: unknown section [proces]",
        "two words error: no name leads to this file: letters, digits, `_`, `.` and `-` make one, at most 63",
        "built-in",
        "jq hidden by the one above of this name jq on the files of one directory, reading only",
        "redis host network; keeps /var/lib/redis redis on 127.0.0.1:6379, whose data is kept",
        "hello nothing says hello, and what it can and cannot see",
        "built-in, to be extended",
        "strict nothing base: hostile input; no sockets, few processes, nothing of yours",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line}\n{seen}");
    }
    let built_in = seen.stdout.lines().skip_while(|line| *line != "built-in").skip(1);
    let described: Vec<&str> = built_in.take_while(|line| !line.is_empty()).collect();
    let column = described.iter().find_map(|line| line.find("bash in the directory")).expect("it is listed");
    let holds = |line: &str| match (line.get(..column), line.get(column..)) {
        (Some(before), Some(after)) => before.ends_with("  ") && !after.starts_with(' '),
        _ => true,
    };
    for (line, next) in described.iter().zip(described.iter().skip(1).chain([&""])) {
        let below = next.starts_with(&" ".repeat(column)) && holds(next);
        assert!(holds(line) || below, "{line}\n{seen}");
    }
    assert!(!seen.stdout.contains("hidden.toml") && !seen.stdout.contains("README"), "{seen}");
}

/// Of many commands it means stdin.
#[test]
fn a_dash_is_no_profile() {
    let hint = "hint: no profile is read from stdin: write it to a file";
    Sandbox::bare().sandbox(&["check", "-"]).refused(1, &["there is no profile named `-`", hint]);
}

/// Who knows the program looks for it by its name.
#[test]
fn an_installed_program_without_a_profile_is_told_how_to_get_one() {
    let sandbox = Sandbox::bare().env("PATH", "/usr/bin:/bin");
    sandbox.sandbox(&["run", "sh"]).refused(125, &["there is no profile named `sh`", "`sandbox new sh`"]);
    let seen = sandbox.sandbox(&["run", "no-such-program"]).refused(125, &["hint: `sandbox profiles` lists"]);
    assert!(!seen.stderr.contains("sandbox new"), "{seen}");
}

/// What comes later on the search path would be used in its place.
#[test]
fn what_a_name_must_not_lead_to_is_refused_and_not_passed_over() {
    let sandbox = own();
    let directory = sandbox.dir().join("config/sandbox/profiles");
    std::os::unix::fs::symlink("../gone.toml", directory.join("hello.toml")).expect("linking");
    let link = format!("{}: it is a link to ../gone.toml, which leads nowhere", directory.join("hello.toml").display());
    sandbox.sandbox(&["run", "hello"]).refused(125, &[&link, "hint: remove the link"]);
    sandbox.sandbox(&["check", "hello"]).refused(1, &[&link]);
    let seen = sandbox.sandbox(&["profiles"]).succeeds();
    assert!(seen.stdout.contains(&link), "{seen}");
    sandbox.sandbox(&["check", "notes", "--", "true"]).exits(0);
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).expect("its mode");
    let open = ["notes.toml: its directory is writable by everybody", "hint: chmod o-w /"];
    sandbox.sandbox(&["run", "notes", "--", "true"]).refused(125, &open);
    let path = directory.join("notes.toml").display().to_string();
    sandbox.sandbox(&["check", &path, "--", "true"]).exits(0);
}

/// The shell has emptied the file before the program reads anything.
#[test]
fn what_is_shown_may_be_written_where_the_profile_grants() {
    let sandbox = Sandbox::bare();
    let dir = sandbox.dir().display().to_string();
    let text = format!("[process]\ncommand = [\"/bin/cat\"]\n[rootfs]\nread-write = [{}]\n", quoted(&dir));
    let profile = sandbox.file("p.toml", &text);
    let show = || sandbox.sandbox(&["profiles", "show", &profile.display().to_string()]).succeeds().stdout;
    let into = |file: &std::path::Path| {
        let mut command = std::process::Command::new("/bin/sh");
        let launch = sandbox.command("check", &[]);
        command.args(["-c", "exec \"$0\" profiles show \"$1\" > \"$2\""]).arg(launch.get_program());
        assert!(command.arg(&profile).arg(file).status().expect("starting").success());
        std::fs::read_to_string(file).expect("reading")
    };
    let shown = show();
    assert_eq!(into(&sandbox.dir().join("shown.toml")), shown);
    assert!(shown.contains(&quoted(&dir)), "{shown}");
    // Over itself: nothing was left to read, and an empty profile is one.
    assert_eq!(into(&profile), "name = \"p\"\n");
}

#[test]
fn the_list_is_there_for_programs_too() {
    let sandbox = own();
    let seen = sandbox.sandbox(&["profiles", "--json"]).succeeds();
    let list: Vec<Value> = serde_json::from_str(&seen.stdout).expect("JSON");
    let find = |name: &str, hidden: bool| {
        let found = list.iter().find(|listed| listed["name"] == name && listed["hidden"] == hidden);
        found.unwrap_or_else(|| panic!("{name}\n{seen}"))
    };
    let path = sandbox.dir().join("config/sandbox/profiles/jq.toml").display().to_string();
    assert_eq!((&find("jq", false)["path"], &find("jq", true)["path"]), (&Value::from(path), &Value::Null));
    assert_eq!(find("redis", false)["reach"]["network"], "host");
    assert_eq!(find("redis", false)["reach"]["keeps"], Value::from(vec!["/var/lib/redis"]));
    assert_eq!(find("agent", false)["reach"]["writes"], Value::from(vec!["."]));
    assert_eq!(find("strict", false)["base"], true);
    assert_eq!(find("slip", false)["error"], "unknown section [proces]");
    assert_eq!(find("slip", false)["reach"], Value::Null);
}

/// What is shown is a profile, and it means the same: for each that comes along.
#[test]
fn what_is_shown_plans_the_same() {
    let sandbox = Sandbox::bare();
    let work = sandbox.dir().join("work");
    std::fs::create_dir(&work).expect("making a directory");
    sandbox.file("work/haproxy.cfg", "defaults\n");
    let www = format!("www={}", work.display());
    let sandbox = sandbox.called_in(work);
    let list = sandbox.sandbox(&["profiles", "--json"]).succeeds().stdout;
    let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
    let mut same = 0;
    for name in list.iter().map(|listed| listed["name"].as_str().expect("a name")) {
        let set: &[&str] = if name == "nginx" { &["--set", &www] } else { &[] };
        let shown = sandbox.sandbox(&[&["profiles", "show", name], set].concat()).succeeds().stdout;
        assert!(!shown.contains("extends") && !shown.contains("[vars]"), "{shown}");
        let file = sandbox.file(&format!("shown/{name}.toml"), &shown).display().to_string();
        let plan = |words: &[&str]| {
            let seen = sandbox.sandbox(&[&["plan"], words, &["--", "/bin/true"]].concat());
            // A launch may be refused here, as that of a server whose user is missing: for the same reasons then.
            let reasons = |line: &&str| line.starts_with("error: ") || line.starts_with("hint: ");
            let reasons: Vec<String> = seen.stderr.lines().filter(reasons).map(str::to_owned).collect();
            (seen.status.code(), seen.stdout.clone(), reasons)
        };
        let (asked, read) = (plan(&[&[name], set].concat()), plan(&[&file]));
        assert_eq!(asked, read, "{name}\n{shown}");
        same += usize::from(asked.0 == Some(0));
    }
    assert!(same > 40, "only {same} could be planned here at all");
}

#[test]
fn what_is_typed_is_part_of_what_is_shown() {
    let sandbox = own();
    let words = ["profiles", "show", "--name", "cache", "--set", "port=6380", "redis", "--", "--loglevel", "debug"];
    let seen = sandbox.sandbox(&words).succeeds();
    assert!(seen.stdout.starts_with("name = \"cache\"\n"), "{seen}");
    assert!(seen.stdout.contains(&format!("args = [{}, {}]", quoted("--loglevel"), quoted("debug"))), "{seen}");
    sandbox.sandbox(&["profiles", "show", "slip"]).refused(1, &["unknown section [proces]", "did you mean [process]?"]);
    sandbox.sandbox(&["profiles", "show"]).exits(2);
}
