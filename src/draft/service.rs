//! What a server needs besides itself: arguments, an account, places to write; and what of it nothing here can tell.

use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::unit::{Arguments, Unit};
use crate::host::{Host, Node};

#[derive(Debug)]
pub struct Service {
    pub unit: Unit,
    /// Its own account, for a sandbox that root starts.
    pub account: Option<String>,
    pub root: bool,
    /// Directories with data to keep.
    pub state: Vec<String>,
    /// Directories with logs, caches and sockets, which it does not make itself.
    pub scratch: Vec<String>,
    /// What its arguments name and the caller may not read.
    pub closed: Vec<String>,
}

impl Service {
    pub fn new(unit: Unit, name: &str, host: &Host) -> Service {
        let account = unit.user.clone().or_else(|| Some(name.to_owned()));
        let account = account.and_then(|account| host.user_by_name(&account)).filter(|user| user.uid != 0);
        let uid = account.as_ref().map(|user| user.uid);
        let account = account.map(|user| user.name);
        let is_its = |file: &str| file == name || account.as_deref() == Some(file);
        // By its name, its account's, or its owner.
        let there = |top: &str| -> Vec<String> {
            let mut found: Vec<String> = host.list(Path::new(top)).into_iter().collect();
            found.sort();
            let directory = |file: &String| match host.node(&Path::new(top).join(file)) {
                Node::Directory { uid: owner, .. } => is_its(file) || uid == Some(owner),
                _ => false,
            };
            found.into_iter().filter(directory).map(|file| format!("{top}/{file}")).collect()
        };
        let state = if unit.state.is_empty() { there("/var/lib") } else { unit.state.clone() };
        let mut run = if unit.runtime.is_empty() { there("/run") } else { unit.runtime.clone() };
        if run.is_empty() {
            run.push(format!("/run/{name}"));
        }
        let scratch = ["/var/log", "/var/cache"].into_iter().flat_map(there).chain(run).collect();
        // Who root would start it as, and whether that account may, is not decided yet.
        let closed = if host.is_root() { Vec::new() } else { closed(&unit.arguments) };
        Service { account, root: host.is_root(), state, scratch, closed, unit }
    }

    /// What a person has to find out, each as a sentence.
    pub fn to_fill_in(&self) -> Vec<String> {
        let closed =
            format!("args: you may not read {}: a copy of yours in [rootfs], or others", self.closed.join(", "));
        let mut said: Vec<&str> = Vec::new();
        match &self.unit.arguments {
            Arguments::Words(_) => {}
            Arguments::Background(_) => said.push(
                "args: its unit has it go to the background, and with it the sandbox would end; most have an option to \
                 stay",
            ),
            Arguments::Unknown => said.push("args: its unit takes them from variables or quotes them in part"),
            Arguments::Elsewhere => said.push("args: its unit has another program start it, which knows them"),
        }
        if self.root && self.account.is_none() {
            said.push("user: its unit names none, and as root without capabilities it can become no other");
        }
        if !self.closed.is_empty() {
            said.push(&closed);
        }
        if !self.state.is_empty() {
            said.push("what it is to find in the directories of persist, which begin empty");
        }
        said.push("whatever else its configuration names: files in [rootfs], the network for who is to reach it");
        said.into_iter().map(str::to_owned).collect()
    }
}

/// Files that are there, as a word by itself or behind an option's `=`.
fn closed(arguments: &Arguments) -> Vec<String> {
    let (Arguments::Words(words) | Arguments::Background(words)) = arguments else { return Vec::new() };
    let paths = words.iter().map(|word| word.split_once('=').map_or(word.as_str(), |(_, value)| value));
    let refused = |path: &str| access(path, AccessFlags::R_OK) == Err(Errno::EACCES);
    paths.filter(|path| path.starts_with('/') && refused(path)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_configuration_that_the_caller_may_not_read_is_named() {
        let file = std::env::temp_dir().join(format!("sandbox-closed-{}.conf", std::process::id()));
        std::fs::write(&file, "").unwrap();
        let path = file.display().to_string();
        let words = ["-c", &path, &format!("--config={path}"), "/no/such/file", "relative"].map(str::to_owned).to_vec();
        let found = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            closed(&Arguments::Words(words.clone()))
        };
        assert_eq!(found(0o644), [""; 0]);
        // Root may read everything.
        let expected: &[String] = if nix::unistd::geteuid().is_root() { &[] } else { &[path.clone(), path.clone()] };
        assert_eq!(found(0), expected);
        std::fs::remove_file(&file).unwrap();
    }
}
