//! A profile, a caller, and a directory of their own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Running, Seen, caller, probe, programs, turn};

/// What a launch is made of. Each test has its own, and nothing of it stays.
pub struct Sandbox {
    /// Also the sandbox's name, which keys its record and what it keeps.
    pub name: String,
    directory: Directory,
    sections: BTreeMap<&'static str, Vec<String>>,
    read_only: Vec<String>,
    peculiarities: Vec<String>,
    options: Vec<String>,
    env: Vec<(String, String)>,
    cwd: Option<PathBuf>,
    program: &'static Path,
}

impl Sandbox {
    /// The default profile, with the probe at /probe.
    pub fn new() -> Sandbox {
        Sandbox::bare().read_only(&format!("{}:/probe", probe().display()))
    }

    /// The default profile, and nothing else.
    pub fn bare() -> Sandbox {
        turn::beside();
        let directory = directory();
        let name = directory.top.file_name().expect("made below").to_string_lossy().into_owned();
        Sandbox {
            name,
            directory,
            sections: BTreeMap::new(),
            read_only: Vec::new(),
            peculiarities: Vec::new(),
            options: Vec::new(),
            env: Vec::new(),
            cwd: None,
            program: programs::sandbox(),
        }
    }

    /// A line of TOML in a section of the profile.
    pub fn with(mut self, section: &'static str, line: &str) -> Sandbox {
        self.sections.entry(section).or_default().push(line.to_owned());
        self
    }

    /// An entry of `rootfs.read-only`.
    pub fn read_only(mut self, entry: &str) -> Sandbox {
        self.read_only.push(entry.to_owned());
        self
    }

    /// As tests/caller/caller.c understands it.
    pub fn called_with(mut self, peculiarity: &str) -> Sandbox {
        self.peculiarities.extend(peculiarity.split_whitespace().map(str::to_owned));
        self
    }

    /// A word of the command line, before the profile.
    pub fn option(mut self, word: &str) -> Sandbox {
        self.options.push(word.to_owned());
        self
    }

    /// A variable of the caller's environment.
    pub fn env(mut self, name: &str, value: &str) -> Sandbox {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another build of the program.
    pub fn of(mut self, program: &'static Path) -> Sandbox {
        self.program = program;
        self
    }

    /// The caller's working directory.
    pub fn called_in(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.cwd = Some(path.into());
        self
    }

    /// A directory on the host for what the test needs there.
    pub fn dir(&self) -> &Path {
        &self.directory.files
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir().join(name);
        std::fs::create_dir_all(path.parent().expect("joined")).expect("making a directory");
        std::fs::write(&path, text).expect("writing a file");
        path
    }

    /// The probe inside, told these words.
    #[track_caller]
    pub fn probe(&self, words: &str) -> Seen {
        self.start_probe(words).ends()
    }

    pub fn start_probe(&self, words: &str) -> Running {
        let words: Vec<&str> = std::iter::once("/probe").chain(words.split_whitespace()).collect();
        self.start(&words)
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Seen {
        self.start(arguments).ends()
    }

    /// `sandbox run [OPTIONS] PROFILE -- ARGUMENTS`
    pub fn start(&self, arguments: &[&str]) -> Running {
        let command = self.command("run", arguments);
        Running::start(command, format!("{arguments:?} with\n{}", self.text()))
    }

    /// Another subcommand that takes a profile: `plan`, `check`.
    #[track_caller]
    pub fn ask(&self, subcommand: &str, arguments: &[&str]) -> Seen {
        let what = format!("sandbox {subcommand} {arguments:?} with\n{}", self.text());
        Running::start(self.command(subcommand, arguments), what).ends()
    }

    /// The program with this command line.
    #[track_caller]
    pub fn sandbox(&self, arguments: &[impl AsRef<OsStr> + Debug]) -> Seen {
        self.start_sandbox(arguments).ends()
    }

    pub fn start_sandbox(&self, arguments: &[impl AsRef<OsStr> + Debug]) -> Running {
        Running::start(self.without_profile(arguments), format!("sandbox {arguments:?}"))
    }

    pub fn without_profile(&self, arguments: &[impl AsRef<OsStr> + Debug]) -> Command {
        let mut command = self.launcher();
        command.args(arguments);
        command
    }

    pub fn command(&self, subcommand: &str, arguments: &[&str]) -> Command {
        let profile = self.dir().join(&self.name).with_extension("toml");
        // Not again for a second launch: the first may be reading it.
        if std::fs::read_to_string(&profile).ok().as_ref() != Some(&self.text()) {
            std::fs::write(&profile, self.text()).expect("writing the profile");
        }
        let mut command = self.launcher();
        command.arg(subcommand).args(&self.options).arg(profile);
        if !arguments.is_empty() {
            command.arg("--").args(arguments);
        }
        command
    }

    /// The program, started by the caller that this test is about.
    fn launcher(&self) -> Command {
        let mut command = if self.peculiarities.is_empty() {
            Command::new(self.program)
        } else {
            let mut command = Command::new(caller());
            command.args(&self.peculiarities).arg("--").arg(self.program);
            command
        };
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", home()).env("XDG_RUNTIME_DIR", self.runtime());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.cwd.as_deref().unwrap_or(Path::new("/")));
        command
    }

    /// The caller's `$XDG_RUNTIME_DIR`.
    pub fn runtime(&self) -> PathBuf {
        self.directory.top.join("runtime")
    }

    fn text(&self) -> String {
        let mut sections = self.sections.clone();
        if !self.read_only.is_empty() {
            let entries: Vec<String> = self.read_only.iter().map(|entry| quoted(entry)).collect();
            sections.entry("rootfs").or_default().push(format!("read-only = [{}]", entries.join(", ")));
        }
        // Keys above the first header belong to the top.
        let top: String = sections.remove("").unwrap_or_default().iter().map(|line| format!("{line}\n")).collect();
        let tables = sections.iter().map(|(name, lines)| format!("[{name}]\n{}\n", lines.join("\n")));
        top + &tables.collect::<String>()
    }
}

/// The probe without a sandbox: what a refusal inside is compared with.
#[track_caller]
pub fn outside(words: &str) -> Seen {
    let mut command = Command::new(probe());
    command.args(words.split_whitespace()).current_dir("/");
    Running::start(command, format!("outside: {words}")).ends()
}

/// As TOML writes a string.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// The caller's home, by /etc/passwd.
pub fn home() -> PathBuf {
    let user = nix::unistd::geteuid().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&user));
    line.and_then(|line| line.split(':').nth(5)).unwrap_or("/").into()
}

/// Directories that go when the test does.
struct Directory {
    top: PathBuf,
    /// Beside the runtime directory, which no grant may contain.
    files: PathBuf,
}

fn directory() -> Directory {
    use std::os::unix::fs::DirBuilderExt;
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let top = std::env::temp_dir().join(format!("sandbox-it-{}-{number}", std::process::id()));
    let files = top.join("files");
    std::fs::create_dir_all(&files).expect("making a directory");
    std::fs::DirBuilder::new().mode(0o700).create(top.join("runtime")).expect("making a runtime directory");
    Directory { top, files }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.top);
    }
}
