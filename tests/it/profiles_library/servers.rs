//! Servers: a client outside talks to them as to any other, and what they keep outlives them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::homes::Secrets;
use super::{Directory, Network, Secret, Shipped, free_port};
use crate::harness::{Running, eventually, home, is_root};

/// A server of the library with a name, a runtime directory and a place to keep things of its own.
struct Served {
    shipped: Shipped,
    /// Where its sockets are, on the host.
    sockets: PathBuf,
    _kept: Kept,
}

/// What a sandbox keeps by its name; goes when the test does.
pub struct Kept(pub PathBuf);

impl Served {
    /// `user` is whom it becomes as root; for an ordinary user that is only another name.
    fn new(profile: &'static str, program: &str, user: &str) -> Option<Served> {
        let shipped = Shipped::new(profile, program)?;
        let name = shipped.sandbox.name.clone();
        let sockets = shipped.sandbox.dir().join("sockets");
        std::fs::DirBuilder::new().mode(0o755).create(&sockets).expect("making a directory");
        let data = shipped.sandbox.dir().join("data");
        let kept = if is_root() {
            let account =
                nix::unistd::User::from_name(user).expect("reading /etc/passwd").expect("its package made it");
            chown(&sockets, Some(account.uid.as_raw()), Some(account.gid.as_raw())).expect("giving the directory away");
            PathBuf::from("/var/lib/sandbox")
        } else {
            data.join("sandbox")
        };
        let mut shipped = shipped.option(&["--name", &name]);
        shipped.sandbox = shipped.sandbox.env("XDG_DATA_HOME", &data.display().to_string());
        Some(Served { shipped, sockets, _kept: Kept(kept.join("persist").join(name)) })
    }

    fn on_sockets(mut self) -> Served {
        let sockets = format!("sockets={}", self.sockets.display());
        self.shipped = self.shipped.set(&sockets);
        self
    }

    fn set(mut self, assignment: &str) -> Served {
        self.shipped = self.shipped.set(assignment);
        self
    }

    /// Starts it, and waits until a client is content.
    #[track_caller]
    fn up(&self, content: impl Fn() -> bool) -> Running {
        let running = self.shipped.start(&[]);
        let start = std::time::Instant::now();
        while !content() {
            if start.elapsed() > Duration::from_secs(60) {
                running.signal(Signal::SIGTERM);
                panic!("nobody answers\n{}", running.ends());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    #[track_caller]
    fn down(&self, running: Running, signal: Signal, codes: &[i32]) {
        running.signal(signal);
        let seen = running.ends();
        assert!(seen.status.code().is_some_and(|code| codes.contains(&code)), "the exit code\n{seen}");
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command of a client's, as the user whom the server lets in.
fn client(user: &str, program: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = match is_root() {
        true => {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--reuid", user, "--regid", user, "--init-groups", program]);
            command
        }
        false => Command::new(program),
    };
    let output = command.args(arguments).current_dir("/").output().unwrap_or_else(|error| panic!("{program}: {error}"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn postgresql_keeps_a_table_and_reads_no_other_file() {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = versions.map(|version| version.file_name().to_string_lossy().into_owned()).max().unwrap_or_default();
    let program = format!("/usr/lib/postgresql/{version}/bin/postgres");
    let Some(served) = Served::new("postgresql", &program, "postgres") else { return };
    let served = served.on_sockets().set(&format!("version={version}"));
    let place = served.sockets.display().to_string();
    let psql = |query: &str| client("postgres", "/usr/bin/psql", &["-h", &place, "-U", "postgres", "-Atqc", query]);
    let running = served.up(|| psql("select 1").0);
    assert_eq!(
        psql("create table t (x int); insert into t values (3), (4); select sum(x) from t"),
        (true, "7\n".into())
    );
    // A superuser of the database may read files and start programs: those of the sandbox.
    let secret = served.shipped.secret.0.display();
    let (done, text) = psql(&format!("select pg_read_file('{secret}')"));
    assert!(!done && text.contains("No such file"), "{text}");
    let (done, text) = psql(&format!("copy (select 1) to program 'cat {secret} || touch /usr/x'"));
    assert!(!done, "{text}");
    assert!(TcpStream::connect("127.0.0.1:5432").is_err() || Path::new("/run/postgresql/.s.PGSQL.5432").exists());
    served.down(running, Signal::SIGINT, &[0]);
    let running = served.up(|| psql("select 1").0);
    assert_eq!(psql("select count(*) from t"), (true, "2\n".into()), "the table is kept");
    served.down(running, Signal::SIGINT, &[0]);
    served.shipped.reaches(Directory::Unseen, Network::None);
}

#[test]
fn mariadb_keeps_a_table_and_reads_no_other_file() {
    let Some(served) = Served::new("mariadb", "/usr/sbin/mariadbd", "mysql") else { return };
    let served = served.on_sockets();
    let socket = served.sockets.join("mysqld.sock").display().to_string();
    let query = |query: &str| {
        client("mysql", "/usr/bin/mariadb", &["--no-defaults", "-S", &socket, "-u", "mysql", "-BNe", query])
    };
    let running = served.up(|| query("select 1").0);
    let made = "create database d; create table d.t (x int); insert into d.t values (3), (4); select sum(x) from d.t";
    assert_eq!(query(made), (true, "7\n".into()));
    let secret = served.shipped.secret.0.display();
    assert_eq!(query(&format!("select load_file('{secret}') is null")), (true, "1\n".into()));
    let (done, text) = query("select 'x' into outfile '/etc/x'");
    assert!(!done, "{text}");
    served.down(running, Signal::SIGTERM, &[0]);
    let running = served.up(|| query("select 1").0);
    assert_eq!(query("select count(*) from d.t"), (true, "2\n".into()), "the table is kept");
    served.down(running, Signal::SIGTERM, &[0]);
    served.shipped.reaches(Directory::Unseen, Network::None);
}

#[test]
fn memcached_answers_on_its_socket() {
    let Some(served) = Served::new("memcached", "/usr/bin/memcached", "memcache") else { return };
    let served = served.on_sockets();
    let socket = served.sockets.join("socket");
    let running = served.up(|| UnixStream::connect(&socket).is_ok());
    let mut stream = UnixStream::connect(&socket).expect("it listens");
    stream.write_all(b"set k 0 0 5\r\nvalue\r\nget k\r\nquit\r\n").expect("asking");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reading");
    assert_eq!(answer, "STORED\r\nVALUE k 0 5\r\nvalue\r\nEND\r\n");
    served.down(running, Signal::SIGTERM, &[0, 143]);
    served.shipped.reaches(Directory::Unseen, Network::None);
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// A web server of static files: the page, its type, and links that lead out.
#[track_caller]
fn serves_pages(profile: &'static str, program: &str, signal: Signal) {
    let Some(served) = Served::new(profile, program, "www-data") else { return };
    served.shipped.file("index.html", "<p>a page\n");
    let secret = served.shipped.secret.0.clone();
    std::os::unix::fs::symlink(&secret, served.shipped.work().join("link.html")).expect("linking");
    let port = free_port();
    let served = served.set(&format!("port={port}"));
    let running = served.up(|| get(port, "/").is_some());
    let page = get(port, "/").expect("it answers");
    assert!(page.contains(" 200 OK") && page.contains("text/html") && page.ends_with("<p>a page\n"), "{page}");
    served.shipped.file(".env", "hush\n");
    for path in ["/link.html", "/../elsewhere", "/.env", "/%2eenv", "/x/../.env"] {
        let answer = get(port, path).unwrap_or_default();
        assert!(!answer.contains("hush") && !answer.contains(" 200 OK"), "{path}: {answer}");
    }
    served.down(running, signal, &[0]);
    assert!(get(port, "/").is_none(), "nobody listens any more");
    // The host's network is what the text says it has.
    served.shipped.reaches(Directory::Read, Network::Host);
}

/// Called in the home, it has the home for its root.
#[track_caller]
fn serves_no_secrets_of_a_home(profile: &'static str, program: &str, signal: Signal) {
    let Some(mut served) = Served::new(profile, program, "www-data") else { return };
    let secrets = Secrets::lay(&served.shipped.sandbox.name);
    let page = Secret(home().join(format!("{}.html", served.shipped.sandbox.name)));
    std::fs::write(&page.0, "a page\n").expect("writing to the home");
    served.shipped.sandbox = served.shipped.sandbox.called_in(home());
    if is_root() && profile == "lighttpd" {
        // There it is www-data.
        served.shipped.run(&[]).refused(125, &["/root cannot be entered"]);
        return;
    }
    let port = free_port();
    let served = served.set(&format!("port={port}"));
    let running = served.up(|| get(port, "/").is_some());
    let name = |path: &Path| path.strip_prefix(home()).expect("it lies there").display().to_string();
    let answer = get(port, &format!("/{}", name(&page.0))).expect("it answers");
    assert!(answer.ends_with("a page\n"), "{answer}");
    assert!(secrets.files.iter().any(|file| file.starts_with(home().join(".ssh"))));
    for secret in &secrets.files {
        let answer = get(port, &format!("/{}", name(secret))).unwrap_or_default();
        assert!(!answer.contains(" 200 "), "{}: {answer}", secret.display());
    }
    served.down(running, signal, &[0]);
}

#[test]
fn lighttpd_serves_its_pages_and_no_others() {
    serves_pages("lighttpd", "/usr/sbin/lighttpd", Signal::SIGINT);
}

#[test]
fn caddy_serves_its_pages_and_no_others() {
    serves_pages("caddy", "/usr/bin/caddy", Signal::SIGTERM);
}

#[test]
fn lighttpd_serves_no_secrets_of_a_home() {
    serves_no_secrets_of_a_home("lighttpd", "/usr/sbin/lighttpd", Signal::SIGINT);
}

#[test]
fn caddy_serves_no_secrets_of_a_home() {
    serves_no_secrets_of_a_home("caddy", "/usr/bin/caddy", Signal::SIGTERM);
}

#[test]
fn mosquitto_passes_messages_on_and_keeps_them() {
    let Some(served) = Served::new("mosquitto", "/usr/sbin/mosquitto", "mosquitto") else { return };
    let port = free_port();
    let served = served.set(&format!("port={port}"));
    let port = port.to_string();
    let client = |program: &str, more: &[&str]| {
        let common = ["-h", "127.0.0.1", "-p", &port, "-t", "topic"];
        let output = Command::new(program).args(common).args(more).output();
        let output =
            output.unwrap_or_else(|error| panic!("{program}: {error} (hint: apt-get install mosquitto-clients)"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let up = || TcpStream::connect(("127.0.0.1", port.parse().expect("a port"))).is_ok();
    let running = served.up(up);
    client("/usr/bin/mosquitto_pub", &["-r", "-q", "1", "-m", "retained"]);
    assert_eq!(client("/usr/bin/mosquitto_sub", &["-C", "1", "-W", "5"]), "retained\n");
    served.down(running, Signal::SIGTERM, &[0]);
    let running = served.up(up);
    assert_eq!(client("/usr/bin/mosquitto_sub", &["-C", "1", "-W", "5"]), "retained\n", "the message is kept");
    served.down(running, Signal::SIGTERM, &[0]);
    served.shipped.reaches(Directory::Unseen, Network::Host);
}

#[test]
fn haproxy_passes_requests_on() {
    let Some(served) = Served::new("haproxy", "/usr/sbin/haproxy", "haproxy") else { return };
    let (front, back) = (free_port(), std::net::TcpListener::bind("127.0.0.1:0").expect("listening"));
    let port = back.local_addr().expect("bound above").port();
    served.shipped.file(
        "haproxy.cfg",
        &format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n\
             listen all\n  bind 127.0.0.1:{front}\n  server one 127.0.0.1:{port}\n"
        ),
    );
    std::thread::spawn(move || {
        for mut stream in back.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfrom behind\n");
        }
    });
    let running = served.up(|| TcpStream::connect(("127.0.0.1", front)).is_ok());
    eventually("an answer", || get(front, "/").is_some_and(|answer| answer.ends_with("from behind\n")));
    served.down(running, Signal::SIGTERM, &[0, 143]);
    served.shipped.reaches(Directory::Unseen, Network::Host);
}
