//! The library of profiles: each starts its real program, which does its real work, and reaches what the profile's text
//! says and nothing else.

mod bases;
mod builds;
mod documents;
mod homes;
mod languages;
mod media;
mod readers;
mod servers;
mod transfer;

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::{Running, Sandbox, Seen, home, outside, probe, quoted, skip};

/// What may become of the directory that a profile is called in.
#[derive(Clone, Copy, PartialEq)]
pub enum Directory {
    Unseen,
    Read,
    Write,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Network {
    None,
    Host,
}

/// A profile of the library, called by its name in a directory of the test's own.
pub struct Shipped {
    pub name: &'static str,
    pub sandbox: Sandbox,
    pub secret: Secret,
    options: Vec<String>,
}

/// A file in the caller's home, which no profile grants.
pub struct Secret(pub PathBuf);

impl Shipped {
    /// `None`, said visibly, where its program is not installed.
    pub fn new(name: &'static str, program: &str) -> Option<Shipped> {
        if !Path::new(program).exists() {
            skip(&format!("{program} is not installed"));
            return None;
        }
        let sandbox = Sandbox::bare();
        let work = sandbox.dir().join("work");
        std::fs::create_dir(&work).expect("making a directory");
        let secret = home().join(format!(".{}", sandbox.name));
        std::fs::write(&secret, "hush\n").expect("writing to the home");
        Some(Shipped { name, sandbox: sandbox.called_in(work), secret: Secret(secret), options: Vec::new() })
    }

    /// What stands before the profile on the command line.
    pub fn option(mut self, words: &[&str]) -> Shipped {
        self.options.extend(words.iter().map(|word| word.to_string()));
        self
    }

    /// `--set`
    pub fn set(self, assignment: &str) -> Shipped {
        self.option(&["--set", assignment])
    }

    /// The directory that it is called in.
    pub fn work(&self) -> PathBuf {
        self.sandbox.dir().join("work")
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        self.sandbox.file(&format!("work/{name}"), text)
    }

    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let path = self.work().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The first bytes of a file that the program made.
    #[track_caller]
    pub fn begins(&self, name: &str, bytes: &[u8]) {
        let path = self.work().join(name);
        let content = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(content.starts_with(bytes), "{name} begins with {:?}", &content[..content.len().min(16)]);
    }

    /// `sandbox run [OPTIONS] NAME -- ARGUMENTS`
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(&[], arguments)
    }

    fn start_with(&self, options: &[&str], arguments: &[&str]) -> Running {
        let mut words = vec!["run"];
        words.extend(self.options.iter().map(String::as_str).chain(options.iter().copied()));
        words.push(self.name);
        if !arguments.is_empty() {
            words.push("--");
            words.extend(arguments);
        }
        self.sandbox.start_sandbox(&words).with_patience(Duration::from_secs(120))
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Seen {
        self.start(arguments).ends()
    }

    /// The probe in the place of the profile's program.
    #[track_caller]
    pub fn probe(&self, words: &str) -> Seen {
        let there = format!("rootfs.read-only=[{}]", quoted(&format!("{}:/probe", probe().display())));
        let options = ["--set", "process.command=[\"/probe\"]", "--set", &there];
        self.start_with(&options, &words.split_whitespace().collect::<Vec<_>>()).ends().exits(0)
    }

    /// Whatever the program, this is all it could do. Each refusal is compared with the same attempt outside.
    #[track_caller]
    pub fn reaches(&self, directory: Directory, network: Network) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
        let port = listener.local_addr().expect("bound above").port();
        let name = format!("{}-abstract", self.sandbox.name);
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let _abstract = UnixListener::bind_addr(&address).expect("listening");
        let (work, secret) = (self.work(), self.secret.0.display().to_string());
        self.file("there", "there\n");
        let elsewhere = self.sandbox.file("elsewhere/file", "hush\n");
        let elsewhere = elsewhere.display();
        let here = work.display();

        let refused = [
            format!("read {secret}"),
            format!("write {secret}"),
            format!("read {elsewhere}"),
            format!("connect-unix @{name}"),
        ];
        let connect = format!("connect 127.0.0.1 {port}");
        let create = format!("create {here}/made-by-probe");
        let read = format!("read {here}/there");
        let words = refused.join(" + ");
        let controls = outside(&format!("{words} + {connect} + {create} + {read} + unlink {here}/made-by-probe"));
        for attempt in refused.iter().chain([&connect, &create, &read]) {
            controls.allows(attempt);
        }

        let seen = self.probe(&format!(
            "{words} + {connect} + {create} + {read} + create /usr/x + create /etc/x + write /etc/passwd + list / + \
             read /etc/shadow + unshare user + mount tmpfs tmpfs /tmp + ls {}",
            home().display()
        ));
        const GONE: [&str; 2] = ["ENOENT", "EACCES"];
        const SHUT: [&str; 3] = ["EPERM", "EACCES", "EROFS"];
        for attempt in &refused[..3] {
            seen.refuses(attempt, &GONE);
        }
        // An own network has no such name; Landlock refuses it in the host's; the strict filter knows no sockets.
        seen.refuses(&refused[3], &["ECONNREFUSED", "EPERM", "EACCES"]);
        for attempt in ["create /usr/x", "create /etc/x", "write /etc/passwd", "unshare user", "mount tmpfs tmpfs /tmp"]
        {
            seen.refuses(attempt, &SHUT);
        }
        seen.refuses("read /etc/shadow", &GONE);
        match network {
            Network::Host => seen.allows(&connect),
            Network::None => seen.refuses(&connect, &["ECONNREFUSED", "EPERM", "EACCES"]),
        };
        match directory {
            Directory::Unseen => seen.refuses(&read, &GONE),
            _ => seen.allows(&read),
        };
        match directory {
            Directory::Write => seen.allows(&create),
            Directory::Read => seen.refuses(&create, &SHUT),
            Directory::Unseen => seen.refuses(&create, &["ENOENT", "EACCES", "EROFS"]),
        };
        assert_eq!(work.join("made-by-probe").exists(), directory == Directory::Write, "{seen}");
        let names: Vec<&str> = seen.values("entry").collect();
        let known =
            [".ssh", ".config", ".cargo", ".npm", "go", ".rustup", ".gitconfig", ".curlrc", ".wgetrc", ".vimrc"];
        assert!(names.iter().all(|name| known.contains(name)), "the home holds what is granted: {names:?}");
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A port of the host's loopback that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
    listener.local_addr().expect("bound above").port()
}
