//! What builds, and what works on a project: the project is all it can change.

use std::path::Path;
use std::process::Command;

use super::{Directory, Network, Shipped};

/// What a hostile build step does, as shell: the lines it prints tell what it could do.
fn hostile(shipped: &Shipped) -> String {
    let secret = shipped.secret.0.display();
    format!("{{ cat {secret}; echo x > {secret}; touch /usr/x && echo usr; }} 2>/dev/null; true")
}

#[track_caller]
fn unharmed(shipped: &Shipped, seen: &crate::harness::Seen) {
    assert!(!seen.stdout.contains("hush") && !seen.stdout.contains("usr\n"), "{seen}");
    assert_eq!(std::fs::read_to_string(&shipped.secret.0).expect("still there"), "hush\n");
}

/// The program that was built, run outside.
#[track_caller]
fn built(shipped: &Shipped, path: &str, output: &str) {
    let seen = Command::new(shipped.work().join(path)).output().expect("starting what was built");
    assert_eq!(String::from_utf8_lossy(&seen.stdout), output);
}

#[test]
fn gcc_compiles() {
    let Some(shipped) = Shipped::new("gcc", "/usr/bin/gcc") else { return };
    shipped.file("a.c", "#include <stdio.h>\nint main(void) { puts(\"compiled\"); return 0; }\n");
    shipped.run(&["-O2", "-Wall", "-o", "a", "a.c"]).succeeds();
    built(&shipped, "a", "compiled\n");
    shipped.file("b.c", &format!("#include \"{}\"\n", shipped.secret.0.display()));
    shipped.run(&["-E", "b.c"]).exits(1).says(&["No such file"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn make_builds_and_installs_nothing() {
    let Some(shipped) = Shipped::new("make", "/usr/bin/make") else { return };
    shipped.file("a.c", "#include <stdio.h>\nint main(void) { puts(\"made\"); return 0; }\n");
    let steps = hostile(&shipped);
    shipped.file("Makefile", &format!("a: a.c\n\tcc -o a a.c\n\t@{steps}\ninstall: a\n\tinstall a /usr/local/bin/\n"));
    let seen = shipped.run(&["-j2"]).exits(0);
    unharmed(&shipped, &seen);
    built(&shipped, "a", "made\n");
    shipped.run(&["install"]).exits(2);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn a_build_cannot_change_what_git_runs_outside() {
    let Some(shipped) = Shipped::new("make", "/usr/bin/make") else { return };
    git(&shipped, &["init", "-q"]);
    shipped.file(
        "Makefile",
        "all:\n\t-echo 'touch pwned' > .git/hooks/pre-commit\n\t-git config core.pager 'touch pwned'\n\
                              \t-mv .git old\n\t-git rev-parse --git-dir\n",
    );
    let before = std::fs::read_to_string(shipped.work().join(".git/config")).expect("made above");
    let seen = shipped.run(&[]).exits(0);
    assert!(seen.stdout.ends_with(".git\n"), "it may be read\n{seen}");
    assert!(!shipped.work().join(".git/hooks/pre-commit").exists() && !shipped.work().join("old").exists(), "{seen}");
    assert_eq!(std::fs::read_to_string(shipped.work().join(".git/config")).expect("still there"), before);
}

#[test]
fn cargo_builds_offline() {
    let Some(shipped) = Shipped::new("cargo", "/usr/bin/cargo") else { return };
    shipped.file(
        "Cargo.toml",
        "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                                [dependencies]\nb = { path = \"b\" }\n",
    );
    shipped.file(
        "src/main.rs",
        "fn main() { println!(\"{}\", b::answer()); }\n#[test] fn works() { assert_eq!(b::answer(), 42); }\n",
    );
    shipped.file("b/Cargo.toml", "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    shipped.file("b/src/lib.rs", "pub fn answer() -> u32 { include!(concat!(env!(\"OUT_DIR\"), \"/answer\")) }\n");
    shipped.file(
        "b/build.rs",
        &format!(
            "fn main() {{\n    for act in [std::fs::read({0:?}).is_ok(), \
         std::net::TcpStream::connect(\"192.0.2.1:80\").is_ok()] {{ assert!(!act); }}\n    \
         let out = std::env::var(\"OUT_DIR\").unwrap();\n    std::fs::write(out + \"/answer\", \"42\").unwrap();\n}}\n",
            shipped.secret.0
        ),
    );
    shipped.run(&["build", "-q"]).exits(0);
    built(&shipped, "target/debug/a", "42\n");
    let seen = shipped.run(&["test", "-q"]).exits(0);
    assert!(seen.stdout.contains("1 passed"), "{seen}");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn go_builds_offline() {
    let Some(shipped) = Shipped::new("go", "/usr/bin/go") else { return };
    shipped.file("go.mod", "module example.org/a\n\ngo 1.19\n");
    shipped.file("a.go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"gone\") }\n");
    shipped.file(
        "a_test.go",
        &format!(
            "package main\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestSecret(t *testing.T) {{\n\t\
         if _, err := os.ReadFile({:?}); err == nil {{\n\t\tt.Fatal(\"read\")\n\t}}\n}}\n",
            shipped.secret.0
        ),
    );
    shipped.run(&["build", "-o", "a", "."]).exits(0);
    built(&shipped, "a", "gone\n");
    let seen = shipped.run(&["test", "."]).exits(0);
    assert!(seen.stdout.starts_with("ok"), "{seen}");
    shipped.run(&["get", "example.org/missing"]).exits(1).says(&["GOPROXY=off"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn npm_installs_from_its_cache() {
    let Some(shipped) = Shipped::new("npm", "/usr/bin/npm") else { return };
    let aside = shipped.sandbox.dir();
    let cache = aside.join("cache");
    let steps = hostile(&shipped).replace('"', "");
    let script = format!(r#"{{"name":"dep","version":"1.0.0","scripts":{{"install":"{steps}; echo ran > ran"}}}}"#);
    shipped.sandbox.file("dep/package.json", &script);
    shipped.sandbox.file("dep/index.js", "module.exports = 42;\n");
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new("/usr/bin/npm");
        npm.args(["--offline", "--no-update-notifier", "--cache"]).arg(&cache).args(arguments).current_dir(aside);
        assert!(npm.output().expect("starting npm").status.success(), "{npm:?}");
    };
    npm(&["pack", "./dep"]);
    npm(&["cache", "add", "./dep-1.0.0.tgz"]);
    // What `npm install` would have written, had it fetched the package from its registry.
    let sum = Command::new("/bin/sh")
        .args(["-c", "openssl dgst -sha512 -binary dep-1.0.0.tgz | base64 -w0"])
        .current_dir(aside)
        .output()
        .expect("starting a shell");
    let sum = String::from_utf8(sum.stdout).expect("base64");
    shipped.file("package.json", r#"{"name":"app","version":"1.0.0","dependencies":{"dep":"1.0.0"}}"#);
    shipped.file(
        "package-lock.json",
        &format!(
            r#"{{"name":"app","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{{
        "":{{"name":"app","version":"1.0.0","dependencies":{{"dep":"1.0.0"}}}},
        "node_modules/dep":{{"version":"1.0.0","resolved":"https://example.org/dep/-/dep-1.0.0.tgz",
        "integrity":"sha512-{sum}","hasInstallScript":true}}}}}}"#
        ),
    );
    let shipped = shipped.set(&format!("cache={}", cache.display()));
    let before = crate::oracle::fingerprint(&cache.join("_cacache"));
    let seen = shipped.run(&["ci", "--foreground-scripts"]).exits(0);
    unharmed(&shipped, &seen);
    assert_eq!(shipped.text("node_modules/dep/ran"), "ran\n");
    assert_eq!(crate::oracle::fingerprint(&cache.join("_cacache")), before, "no install script poisons the cache");
    shipped.run(&["install", "missing-package"]).exits(1).says(&["ENOTCACHED"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn pip_installs_from_a_directory() {
    let Some(shipped) = Shipped::new("pip", "/usr/lib/python3/dist-packages/pip/__main__.py") else { return };
    shipped.file(
        "dep/pyproject.toml",
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n",
    );
    shipped.file("dep/setup.py", &format!(
        "import setuptools\ntry:\n    print(open({:?}).read())\n    raise SystemExit('it read the secret')\nexcept OSError:\n    pass\n\
         setuptools.setup(name='dep', version='1.0', py_modules=['dep'])\n",
        shipped.secret.0
    ));
    shipped.file("dep/dep.py", "answer = 42\n");
    shipped.run(&["wheel", "-q", "--no-build-isolation", "--no-deps", "-w", "wheels", "./dep"]).exits(0);
    shipped.run(&["install", "-q", "--target", "lib", "--find-links", "wheels", "dep"]).exits(0);
    assert_eq!(shipped.text("lib/dep.py"), "answer = 42\n");
    shipped.run(&["install", "-q", "--target", "lib", "missing-package"]).exits(1).says(&["No matching distribution"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn git_works_and_its_hooks_have_no_more() {
    let Some(shipped) = Shipped::new("git", "/usr/bin/git") else { return };
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    shipped.run(&["init", "-q", "-b", "main"]).succeeds();
    let hook = shipped.file(".git/hooks/pre-commit", &format!("#!/bin/sh\n({}) > hooked\n", hostile(&shipped)));
    executable(&hook);
    shipped.file("a", "one\n");
    shipped.run(&["add", "a"]).succeeds();
    shipped.run(&[&who[..], &["commit", "-q", "-m", "first"]].concat()).succeeds();
    assert_eq!(shipped.text("hooked"), "");
    shipped.run(&["log", "--format=%an %s"]).succeeds().prints("a first\n");
    shipped.run(&["fetch", "http://127.0.0.1:9/"]).exits(128);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn agent_works_on_its_project_alone() {
    let Some(shipped) = Shipped::new("agent", "/usr/bin/git") else { return };
    git(&shipped, &["init", "-q", "-b", "main"]);
    shipped.file("a.c", "int main(void) { return 0; }\n");
    shipped.file(".envrc", "export A=1\n");
    let seen = shipped.run(&["/bin/sh", "-c", "cc -o a a.c && ./a && git status --short"]).succeeds();
    assert!(seen.stdout.contains("?? a.c\n"), "{seen}");
    // What git and direnv run outside without being asked.
    for attempt in [
        "echo x > .git/hooks/pre-commit",
        "git config core.fsmonitor /tmp/x",
        "echo ../evil > .git/commondir",
        "mv .git/hooks .git/old",
        "mv .git old",
        "rm -rf .git",
        "echo x > .envrc",
        "mv .envrc old",
    ] {
        let seen = shipped.run(&["/bin/sh", "-c", attempt]);
        assert_ne!(seen.status.code(), Some(0), "{seen}");
    }
    git(&shipped, &["status", "-s"]);
    // Where committing is allowed, that can be taken back.
    let taken_back = format!("rootfs.read-only=[{:?}]", format!("!{}/.git", shipped.work().display()));
    let commit = "git add a.c && git -c user.name=a -c user.email=a@b commit -q -m by-the-agent";
    let shipped = shipped.set(&taken_back);
    shipped.run(&["/bin/sh", "-c", commit]).succeeds();
    let log = Command::new("/usr/bin/git").args(["log", "--format=%s"]).current_dir(shipped.work()).output();
    assert_eq!(log.expect("starting git").stdout, b"by-the-agent\n");
    let seen = shipped.run(&["/bin/sh", "-c", &hostile(&shipped)]).exits(0);
    unharmed(&shipped, &seen);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn debug_looks_into_its_own_processes_alone() {
    let Some(shipped) = Shipped::new("debug", "/usr/bin/gdb") else { return };
    let source = shipped.file("a.c", "int add(int a, int b) { return a + b; }\nint main(void) { return add(3, 4); }\n");
    let made = Command::new("cc").args(["-g", "-o"]).args([source.with_extension(""), source]).status();
    assert!(made.expect("starting cc").success());
    let seen = shipped.run(&["gdb", "-batch", "-ex", "break add", "-ex", "run", "-ex", "print a", "./a"]).exits(0);
    assert!(seen.stdout.contains("$1 = 3"), "{seen}");
    assert!(!seen.stderr.contains("address space randomization"), "{seen}");
    if Path::new("/usr/bin/strace").exists() {
        shipped.run(&["strace", "-f", "-o", "trace", "/bin/sh", "-c", "/bin/true; :"]).exits(0);
        assert!(shipped.text("trace").contains("execve(\"/bin/true\""));
    }
    // A process of the host has no number in here.
    let pid = std::process::id();
    let seen = shipped.run(&["gdb", "-batch", "-p", &pid.to_string()]);
    assert!(seen.stderr.contains("No such process") || seen.stdout.contains("No such process"), "{seen}");
    shipped.reaches(Directory::Write, Network::None);
}

fn git(shipped: &Shipped, arguments: &[&str]) {
    let output = Command::new("/usr/bin/git").args(arguments).current_dir(shipped.work()).output();
    assert!(output.expect("starting git").status.success(), "{arguments:?}");
}

fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("changing its mode");
}
