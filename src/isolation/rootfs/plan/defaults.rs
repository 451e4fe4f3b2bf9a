//! What is in the root whatever the profile says: the base, its secrets hidden, /proc, /dev, places to write, an account.

use std::path::Path;

use nix::errno::Errno;

use super::Planner;
use crate::host::Node;
use crate::isolation::Section;
use crate::isolation::rootfs::tree::{Content, Found, Kind};
use crate::isolation::rootfs::{Access, Base, Bind, Home, Sys, Writes, base, devices};
use crate::sys::errno::words;

/// The first kernel whose tmpfs takes user.* attributes, the only ones that overlayfs may use in a user namespace.
const MARKS_IN_MEMORY: (u32, u32) = (6, 6);

impl Planner<'_> {
    pub(super) fn base(&mut self) {
        self.put_default("/", Content::Directory);
        let discard = self.section.writes == Writes::Discard;
        for (path, content) in base::entries(self.section.base, discard, self.host) {
            match content {
                Ok(content) => self.put_default(path, content),
                Err(errno) => {
                    let hint = format!("stat {} as the caller shows the cause", path.display());
                    self.findings.error(
                        Section::Rootfs,
                        format!("base: {}: {}", path.display(), words(errno)),
                        hint,
                        None,
                    );
                }
            }
        }
        if discard && self.given.ids.is_some() && !self.host.kernel_at_least(MARKS_IN_MEMORY) {
            let message = format!(
                "memory of this kernel ({}) cannot hold the mark of a removed directory: removing one of the host's \
                 fails (EIO)",
                self.host.kernel()
            );
            let hint = "Linux 6.6 and newer can; files are removed on every kernel".to_string();
            self.findings.shortfall(Section::Rootfs, message, hint, self.section.writes_origin.as_ref());
        }
        if self.section.base != Base::None {
            self.hide_secrets();
        }
        if self.given.own_pid {
            self.put_default("/proc", Content::Proc);
        }
        self.put_default("/dev", Content::Directory);
        for (path, content) in devices::minimal() {
            self.put_default(path, content);
        }
        if self.section.sys == Sys::ReadOnly {
            if self.host.node(Path::new("/sys/kernel")) == Node::Missing {
                let hint = "mount -t sysfs sysfs /sys, or leave sys out".to_string();
                let message = "sys = \"read-only\": no sysfs is on /sys here, so what to cover in it is unknown";
                self.findings.error(Section::Rootfs, message, hint, None);
            }
            if self.given.own_network {
                self.put_default("/sys", Content::Sys);
            } else {
                let hint = "leave sys out, or give the program an own network".to_string();
                self.findings.error(
                    Section::Rootfs,
                    "sys = \"read-only\" would show the host's network devices",
                    hint,
                    None,
                );
            }
        }
    }

    /// What nothing inside has a use for, and root could read.
    fn hide_secrets(&mut self) {
        for path in base::SECRETS.iter().map(Path::new) {
            match self.host.node(path) {
                Node::Missing => {}
                // Where the caller may not look, the program may not either.
                Node::Unreadable { errno } if errno != Errno::EACCES => {
                    let message = format!("whether {} must be hidden is unknown: {}", path.display(), words(errno));
                    let hint = format!("stat {} as the caller shows the cause", path.display());
                    self.findings.error(Section::Rootfs, message, hint, None);
                }
                _ => {
                    if let Found::There { path, kind } = self.tree.find(path, true, self.host) {
                        self.put_default(path, Content::Hidden(kind));
                    }
                }
            }
        }
    }

    /// Programs size themselves by the limits that they find there; nested launchers need it writable.
    pub(super) fn cgroup(&mut self) {
        let path = "/sys/fs/cgroup";
        let sys = self.section.sys == Sys::ReadOnly;
        match self.given.cgroup {
            Some(access) if sys => {
                // sysfs has a directory for it.
                self.tree.put(path.into(), Content::Cgroup { writable: access == Access::ReadWrite });
            }
            Some(Access::ReadWrite) => self.put_default(path, Content::Cgroup { writable: true }),
            _ => {}
        }
    }

    /// The directories that are always there and always writable.
    pub(super) fn places(&mut self, runtime: &Path) {
        let sticky = |mode| Content::Scratch { mode, exec: true };
        self.put_default("/tmp", sticky(0o1777));
        self.put_default("/var/tmp", sticky(0o1777));
        self.put_default("/run", sticky(0o755));
        self.put_default("/dev/shm", Content::Scratch { mode: 0o1777, exec: false });
        self.put_default(runtime, Content::Scratch { mode: 0o700, exec: true });
        let home = self.given.account.home.clone();
        if home == Path::new("/") || !home.is_absolute() {
            return;
        }
        let origin = self.section.home_origin.clone();
        let access = match self.section.home {
            Home::Empty => return self.put_default(home, Content::Scratch { mode: 0o700, exec: true }),
            Home::ReadOnly => Access::ReadOnly,
            Home::ReadWrite => Access::ReadWrite,
        };
        let Some(user) = self.host.user_by_uid(self.host.uid()) else {
            let hint = "the caller has no entry in /etc/passwd".to_string();
            return self.findings.error(Section::Rootfs, "home: there is none to grant", hint, origin.as_ref());
        };
        let bind = Bind { source: user.home, target: home, access, optional: false, exec: true, create: false, origin };
        self.bind(&bind);
    }

    /// The program's account has a name: many programs refuse to run as a number.
    pub(super) fn account_files(&mut self) {
        let account = self.given.account;
        let known = |text: &str, id: u32| {
            let id = id.to_string();
            text.lines().any(|line| line.split(':').nth(2) == Some(&id))
        };
        let home = account.home.display();
        let user =
            format!("{0}:x:{1}:{2}::{home}:{3}\n", account.name, account.uid, account.gid, account.shell.display());
        let group = format!("{}:x:{}:\n", account.name, account.gid);
        for (path, id, line) in [("/etc/passwd", account.uid, user), ("/etc/group", account.gid, group)] {
            let path = Path::new(path);
            let text = match self.tree.find(path, true, self.host) {
                Found::There { path, kind: Kind::File } => match self.tree.source(&path) {
                    Some(source) => self.host.text_of_others(&source).unwrap_or_default(),
                    // The profile brings its own.
                    None => continue,
                },
                Found::Missing { .. } => String::new(),
                _ => continue,
            };
            if !known(&text, id) {
                let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                self.put_default(path, Content::File { text: format!("{text}{gap}{line}"), mode: 0o644, owner: None });
            }
        }
    }
}
