//! A cgroup from systemd: a transient scope around the launcher, delegated to it, for where nothing else is to be had.
//!
//! systemd is the only writer of the tree that it manages (its document "Control Group APIs and Delegation"), so it is
//! asked, and the scope vanishes with its last process.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;

use super::dbus::{Body, Bus, Call, Kind, Message, Value};
use super::layout::ROOT;
use crate::host::{Host, Node};
use crate::isolation::{Fault, Operation};
use crate::sys::errno;

/// A manager that can be asked, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    pub user: bool,
    pub socket: PathBuf,
    /// The manager's own socket: nobody is between us, who would have to be greeted and told what we listen to.
    pub direct: bool,
}

/// The controllers that systemd knows and can delegate.
pub const DELEGATED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

const PATIENCE: Duration = Duration::from_secs(10);
const SYSTEMD: &str = "org.freedesktop.systemd1";
const OBJECT: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

impl Manager {
    /// The caller's manager, if it runs and has a socket.
    pub fn find(host: &Host) -> Option<Manager> {
        if !matches!(host.node(Path::new("/run/systemd/system")), Node::Directory { .. }) {
            return None;
        }
        let user = !host.is_root();
        let sockets = if user {
            let runtime = host.env("XDG_RUNTIME_DIR").filter(|path| path.starts_with('/')).map(PathBuf::from);
            let runtime = runtime.unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", host.uid())));
            [(runtime.join("systemd/private"), true), (runtime.join("bus"), false)]
        } else {
            [("/run/systemd/private".into(), true), ("/run/dbus/system_bus_socket".into(), false)]
        };
        let there = |(socket, _): &(PathBuf, bool)| host.node(socket) == Node::Other;
        let (socket, direct) = sockets.into_iter().find(there)?;
        Some(Manager { user, socket, direct })
    }

    /// The directory whose controllers a scope can be given.
    pub fn directory(&self, host: &Host) -> PathBuf {
        let uid = host.uid();
        let own = format!("user.slice/user-{uid}.slice/user@{uid}.service");
        if self.user { Path::new(ROOT).join(own) } else { ROOT.into() }
    }

    /// Has a scope made with us in it, and returns when we are.
    pub fn start_scope(&self, unit: &str) -> Result<(), Fault> {
        let noun = |error: io::Error| {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EPROTO));
            Fault::new(
                Operation::StartTransientUnit,
                errno,
                format!("{}: {}", self.socket.display(), errno::of_io(&error)),
            )
        };
        let mut bus = Bus::connect(&self.socket, PATIENCE).map_err(noun)?;
        let call = self.ask(&mut bus, unit).map_err(noun)?;
        let refused = |why: String| Fault::new(Operation::StartTransientUnit, Errno::EPERM, format!("{unit}: {why}"));
        // The job may be reported as done before the call that began it is answered.
        let (mut job, mut done) = (None, Vec::new());
        loop {
            let message = bus.receive().map_err(noun)?;
            match message.kind {
                Kind::Error => return Err(refused(said(&message))),
                Kind::Return if message.reply_to == Some(call) => {
                    job = message.arguments("o").map_err(noun)?.pop();
                }
                Kind::Signal if message.member == "JobRemoved" => done.push(message.arguments("uoss").map_err(noun)?),
                _ => {}
            }
            let of = |done: &&Vec<String>| Some(&done[1]) == job.as_ref();
            if let Some(result) = done.iter().find(of).map(|done| done[3].as_str()) {
                return if result == "done" { Ok(()) } else { Err(refused(format!("its job is {result}"))) };
            }
        }
    }

    /// The serial number of the call that matters.
    fn ask(&self, bus: &mut Bus, unit: &str) -> io::Result<u32> {
        let manager = |member, body| Call { destination: SYSTEMD, path: OBJECT, interface: MANAGER, member, body };
        if !self.direct {
            const BUS: &str = "org.freedesktop.DBus";
            let at = "/org/freedesktop/DBus";
            let daemon = |member, body| Call { destination: BUS, path: at, interface: BUS, member, body };
            let listen = format!("type='signal',sender='{SYSTEMD}',interface='{MANAGER}',member='JobRemoved'");
            bus.call(&daemon("Hello", Body::default()))?;
            bus.call(&daemon("AddMatch", Body::default().string(&listen)))?;
            // Without a subscriber the manager says nothing on the bus.
            bus.call(&manager("Subscribe", Body::default()))?;
        }
        let properties = [
            ("Description", Value::Text("a sandbox and its launcher")),
            // 0 is whoever asks, in whatever pid namespace.
            ("PIDs", Value::Numbers(&[0])),
            ("Delegate", Value::Bool(true)),
            // A scope that failed would otherwise stay until somebody resets it.
            ("CollectMode", Value::Text("inactive-or-failed")),
        ];
        let body = Body::default().string(unit).string("fail").properties(&properties).nothing("a(sa(sv))");
        bus.call(&manager("StartTransientUnit", body))
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.user { "the user's systemd" } else { "systemd" })
    }
}

/// An error's name, and what it says besides.
fn said(message: &Message) -> String {
    match message.arguments("s") {
        Ok(texts) => texts.concat(),
        Err(_) => message.error.clone(),
    }
}

/// Where we are on cgroup v2, now that a scope is around us.
pub fn own_directory(unit: &str) -> Result<PathBuf, Fault> {
    let host = Host::live();
    let directory = super::layout::Layout::probe(&host).v2();
    directory.filter(|directory| directory.ends_with(unit)).ok_or_else(|| {
        let text = host.text(Path::new("/proc/self/cgroup")).unwrap_or_default();
        Fault::mismatch(Operation::Scope, format!("{unit} was started, and we are in {}", text.trim_end()))
    })
}
