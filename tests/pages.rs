//! The pages in docs against the program: what they name exists, and what exists is named.

mod repository;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use sandbox::cli::Cli;

use repository::{read, root};

fn page(name: &str) -> String {
    read(&format!("docs/{name}"))
}

/// Every file below a directory that ends so.
fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_str().is_some_and(|path| path.ends_with(end)) {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_command_and_option_is_described() {
    let page = page("cli.md");
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        let heading = page.lines().find(|line| line.starts_with("## ") && line.contains(&format!("`{name}")));
        assert!(heading.is_some(), "{name} has no heading");
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            if let Some(long) = argument.get_long() {
                assert!(page.contains(&format!("`--{long}")), "{name} --{long} is not described");
            }
        }
    }
    for word in page.split("`--").skip(1) {
        let long = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
        let known = Cli::command()
            .get_subcommands()
            .any(|command| command.get_arguments().any(|argument| argument.get_long() == Some(long)));
        assert!(known || long.is_empty() || long == "help", "no command takes --{long}");
    }
}

#[test]
fn every_feature_of_the_doctor_is_described() {
    let page = page("cli.md");
    for name in sandbox::doctor::NAMES {
        assert!(page.contains(&format!("`{name}`")), "{name} is not described");
    }
}

/// A claim of a test that does not exist would be worse than no claim.
#[test]
fn every_test_that_the_index_of_advisories_names_exists() {
    let page = page("security.md");
    let unit: String = files(&root().join("src"), ".rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut named = BTreeSet::new();
    for word in page.split('`').skip(1).step_by(2) {
        let Some((file, test)) = word.rsplit_once("::").filter(|(file, test)| !file.is_empty() && !test.is_empty())
        else {
            continue;
        };
        let path = root().join(format!("tests/it/{}.rs", file.replace("::", "/")));
        let text = fs::read_to_string(path).unwrap_or_default();
        let declared = |text: &str| text.contains(&format!("fn {test}("));
        assert!(declared(&text) || declared(&unit), "{word} does not exist");
        named.insert(word.to_owned());
    }
    assert!(named.len() > 30, "{named:?}");
    for file in page.split("`tests/profiles/bad` (").nth(1).and_then(|rest| rest.split(')').next()).unwrap().split(", ")
    {
        let path = root().join(format!("tests/profiles/bad/{}.toml", file.trim_matches('`')));
        assert!(path.exists(), "{} does not exist", path.display());
    }
}

#[test]
fn the_map_of_the_code_is_complete() {
    let page = page("architecture.md");
    let map = page.split("## Map of the code").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let library = read("src/lib.rs");
    for module in library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(map.contains(&format!("| `{module}` |")), "{module} is not on the map");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut links = 0;
    for path in files(&root().join("docs"), ".md") {
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let to = path.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(to.exists(), "{}: {link} leads nowhere", path.display());
            links += 1;
        }
    }
    assert!(links > 1);
}
