//! The profiles that come with the program: each starts the real thing, which does real work, and is denied the rest.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::harness::{Running, Sandbox, alone, eventually, home, is_root, left_to_root, skip};

fn profile(name: &str) -> String {
    let place = std::env::var_os("SANDBOX_TEST_PROGRAMS").map(PathBuf::from);
    let place = place.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    place.join("profiles").join(name).with_extension("toml").display().to_string()
}

/// `sandbox run [OPTIONS] profiles/NAME.toml -- ARGUMENTS`, called in a directory.
fn start(sandbox: &Sandbox, options: &[&str], name: &str, arguments: &[&str]) -> Running {
    let profile = profile(name);
    let mut words = vec!["run"];
    words.extend(options);
    words.push(&profile);
    if !arguments.is_empty() {
        words.push("--");
        words.extend(arguments);
    }
    sandbox.start_sandbox(&words)
}

fn installed(program: &str) -> bool {
    let there = std::path::Path::new(program).exists();
    if !there {
        skip(&format!("{program} is not installed"));
    }
    there
}

#[test]
fn hello_says_what_it_sees() {
    let seen = start(&Sandbox::bare(), &[], "hello", &[]).ends().exits(0);
    assert!(seen.stdout.starts_with("hello from a sandbox\n"), "{seen}");
    let line = |what: &str| {
        let line = seen.stdout.lines().find(|line| line.trim_start().starts_with(what));
        line.unwrap_or_else(|| panic!("no {what}\n{seen}"))
            .split_whitespace()
            .next_back()
            .unwrap_or_default()
            .to_owned()
    };
    for (what, answer) in [
        ("read /etc/passwd", "yes"),
        ("read /etc/shadow", "no"),
        ("write to /usr", "no"),
        ("write to my home", "yes"),
        ("kernel log", "no"),
        ("network interfaces", "lo"),
        ("capabilities", "0000000000000000"),
        ("a user namespace of my own", "no"),
    ] {
        assert_eq!(line(what), answer, "{what}\n{seen}");
    }
}

#[test]
fn shell_works_and_sees_nobodys_files() {
    let marker = home().join(format!(".sandbox-it-shell-{}", std::process::id()));
    std::fs::write(&marker, "mine").expect("writing to the home");
    let script = format!(
        "echo $((6*7)) | tr 4 x; cd ~ && touch mine && ls -A; cat {} 2>&1; exec 3<>/dev/tcp/127.0.0.1/22; echo code=$?",
        marker.display()
    );
    let seen = start(&Sandbox::bare(), &[], "shell", &["-c", &script]).ends();
    std::fs::remove_file(&marker).expect("tidying up");
    assert!(seen.stdout.starts_with("x2\nmine\n"), "{seen}");
    assert!(seen.stdout.contains("No such file or directory"), "{seen}");
    assert!(seen.stderr.contains("Connection refused"), "{seen}");
}

/// A request as a client outside makes it.
fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn nginx_serves_its_pages_and_no_others() {
    if !installed("/usr/sbin/nginx") {
        return;
    }
    alone();
    let sandbox = Sandbox::bare();
    sandbox.file("www/index.html", "a page from inside\n");
    let secret = sandbox.file("secret.html", "hush");
    std::os::unix::fs::symlink(&secret, sandbox.dir().join("www/link.html")).expect("linking");
    std::os::unix::fs::symlink("/etc/shadow", sandbox.dir().join("www/shadow.html")).expect("linking");
    let www = format!("www={}", sandbox.dir().join("www").display());
    let running = start(&sandbox, &["--set", &www], "nginx", &[]);
    eventually("nginx answers", || get(8080, "/").is_ok());
    let page = get(8080, "/index.html").expect("asking for the page");
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.ends_with("a page from inside\n"), "{page}");
    // The workers follow links, and these lead to what is not there inside.
    for path in ["/link.html", "/shadow.html", "/../secret.html"] {
        let answer = get(8080, path).expect("asking");
        assert!(!answer.contains("hush") && !answer.contains("root:"), "{path}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    // QUIT ends it in good order.
    running.signal(nix::sys::signal::Signal::SIGQUIT);
    running.ends().exits(0);
    assert!(get(8080, "/").is_err(), "nobody listens any more");
}

/// One command in redis's own protocol, and the answer's lines.
fn redis(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "{command}\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn redis_keeps_its_data_and_cannot_write_anywhere_else() {
    if !installed("/usr/bin/redis-server") {
        return;
    }
    alone();
    let sandbox = Sandbox::bare();
    let data = sandbox.dir().join("data");
    let name = sandbox.name.clone();
    let place = data.display().to_string();
    let sandbox = sandbox.env("XDG_DATA_HOME", &place);
    let options = ["--name", name.as_str(), "--set", "port=16379"];
    let up = |running: &Running| {
        let start = Instant::now();
        // While it reads its data it answers with an error.
        while !redis(16379, "PING").is_ok_and(|answer| answer.starts_with("+PONG")) {
            assert!(
                start.elapsed() < crate::harness::seconds(10),
                "redis does not answer, as process {}",
                running.pid()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let running = start(&sandbox, &options, "redis", &[]);
    up(&running);
    assert!(redis(16379, "SET kept value").expect("asking").starts_with("+OK"));
    // What a captured redis is asked for first: to write a file elsewhere.
    for directory in ["/etc/cron.d", "/usr", "/root/.ssh"] {
        let answer = redis(16379, &format!("CONFIG SET dir {directory}")).expect("asking");
        let saved = redis(16379, "SAVE").expect("asking");
        assert!(answer.starts_with('-') || saved.starts_with('-'), "{directory}: {answer} {saved}");
    }
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends().exits(0);

    let running = start(&sandbox, &options, "redis", &[]);
    up(&running);
    let answer = redis(16379, "GET kept").expect("asking");
    assert!(answer.contains("value"), "the data survives a restart: {answer}");
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.ends().exits(0);

    let kept = if is_root() { PathBuf::from("/var/lib/sandbox") } else { data.join("sandbox") };
    let kept = kept.join("persist").join(&name);
    assert!(kept.exists(), "it is kept as {}", kept.display());
    std::fs::remove_dir_all(&kept).expect("tidying up");
}

#[test]
fn python_runs_a_script_that_reads_its_directory_alone() {
    if !installed("/usr/bin/python3") {
        return;
    }
    let sandbox = Sandbox::bare();
    let outside = Sandbox::bare();
    let secret = outside.file("secret", "hush");
    sandbox.file("project/data.txt", "3\n4\n");
    sandbox.file(
        "project/script.py",
        r#"
import json, socket, subprocess, sys, threading
total = sum(int(line) for line in open("data.txt"))
results = {}
def attempt(name, act):
    try:
        act()
        results[name] = "ok"
    except OSError as error:
        results[name] = type(error).__name__
attempt("write", lambda: open("new.txt", "w"))
attempt("secret", lambda: open(sys.argv[1]))
attempt("network", lambda: socket.create_connection(("192.0.2.1", 80), timeout=2))
attempt("scratch", lambda: open("/tmp/x", "w").write("x"))
attempt("child", lambda: subprocess.run(["/bin/true"], check=True))
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
print(json.dumps({"total": total, **results}))
"#,
    );
    let project = sandbox.dir().join("project");
    let sandbox = sandbox.called_in(&project);
    let seen = start(&sandbox, &[], "python", &["script.py", &secret.display().to_string()]).ends().exits(0);
    let result: serde_json::Value = serde_json::from_str(&seen.stdout).unwrap_or_else(|_| panic!("{seen}"));
    assert_eq!(result["total"], 7, "{seen}");
    for (name, answer) in [
        ("write", "OSError"),
        ("secret", "FileNotFoundError"),
        ("network", "OSError"),
        ("scratch", "ok"),
        ("child", "ok"),
    ] {
        // A refusal by ownership or Landlock comes before that by the mount.
        let seen_answer = result[name].as_str().unwrap_or_default();
        assert!(seen_answer == answer || (name == "write" && seen_answer == "PermissionError"), "{name}: {seen}");
    }
    assert!(!project.join("new.txt").exists());
}

#[test]
fn build_writes_to_its_project_alone() {
    if !installed("/usr/bin/make") || !installed("/usr/bin/cc") {
        return;
    }
    let sandbox = Sandbox::bare();
    let outside = Sandbox::bare();
    let elsewhere = outside.dir().join("elsewhere");
    sandbox.file("project/main.c", "#include <stdio.h>\nint main(void) { puts(\"built\"); return 0; }\n");
    sandbox.file(
        "project/Makefile",
        &format!(
            "all: program\n\t-touch {} /usr/x ~/../x\n\t-cc -o ~/home main.c && echo the home is writable\n\
             \t-exec 3<>/dev/tcp/192.0.2.1/80\nprogram: main.c\n\tcc -O1 -o program main.c\nSHELL = /bin/bash\n",
            elsewhere.display()
        ),
    );
    let project = sandbox.dir().join("project");
    let sandbox = sandbox.called_in(&project);
    let seen = start(&sandbox, &[], "base/build", &["make"]).ends().exits(0);
    assert!(seen.stdout.contains("the home is writable"), "{seen}");
    assert!(seen.stderr.contains("unreachable") || seen.stderr.contains("denied"), "no network\n{seen}");
    let built = std::process::Command::new(project.join("program")).output().expect("starting what was built");
    assert_eq!(built.stdout, b"built\n");
    assert!(!elsewhere.exists() && !home().join("home").exists());
}

#[test]
fn build_runs_cargo_offline() {
    if !home().join(".cargo/bin/cargo").exists() && !std::path::Path::new("/usr/bin/cargo").exists() {
        return left_to_root("this user has no cargo");
    }
    let sandbox = Sandbox::bare();
    sandbox.file("project/Cargo.toml", "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    sandbox.file("project/src/main.rs", "fn main() { println!(\"built by cargo\"); }\n");
    let project = sandbox.dir().join("project");
    let sandbox = sandbox.called_in(&project);
    let running = start(&sandbox, &[], "base/build", &["cargo", "build", "--offline"]);
    running.with_patience(Duration::from_secs(120)).ends().exits(0);
    let built =
        std::process::Command::new(project.join("target/debug/tiny")).output().expect("starting what was built");
    assert_eq!(built.stdout, b"built by cargo\n");
}
