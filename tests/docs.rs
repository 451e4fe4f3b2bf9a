//! docs/profile.md against the program: every example is a profile, and every key is there; and of docs/architecture.md
//! what no compiler sees to.

mod repository;

use sandbox::host::{Facts, Host};
use sandbox::profile::{self, Overrides, Unwritten};

fn page() -> String {
    repository::read("docs/profile.md")
}

#[test]
fn every_example_is_accepted() {
    let mut facts = Facts { uid: Some(1000), cwd: Some("/nowhere".into()), ..Facts::default() };
    facts.texts.insert("/etc/passwd".into(), Some("me:x:1000:1000::/home/me:/bin/sh\n".into()));
    let host = Host::known(facts);
    let page = page();
    let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 8);
    for example in examples {
        let loaded = profile::load_text(example, "/profiles/p.toml", &Overrides::default(), &host);
        if let Err(problems) = loaded {
            panic!("{problems}\n{example}");
        }
    }
}

#[test]
fn every_key_is_described_and_marked_if_it_is_refused() {
    let page = page();
    for (section, key, refused) in profile::keys() {
        let heading = format!("## `[{section}]`\n");
        let part = page.split(&heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
        let row = part.lines().find(|line| {
            let first = line.split('|').nth(1).unwrap_or_default();
            first.split_whitespace().any(|word| word == format!("`{key}`"))
        });
        let row = row.unwrap_or_else(|| panic!("[{section}] {key} is not described"));
        let takes = row.split('|').nth(2).unwrap_or_default().trim();
        assert_eq!(takes == "*not yet*", refused, "[{section}] {key}: {row}");
    }
}

/// `check --origin` says what holds where nobody wrote anything, in the words of the page.
#[test]
fn the_defaults_are_those_of_the_program() {
    let page = page();
    let host = Host::known(Facts { uid: Some(0), ..Facts::default() });
    for (section, key, refused) in profile::keys() {
        let default = profile::DEFAULTS.iter().find(|(known, name, _)| (*known, *name) == (section, key));
        let Some((_, _, default)) = default else {
            assert!(refused, "[{section}] {key} has no default");
            continue;
        };
        let part = page.split(&format!("## `[{section}]`\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        let described = part.lines().any(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let keys = cells.get(1).copied().unwrap_or_default();
            let cell = cells.get(3).copied().unwrap_or_default();
            keys.split_whitespace().any(|word| word == format!("`{key}`"))
                && match default {
                    Unwritten::Value(text) => cell == format!("`{text}`") || cell == *text,
                    Unwritten::Words(words) => cell == *words,
                }
        });
        assert!(described, "[{section}] {key}: {default:?} is not what the page says");
        if let Unwritten::Value(text) = default {
            let written = format!("[{section}]\n{key} = {text}\n");
            let loaded = profile::load_text(&written, "/profiles/p.toml", &Overrides::default(), &host);
            loaded.unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}

/// Every word in the columns of other tools that a profile could hold by mistake, in whatever section.
#[test]
fn the_words_of_other_tools_are_answered() {
    let page = repository::read("docs/coming-from.md");
    let tables = page.split("\n## Files\n").nth(1).unwrap().split("\n## Looking\n").next().unwrap();
    let words = tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| here"));
    let words = words.flat_map(|line| line.split('|').skip(2).flat_map(|cell| cell.split('`').skip(1).step_by(2)));
    let words = words.map(|words| words.trim_start_matches('-').split([' ', '=', '.']).next().unwrap_or_default());
    let words: std::collections::BTreeSet<&str> = words.filter(|word| word.len() > 1 && !word.contains('*')).collect();
    assert!(words.len() > 100, "{}", words.len());
    // The name of an image has no key.
    let others = ["FROM"];
    let host = Host::known(Facts { uid: Some(1000), cwd: Some("/nowhere".into()), ..Facts::default() });
    let mut unanswered = Vec::new();
    for word in words.into_iter().filter(|word| !others.contains(word)) {
        for section in ["process", "rootfs", "cgroup", "capabilities", "seccomp", "namespaces"] {
            let text = format!("[{section}]\n{word} = 'x'\n");
            let said = profile::load_text(&text, "/profiles/p.toml", &Overrides::default(), &host);
            let Err(said) = said else { continue };
            let hints = said.list.iter().filter_map(|error| error.hint.as_deref());
            let own = |near: &str| near.replace('-', "").eq_ignore_ascii_case(&word.replace('-', ""));
            let slip =
                |hint: &str| hint.strip_prefix("did you mean `").is_some_and(|near| !own(near.trim_end_matches("`?")));
            let silent = |hint: &str| hint.starts_with(&format!("[{section}] has ")) || slip(hint);
            for hint in hints.filter(|hint| silent(hint)) {
                unanswered.push(format!("[{section}] {word}: {}", hint.split(',').next().unwrap_or_default()));
            }
        }
    }
    assert!(unanswered.is_empty(), "{}", unanswered.join("\n"));
}

/// What two of them must agree on is a plain type in isolation.rs.
#[test]
fn no_section_imports_another() {
    const SECTIONS: [&str; 8] =
        ["process", "namespaces", "rootfs", "cgroup", "network", "capabilities", "seccomp", "landlock"];
    let mut files = 0;
    for section in SECTIONS {
        let own = repository::root().join("src/isolation").join(section);
        let mut left = vec![own.with_extension("rs"), own];
        while let Some(path) = left.pop() {
            if let Ok(entries) = std::fs::read_dir(&path) {
                left.extend(entries.map(|entry| entry.unwrap().path()));
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            files += 1;
            let imports = text.split("use crate::isolation::").skip(1).filter_map(|rest| rest.split(';').next());
            let words = imports.flat_map(|import| import.split(|c: char| !c.is_alphanumeric() && c != '_'));
            let others: Vec<&str> = words.filter(|word| SECTIONS.contains(word) && *word != section).collect();
            assert!(others.is_empty(), "{}: {others:?}", path.display());
        }
    }
    assert!(files > 80, "{files}");
}
