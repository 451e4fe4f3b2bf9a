//! What a person reads when a profile is wrong, word by word.
//!
//! `tests/profiles/bad/NAME.toml`, or `NAME/profile.toml` where it takes several files, must be refused with exactly
//! the text of `NAME.stderr`. A comment line `# --set X` passes one. `UPDATE=1 cargo test --test messages` writes the
//! texts anew; read them before you commit them.

mod repository;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sandbox::host::{Facts, Host, Node};
use sandbox::profile::{self, Overrides};

#[test]
fn bad_profiles_are_refused_word_by_word() {
    let bad = directory();
    let mut cases: Vec<(String, String)> = Vec::new();
    for entry in fs::read_dir(&bad).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".toml") {
            cases.push((stem.to_owned(), name.clone()));
        } else if bad.join(&name).is_dir() {
            cases.push((name.clone(), format!("{name}/profile.toml")));
        }
    }
    cases.sort();
    assert!(cases.len() > 200, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for (name, file) in &cases {
        let text = String::from_utf8_lossy(&fs::read(bad.join(file)).unwrap()).into_owned();
        let set = text.lines().filter_map(|line| line.strip_prefix("# --set ")).map(String::from).collect();
        let overrides = Overrides { set, ..Overrides::default() };
        let said = match profile::load(file, &overrides, &host(&bad, name)) {
            Ok(loaded) => format!("accepted: {}", profile::resolved_text(&loaded)),
            Err(problems) => {
                check_json(&problems.json());
                assert!(problems.list.iter().all(|problem| problem.hint.is_some()), "{name}: no remedy\n{problems}");
                problems.text(false)
            }
        };
        let said = said.replace(bad.to_str().unwrap(), "/bad");
        let said = said.replace(bad.parent().unwrap().to_str().unwrap(), "/above");
        compare(&bad.join(format!("{name}.stderr")), &said, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}\n{} of {} messages differ", wrong.join("\n"), wrong.len(), cases.len());
}

/// Files that no repository can hold, made as they are needed.
#[test]
fn unfit_files_are_refused_word_by_word() {
    let root = std::env::temp_dir().join(format!("sandbox-messages-{}", std::process::id()));
    let profiles = root.join("config/sandbox/profiles");
    fs::create_dir_all(&profiles).unwrap();
    let root = root.canonicalize().unwrap();
    let mode = |name: &str, mode| {
        fs::write(profiles.join(name), "").unwrap();
        fs::set_permissions(profiles.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(profiles.join("directory.toml")).unwrap();
    nix::unistd::mkfifo(&profiles.join("fifo.toml"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    fs::write(profiles.join("large.toml"), "#\n".repeat(5 << 20)).unwrap();
    mode("everybody.toml", 0o646);
    mode("unreadable.toml", 0);
    std::os::unix::fs::symlink("dangling-target", profiles.join("dangling.toml")).unwrap();
    std::os::unix::fs::symlink("loop.toml", profiles.join("loop.toml")).unwrap();
    // What a profile extends is judged as it is itself.
    fs::write(profiles.join("child.toml"), "extends = [\"dangling\", \"-loop\", \"./absent.toml\"]\n").unwrap();
    fs::write(root.join("config/script"), "#!/bin/sh\necho hi\n").unwrap();
    // As a profile may begin that is to be executed.
    fs::write(root.join("config/profile"), "#!/usr/bin/env -S sandbox run\n[proces]\n").unwrap();
    let mut cases = vec!["child", "directory", "fifo", "large", "everybody", "dangling", "loop", "absent", "no-name!"];
    cases.extend([
        "config/sandbox/profiles/fifo.toml",
        "config/sandbox/profiles/dangling.toml",
        "config/sandbox/profiles",
        "config/script",
        "config/profile",
        "/dev/null.toml",
        "/dev/../dev/null",
    ]);
    mode("group.toml", 0o664);
    if nix::unistd::getuid().is_root() {
        // Root reads everything, and only root can give a file away.
        let own = |name: &str, uid, gid| std::os::unix::fs::chown(profiles.join(name), uid, gid).unwrap();
        mode("foreign.toml", 0o644);
        own("foreign.toml", Some(4711), None);
        own("group.toml", None, Some(4711));
        cases.extend(["foreign", "config/sandbox/profiles/foreign.toml", "group"]);
    } else {
        cases.push("unreadable");
    }
    let mut wrong = Vec::new();
    for case in cases {
        let said = match profile::load(case, &Overrides::default(), &machine(&root, &root.join("config"))) {
            Ok(loaded) => format!("accepted: {}", profile::resolved_text(&loaded)),
            Err(problems) => problems.text(false),
        };
        let said = said.replace(root.to_str().unwrap(), "/home/me");
        let name = case.trim_start_matches('/').replace('/', "-");
        compare(&directory().join(format!("../unfit/{name}.stderr")), &said, &mut wrong);
    }
    fs::remove_dir_all(&root).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever can write to the directory of profiles decides what a name leads to.
#[test]
fn a_directory_that_others_write_to_is_refused_word_by_word() {
    let root = std::env::temp_dir().join(format!("sandbox-directories-{}", std::process::id()));
    let profiles = root.join("config/sandbox/profiles");
    fs::create_dir_all(&profiles).unwrap();
    let root = root.canonicalize().unwrap();
    fs::write(profiles.join("mine.toml"), "").unwrap();
    let mode = |mode| fs::set_permissions(&profiles, fs::Permissions::from_mode(mode)).unwrap();
    let load = |name: &str| profile::load(name, &Overrides::default(), &machine(&root, &root.join("config")));
    let mut wrong = Vec::new();
    let mut refused = |case: &str| {
        let said = load("mine").map_err(|problems| problems.text(false)).expect_err(case);
        let said = said.replace(root.to_str().unwrap(), "/home/me");
        compare(&directory().join(format!("../unfit/directory-of-{case}.stderr")), &said, &mut wrong);
    };
    mode(0o755);
    load("mine").unwrap();
    for sticky in [0, 0o1000] {
        mode(0o777 | sticky);
        refused("everybody");
    }
    // A person chose this very file.
    load("config/sandbox/profiles/mine.toml").unwrap();
    if nix::unistd::getuid().is_root() {
        mode(0o775);
        std::os::unix::fs::chown(&profiles, None, Some(4711)).unwrap();
        refused("its-group");
        mode(0o755);
        std::os::unix::fs::chown(&profiles, Some(4711), None).unwrap();
        refused("another-user");
    }
    fs::remove_dir_all(&root).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn directory() -> PathBuf {
    repository::root().join("tests/profiles/bad")
}

/// No profiles but those of the case.
fn host(bad: &Path, case: &str) -> Host {
    let config = bad.join(case).join("config");
    let config = if config.is_dir() { config } else { PathBuf::from("/home/me/.config") };
    machine(bad, &config)
}

/// The same machine everywhere: user `me`.
fn machine(cwd: &Path, config: &Path) -> Host {
    // Whoever owns the files runs them.
    let uid = fs::metadata(cwd).unwrap().uid();
    let env = [("XDG_CONFIG_HOME", config.to_str().unwrap()), ("LANG", "C.UTF-8")];
    let mut facts = Facts {
        uid: Some(uid),
        gid: Some(uid),
        env: Some(env.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>()),
        cwd: Some(cwd.to_owned()),
        ..Facts::default()
    };
    facts.texts.insert("/etc/passwd".into(), Some(format!("me:x:{uid}:{uid}::/home/me:/bin/sh\n")));
    for name in ["co:lon", "a:b:c", "site"] {
        facts.paths.insert(cwd.join(name).display().to_string(), Node::Directory { uid, mode: 0o755 });
    }
    facts.texts.insert("/sys/devices/system/cpu/online".into(), Some("0-3\n".into()));
    Host::known(facts)
}

/// The range of every message lies within its text.
fn check_json(files: &serde_json::Value) {
    for file in files.as_array().unwrap() {
        assert!(file["uri"].is_string() || file["uri"].is_null());
        for message in file["diagnostics"].as_array().unwrap() {
            let at = |end: &str| {
                let position = &message["range"][end];
                (position["line"].as_u64().unwrap(), position["character"].as_u64().unwrap())
            };
            assert!(at("start") <= at("end"), "{message}");
            assert!(!message["message"].as_str().unwrap().is_empty());
        }
    }
}

fn compare(snapshot: &Path, said: &str, wrong: &mut Vec<String>) {
    let expected = fs::read_to_string(snapshot).unwrap_or_default();
    if expected == said {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(snapshot, said).unwrap();
        return;
    }
    wrong.push(format!("--- {}\n{expected}+++ said\n{said}", snapshot.display()));
}
