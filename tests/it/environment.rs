//! ENV: the program's variables, and that no variable of anybody reaches the launcher.

use std::path::Path;
use std::process::Command;

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

/// A library that says which program it was loaded into: a file `DIRECTORY/loaded-NAME-PID`.
fn telling_library(sandbox: &Sandbox) -> (std::path::PathBuf, std::path::PathBuf) {
    let marks = sandbox.dir().join("marks");
    std::fs::create_dir(&marks).expect("making a directory");
    let source = format!(
        "#define _GNU_SOURCE\n#include <errno.h>\n#include <fcntl.h>\n#include <stdio.h>\n#include <unistd.h>\n\
         __attribute__((constructor)) static void told(void) {{ char path[4096];\n\
         snprintf(path, sizeof path, \"%s/loaded-%s-%d\", {:?}, program_invocation_short_name, getpid());\n\
         close(open(path, O_WRONLY | O_CREAT, 0600)); }}\n\
         unsigned la_version(unsigned version) {{ return version; }}\n",
        marks.display().to_string()
    );
    let source = sandbox.file("telling.c", &source);
    let library = sandbox.dir().join("telling.so");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(compiled.expect("starting cc (hint: apt-get install gcc libc6-dev)").success());
    (library, marks)
}

/// Into which programs it was loaded since the last look.
fn loaded_into(marks: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(marks).expect("listing the marks").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = name.strip_prefix("loaded-").and_then(|name| name.rsplit_once('-')).expect("as it writes them").0;
        names.push(name.to_owned());
        std::fs::remove_file(entry.path()).expect("tidying up");
    }
    names.sort();
    names
}

/// The profile, the caller and the root name a library for every loader: one program loads it, if it was meant to.
#[test]
fn loaders_variables_reach_the_program_they_were_given_to() {
    for variable in ["LD_PRELOAD", "LD_AUDIT"] {
        let sandbox = Sandbox::bare();
        let (library, marks) = telling_library(&sandbox);
        // The control: it works, and would in any program that is called so.
        let outside = Command::new("/bin/true").env_clear().env(variable, &library).status();
        assert!(outside.expect("starting").success());
        assert_eq!(loaded_into(&marks), ["true"], "{variable} outside");
        let grants = format!("{:?}, {:?}", marks.display().to_string(), library.display().to_string());
        let sandbox = sandbox.with("rootfs", &format!("read-write = [{grants}]"));
        let sandbox = sandbox.env(variable, &library.display().to_string());
        sandbox.run(&["/bin/true"]).exits(0);
        assert_eq!(loaded_into(&marks), [""; 0], "{variable} of the caller");
        sandbox.sandbox(&["doctor"]);
        assert_eq!(loaded_into(&marks), [""; 0], "{variable} of the caller of doctor");
        let passed = sandbox.with("process", &format!("env-pass = [{variable:?}]"));
        passed.run(&["/bin/true"]).exits(0);
        assert_eq!(loaded_into(&marks), ["true"], "{variable}, passed on");
    }
    let sandbox = Sandbox::bare();
    let (library, marks) = telling_library(&sandbox);
    let grants = format!("{:?}, {:?}", marks.display().to_string(), library.display().to_string());
    let preload = format!("files = {{ \"/etc/ld.so.preload\" = {:?} }}", library.display().to_string());
    let sandbox = sandbox.with("rootfs", &format!("read-write = [{grants}]")).with("rootfs", &preload);
    sandbox.run(&["/bin/true"]).exits(0);
    assert_eq!(loaded_into(&marks), ["true"], "the root's own /etc/ld.so.preload");
}

/// What the launcher starts outside is on fixed paths: whoever sets PATH chooses none of it.
#[test]
fn no_helper_is_looked_up_in_the_callers_path() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let proof = sandbox.dir().join("proof");
    let names = ["newuidmap", "newgidmap", "pasta", "getent", "ip", "nft", "mount", "systemd-run", "busctl", "sh"];
    for name in names {
        let trap = sandbox.file(&format!("bin/{name}"), &format!("#!/bin/sh\necho {name} >> {}\n", proof.display()));
        std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let path = format!("{}:/usr/bin:/bin", sandbox.dir().join("bin").display());
    // The control: whoever looks there is caught.
    let caught = Command::new("/bin/sh").args(["-c", "newuidmap 1; pasta"]).env("PATH", &path).status();
    assert!(caught.is_ok_and(|status| status.success()));
    assert_eq!(std::fs::read_to_string(&proof).expect("the trap works"), "newuidmap\npasta\n");
    std::fs::remove_file(&proof).expect("tidying up");
    for id_map in ["auto", "range"] {
        let sandbox = Sandbox::new().env("PATH", &path).with("namespaces", &format!("id-map = {id_map:?}"));
        // As a user without a range, or as root, it may be refused; no trap is sprung either way.
        let seen = sandbox.with("cgroup", r#"enforce = "best-effort""#).with("cgroup", "pids-max = 9").probe("say");
        assert!([Some(0), Some(125)].contains(&seen.status.code()), "{seen}");
    }
    Sandbox::new().env("PATH", &path).sandbox(&["doctor"]);
    assert!(!proof.exists(), "{}", std::fs::read_to_string(&proof).unwrap_or_default());
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}
