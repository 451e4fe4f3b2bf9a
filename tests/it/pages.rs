//! docs/tutorial.md, docs/failures.md and docs/coming-from.md: the files they name are written, their commands are run,
//! and what those print is what stands there.

use std::fmt::Write;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use nix::unistd::User;

use crate::harness::{Sandbox, is_root, left_to_root, program, skip};

const TUTORIAL: &str = include_str!("../../docs/tutorial.md");
const FAILURES: &str = include_str!("../../docs/failures.md");
const COMING_FROM: &str = include_str!("../../docs/coming-from.md");

enum Part<'a> {
    /// Its name below the home, and its text.
    File(&'a str, String),
    /// A command, and what it prints.
    Command(&'a str, String),
}

#[test]
fn the_tutorial_shows_what_happens() {
    shows_what_happens(TUTORIAL, 23);
}

#[test]
fn failures_are_explained_as_shown() {
    shows_what_happens(FAILURES, 15);
}

#[test]
fn the_words_of_other_tools_are_answered_as_shown() {
    shows_what_happens(COMING_FROM, 1);
}

#[track_caller]
fn shows_what_happens(page: &str, commands: usize) {
    if !is_root() {
        return left_to_root("only root can give a test the account of the page");
    }
    let Ok(Some(user)) = User::from_name("sandbox-test") else {
        return skip("there is no user sandbox-test, as tests/run makes it");
    };
    let sandbox = Sandbox::bare();
    let home = sandbox.dir().join("home");
    std::fs::create_dir(&home).expect("making a directory");
    own(&home, &user);
    let passwd = std::fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
    let others = passwd.lines().filter(|line| line.split(':').nth(2) != Some(&user.uid.to_string()));
    let mut passwd: String = others.map(|line| format!("{line}\n")).collect();
    let _ = writeln!(passwd, "ada:x:{}:{}::/home/ada:/bin/sh", user.uid, user.gid);
    sandbox.file("passwd", &passwd);

    let (mut differences, mut count) = (String::new(), 0);
    for part in parts(page) {
        match part {
            Part::File(name, text) => put(&home.join(name), &text, &user),
            Part::Command(command, shown) => {
                count += 1;
                let printed = run(&sandbox, &user, command);
                if printed != shown {
                    let _ = writeln!(differences, "$ {command}\nshown:\n{shown}printed:\n{printed}");
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert_eq!(count, commands, "the commands of the page");
}

fn put(path: &Path, text: &str, user: &User) {
    let mut missing: Vec<&Path> = path.ancestors().skip(1).take_while(|path| !path.exists()).collect();
    missing.reverse();
    for directory in missing {
        std::fs::create_dir(directory).expect("making a directory");
        own(directory, user);
    }
    std::fs::write(path, text).expect("writing a file");
    own(path, user);
}

fn own(path: &Path, user: &User) {
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("giving it to the user");
}

/// As ada, in her home: names that exist for this command only.
fn run(sandbox: &Sandbox, user: &User, command: &str) -> String {
    let script = r#"
set -e
mount --bind "$1/passwd" /etc/passwd
mount -t tmpfs tmpfs /home
mkdir /home/ada
mount --bind "$1/home" /home/ada
cd /home/ada
exec setpriv --reuid "$2" --regid "$3" --clear-groups env -i HOME=/home/ada USER=ada PATH="$4:/usr/bin:/bin" \
    /bin/sh -c "$5" 2>&1 </dev/null
"#;
    let programs = program().parent().expect("it has one").display().to_string();
    let output = Command::new("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"])
        .arg(sandbox.dir())
        .args([user.uid.to_string(), user.gid.to_string(), programs, command.to_owned()])
        .output()
        .expect("starting unshare");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// A file is a block below its name, a command a line of a `console` block; other blocks are only to be read.
fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut name, mut lines) = (None, page.lines());
    while let Some(line) = lines.next() {
        if let Some(file) = line.strip_suffix("`:").and_then(|rest| rest.rsplit_once('`')) {
            name = Some(file.1.trim_start_matches("~/"));
        }
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        match (kind, name.take()) {
            ("console", _) => {
                for command in block.chunk_by(|_, next| !next.starts_with("$ ")) {
                    let typed = command[0].strip_prefix("$ ").expect("a console block begins with a command");
                    parts.push(Part::Command(typed, text(&command[1..])));
                }
            }
            (_, Some(name)) => parts.push(Part::File(name, text(&block))),
            (_, None) => {}
        }
    }
    parts
}
