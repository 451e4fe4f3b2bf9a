//! Ranges of ids: what /etc/subuid grants, and whether newuidmap really gives it.

use std::process::{Command, Stdio};

use nix::errno::Errno;

use super::Feature;
use super::attempt::{Refusal, fault, mapped};
use crate::host::Host;
use crate::isolation::Operation;
use crate::isolation::namespaces::large_grant;
use crate::sys::namespace::Namespace;
use crate::sys::signal;

const NAME: &str = "id-ranges";
const LOST: &str = "id-map = \"range\": more than one user and group inside, as package managers and servers that \
                    change their account need";

pub fn examine(host: &Host) -> Feature {
    if host.is_root() {
        return Feature::ok(NAME, "root maps whatever it holds");
    }
    let name = host.user_by_uid(host.uid()).map_or_else(|| host.uid().to_string(), |user| user.name);
    let granted = |file| large_grant(host, file, host.uid());
    let (Some(users), Some(groups)) = (granted("/etc/subuid"), granted("/etc/subgid")) else {
        return Feature::no(NAME, format!("/etc/subuid and /etc/subgid grant {name} no 65536 ids"))
            .lost(LOST)
            .remedy(format!("as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"));
    };
    match map(Operation::Newuidmap, users).and_then(|()| map(Operation::Newgidmap, groups)) {
        Ok(()) => Feature::ok(
            NAME,
            format!("users from {users} and groups from {groups}, with the caller's own 65536 each, by newuidmap"),
        ),
        Err(refusal) => Feature::no(NAME, refusal.to_string()).lost(LOST).remedy(match refusal.errno {
            _ if nix::sys::prctl::get_no_new_privs() == Ok(true) => "see no-new-privileges above",
            _ if refusal.before_trying => "see user-namespaces above",
            Errno::ENOENT => "install newuidmap: Debian's package is uidmap, Fedora's shadow-utils",
            _ => {
                "newuidmap must be setuid root, or have setuid as file capability, on a mount without nosuid: \
                 chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap; and the caller must not have no-new-privileges"
            }
        }),
    }
}

/// Has a helper map one subordinate id for a child in a user namespace, which reads the map.
fn map(helper: Operation, start: u32) -> Result<(), Refusal> {
    let file = if helper == Operation::Newuidmap { "uid_map" } else { "gid_map" };
    let read = || {
        let path = format!("/proc/self/{file}");
        std::fs::read_to_string(&path).map_err(|error| fault(Operation::Read, &error, &path))
    };
    let text = mapped(&[Namespace::User], |pid| run(helper, pid, start), read)?;
    match text.split_ascii_whitespace().eq(["0", &start.to_string(), "1"]) {
        true => Ok(()),
        false => Err(Refusal::new(helper, Errno::UnknownErrno, &format!("{file} holds {:?}", text.trim()))),
    }
}

/// On its fixed path and with an empty environment, as a launch starts it.
fn run(helper: Operation, pid: i32, start: u32) -> Result<(), Refusal> {
    let mut command = Command::new(format!("/usr/bin/{helper}"));
    command.args([pid.to_string(), "0".into(), start.to_string(), "1".into()]).env_clear().stdin(Stdio::null());
    let output = signal::unblocked(&mut command)
        .output()
        .map_err(|error| Refusal::new(helper, Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)), ""))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            // It begins with its own name, and so do we.
            let said = said.trim().trim_start_matches(helper.name()).trim_start_matches(": ");
            Err(Refusal::new(helper, Errno::EPERM, said))
        }
    }
}
