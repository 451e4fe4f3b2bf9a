//! `[network]` and SOCK: whom the program can talk to, and through which kinds of sockets.

use std::io::IoSlice;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use crate::harness::{Sandbox, eventually, outside};

/// Address families that applications use: local, internet, and asking the kernel about interfaces.
const OPEN: [u32; 4] = [1, 2, 10, 16];

#[test]
fn no_address_family_but_the_usual_ones() {
    let others = || (0..=50).filter(|family| !OPEN.contains(family));
    let words: Vec<String> = others().map(|family| format!("socket {family} 3")).collect();
    let raw = "socket 2 3 1 + socket 10 3 58 + socket 38 5 0";
    let seen = Sandbox::new().probe(&format!("{} + {raw}", words.join(" + "))).succeeds();
    for words in &words {
        seen.answers(words, "EAFNOSUPPORT");
    }
    seen.answers("socket 38 5 0", "EAFNOSUPPORT");
    // Raw sockets need a capability.
    seen.refuses("socket 2 3 1", &["EPERM"]).refuses("socket 10 3 58", &["EPERM"]);
    let words: Vec<String> = OPEN.iter().map(|family| format!("socket {family} 2")).collect();
    let seen = Sandbox::new().probe(&words.join(" + ")).succeeds();
    for words in &words {
        seen.allows(words);
    }
    // Routes may be asked for; no other part of the kernel may be.
    let seen = Sandbox::new()
        .probe("socket 16 3 0 + socket 16 3 4 + socket 16 3 6 + socket 16 3 12 + socket 16 3 15")
        .succeeds();
    seen.allows("socket 16 3 0").answers("socket 16 3 6", "EAFNOSUPPORT").answers("socket 16 3 12", "EAFNOSUPPORT");
    // The control: without a filter it is the kernel that refuses a packet socket, for want of a capability.
    let open = Sandbox::new().with("seccomp", r#"preset = "none""#).probe("socket 17 3 + socket 16 3 6").exits(0);
    open.answers("socket 17 3", "EPERM");
}

#[test]
fn by_default_there_is_nothing_but_its_own_loopback() {
    let seen =
        Sandbox::new().probe("interfaces + listen 127.0.0.1 80 + listen ::1 8080 + connect 192.0.2.1 80").succeeds();
    let interfaces: Vec<&str> = seen.values("interface").collect();
    assert_eq!(interfaces, ["lo up"], "{seen}");
    seen.allows("listen 127.0.0.1 80").refuses("connect 192.0.2.1 80", &["ENETUNREACH", "EACCES"]);
    assert!(["ok", "EADDRNOTAVAIL"].contains(&seen.answer("listen ::1 8080")), "{seen}");
}

#[test]
fn listeners_of_the_host_cannot_be_reached() {
    use std::os::linux::net::SocketAddrExt;
    let sandbox = Sandbox::new();
    let tcp = TcpListener::bind("127.0.0.1:0").expect("listening");
    let port = tcp.local_addr().expect("bound").port();
    let name = format!("sandbox-it-host-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes()).expect("a short name");
    let _abstract = UnixListener::bind_addr(&address).expect("listening");
    let path = sandbox.dir().join("socket");
    let _pathname = UnixListener::bind(&path).expect("listening");
    let (connect, abstract_, pathname) = (
        format!("connect 127.0.0.1 {port}"),
        format!("connect-unix @{name}"),
        format!("connect-unix {}", path.display()),
    );
    let words = format!("{connect} + {abstract_} + {pathname}");
    outside(&words).allows(&connect).allows(&abstract_).allows(&pathname);
    for base in ["system", "host", "none"] {
        let seen = Sandbox::new().with("rootfs", &format!("base = {base:?}")).probe(&words).succeeds();
        seen.refuses(&connect, &["ECONNREFUSED"]).refuses(&abstract_, &["ECONNREFUSED", "EPERM"]);
        seen.refuses(&pathname, &["ENOENT", "EACCES"]);
    }
}

/// Known doors of a host, with somebody behind each: they are made in a mount namespace of the caller's own.
#[test]
fn doors_of_the_host_are_not_there() {
    let doors = [
        "/run/dbus/system_bus_socket",
        "/run/docker.sock",
        "/run/systemd/private",
        "/run/systemd/journal/stdout",
        "/run/containerd/containerd.sock",
        "/run/user/bus",
    ];
    let peculiarity = format!("mounted /run listening {}", doors.join(" listening "));
    let words: Vec<String> = doors.iter().map(|door| format!("connect-unix {door}")).collect();
    for base in ["system", "host", "none"] {
        let sandbox = Sandbox::new().called_with(&peculiarity).with("rootfs", &format!("base = {base:?}"));
        let seen = sandbox.probe(&words.join(" + ")).succeeds();
        for words in &words {
            seen.refuses(words, &["ENOENT", "EACCES"]);
        }
        // The control: the very same doors, once they are granted.
        let granted = doors.iter().fold(sandbox, |sandbox, door| sandbox.read_only(door));
        let seen = granted.probe(&words.join(" + ")).succeeds();
        for words in &words {
            seen.allows(words);
        }
    }
}

/// No network namespace has sockets of virtual machines to itself; the filter alone keeps the program from them.
#[test]
fn virtual_machines_cannot_be_spoken_to() {
    let words = "socket 40 1";
    for preset in ["default", "system-service", "strict", "compat"] {
        let seen = Sandbox::new().with("seccomp", &format!("preset = {preset:?}")).probe(words);
        // "strict" has no sockets at all.
        seen.refuses(words, &["EAFNOSUPPORT", "EPERM"]);
    }
    // The control, where this kernel has them.
    let open = Sandbox::new().with("seccomp", r#"preset = "none""#).probe(words).exits(0);
    assert_eq!(open.answer(words), outside(words).answer(words), "{open}");
}

/// Who listens on a granted socket may hand anything in; the kernel's access control has its say about opening beneath it.
#[test]
fn a_directory_that_is_handed_in_by_a_granted_socket_opens_nothing() {
    let script = r#"
import os, socket, sys
here = socket.socket(socket.AF_UNIX)
here.connect("/granted")
_, (directory,), _, _ = socket.recv_fds(here, 1, 1)
for way in ["secret", "../secret", "below/.."]:
    for flags in [os.O_RDONLY, os.O_WRONLY, os.O_RDONLY | os.O_DIRECTORY]:
        try:
            os.open(way, flags, dir_fd=directory)
            print("opened", way)
        except OSError as error:
            print(error.errno)
for act in [lambda: os.mkdir("new", dir_fd=directory), lambda: os.unlink("secret", dir_fd=directory), lambda: os.chdir(directory)]:
    try:
        act()
        print("done")
    except OSError as error:
        print(error.errno)
"#;
    let handed = |sandbox: Sandbox| {
        let path = sandbox.dir().join("handed/below");
        std::fs::create_dir_all(&path).expect("making a directory");
        let path = path.parent().expect("joined").to_owned();
        std::fs::write(path.join("secret"), "hush").expect("writing a file");
        std::fs::write(sandbox.dir().join("secret"), "hush").expect("writing a file");
        let socket = sandbox.dir().join("socket");
        let listener = UnixListener::bind(&socket).expect("listening");
        let line = format!("read-write = [\"{}:/granted\"]", socket.display());
        let sandbox = sandbox.with("rootfs", &line);
        let running = sandbox.start(&["python3", "-c", script]);
        listener.set_nonblocking(true).expect("not waiting for ever");
        let mut peer = None;
        eventually("it has connected", || {
            peer = listener.accept().ok();
            peer.is_some()
        });
        let (peer, _) = peer.expect("accepted above");
        let directory = std::fs::File::open(&path).expect("opening the directory");
        let message = ControlMessage::ScmRights(&[directory.as_raw_fd()]);
        sendmsg::<()>(peer.as_raw_fd(), &[IoSlice::new(b"x")], &[message], MsgFlags::empty(), None).expect("sending");
        let left = || (path.join("secret").exists(), path.join("new").exists());
        (running.ends().exits(0).stdout, left())
    };
    let (seen, left) = handed(Sandbox::bare());
    // EACCES for whatever is there; a file is no directory, and a directory is not written to.
    assert_eq!(seen, "13\n13\n20\n13\n13\n20\n13\n21\n13\n13\n13\ndone\n");
    assert_eq!(left, (true, false));
    // The control: without Landlock a descriptor is what it was outside, and nothing else stands in the way.
    let (seen, left) = handed(Sandbox::bare().with("landlock", r#"enforce = "off""#));
    assert!(seen.contains("opened secret\n") && seen.contains("opened ../secret\n"), "{seen}");
    assert_eq!(left, (false, true), "{seen}");
}

/// Where clouds hand out credentials, to whoever asks from the machine: here an address of a network of the test's own.
#[test]
fn the_metadata_address_cannot_be_reached() {
    let connect = ["connect", "169.254.169.254", "80"];
    let answer = connect.join(" ");
    let beside = |sandbox: &Sandbox| {
        let launch = sandbox.command("run", &[&["/probe"], &connect[..]].concat());
        let mut command = std::process::Command::new("unshare");
        if !crate::harness::is_root() {
            command.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        let script = "ip link set lo up && ip address add 169.254.169.254/32 dev lo && \"$0\" connect 169.254.169.254 80 && \
                      echo inside && exec \"$@\"";
        command.args(["--net", "sh", "-c", script]).arg(crate::harness::probe());
        command.arg(launch.get_program()).args(launch.get_args()).env_clear();
        command.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
        let output = command.output().expect("starting unshare");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        text.split_once("inside\n").map(|(before, after)| (before.to_owned(), after.to_owned())).expect(&text)
    };
    // Nobody listens there, which only who reaches it is told.
    let (before, after) = beside(&Sandbox::new());
    assert_eq!(before, format!("{answer}: ECONNREFUSED\n"));
    assert!(after.contains(&format!("{answer}: ENETUNREACH")), "{after}");
    let (_, after) = beside(&Sandbox::new().with("network", r#"mode = "host""#));
    assert!(after.contains(&format!("{answer}: ECONNREFUSED")), "the control: {after}");
}

#[test]
fn the_hosts_network_is_the_hosts() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("listening");
    let connect = format!("connect 127.0.0.1 {}", tcp.local_addr().expect("bound").port());
    let seen = Sandbox::new().with("network", r#"mode = "host""#).probe(&format!("{connect} + interfaces")).exits(0);
    seen.allows(&connect);
    let host = outside("interfaces");
    assert_eq!(seen.values("interface").collect::<Vec<_>>(), host.values("interface").collect::<Vec<_>>());
}

#[test]
fn a_socket_that_was_granted_can_be_used() {
    let sandbox = Sandbox::new();
    let path = sandbox.dir().join("socket");
    let _listener = UnixListener::bind(&path).expect("listening");
    let line = format!("read-write = [\"{}:/granted\"]", path.display());
    sandbox.with("rootfs", &line).probe("connect-unix /granted").exits(0).allows("connect-unix /granted");
}

#[test]
fn networks_of_a_later_version_are_refused_by_name() {
    for line in [
        r#"mode = "private""#,
        r#"mode = { bridge = "br0" }"#,
        r#"publish = ["8080:80"]"#,
        r#"allow = ["example.org:443"]"#,
    ] {
        Sandbox::new().with("network", line).probe("say").refused(125, &["network"]);
    }
}
