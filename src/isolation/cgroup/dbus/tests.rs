//! Against a peer that is made up, and bytes that another implementation (Python's jeepney) has written.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::JoinHandle;

use super::super::scope::Manager;
use super::*;

const UNIT: &str = "sandbox-7.scope";
const JOB: &str = "/org/freedesktop/systemd1/job/42";
const REQUEST: &str = "6c010001c000000001000000b600000001016f00190000002f6f72672f667265656465736b746f702f73797374656d643100\
    00000000000002017300200000006f72672e667265656465736b746f702e73797374656d64312e4d616e61676572000000000000000003017300\
    1200000053746172745472616e7369656e74556e697400000000000006017300180000006f72672e667265656465736b746f702e73797374656d\
    643100000000000000000801670010737361287376296128736128737629290000000f00000073616e64626f782d372e73636f70650004000000\
    6661696c0000000093000000000000000b0000004465736372697074696f6e00017300001a000000612073616e64626f7820616e642069747320\
    6c61756e636865720000000000000400000050494473000261750000000004000000000000000800000044656c65676174650001620001000000\
    000000000b000000436f6c6c6563744d6f6465000173000012000000696e6163746976652d6f722d6661696c6564000000000000";

fn request() -> Vec<u8> {
    let digits: Vec<u8> = REQUEST.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A message of the peer's: header fields and body already marshalled, in either byte order.
fn message(big: bool, kind: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
    let number = |number: usize| if big { (number as u32).to_be_bytes() } else { (number as u32).to_le_bytes() };
    let mut bytes = vec![if big { b'B' } else { b'l' }, kind, 0, 1];
    bytes.extend(number(body.len()));
    bytes.extend(number(7));
    bytes.extend(number(fields.len()));
    bytes.extend(fields);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(body);
    bytes
}

fn text(big: bool, text: &str) -> Vec<u8> {
    let length = text.len() as u32;
    let mut bytes = if big { length.to_be_bytes() } else { length.to_le_bytes() }.to_vec();
    bytes.extend(text.bytes());
    bytes.push(0);
    bytes
}

/// Values after one another: each of these begins at a multiple of four.
fn aligned(values: &[Vec<u8>]) -> Vec<u8> {
    values.iter().fold(Vec::new(), |mut bytes, value| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(value);
        bytes
    })
}

fn number(big: bool, number: u32) -> Vec<u8> {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }.to_vec()
}

/// Field 5, `u`: which call it answers.
fn answer(big: bool, kind: u8, serial: u32, body: &[u8]) -> Vec<u8> {
    message(big, kind, &[&[5, 1, b'u', 0][..], &number(big, serial)].concat(), body)
}

fn job_removed(big: bool, job: &str, result: &str) -> Vec<u8> {
    let member = [&[3, 1, b's', 0][..], &text(big, "JobRemoved")].concat();
    let body = aligned(&[number(big, 42), text(big, job), text(big, UNIT), text(big, result)]);
    message(big, 4, &member, &body)
}

/// A peer that expects the greeting and one request, and then says all this.
fn peer(name: &str, says: Vec<Vec<u8>>) -> (Manager, JoinHandle<Vec<u8>>) {
    let socket = std::env::temp_dir().join(format!("sandbox-bus-{}-{name}", std::process::id()));
    let listener = UnixListener::bind(&socket).unwrap();
    let path: PathBuf = socket.clone();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::fs::remove_file(path).unwrap();
        let mut line = |wanted: &[u8]| {
            let mut got = vec![0; wanted.len()];
            stream.read_exact(&mut got).unwrap();
            assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(wanted));
            stream.write_all(b"OK 0123\r\n").unwrap();
        };
        let uid: String = nix::unistd::getuid().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        line(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes());
        let mut begin = [0; 7];
        stream.read_exact(&mut begin).unwrap();
        assert_eq!(&begin, b"BEGIN\r\n");
        let mut got = vec![0; request().len()];
        stream.read_exact(&mut got).unwrap();
        for message in says {
            // In two parts, as a stream may deliver it.
            let (first, second) = message.split_at(message.len() / 2);
            // Whoever has heard enough may have gone.
            let _ = stream.write_all(first).and_then(|()| stream.write_all(second));
        }
        got
    });
    (Manager { user: true, socket, direct: true }, thread)
}

fn outcome(name: &str, says: Vec<Vec<u8>>) -> Result<(), String> {
    let (manager, thread) = peer(name, says);
    let ended = manager.start_scope(UNIT).map_err(|fault| fault.detail);
    assert_eq!(thread.join().unwrap(), request());
    ended
}

#[test]
fn a_scope_is_asked_for_and_waited_for() {
    for big in [false, true] {
        let (called, removed) = (answer(big, 2, 1, &text(big, JOB)), job_removed(big, JOB, "done"));
        let other = job_removed(big, "/org/freedesktop/systemd1/job/7", "failed");
        assert_eq!(outcome(&format!("a{big}"), vec![other.clone(), called.clone(), removed.clone()]), Ok(()));
        // The signal may overtake the answer.
        assert_eq!(outcome(&format!("b{big}"), vec![removed, other, called]), Ok(()));
    }
}

#[test]
fn a_refusal_is_told_in_systemds_words() {
    let error = answer(false, 3, 1, &text(false, "Access denied"));
    assert_eq!(outcome("denied", vec![error]), Err("sandbox-7.scope: Access denied".into()));
    let says = vec![answer(false, 2, 1, &text(false, JOB)), job_removed(false, JOB, "failed")];
    assert_eq!(outcome("failed", says), Err("sandbox-7.scope: its job is failed".into()));
}

#[test]
fn nonsense_is_an_error_and_never_a_panic() {
    let good = answer(false, 2, 1, &text(false, JOB));
    assert!(outcome("gone", vec![]).is_err());
    for at in 0..good.len().min(16) {
        let mut bad = good.clone();
        bad[at] = 0xff;
        let ended = outcome(&format!("bad{at}"), vec![bad]);
        assert!(ended.is_err(), "{at}");
    }
    for length in 0..good.len() {
        assert!(outcome(&format!("cut{length}"), vec![good[..length].to_vec()]).is_err(), "{length}");
    }
    // A text longer than its message.
    let mut long = text(false, "x");
    long[0] = 0xf0;
    assert!(outcome("long", vec![answer(false, 2, 1, &long)]).is_err());
}

#[test]
fn a_peer_that_says_nothing_is_not_waited_for_long() {
    let socket = std::env::temp_dir().join(format!("sandbox-bus-{}-mute", std::process::id()));
    let listener = UnixListener::bind(&socket).unwrap();
    let began = Instant::now();
    let error = Bus::connect(&socket, Duration::from_millis(50)).err().unwrap();
    std::fs::remove_file(&socket).unwrap();
    drop(listener);
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_peer_that_accepts_nobody_is_not_waited_for_long() {
    use nix::sys::socket::{Backlog, bind, listen};
    let path = std::env::temp_dir().join(format!("sandbox-bus-{}-full", std::process::id()));
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    // The queue holds one more than it was made for.
    let waiting = [UnixStream::connect(&path).unwrap(), UnixStream::connect(&path).unwrap()];
    let began = Instant::now();
    let error = Bus::connect(&path, Duration::from_millis(50)).err().unwrap();
    std::fs::remove_file(&path).unwrap();
    drop(waiting);
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_peer_that_refuses_us_is_named() {
    let socket = std::env::temp_dir().join(format!("sandbox-bus-{}-no", std::process::id()));
    let listener = UnixListener::bind(&socket).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"REJECTED EXTERNAL\r\n").unwrap();
        stream
    });
    let error = Bus::connect(&socket, Duration::from_secs(5)).err().unwrap();
    std::fs::remove_file(&socket).unwrap();
    drop(thread.join());
    assert_eq!(error.to_string(), "it answers: REJECTED EXTERNAL");
}
