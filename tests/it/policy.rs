//! POL: what a profile says holds, or nothing starts.

use std::path::Path;

use crate::harness::Sandbox;

/// A program that leaves a mark if it is ever started.
fn marking(text: &str) -> (Sandbox, std::path::PathBuf) {
    let sandbox = Sandbox::bare();
    let mark = sandbox.dir().join("marks/mark");
    std::fs::create_dir(sandbox.dir().join("marks")).expect("making a directory");
    let profile = format!(
        "{text}\n[process]\ncommand = [\"/bin/sh\", \"-c\", \"echo started > /marks/mark\"]\n[rootfs]\n\
         read-write = [\"./marks:/marks\"]\n"
    );
    sandbox.file("p.toml", &profile);
    (sandbox, mark)
}

#[test]
fn a_profile_with_any_mistake_starts_nothing() {
    let start = |text: &str| {
        let (sandbox, mark) = marking(text);
        let path = sandbox.dir().join("p.toml");
        let code = sandbox.sandbox(&["run", &path.display().to_string()]).status.code();
        (code, mark.exists())
    };
    // The control: nothing but the mistake makes the difference.
    assert_eq!(start(""), (Some(0), true));
    for mistake in [
        // Unknown: a key, a section, a word, a name in a list.
        "[cgroup]\npid-max = 5",
        "[cgroups]\npids-max = 5",
        "[landlock]\nenforce = \"sometimes\"",
        "[seccomp]\ndeny = [\"ptrcae\"]",
        "[capabilities]\nkeep = [\"net_admn\"]",
        "nonsense = true",
        // Twice: a key, a section, a place.
        "[landlock]\nmin-abi = 1\nmin-abi = 1",
        "[seccomp]\n[seccomp]",
        "[seccomp]\npreset = \"strict\"\n[landlock]\n[seccomp]\npreset = \"none\"",
        // Of another type, also where it could be guessed.
        "[namespaces]\npid = \"true\"",
        "[namespaces]\nnet = false",
        "[landlock]\nmin-abi = \"1\"",
        "[seccomp]\ndeny = \"ptrace\"",
        "[cgroup]\npids-max = 5.0",
        "[network]\nmode = {}",
        "[seccomp]\nallow = false",
        // What this version cannot do.
        "[network]\nallow = []",
        "[network]\ndeny = [\"169.254.0.0/16\"]",
    ] {
        assert_eq!(start(mistake), (Some(125), false), "{mistake}");
    }
}

/// A script that hands on what it was given hands on a name, not a wish.
#[test]
fn what_a_variable_is_set_to_is_plain_text() {
    let sandbox = Sandbox::new().env("API_KEY", "s3cr3t");
    sandbox.file("${env.HOME}/mark", "a name");
    let probe = crate::harness::probe().display().to_string();
    let rootfs = format!("[rootfs]\nread-only = [\"{probe}:/probe\", \"${{dir}}:/given\"]\n");
    let text = format!("[vars]\ntitle = \"none\"\ndir = \".\"\n[process]\nenv = {{ T = \"${{title}}\" }}\n{rootfs}");
    let path = sandbox.file("set.toml", &text).display().to_string();
    let run =
        |set: &str, words: &[&str]| sandbox.sandbox(&[&["run", "--set", set, &path, "--", "/probe"], words].concat());
    let title = |set: &str| run(set, &["env"]).exits(0).stdout.lines().any(|line| line == "T=s3cr3t");
    assert!(!title("title=${env.API_KEY}"));
    let given = run("dir=${env.HOME}", &["cat", "/given/mark"]).exits(0);
    assert!(given.stdout.contains("a name"), "{given}");
    run("dir=~", &["cat", "/given/mark"]).refused(125, &["`~` is not replaced", "hint: ", "$HOME"]).prints("");
    // The control: written as a key, it is a text of the language.
    assert!(title("vars.title='${env.API_KEY}'"));
    let given = run("vars.dir='${PROFILE_DIR}'", &["cat", "/given/set.toml"]).exits(0);
    assert!(given.stdout.contains("[vars]"), "{given}");
    run("vars.dir='~'", &["stat", "/given"]).exits(0);
}

#[test]
fn a_hidden_file_with_another_name_stops_the_launch() {
    let sandbox = || {
        let sandbox = Sandbox::new();
        sandbox.file("tree/secret", "hush");
        let entry = format!("{}:/tree", sandbox.dir().join("tree").display());
        sandbox.read_only(&entry)
    };
    // The control: it can be read, and hiding hides it.
    sandbox().probe("read /tree/secret").succeeds().allows("read /tree/secret");
    let hiding = |sandbox: Sandbox| sandbox.with("rootfs", r#"hide = ["/tree/secret"]"#);
    let seen = hiding(sandbox()).probe("cat /tree/secret + write /tree/secret x");
    assert!(seen.status.code() == Some(0) && !seen.stdout.contains("hush"), "{seen}");
    // A second name, inside what is granted or anywhere else: only the kernel could tell where.
    for other in ["tree/alias", "elsewhere"] {
        let sandbox = sandbox();
        let tree = sandbox.dir().to_owned();
        std::fs::hard_link(tree.join("tree/secret"), tree.join(other)).expect("linking");
        hiding(sandbox).probe("cat /tree/alias").refused(125, &["/tree/secret", "2 names", "hint: "]).prints("");
    }
    // A symbolic link leads to the cover, and so does a link that the program makes itself.
    let sandbox = sandbox();
    std::os::unix::fs::symlink("secret", sandbox.dir().join("tree/alias")).expect("linking");
    let seen = hiding(sandbox).probe("cat /tree/alias + link /tree/secret /tmp/own + cat /tmp/own");
    assert!(!seen.stdout.contains("hush"), "{seen}");
    seen.refuses("link /tree/secret /tmp/own", &["EXDEV", "EPERM", "EACCES"]);
}

#[test]
fn a_child_cannot_loosen_by_accident_what_a_parent_forbids() {
    let sandbox = Sandbox::new();
    sandbox.file("parent.toml", "[seccomp]\ndeny = [\"mkdir\"]\n[rootfs]\nhide = [\"/etc/hosts\"]\n");
    let probe = crate::harness::probe().display().to_string();
    let child = |more: &str| {
        let text = format!("extends = \"./parent.toml\"\n[rootfs]\nread-only = [\"{probe}:/probe\"]\n{more}");
        let path = sandbox.file("child.toml", &text).display().to_string();
        sandbox.sandbox(&["run", &path, "--", "/probe", "syscall", "83", "0", "0", "+", "read", "/etc/hosts"])
    };
    // 83 is mkdir: with null for its path, EFAULT says that it was let through.
    const MKDIR: &str = "syscall 83 0 0";
    let seen = child("[seccomp]\nallow = [\"mkdir\"]\n").exits(0);
    seen.answers(MKDIR, "EPERM").refuses("read /etc/hosts", &["EACCES"]);
    // Taken away by name it is gone: the same child, and the control.
    let seen = child("hide = [\"!/etc/hosts\"]\n[seccomp]\ndeny = [\"!mkdir\"]\n").exits(0);
    seen.answers(MKDIR, "EFAULT").allows("read /etc/hosts");
    // Taking away what is not there is no way to write "whatever was there".
    child("hide = [\"!/etc/host\"]\n").refused(125, &["/etc/host"]);
    child("[seccomp]\ndeny = [\"!mkdri\"]\n").refused(125, &["mkdri"]);
    assert!(Path::new("/etc/hosts").exists());
}
