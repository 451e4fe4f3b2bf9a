//! What talks to other machines: here to servers of the test's own, on the loopback of the host.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Directory, Network, Shipped, free_port};
use crate::harness::{eventually, home};

/// A server that ends with the test.
struct Server(Child);

impl Server {
    fn start(command: &mut Command, port: u16) -> Server {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Server(child.unwrap_or_else(|error| panic!("starting {command:?}: {error}")));
        eventually("the server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers each request with the file below `root` that it asks for; returns the port.
fn serve(root: std::path::PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
    let port = listener.local_addr().expect("bound above").port();
    // Ends with the process: nobody waits for it.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/");
            let answer = match std::fs::read(root.join(path.trim_start_matches('/'))) {
                Ok(body) => {
                    [format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
                }
                Err(_) => b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            };
            let _ = stream.write_all(&answer);
        }
    });
    port
}

fn pages(shipped: &Shipped) -> u16 {
    shipped.sandbox.file("www/page", "fetched\n");
    serve(shipped.sandbox.dir().join("www"))
}

#[test]
fn curl_fetches_into_its_directory() {
    let Some(shipped) = Shipped::new("curl", "/usr/bin/curl") else { return };
    let page = format!("http://127.0.0.1:{}/page", pages(&shipped));
    shipped.run(&["-sS", &page]).succeeds().prints("fetched\n");
    shipped.run(&["-sS", "-o", "got", &page]).succeeds();
    assert_eq!(shipped.text("got"), "fetched\n");
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&["-sS", &format!("file://{secret}")]).exits(37).prints("");
    // It writes to a home that is not yours.
    shipped.run(&["-sS", "-o", &secret, &page]).exits(0);
    assert_eq!(std::fs::read_to_string(&shipped.secret.0).expect("still there"), "hush\n");
    shipped.reaches(Directory::Write, Network::Host);
}

#[test]
fn wget_fetches_into_its_directory() {
    let Some(shipped) = Shipped::new("wget", "/usr/bin/wget") else { return };
    let page = format!("http://127.0.0.1:{}/page", pages(&shipped));
    shipped.run(&["-q", &page]).succeeds();
    assert_eq!(shipped.text("page"), "fetched\n");
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&["-q", "--post-file", &secret, &page]).exits(3);
    shipped.run(&["-q", "-O", "/etc/page", &page]).exits(1);
    shipped.reaches(Directory::Write, Network::Host);
}

#[test]
fn git_online_clones_and_fetches() {
    let Some(shipped) = Shipped::new("git-online", "/usr/bin/git") else { return };
    let origin = shipped.sandbox.dir().join("www/origin.git");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("/usr/bin/git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        let output = git.env("GIT_DIR", &origin).stdin(Stdio::null()).output().expect("starting git");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    git(&["init", "-q", "--bare", "-b", "main", &origin.display().to_string()]);
    let tree = git(&["hash-object", "-t", "tree", "-w", "--stdin"]);
    let commit = git(&["commit-tree", "-m", "from elsewhere", &tree]);
    git(&["update-ref", "refs/heads/main", &commit]);
    git(&["update-server-info"]);
    let address = format!("http://127.0.0.1:{}/origin.git", serve(shipped.sandbox.dir().join("www")));
    shipped.run(&["clone", "-q", &address, "copy"]).exits(0);
    shipped.run(&["-C", "copy", "log", "--format=%s"]).exits(0).prints("from elsewhere\n");
    shipped.run(&["-C", "copy", "fetch", "-q"]).exits(0);
    shipped.reaches(Directory::Write, Network::Host);
}

#[test]
fn rsync_copies_within_its_directory_and_from_a_server() {
    let Some(shipped) = Shipped::new("rsync", "/usr/bin/rsync") else { return };
    shipped.file("from/a", "copied\n");
    shipped.run(&["-a", "from/", "to"]).succeeds();
    assert_eq!(shipped.text("to/a"), "copied\n");
    shipped.sandbox.file("www/page", "fetched\n");
    let port = free_port();
    let place = shipped.sandbox.dir().join("www");
    let module = format!("use chroot = no\naddress = 127.0.0.1\n[all]\npath = {}\n", place.display());
    let config = shipped.sandbox.file("rsyncd.conf", &module);
    let mut command = Command::new("/usr/bin/rsync");
    command.args(["--daemon", "--no-detach", "--port", &port.to_string(), "--config"]).arg(config);
    let _server = Server::start(&mut command, port);
    shipped.run(&["-a", &format!("rsync://127.0.0.1:{port}/all/page"), "."]).succeeds();
    assert_eq!(shipped.text("page"), "fetched\n");
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&["-a", &secret, "stolen"]).exits(23);
    shipped.reaches(Directory::Write, Network::Host);
}

/// A server that lets this user in by a key in ~/.ssh: its port, and the arguments that lead to it.
fn ssh_server(shipped: &Shipped) -> Option<(Server, Keys, Vec<String>)> {
    if !Path::new("/usr/sbin/sshd").exists() {
        crate::harness::skip("/usr/sbin/sshd is not installed");
        return None;
    }
    let aside = shipped.sandbox.dir();
    let keys = Keys::new(&shipped.sandbox.name);
    for key in [aside.join("host"), keys.place.join(&keys.name)] {
        let made = Command::new("/usr/bin/ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key).status();
        assert!(made.expect("starting ssh-keygen").success());
    }
    let public = keys.place.join(format!("{}.pub", keys.name));
    std::fs::copy(public, aside.join("authorized")).expect("copying the key");
    let port = free_port();
    let host = std::fs::read_to_string(aside.join("host.pub")).expect("made above");
    std::fs::write(keys.place.join(format!("{}.hosts", keys.name)), format!("[127.0.0.1]:{port} {host}"))
        .expect("writing");
    if crate::harness::is_root() {
        std::fs::create_dir_all("/run/sshd").expect("making its directory");
    }
    let options = [
        "ListenAddress=127.0.0.1".to_owned(),
        format!("AuthorizedKeysFile={}", aside.join("authorized").display()),
        "UsePAM=no".to_owned(),
        "StrictModes=no".to_owned(),
        "PidFile=none".to_owned(),
        "PermitRootLogin=yes".to_owned(),
    ];
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-f", "/dev/null", "-p", &port.to_string(), "-h"]).arg(aside.join("host"));
    command.args(options.iter().flat_map(|option| ["-o", option]));
    let server = Server::start(&mut command, port);
    let key = keys.place.join(&keys.name).display().to_string();
    let known = format!("UserKnownHostsFile={key}.hosts");
    let client = ["-p", &port.to_string(), "-i", &key, "-o", &known, "-o", "BatchMode=yes"].map(str::to_owned).to_vec();
    Some((server, keys, client))
}

/// A key in ~/.ssh, which goes when the test does.
struct Keys {
    place: std::path::PathBuf,
    name: String,
    fresh: bool,
}

impl Keys {
    fn new(name: &str) -> Keys {
        let place = home().join(".ssh");
        let fresh = std::fs::create_dir(&place).is_ok();
        Keys { place, name: name.to_owned(), fresh }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        for suffix in ["", ".pub", ".hosts"] {
            let _ = std::fs::remove_file(self.place.join(format!("{}{suffix}", self.name)));
        }
        if self.fresh {
            let _ = std::fs::remove_dir(&self.place);
        }
    }
}

#[test]
fn ssh_logs_in_and_changes_nothing() {
    let Some(shipped) = Shipped::new("ssh", "/usr/bin/ssh") else { return };
    let Some((_server, keys, client)) = ssh_server(&shipped) else { return };
    let ssh = |more: &[&str]| {
        let client: Vec<&str> = client.iter().map(String::as_str).collect();
        shipped.run(&[&client[..], more].concat())
    };
    ssh(&["127.0.0.1", "echo logged in"]).exits(0).prints("logged in\n");
    // A host that is not known, and cannot be made known.
    let before = std::fs::read_to_string(keys.place.join(format!("{}.hosts", keys.name))).expect("made above");
    ssh(&["-o", "StrictHostKeyChecking=accept-new", "-o", "HostKeyAlias=other", "127.0.0.1", "true"]).exits(0);
    assert_eq!(std::fs::read_to_string(keys.place.join(format!("{}.hosts", keys.name))).expect("there"), before);
    let secret = shipped.secret.0.display().to_string();
    ssh(&["-F", &secret, "127.0.0.1", "true"]).exits(255).says(&["No such file"]);
    let key = keys.place.join(&keys.name).display().to_string();
    shipped.probe(&format!("write {key}")).refuses(&format!("write {key}"), &["EACCES", "EROFS"]);
    shipped.reaches(Directory::Unseen, Network::Host);
}

#[test]
fn rsync_ssh_copies_both_ways() {
    let Some(shipped) = Shipped::new("rsync-ssh", "/usr/bin/rsync") else { return };
    let Some((_server, _keys, client)) = ssh_server(&shipped) else { return };
    let shell = format!("ssh {}", client.join(" "));
    let far = shipped.sandbox.file("far/a", "from afar\n");
    let from = format!("127.0.0.1:{}", far.display());
    shipped.run(&["-a", "-e", &shell, &from, "a"]).exits(0);
    assert_eq!(shipped.text("a"), "from afar\n");
    shipped.file("b", "to there\n");
    shipped
        .run(&["-a", "-e", &shell, "b", &format!("127.0.0.1:{}", shipped.sandbox.dir().join("far/b").display())])
        .exits(0);
    assert_eq!(std::fs::read_to_string(shipped.sandbox.dir().join("far/b")).expect("copied"), "to there\n");
    shipped.reaches(Directory::Write, Network::Host);
}
