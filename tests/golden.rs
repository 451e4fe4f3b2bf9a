//! Plans of profiles on machines that are only made up, word by word; and the table of stages in the docs.
//!
//! Each `tests/golden/NAME.toml` is planned for each of `tests/golden/hosts`, as an ordinary user, and on the rich one as
//! root too; what `plan` and `check` would print stands in `NAME.HOST.plan` and `NAME.HOST.root.plan`. The profiles that
//! come with the program are planned for the rich host alone. `UPDATE=1 cargo test --test golden` writes what is now
//! planned: read the difference before you commit it.

mod repository;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use sandbox::explain;
use sandbox::host::{Facts, Host, Node};
use sandbox::isolation::network::Mode;
use sandbox::isolation::{Findings, Severity};
use sandbox::plan::{self, Plan, Stage};
use sandbox::profile::{self, Overrides};

use repository::{MACHINES, machine, profiles, read, root};

#[test]
fn plans_are_the_golden_ones() {
    let directory = root().join("tests/golden");
    let mut golden = Golden::default();
    for (name, text) in profiles(&directory) {
        for host in MACHINES {
            let facts: Facts = machine(host);
            golden.compare(&directory.join(format!("{name}.{host}.plan")), &complete(&name, &text, facts.clone()));
            if host == "rich" {
                let path = directory.join(format!("{name}.{host}.root.plan"));
                golden.compare(&path, &complete(&name, &text, as_root(facts)));
            }
        }
    }
    golden.finish(&directory);
}

#[test]
fn plans_of_the_profiles_that_come_along_are_the_golden_ones() {
    let directory = root().join("tests/golden/profiles");
    let mut golden = Golden::default();
    for built_in in profile::BUILT_IN.iter().filter(|built_in| !built_in.base) {
        let host = Host::known(with_servers(machine("rich")));
        let plan = planned(built_in.name, built_in.text, &host);
        golden.compare(&directory.join(format!("{}.plan", built_in.name)), &plan);
    }
    golden.finish(&directory);
}

/// A warning of a sound profile teaches people to skip warnings. The one there is, docs/cli.md describes.
#[test]
fn what_comes_along_checks_without_warnings_but_the_documented_one() {
    let loopback = "mode = \"host\": whatever listens on this machine's loopback answers the program too";
    let page = read("docs/cli.md");
    assert!(page.contains(loopback), "docs/cli.md does not say: {loopback}");
    let mut planned = 0;
    for built_in in profile::BUILT_IN {
        for facts in [machine("rich"), Facts { cwd: Some("/srv/data".into()), ..as_root(machine("rich")) }] {
            let host = Host::known(with_servers(facts));
            let loaded = profile::load_text(built_in.text, &place(built_in.name), &Overrides::default(), &host);
            let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
            assert!(loaded.warnings.list.is_empty(), "{}: {}", built_in.name, loaded.warnings);
            let mut findings = Findings::default();
            planned += usize::from(plan::plan(&loaded.profile, &host, &mut Findings::default()).is_some());
            plan::review(&loaded.profile, &host, &mut findings);
            let warnings = findings.0.iter().filter(|finding| finding.severity == Severity::Warning);
            let said: Vec<&str> = warnings.map(|finding| finding.message.as_str()).collect();
            let expected: &[&str] = if loaded.profile.network.mode == Mode::Host { &[loopback] } else { &[] };
            // Root without capabilities is one user among others, and the directory is Ada's.
            let refused = |message: &&str| host.is_root() && message.contains("/srv/data will refuse writes to root");
            let said: Vec<&str> = said.into_iter().filter(|message| !refused(message)).collect();
            assert_eq!(said, expected, "{} for uid {}", built_in.name, host.uid());
        }
    }
    assert!(planned > profile::BUILT_IN.len(), "only {planned} could be planned at all");
}

/// The order of the steps, with its reasons, as it stands in the docs.
#[test]
fn the_table_of_stages_is_the_plan() {
    let mut golden = Golden::default();
    let empty = read("tests/golden/empty.toml");
    golden.compare(&root().join("docs/stages.md"), &stages(&plan(&empty)));
    golden.finish(Path::new("/nonexistent"));
}

/// The same machine with root logged in.
fn as_root(facts: Facts) -> Facts {
    let mut facts = Facts { uid: Some(0), gid: Some(0), groups: Some(vec![0]), cwd: Some("/root".into()), ..facts };
    let env = facts.env.get_or_insert_default();
    env.extend([("HOME".to_owned(), "/root".to_owned()), ("USER".to_owned(), "root".to_owned())]);
    env.remove("XDG_RUNTIME_DIR");
    facts.writable.values_mut().for_each(|writable| *writable = true);
    facts
}

/// The same machine with the packages of servers installed, and a file to give one of them.
fn with_servers(mut facts: Facts) -> Facts {
    if let Some(Some(passwd)) = facts.texts.get_mut("/etc/passwd") {
        for (name, id) in [("postgres", 101), ("mysql", 102), ("memcache", 103), ("mosquitto", 104), ("redis", 105)] {
            let _ = writeln!(passwd, "{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin");
        }
    }
    facts.paths.insert("/home/ada/project/haproxy.cfg".into(), Node::File { uid: 1000, mode: 0o644 });
    facts
}

/// Every fact that planning asks for is part of the made-up host: nothing is missing by oversight.
fn complete(name: &str, text: &str, mut facts: Facts) -> String {
    facts.paths.insert(place(name), Node::File { uid: 1000, mode: 0o644 });
    facts.links.insert(place(name), 1);
    let host = Host::known(facts);
    let text = planned(name, text, &host);
    // But for where a program is looked for: none is installed there.
    let unknown: Vec<String> = host.unknown().into_iter().filter(|path| !path.contains("bin/")).collect();
    assert_eq!(unknown, Vec::<String>::new(), "{name} asks what the host does not tell");
    text
}

/// Where the profile would stand on that machine.
fn place(name: &str) -> String {
    format!("/home/ada/profiles/{name}.toml")
}

/// What `plan` and `check` print of it.
fn planned(name: &str, text: &str, host: &Host) -> String {
    let mut loaded = match profile::load_text(text, &place(name), &Overrides::default(), host) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return diagnostics.text(false),
    };
    // What a person would write after `--`.
    if loaded.profile.process.command.is_empty() && loaded.profile.process.args.is_empty() {
        loaded.profile.process.args.push("./program".into());
    }
    let mut findings = Findings::default();
    let plan = plan::plan(&loaded.profile, host, &mut findings);
    assert_eq!(plan.is_none(), findings.refuse(), "{name}: an error and no plan go together");
    let mut findings = Findings::default();
    plan::review(&loaded.profile, host, &mut findings);
    // No programs are installed on machines made up.
    findings.0.retain(|finding| !finding.message.starts_with("command: "));
    let mut said = loaded.warnings.text(false);
    for finding in &findings.0 {
        let kind = match finding.severity {
            Severity::Error => "error",
            Severity::Shortfall => "shortfall",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(said, "{kind}: {}: {}", finding.section, finding.message);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(said, "  hint: {hint}");
        }
    }
    match plan {
        Some(plan) if said.is_empty() => explain::text(&plan, false),
        Some(plan) => format!("{}\n{said}", explain::text(&plan, false)),
        None => said,
    }
}

fn plan(text: &str) -> Plan {
    let host = Host::known(machine("rich"));
    let loaded = profile::load_text(text, &place("empty"), &Overrides::default(), &host).unwrap();
    plan::plan(&loaded.profile, &host, &mut Findings::default()).unwrap()
}

fn stages(plan: &Plan) -> String {
    let mut table = String::from(
        "# The stages of a launch\n\n\
         Every step of a profile with nothing but a command, for an ordinary user on a machine that has everything, in \
         order and with its reason: `sandbox plan --why` prints it for a profile and a machine of yours. Generated by \
         `UPDATE=1 cargo test --test golden`; docs/architecture.md says why the order is this one.\n",
    );
    for stage in Stage::ALL {
        if stage == Stage::HostAfter {
            let _ = writeln!(
                table,
                "\nThen one clone3 makes the new namespaces: {}.",
                sandbox::sys::namespace::Namespace::nouns(&plan.namespaces).join(", ")
            );
        }
        if plan.steps(stage).is_empty() {
            continue;
        }
        let _ = writeln!(table, "\n## {stage}\n\n| section | step | why |\n| --- | --- | --- |");
        for step in plan.steps(stage) {
            let cell = |text: &str| text.replace('|', "\\|").replace("\n  ", "<br>").replace('\n', "<br>");
            let _ = writeln!(table, "| {} | {} | {} |", step.section(), cell(&step.to_string()), cell(&step.why()));
        }
    }
    table
}

/// Files compared, or written.
#[derive(Default)]
struct Golden {
    known: BTreeSet<PathBuf>,
    differences: Vec<String>,
}

impl Golden {
    fn compare(&mut self, path: &Path, now: &str) {
        self.known.insert(path.to_owned());
        let golden = fs::read_to_string(path).unwrap_or_default();
        if golden == now {
            return;
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, now).unwrap();
            return;
        }
        let name = path.strip_prefix(root()).unwrap().display();
        self.differences.push(format!("--- {name}\n{}", difference(&golden, now)));
    }

    /// A golden file that no profile has any more is as wrong as one that differs.
    fn finish(mut self, directory: &Path) {
        let files = fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path());
        let plans = files.filter(|path| path.extension().is_some_and(|extension| extension == "plan"));
        for stale in plans.filter(|path| !self.known.contains(path)).collect::<Vec<_>>() {
            if std::env::var_os("UPDATE").is_some() {
                fs::remove_file(&stale).unwrap();
            } else {
                self.differences.push(format!("{} belongs to no profile", stale.display()));
            }
        }
        let said = self.differences.join("\n");
        assert!(said.is_empty(), "{said}\nUPDATE=1 cargo test --test golden takes over what is planned now");
    }
}

/// The lines between the common beginning and the common end.
fn difference(golden: &str, now: &str) -> String {
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (golden.lines().collect(), now.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.split_off(same), new.split_off(same));
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    for (mark, lines) in [('-', &old[..old.len() - end]), ('+', &new[..new.len() - end])] {
        lines.iter().for_each(|line| text.push_str(&format!("{mark} {line}\n")));
    }
    text
}
