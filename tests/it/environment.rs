//! ENV: the program's variables, and that no variable of anybody reaches the launcher.

use crate::harness::{Sandbox, is_root, quoted};

#[test]
fn the_callers_variables_stay_outside() {
    let seen = Sandbox::new()
        .env("SECRET_TOKEN", "hush")
        .env("LD_PRELOAD", "/tmp/evil.so")
        .env("LD_AUDIT", "/tmp/evil.so")
        .env("GCONV_PATH", "/tmp")
        .env("BASH_ENV", "/tmp/evil")
        .env("TERM", "dumb")
        .probe("env")
        .succeeds();
    let names: Vec<&str> = seen.stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // TERM comes with a terminal only.
    let expected = ["HOME", "LOGNAME", "PATH", "SHELL", "USER", "XDG_RUNTIME_DIR"];
    assert_eq!(sorted(names), expected, "{seen}");
}

#[test]
fn the_usual_variables_are_the_programs_own() {
    let seen = Sandbox::new().env("HOME", "/somewhere").env("USER", "somebody").env("PATH", "/evil").probe("env");
    let uid = nix::unistd::geteuid();
    let (user, home) = if is_root() { ("root", "/root") } else { ("sandbox-test", "/home/sandbox-test") };
    if !is_root() && !seen.stdout.contains("LOGNAME=sandbox-test\n") {
        return crate::harness::skip("the caller is another user than tests/run makes");
    }
    let seen = seen.succeeds();
    for line in [
        format!("USER={user}"),
        format!("LOGNAME={user}"),
        format!("HOME={home}"),
        format!("XDG_RUNTIME_DIR=/run/user/{uid}"),
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
    ] {
        assert!(seen.stdout.lines().any(|seen| seen == line), "no {line}\n{seen}");
    }
}

#[test]
fn the_profile_sets_and_passes_variables() {
    let seen = Sandbox::new()
        .with("process", r#"env = { LANG = "C.UTF-8", EMPTY = "", HOME = "/tmp" }"#)
        .with("process", r#"env-pass = ["LC_*", "NO_COLOR", "MISSING"]"#)
        .env("LC_ALL", "C")
        .env("LC_TIME", "a=b")
        .env("NO_COLOR", "1")
        .env("XLC_ALL", "no")
        .env("LANG", "de")
        .probe("env")
        .succeeds();
    for (name, value) in
        [("LANG", "C.UTF-8"), ("EMPTY", ""), ("HOME", "/tmp"), ("LC_ALL", "C"), ("LC_TIME", "a=b"), ("NO_COLOR", "1")]
    {
        assert!(seen.stdout.lines().any(|line| line == format!("{name}={value}")), "{name}\n{seen}");
    }
    assert!(!seen.stdout.contains("XLC_ALL") && !seen.stdout.contains("MISSING"), "{seen}");
}

#[test]
fn a_name_that_begins_with_a_dash_is_no_option() {
    let sandbox = Sandbox::new();
    let directory = sandbox.dir().join("--help");
    std::fs::create_dir(&directory).expect("making a directory");
    let entry = format!("{}:/--help", directory.display());
    let sandbox = sandbox.read_only(&entry).with("process", r#"cwd = "/--help""#);
    sandbox.run(&["/probe", "cwd"]).succeeds().prints("cwd /--help\n");
    sandbox.run(&["--version"]).refused(127, &["--version"]);
}

#[test]
fn a_preloaded_library_of_the_profile_reaches_only_the_program() {
    // The launcher is static and asks no loader; were it dynamic, this file would be loaded into it.
    let sandbox = Sandbox::bare();
    let library = sandbox.file("evil.so", "not a library");
    let line = format!("env = {{ LD_PRELOAD = {} }}", quoted("/evil.so"));
    let entry = format!("{}:/evil.so", library.display());
    let seen = sandbox.read_only(&entry).with("process", &line).run(&["/bin/true"]).exits(0);
    assert_eq!(
        seen.stderr.matches("/evil.so").count(),
        1,
        "the program's own loader complains, and nobody else\n{seen}"
    );
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}
