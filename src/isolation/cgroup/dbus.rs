//! As much of D-Bus as it takes to ask systemd for a scope: one connection, calls, their answers, and signals.
//!
//! Written out here because a client library would bring threads, or a runtime, onto the path of a launch. The format is
//! that of the D-Bus specification, protocol version 1.

#[cfg(test)]
mod tests;
mod values;

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use values::Reader;
pub use values::{Body, Value};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Call = 1,
    Return = 2,
    Error = 3,
    Signal = 4,
}

/// A message as it was received. Only the fields that somebody here looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    /// The call that it answers.
    pub reply_to: Option<u32>,
    /// Of a signal.
    pub member: String,
    /// The name of an error.
    pub error: String,
    big_endian: bool,
    body: Vec<u8>,
}

/// A call to be sent.
pub struct Call<'a> {
    pub destination: &'a str,
    pub path: &'a str,
    pub interface: &'a str,
    pub member: &'a str,
    pub body: Body,
}

pub struct Bus {
    stream: UnixStream,
    deadline: Instant,
    serial: u32,
}

/// The specification's limit of a whole message is higher; nothing that we ask for comes near this one.
const LONGEST: usize = 1 << 20;

impl Bus {
    /// Connects and says who we are. The peer knows our credentials from the socket itself.
    pub fn connect(socket: &Path, patience: Duration) -> io::Result<Bus> {
        let mut bus = Bus { stream: dial(socket, patience)?, deadline: Instant::now() + patience, serial: 0 };
        let uid: String = nix::unistd::getuid().to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        bus.send(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes())?;
        let answer = bus.line()?;
        if !answer.starts_with("OK ") {
            return Err(io::Error::new(ErrorKind::PermissionDenied, format!("it answers: {answer}")));
        }
        bus.send(b"BEGIN\r\n")?;
        Ok(bus)
    }

    /// Sends a call; its serial number is that of its answer.
    pub fn call(&mut self, call: &Call<'_>) -> io::Result<u32> {
        self.serial += 1;
        let Body { signature, bytes } = &call.body;
        let mut message = Body::default();
        message.bytes.extend([b'l', Kind::Call as u8, 0, 1]);
        message.number(bytes.len() as u32);
        message.number(self.serial);
        let fields = message.open_array();
        let from = message.bytes.len();
        for (code, kind, value) in [
            (1, "o", call.path),
            (2, "s", call.interface),
            (3, "s", call.member),
            (6, "s", call.destination),
            (8, "g", signature),
        ] {
            if value.is_empty() {
                continue;
            }
            message.align(8);
            message.bytes.push(code);
            message.signature(kind);
            if kind == "g" { message.signature(value) } else { message.text(value) }
        }
        message.set_length(fields, from);
        message.align(8);
        message.bytes.extend(bytes);
        self.send(&message.bytes)?;
        Ok(self.serial)
    }

    /// The next message, whatever it is.
    pub fn receive(&mut self) -> io::Result<Message> {
        let start = self.take(16)?;
        let big_endian = match start[0] {
            b'l' => false,
            b'B' => true,
            _ => return Err(malformed("byte order")),
        };
        let kind = match start[1] {
            1 => Kind::Call,
            2 => Kind::Return,
            3 => Kind::Error,
            4 => Kind::Signal,
            _ => return Err(malformed("message type")),
        };
        let mut lengths = Reader { bytes: &start, at: 4, big_endian };
        let body = lengths.number()? as usize;
        lengths.number()?;
        let fields = lengths.number()? as usize;
        if fields > LONGEST || body > LONGEST {
            return Err(malformed("length"));
        }
        let fields = self.take(fields.next_multiple_of(8))?[..fields].to_vec();
        let body = self.take(body)?;
        let mut message =
            Message { kind, reply_to: None, member: String::new(), error: String::new(), big_endian, body };
        let mut reader = Reader { bytes: &fields, at: 0, big_endian };
        while reader.at < fields.len() {
            reader.align(8);
            let code = reader.byte()?;
            let signature = reader.short_text()?;
            match (code, signature.as_str()) {
                (3, "s") => message.member = reader.text()?,
                (4, "s") => message.error = reader.text()?,
                (5, "u") => message.reply_to = Some(reader.number()?),
                (_, "s" | "o") => drop(reader.text()?),
                (_, "u") => drop(reader.number()?),
                (_, "g") => drop(reader.short_text()?),
                _ => return Err(malformed("header field")),
            }
        }
        Ok(message)
    }

    /// A signal that the peer's going away would send us is for the program, not for us.
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.wait_at_most()?;
            match send(self.stream.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut done = 0;
        while done < length {
            self.wait_at_most()?;
            match self.stream.read(&mut bytes[done..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() > 1000 {
                return Err(malformed("answer"));
            }
            line.extend(self.take(1)?);
        }
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    fn wait_at_most(&self) -> io::Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.set_write_timeout(Some(left))
    }
}

/// A listener that accepts nobody lets connect(2) wait once its queue is full, for as long as sends may take.
fn dial(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let seconds = patience.as_secs().max(1).try_into().unwrap_or(1);
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::new(seconds, 0))?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket.into())
}

impl Message {
    /// The arguments, as long as they are strings, object paths or 32-bit numbers: `kinds` holds one letter for each.
    pub fn arguments(&self, kinds: &str) -> io::Result<Vec<String>> {
        let mut reader = Reader { bytes: &self.body, at: 0, big_endian: self.big_endian };
        let one = |kind| if kind == 'u' { reader.number().map(|number| number.to_string()) } else { reader.text() };
        kinds.chars().map(one).collect()
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("D-Bus: malformed {what}"))
}
