//! What a profile costs that extends three others: reading it, planning it, and `plan` and `check` as whole processes.
//!
//! Reading and planning are measured once in processes of their own, as a launch does them: nothing is warm that a launch
//! would find cold. The kinds alternate. `cargo bench --bench profile [ROUNDS]`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use sandbox::host::Host;
use sandbox::isolation::Findings;
use sandbox::plan;
use sandbox::profile::{self, Overrides};

const ONE: &str = r#"
extends = "application"
description = "what all services of the house have in common"

[vars]
port = "8080"
data = "/var/lib/${NAME}"

[process]
user = "root"
env = { LANG = "C.UTF-8", PORT = "${port}" }
env-pass = ["LC_*", "TZ"]
stop-signal = "TERM"
stop-timeout = "5s"

[rootfs]
read-only = ["/usr/share/zoneinfo", "-/etc/ssl/private"]
tmpfs = ["/scratch", { target = "/spool", size = "16M", mode = "0700" }]
"#;

const TWO: &str = r#"
[cgroup]
pids-max = 256
enforce = "best-effort"

[seccomp]
preset = "system-service"
deny = ["ptrace", "personality"]
allow = ["-io_uring_setup"]

[landlock]
scope = ["signal", "abstract-unix"]
"#;

const THREE: &str = r#"
[namespaces]
hostname = "web"
sysctl = { "net.ipv4.ip_unprivileged_port_start" = "0" }

[rootfs]
files = { "/etc/app.conf" = "listen = 8080\n", "/etc/motd" = { text = "hi\n", mode = "0600" } }
symlinks = { "/bin/ed" = "nano" }
hide = ["-/etc/machine-id", "-/etc/hostname"]
"#;

const CHILD: &str = r#"
extends = ["./one.toml", "./two.toml", "./three.toml"]

[vars]
port = "9090"

[process]
command = ["/bin/true"]
args = ["--port", "${port}", "--data", "${data}"]
rlimits = { nofile = 1024 }

[rootfs]
read-only = ["!/usr/share/zoneinfo", "/usr/share"]
"#;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [mark, file] = args.as_slice()
        && mark == "child"
    {
        return child(file);
    }
    let rounds = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(300);
    let place = std::env::temp_dir().join(format!("sandbox-bench-profile-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("a temporary directory");
    let empty = write(&place, "empty.toml", "[process]\ncommand = [\"/bin/true\"]\n");
    for (name, text) in [("one.toml", ONE), ("two.toml", TWO), ("three.toml", THREE)] {
        write(&place, name, text);
    }
    let child = write(&place, "child.toml", CHILD);
    let sandbox = PathBuf::from(env!("CARGO_BIN_EXE_sandbox"));
    let this = std::env::current_exe().expect("the path of this program");
    let kinds: [(&str, &Path, &[&str]); 5] = [
        ("sandbox --version", &sandbox, &["--version"]),
        ("plan, nothing extended", &sandbox, &["plan", &empty]),
        ("plan, three extended", &sandbox, &["plan", &child]),
        ("check, three extended", &sandbox, &["check", &child]),
        ("check --origin", &sandbox, &["check", "--origin", &child]),
    ];
    let mut whole = kinds.map(|_| Vec::new());
    let mut parts = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        for (all, (name, program, words)) in whole.iter_mut().zip(kinds) {
            all.push(run(name, program, words));
        }
        for (at, file) in [&empty, &child].into_iter().enumerate() {
            let [read, planned] = ask(&this, file);
            parts[2 * at].push(read);
            parts[2 * at + 1].push(planned);
        }
    }
    println!("medians of {rounds} processes each, in ms");
    for (all, (name, _, _)) in whole.iter_mut().zip(kinds) {
        println!("{name:<32} {:>8.3}", median(all) / 1e6);
    }
    let names = ["reading, nothing extended", "planning it", "reading, three extended", "planning it"];
    for (all, name) in parts.iter_mut().zip(names) {
        println!("{name:<32} {:>8.3}", median(all) / 1e6);
    }
    let _ = std::fs::remove_dir_all(place);
}

fn write(place: &Path, name: &str, text: &str) -> String {
    let path = place.join(name);
    std::fs::write(&path, text).expect("writing a profile");
    path.display().to_string()
}

/// Nanoseconds from the start of a process to its end.
fn run(name: &str, program: &Path, words: &[&str]) -> f64 {
    let start = Instant::now();
    let status = Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let took = start.elapsed().as_nanos() as f64;
    assert!(status.expect("starting it").success(), "{name}");
    took
}

fn ask(this: &Path, file: &str) -> [f64; 2] {
    let output = Command::new(this).args(["child", file]).output().expect("this program starts again");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    <[f64; 2]>::try_from(figures)
        .unwrap_or_else(|_| panic!("{file}: {} {}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Nanoseconds of reading a profile with all it extends, and of planning it.
fn child(file: &str) {
    let host = Host::live();
    let start = Instant::now();
    let loaded = profile::load(file, &Overrides::default(), &host).unwrap_or_else(|problems| panic!("{problems}"));
    let read = start.elapsed().as_nanos();
    let start = Instant::now();
    let mut findings = Findings::default();
    let plan = plan::plan(&loaded.profile, &host, &mut findings);
    let planned = start.elapsed().as_nanos();
    assert!(plan.is_some(), "{:?}", findings.0);
    println!("{read} {planned}");
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
