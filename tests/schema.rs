//! The JSON schema against the program, by two validators that know nothing of either: what the program accepts the
//! schema accepts, and what it refuses the schema refuses, but for what no schema can know.
//!
//! `UPDATE=1 cargo test --test schema` writes profiles/schema.json anew.

mod reads_back;
mod repository;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use sandbox::host::Host;
use sandbox::isolation::Findings;
use sandbox::plan;
use sandbox::profile::{self, Overrides};
use serde_json::Value;

use repository::{profiles, read, root};

#[test]
fn the_committed_schema_is_the_programs() {
    let path = root().join("profiles/schema.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, profile::schema()).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == profile::schema(), "profiles/schema.json differs from what `sandbox schema` prints");
}

/// Meanings and defaults, word by word.
#[test]
fn docs_and_schema_tell_the_same() {
    let schema: Value = serde_json::from_str(&profile::schema()).unwrap();
    let page = read("docs/profile.md");
    for (section, key, refused) in profile::keys() {
        let heading = format!("## `[{section}]`\n");
        let part = page.split(&heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let named = |line: &&str| {
            let first = line.split('|').nth(1).unwrap_or_default();
            first.split_whitespace().any(|word| word == format!("`{key}`"))
        };
        let cells: Vec<&str> = part.lines().find(named).unwrap().split(" | ").map(str::trim).collect();
        let described = &schema["properties"][section]["properties"][key];
        let meaning = cells.last().unwrap().trim_end_matches('|').trim();
        let description = described["description"].as_str().unwrap();
        if refused {
            let later = description.strip_suffix("not available in this version yet").unwrap();
            assert_eq!(later.trim_end_matches("; "), meaning.trim_matches('|').trim(), "[{section}] {key}");
            continue;
        }
        assert_eq!(description, meaning, "[{section}] {key}");
        let value =
            cells[2].strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).filter(|cell| !cell.contains('`'));
        let default = value.and_then(|value| serde_json::from_str::<Value>(value).ok());
        assert_eq!(default.as_ref(), described.get("default"), "[{section}] {key}");
    }
}

/// Whoever writes a default changes nothing.
#[test]
fn a_default_that_is_written_is_the_default() {
    let schema: Value = serde_json::from_str(&profile::schema()).unwrap();
    let facts = reads_back::facts();
    let planned = |text: &str| {
        let text = format!("[process]\ncommand = [\"/bin/true\"]\n{text}");
        let loaded = profile::load_text(&text, "/p.toml", &Overrides::default(), &Host::known(facts.clone())).unwrap();
        reads_back::planned(&loaded, &facts)
    };
    let plain = planned("");
    let mut defaults = 0;
    for (section, key, _) in profile::keys() {
        let Some(default) = schema["properties"][section]["properties"][key].get("default") else { continue };
        let assignment =
            format!("{section}.{key}={}", if default.is_object() { "{}".into() } else { default.to_string() });
        // A limit that is written is a step, whatever it says.
        if section != "cgroup" {
            let set = Overrides { set: vec![assignment.clone()], ..Overrides::default() };
            let text = "[process]\ncommand = [\"/bin/true\"]\n";
            let loaded = profile::load_text(text, "/p.toml", &set, &Host::known(facts.clone())).unwrap();
            assert_eq!(reads_back::planned(&loaded, &facts), plain, "{assignment}");
        }
        defaults += 1;
    }
    assert!(defaults > 30, "{defaults}");
}

/// What the program accepts: every profile of this repository, every example of the docs, every value of every key.
#[test]
fn what_is_accepted_the_schema_accepts() {
    let mut good = Vec::new();
    for directory in ["profiles", "profiles/base", "tests/golden", "tests/profiles"] {
        for (name, text) in profiles(&root().join(directory)) {
            good.push((format!("{directory}/{name}"), text));
        }
    }
    let page = read("docs/profile.md");
    let examples = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    good.extend(examples.enumerate().map(|(number, text)| (format!("example {number}"), text.to_owned())));
    for (section, key, values) in samples::GOOD {
        for value in *values {
            // TOML 1.0, which tomllib reads, has inline tables on one line.
            good.push((format!("{section}.{key} = {value}"), format!("[{section}]\n{key} = {}\n", joined(value))));
        }
        if !matches!(*key, "init" | "user" | "pid" | "ipc" | "uts" | "cgroup" | "memory-oom-group" | "delegate") {
            good.push((format!("{section}.{key} = false"), format!("[{section}]\n{key} = false\n")));
        }
    }
    for text in
        ["", "process = false\n", "extends = ['-x', '${y}']\n", "[vars]\na = 'x'\nb-c = false\n", "vars = false"]
    {
        good.push((format!("{text:?}"), text.to_owned()));
    }
    assert!(good.len() > 250, "{}", good.len());
    for (validator, verdicts) in verdicts(&good) {
        let refused: Vec<_> = verdicts.iter().filter(|(_, verdict)| *verdict != "ok").collect();
        assert!(refused.is_empty(), "{validator}: {refused:#?}");
    }
}

/// The corpus of bad profiles: those that only the program can refuse are listed, and no other gets through.
#[test]
fn what_is_refused_the_schema_refuses_where_it_can_know() {
    let directory = root().join("tests/profiles/bad");
    let bad: Vec<_> = profiles(&directory).into_iter().filter(|(_, text)| !text.contains("# --set ")).collect();
    let unknowable: BTreeSet<&str> = UNKNOWABLE.split_whitespace().collect();
    for (validator, verdicts) in verdicts(&bad) {
        let refused = verdicts.values().filter(|verdict| *verdict == "no").count();
        assert!(refused > 100, "{validator} refuses {refused}");
        let accepted: BTreeSet<&str> =
            verdicts.iter().filter(|(_, verdict)| *verdict == "ok").map(|(name, _)| name.as_str()).collect();
        assert_eq!(accepted, unknowable, "{validator}");
    }
}

/// Each good value in the place of every other key: both say the same of it, but for what is listed.
#[test]
fn every_value_at_every_key_is_judged_alike() {
    let facts = reads_back::facts();
    let mut values: BTreeSet<&str> = samples::GOOD.iter().flat_map(|(.., values)| values.iter().copied()).collect();
    values.extend(BAD);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (section, key, _) in profile::keys() {
        for value in &values {
            let text = format!("[{section}]\n{key} = {}\n", joined(value));
            let host = Host::known(facts.clone());
            let accepted = match profile::load_text(&text, "/p.toml", &Overrides::default(), &host) {
                Ok(loaded) => {
                    let mut findings = Findings::default();
                    plan::plan(&loaded.profile, &host, &mut findings);
                    !findings.0.iter().any(|finding| finding.message.starts_with("unknown "))
                }
                Err(_) => false,
            };
            let name = format!("{section}.{key} = {}", joined(value));
            if accepted { good.push((name, text)) } else { bad.push((name, text)) }
        }
    }
    assert!(good.len() > 500 && bad.len() > 4000, "{} {}", good.len(), bad.len());
    for (validator, verdicts) in verdicts(&good) {
        let wrong: Vec<_> = verdicts.iter().filter(|(_, verdict)| *verdict == "no").map(|(name, _)| name).collect();
        assert!(wrong.is_empty(), "{validator} refuses {wrong:#?}");
    }
    for (validator, verdicts) in verdicts(&bad) {
        let unknowable = |name: &str| {
            // Variables, what parents wrote, and what contradicts the default of another key.
            name.contains("${") || name.ends_with(" = false") || CONTRADICTORY.contains(&name)
        };
        let wrong = verdicts.iter().filter(|(name, verdict)| *verdict == "ok" && !unknowable(name));
        let wrong: Vec<_> = wrong.map(|(name, _)| name).collect();
        assert!(wrong.is_empty(), "{validator} accepts {wrong:#?}");
    }
}

const CONTRADICTORY: [&str; 3] = [
    "namespaces.nested = \"mounts\"",
    "capabilities.keep = [\"sys_resource\"]",
    "rootfs.read-write = [\"/usr:/a\", \"-rel\", { source = \"/c:d\", target = \"/-e!\", exec = false }]",
];

const BAD: &[&str] = &["1.5", "[[]]", "[1]", "[true]", "{ x = 1 }", "\"\"", "\"a\\u0007b\"", "-1", "\"-1\""];

/// What lies beyond a single value: variables, parents, other keys, other files, and sums.
const UNKNOWABLE: &str = "
    contradiction-filter-none contradiction-hostname contradiction-id-map contradiction-init contradiction-landlock-off
    contradiction-nested-mounts contradiction-no-new-privileges contradiction-sys
    contradiction-sysctl duration-overflow extends-directory extends-missing extends-missing-path extends-self
    extends-variable files-false files-no-text hugetlb-page id-map-beyond id-map-overlap name+of-file name-in-name
    path-hidden-and-granted path-removal-alone path-removal-of-own path-too-long path-twice path-twice-same-list
    path-writable-home path-writable-profiles path-writable-root range-cpuset size-overflow user-no-id variable-cycle
    variable-empty variable-env-missing variable-explodes variable-from-environment variable-in-key variable-near
    variable-self variable-shell-default variable-smuggles-control variable-spaces variable-unclosed variable-undefined
    variable-user-directory variables-unused";

fn joined(value: &str) -> String {
    value.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Of each validator that is installed, what it says of each profile.
fn verdicts(profiles: &[(String, String)]) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let python = serde_json::to_string(profiles).unwrap();
    let parsed: Vec<(&String, Value)> = profiles
        .iter()
        .filter_map(|(name, text)| Some((name, serde_json::to_value(toml::from_str::<toml::Table>(text).ok()?).ok()?)))
        .collect();
    let javascript = serde_json::to_string(&parsed).unwrap();
    let mut all = Vec::new();
    for (name, program, script, package, input) in [
        ("jsonschema", "/usr/bin/python3", "validate.py", "import jsonschema, tomllib", &python),
        ("ajv", "node", "validate.js", "require(\"ajv\")", &javascript),
    ] {
        let installed = command(program).args([if name == "ajv" { "-e" } else { "-c" }, package]).output();
        if !installed.is_ok_and(|output| output.status.success()) {
            println!("skipped: {name} is not installed");
            continue;
        }
        let mut validator = command(program)
            .arg(root().join("tests/validators").join(script))
            .arg(root().join("profiles/schema.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = validator.stdin.take().unwrap();
        let input = input.clone();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let output = validator.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success(), "{name}: {}", output.status);
        let lines = String::from_utf8(output.stdout).unwrap();
        let verdicts = lines.lines().filter_map(|line| line.rsplit_once('\t'));
        let verdicts: BTreeMap<_, _> = verdicts.map(|(name, verdict)| (name.to_owned(), verdict.to_owned())).collect();
        assert!(verdicts.len() * 4 > profiles.len() * 3, "{name} judges {} of {}", verdicts.len(), profiles.len());
        all.push((name, verdicts));
    }
    all
}

/// Debian keeps the modules of node where only its own build looks.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("NODE_PATH", "/usr/share/nodejs");
    command
}
