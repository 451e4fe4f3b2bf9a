//! Called in the home, with a file in every place that base/application.toml hides: no profile of the library lets its
//! program read one, whatever it grants of the directory that it is called in.

use std::path::{Path, PathBuf};

use super::Shipped;
use super::bases::LIBRARY;
use super::servers::Kept;
use crate::harness::{alone, home, is_root, outside, probe, quoted};

/// A file in each place of the home that holds secrets; what was not there before goes with it.
pub struct Secrets {
    pub files: Vec<PathBuf>,
    /// In the order in which they were made.
    made: Vec<PathBuf>,
}

impl Secrets {
    /// No other test runs meanwhile: some of these places hold the settings of programs.
    pub fn lay(name: &str) -> Secrets {
        alone();
        let text = profile("base/application");
        let (_, list) = text.split_once("\nhide = [").expect("it hides something");
        let (list, _) = list.split_once("\n]").expect("the list ends");
        let lines = list.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
        let places = words.map(|word| home().join(word.strip_prefix("-~/").expect("all are optional, in the home")));
        let mut secrets = Secrets { files: Vec::new(), made: Vec::new() };
        for place in places {
            if place.is_file() {
                secrets.files.push(place);
                continue;
            }
            secrets.directory(&place);
            let file = place.join(name);
            std::fs::write(&file, "hush\n").unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            secrets.made.push(file.clone());
            secrets.files.push(file);
        }
        secrets
    }

    fn directory(&mut self, path: &Path) {
        if !path.exists() {
            self.directory(path.parent().expect("it lies in the home"));
            std::fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            self.made.push(path.to_owned());
        }
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            let _ = if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
        }
    }
}

fn profile(name: &str) -> String {
    let place = std::env::var_os("SANDBOX_TEST_PROGRAMS").map(PathBuf::from);
    let place = place.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).join("profiles");
    std::fs::read_to_string(place.join(format!("{name}.toml"))).expect("reading a profile")
}

#[test]
fn no_profile_called_in_the_home_reads_its_secrets() {
    let Some(mut shipped) = Shipped::new("application", "/bin/sh") else { return };
    let secrets = Secrets::lay(&shipped.sandbox.name);
    let attempts: Vec<String> = secrets.files.iter().map(|file| format!("read {}", file.display())).collect();
    assert!(attempts.len() > 30 && attempts.iter().any(|attempt| attempt.contains("/.ssh/")), "{attempts:?}");
    let ordinary = format!("read {}", shipped.secret.0.display());
    let words = format!("{} + {ordinary}", attempts.join(" + "));
    let controls = outside(&words);
    attempts.iter().for_each(|attempt| {
        controls.allows(attempt);
    });
    let name = shipped.sandbox.name.clone();
    let data = shipped.sandbox.dir().join("data");
    let kept = if is_root() { PathBuf::from("/var/lib/sandbox") } else { data.join("sandbox") };
    let _kept = Kept(kept.join("persist").join(&name));
    let sandbox = shipped.sandbox.env("XDG_DATA_HOME", &data.display().to_string());
    shipped.sandbox = sandbox.called_in(home());
    let work = shipped.file("haproxy.cfg", "defaults\n").parent().expect("it lies in one").display().to_string();
    let there = format!("rootfs.read-only=[{}]", quoted(&format!("{}:/probe", probe().display())));
    let mut options: Vec<String> =
        ["--name", &name, "--set", "process.command=[\"/probe\"]", "--set", &there].map(str::to_owned).into();
    let (mut reading, mut refused) = (Vec::new(), Vec::new());
    for profile in LIBRARY.split_whitespace() {
        shipped.name = profile;
        // These grant what they are told to, and not where they are called.
        let told = match profile {
            "nginx" => Some(format!("www={work}")),
            "haproxy" => Some(format!("config={work}/haproxy.cfg")),
            "mariadb" | "memcached" | "postgresql" => Some(format!("sockets={work}")),
            _ => None,
        };
        options.truncate(6);
        options.extend(told.into_iter().flat_map(|assignment| ["--set".to_owned(), assignment]));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let seen = shipped.start_with(&options, &words.split_whitespace().collect::<Vec<_>>()).ends();
        let why = ["the whole home", "cannot be entered: /root has mode"];
        if seen.status.code() == Some(125) && why.iter().any(|why| seen.stderr.contains(why)) {
            refused.push(profile);
            continue;
        }
        let seen = seen.exits(0);
        // These two are for the keys.
        let meant = |attempt: &str| attempt.contains("/.ssh/") && ["ssh", "rsync-ssh"].contains(&profile);
        for attempt in attempts.iter().filter(|attempt| !meant(attempt)) {
            let answer = seen.answer(attempt);
            assert!(["EACCES", "ENOENT"].contains(&answer), "{profile}: {attempt}: {answer}\n{seen}");
        }
        if seen.answer(&ordinary) == "ok" {
            reading.push(profile);
        }
    }
    // So that there was something to read in the first place.
    let as_www_data = (!is_root()).then_some("lighttpd");
    for name in ["python", "jq", "ripgrep", "unknown", "caddy"].into_iter().chain(as_www_data) {
        assert!(reading.contains(&name), "{name} reads its directory: {reading:?}");
    }
    for name in ["bash", "cargo", "ffmpeg"] {
        assert!(refused.contains(&name), "{name} would write to the home: {refused:?}");
    }
}
