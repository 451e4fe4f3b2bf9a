//! From the section to steps: everything is put into one tree first, then the tree is read from the top down.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::read_back::mount_point;
use super::steps::{Steps, steps};
use super::tree::{Content, Found, Kind, Tree, below};
use super::{Access, Base, Bind, Home, ReadBack, Rootfs, Step, Sys, Writes, base, devices};
use crate::host::{Host, Node};
use crate::isolation::context::Slot;
use crate::isolation::namespaces::Maps;
use crate::isolation::{Account, Findings, Grant, Origin};

/// The first kernel whose tmpfs takes user.* attributes, the only ones that overlayfs may use in a user namespace.
const MARKS_IN_MEMORY: (u32, u32) = (6, 6);

/// NAME_MAX of linux/limits.h.
const LONGEST_NAME: usize = 255;

/// PATH_MAX without its NUL: what symlink(2) takes.
const LONGEST_LINK: usize = 4095;

/// What other sections have decided that the root depends on.
pub struct Given<'a> {
    pub name: &'a str,
    pub account: &'a Account,
    /// Only the caller's own id exists inside.
    pub one_id: bool,
    /// Which of the host's ids exist inside; none is given in the host's own user namespace, where all do.
    pub ids: Option<&'a Maps>,
    /// Init is not the caller, whom the map leaves out.
    pub becomes: bool,
    pub own_pid: bool,
    pub own_network: bool,
    /// The program may mount: a procfs of its own needs ours without covers.
    pub nested_mounts: bool,
    /// The sandbox has a cgroup v2 directory of its own, for the program to read or to rule.
    pub cgroup: Option<Access>,
    /// In bytes: a tmpfs counts as the program's memory.
    pub memory_max: Option<u64>,
    /// Where the records of this caller's sandboxes lie.
    pub state: fn(&Host) -> PathBuf,
    /// The profile's own files, which the program must not change.
    pub profiles: &'a [PathBuf],
}

/// What `[rootfs]` asks of each stage, and what the other sections need to know of it.
#[derive(Debug)]
pub struct Planned {
    pub host_before: Vec<Step>,
    pub assemble: Vec<Step>,
    pub finish: Vec<Step>,
    pub read_back: ReadBack,
    pub grants: Vec<Grant>,
    /// `$XDG_RUNTIME_DIR`, inside; none where a granted tree has no place for it.
    pub runtime: Option<PathBuf>,
    pub(super) tree: Tree,
}

/// Collects entries, and what is wrong with them.
struct Planner<'a> {
    section: &'a Rootfs,
    given: &'a Given<'a>,
    host: &'a Host,
    findings: &'a mut Findings,
    tree: Tree,
    /// Paths in the tree that are the author's own.
    written: BTreeSet<PathBuf>,
    host_before: Vec<Step>,
}

pub fn plan(section: &Rootfs, given: &Given<'_>, host: &Host, findings: &mut Findings) -> Planned {
    let (tree, written, host_before) = Default::default();
    let mut planner = Planner { section, given, host, findings, tree, written, host_before };
    let runtime = planner.runtime();
    planner.base();
    planner.cgroup();
    planner.places(&runtime);
    planner.profile();
    planner.account_files();
    planner.check_discards();
    let Planner { tree, host_before, .. } = planner;
    let Steps { assemble, finish, read_back } = steps(&tree, section, given, host);
    let runtime = tree.is_directory(&runtime, host).then_some(runtime);
    Planned { host_before, assemble, finish, read_back, grants: grants(&tree, section.writes), runtime, tree }
}

impl Planner<'_> {
    fn base(&mut self) {
        self.put_default("/", Content::Directory);
        let discard = self.section.writes == Writes::Discard;
        for (path, content) in base::entries(self.section.base, discard, self.host) {
            match content {
                Ok(content) => self.put_default(path, content),
                Err(errno) => {
                    let hint = format!("stat {} as the caller shows the cause", path.display());
                    self.findings.error("rootfs", format!("base: {}: {errno}", path.display()), hint, None);
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
            self.findings.shortfall("rootfs", message, hint, self.section.writes_origin.as_ref());
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
                self.findings.error("rootfs", message, hint, None);
            }
            if self.given.own_network {
                self.put_default("/sys", Content::Sys);
            } else {
                let hint = "leave sys out, or give the program an own network".to_string();
                self.findings.error("rootfs", "sys = \"read-only\" would show the host's network devices", hint, None);
            }
        }
    }

    /// The copy of a tree that an overlay is made of has no mounts in it: in a user namespace the kernel refuses to make
    /// one where such a mount hides something.
    fn check_discards(&mut self) {
        if self.section.writes != Writes::Discard || self.given.ids.is_none() {
            return;
        }
        let mounts = self.host.text(Path::new("/proc/self/mountinfo")).unwrap_or_default();
        let mounts: Vec<PathBuf> = mounts.lines().filter_map(mount_point).collect();
        for (path, content) in self.tree.iter() {
            let Content::Bind { source, discard: true, .. } = content else { continue };
            let Some(mount) = mounts.iter().find(|mount| below(mount, source).is_some()) else { continue };
            let (mount, path) = (mount.display(), path.display());
            let message = format!("writes = \"discard\" cannot hold for {path}: {mount} is mounted beneath it");
            let hint = "unmount that, set base = \"system\", or leave out writes = \"discard\"".to_string();
            self.findings.error("rootfs", message, hint, self.section.writes_origin.as_ref());
        }
    }

    /// What nothing inside has a use for, and root could read.
    fn hide_secrets(&mut self) {
        for path in base::SECRETS.iter().map(Path::new) {
            match self.host.node(path) {
                Node::Missing => {}
                // Where the caller may not look, the program may not either.
                Node::Unreadable { errno } if !errno.starts_with("EACCES") => {
                    let message = format!("whether {} must be hidden is unknown: {errno}", path.display());
                    let hint = format!("stat {} as the caller shows the cause", path.display());
                    self.findings.error("rootfs", message, hint, None);
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
    fn cgroup(&mut self) {
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
    fn places(&mut self, runtime: &Path) {
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
            return self.findings.error("rootfs", "home: there is none to grant", hint, origin.as_ref());
        };
        let bind = Bind { source: user.home, target: home, access, optional: false, exec: true, create: false, origin };
        self.bind(&bind);
    }

    /// What the author wrote, the shallowest target first: a deeper one may stand in what a shallower one brings, or in
    /// what it hides. How deep a target is, the links of the base decide: /bin/sh mostly is /usr/bin/sh.
    fn profile(&mut self) {
        let section = self.section;
        let mut parts: Vec<Part<'_>> = Vec::new();
        parts.extend(section.binds.iter().map(Part::Bind));
        parts.extend(section.persist.iter().map(Part::Persist));
        parts.extend(section.tmpfs.iter().map(Part::Tmpfs));
        parts.extend(section.hide.iter().map(Part::Hide));
        parts.extend(section.files.iter().map(Part::File));
        parts.extend(section.symlinks.iter().map(Part::Link));
        parts.sort_by_cached_key(|part| self.tree.depth(part.target(), part.follows(), self.host));
        for part in parts {
            match part {
                Part::Bind(bind) => self.bind(bind),
                Part::Persist(persist) => self.persist(persist),
                Part::Tmpfs(tmpfs) => {
                    let size = tmpfs.size.unwrap_or_else(|| self.given.share_of_memory(self.host));
                    let (target, owner, origin) = (&tmpfs.target, tmpfs.owner.as_deref(), tmpfs.origin.as_ref());
                    let Some(owner) = self.owner("tmpfs", target, owner, origin) else { continue };
                    self.put(target, Content::Tmpfs { size, mode: tmpfs.mode, exec: tmpfs.exec, owner }, origin);
                }
                Part::Hide(hide) => self.hide(hide),
                Part::File(file) => self.file(file),
                Part::Link(link) if link.text.as_os_str().len() > LONGEST_LINK => {
                    let length = link.text.as_os_str().len();
                    let (noun, origin) = (link.target.display(), link.origin.as_ref());
                    let message = format!("symlinks: {noun} would say {length} bytes, and a link holds {LONGEST_LINK}");
                    self.findings.error("rootfs", message, "shorten what the link says", origin);
                }
                Part::Link(link) => self.put(&link.target, Content::Link(link.text.clone()), link.origin.as_ref()),
            }
        }
        for device in &section.devices {
            for (path, content) in devices::named(device, self.host, self.findings) {
                self.put(&path, content, device.origin.as_ref());
            }
        }
        self.protect_profiles();
    }

    fn bind(&mut self, bind: &Bind) {
        let noun = bind.source.display();
        let origin = bind.origin.as_ref();
        let (source, kind) = match self.host.canonical(&bind.source) {
            (source, Node::Directory { .. }) => (source, Kind::Directory),
            (source, Node::File { .. } | Node::Other) => (source, Kind::File),
            (_, Node::Device { .. }) => {
                let hint = format!("list it in devices: devices = [{:?}]", bind.source);
                return self.findings.error_alone("rootfs", format!("{noun} is a device node"), hint, origin);
            }
            (_, Node::Missing | Node::Symlink { .. }) if bind.optional => return,
            (_, Node::Missing | Node::Symlink { .. }) if bind.create => {
                let path = self.host.place(&bind.source);
                self.check_create(&path, bind);
                self.host_before.push(Step::Create { path: path.clone(), mode: 0o755, lock: None, owner: None });
                (path, Kind::Directory)
            }
            (_, Node::Missing | Node::Symlink { .. }) => {
                let hint = format!("create it, or write \"-{noun}\" to skip it where it is missing");
                return self.findings.error_alone("rootfs", format!("bind source {noun} does not exist"), hint, origin);
            }
            (_, Node::Unreadable { errno }) => {
                let hint = "grant a directory that the caller can reach".to_string();
                return self.findings.error_alone("rootfs", format!("bind source {noun}: {errno}"), hint, origin);
            }
        };
        if source == Path::new("/") {
            let hint = "set base = \"host\", or grant the directories in it that are needed".to_string();
            return self.findings.error_alone(
                "rootfs",
                "bind source / holds the host's /proc, /sys and /dev",
                hint,
                origin,
            );
        }
        if source.starts_with("/proc") {
            let hint = "the sandbox has a /proc of its own".to_string();
            return self.findings.error_alone(
                "rootfs",
                format!("bind source {noun} belongs to the kernel"),
                hint,
                origin,
            );
        }
        if bind.access == Access::ReadWrite {
            self.check_write(&source, origin);
        }
        let content =
            Content::Bind { source, kind, access: bind.access, exec: bind.exec, discard: false, system: false };
        self.put(&bind.target, content, origin);
    }

    /// What is missing of it is made by the caller.
    fn check_create(&mut self, path: &Path, bind: &Bind) {
        let above = path.ancestors().skip(1).find(|above| self.host.node(above) != Node::Missing);
        let Some(above) = above.filter(|above| self.host.tells_of(above)) else { return };
        let (noun, place) = (bind.source.display(), above.display());
        let (message, hint) = match self.host.node(above) {
            // Its group may be the caller's.
            Node::Directory { uid, mode }
                if self.host.is_root() || mode & if uid == self.host.uid() { 0o200 } else { 0o022 } != 0 =>
            {
                return;
            }
            Node::Directory { .. } => (
                format!("the caller may not write to {place}"),
                format!("as root: make {noun}, and give it to the caller"),
            ),
            _ => (format!("{place} is no directory"), "name a source that lies in directories".to_string()),
        };
        self.findings.error("rootfs", format!("{noun} cannot be created: {message}"), hint, bind.origin.as_ref());
    }

    /// Refuses a writable grant that holds more than it can mean to give.
    fn check_write(&mut self, source: &Path, origin: Option<&Origin>) {
        let home = self.host.user_by_uid(self.host.uid()).map(|user| user.home);
        let noun = source.display();
        if self.section.home != Home::ReadWrite && home.is_some_and(|home| home.starts_with(source)) {
            let hint = "grant the directories in it that the program needs, or set home = \"read-write\"".to_string();
            self.findings.error("rootfs", format!("read-write {noun} contains the whole home"), hint, origin);
            return;
        }
        if self.section.home == Home::ReadWrite {
            return;
        }
        let kept = self.given.kept_root(self.host);
        let kept = kept.map(|kept| ("what sandboxes keep", kept));
        let state = ("the records of all sandboxes", (self.given.state)(self.host));
        for (what, path) in kept.into_iter().chain([state]) {
            if path.starts_with(source) || source.starts_with(&path) {
                let message = format!("read-write {noun} reaches {what}, {}", path.display());
                let hint = "`persist` gives a program what it keeps; grant other directories by name";
                return self.findings.error("rootfs", message, hint, origin);
            }
        }
    }

    fn persist(&mut self, persist: &super::Persist) {
        let Some(data) = self.given.kept(&persist.target, self.host) else {
            let hint = "set XDG_DATA_HOME, or give the caller a home in /etc/passwd".to_string();
            return self.findings.error(
                "rootfs",
                "persist: there is no place to keep it",
                hint,
                persist.origin.as_ref(),
            );
        };
        if persist.mode & 0o700 != 0o700 {
            let message = format!("persist: with mode {:04o} its own owner could not use it", persist.mode);
            let hint = "let the mode begin with 7, as in \"0700\" or \"0750\"";
            return self.findings.error("rootfs", message, hint, persist.origin.as_ref());
        }
        let length = data.file_name().map_or(0, OsStr::len);
        if length > LONGEST_NAME {
            let message = format!(
                "persist: it is kept under a name of {length} bytes, and a file system takes {LONGEST_NAME}: each / is \
                 written as -, each - as four bytes"
            );
            let hint = "shorten the path";
            return self.findings.error("rootfs", message, hint, persist.origin.as_ref());
        }
        let Some(owner) = self.owner("persist", &persist.target, persist.owner.as_deref(), persist.origin.as_ref())
        else {
            return;
        };
        if self.given.becomes {
            let message = "persist: id-map leaves out the caller, who alone reaches the place where it is kept";
            let hint = "add a line whose outside range holds the caller's uid and gid".to_string();
            return self.findings.error("rootfs", message, hint, persist.origin.as_ref());
        }
        let gid = if owner == self.given.account.uid { self.given.account.gid } else { owner };
        let outside = self.given.ids.map_or((owner, gid), |ids| ids.outside(owner, gid));
        let owner = self.host.is_root().then_some(outside);
        let lock = u8::try_from(self.host_before.len()).ok().map(Slot::Kept);
        self.host_before.push(Step::Create { path: data.clone(), mode: persist.mode, lock, owner });
        let content = Content::Bind {
            source: data,
            kind: Kind::Directory,
            access: Access::ReadWrite,
            exec: true,
            discard: false,
            system: false,
        };
        self.put(&persist.target, content, persist.origin.as_ref());
    }

    fn hide(&mut self, hide: &super::Hide) {
        let noun = hide.target.display();
        match self.tree.find(&hide.target, true, self.host) {
            Found::There { path, .. } if path == Path::new("/") => {
                self.findings.error(
                    "rootfs",
                    "hide: / itself cannot be hidden",
                    "name a path below it",
                    hide.origin.as_ref(),
                );
            }
            Found::There { path, .. } if self.section.home != Home::Empty && path == self.given.account.home => {
                let message = format!("hide: {noun} is the home that home = \"{}\" grants", self.section.home);
                let hint = "leave out one of the two";
                self.findings.error("rootfs", message, hint, hide.origin.as_ref());
            }
            Found::There { path, kind } => {
                let source = self.tree.source(&path).filter(|_| kind == Kind::File);
                let links = source.map_or(1, |source| self.host.links(&source));
                if links > 1 {
                    let message = format!("hide: {noun} has {links} names, and the others would still show it");
                    let hint = "remove the other hard links, or hide the directories that they are in".to_string();
                    self.findings.error("rootfs", message, hint, hide.origin.as_ref());
                }
                self.put(&path, Content::Hidden(kind), hide.origin.as_ref());
            }
            Found::Missing { .. } if hide.optional => {}
            Found::Missing { .. } => {
                let hint = format!("write \"-{noun}\" if it need not exist");
                self.findings.error(
                    "rootfs",
                    format!("hide: {noun} does not exist inside"),
                    hint,
                    hide.origin.as_ref(),
                );
            }
            Found::Nowhere { at, .. } if self.tree.hides(&at) => {}
            Found::Nowhere { at, why } => {
                let message = format!("hide: {noun} cannot be reached: {} {why}", at.display());
                let hint = "hide the last directory on the way to it, or leave the entry out";
                self.findings.error("rootfs", message, hint, hide.origin.as_ref());
            }
        }
    }

    fn file(&mut self, file: &super::InlineFile) {
        let Some(owner) = self.owner("files", &file.target, file.owner.as_deref(), file.origin.as_ref()) else {
            return;
        };
        let content = Content::File { text: file.text.clone(), mode: file.mode, owner: Some(owner) };
        self.put(&file.target, content, file.origin.as_ref());
    }

    /// The uid inside of an owner by name or number; default: the program's.
    fn owner(&mut self, key: &str, target: &Path, name: Option<&str>, origin: Option<&Origin>) -> Option<u32> {
        let account = self.given.account;
        let Some(name) = name.filter(|name| *name != account.name) else { return Some(account.uid) };
        let uid = name.parse().ok().or_else(|| self.host.user_by_name(name).map(|user| user.uid));
        let uid = uid.filter(|uid| !self.given.one_id || *uid == account.uid);
        if uid.is_none() {
            let message = format!("{key}: {} cannot belong to {name:?}", target.display());
            let hint = if self.given.one_id {
                format!("inside, the only account is {}", account.name)
            } else {
                "a name from /etc/passwd, or a number".to_string()
            };
            self.findings.error("rootfs", message, hint, origin);
        }
        uid
    }

    /// The program's account has a name: many programs refuse to run as a number.
    fn account_files(&mut self) {
        let account = self.given.account;
        let known = |text: &str, id: u32| text.lines().any(|line| line.split(':').nth(2) == Some(&id.to_string()));
        let home = account.home.display();
        let user =
            format!("{0}:x:{1}:{2}::{home}:{3}\n", account.name, account.uid, account.gid, account.shell.display());
        let group = format!("{}:x:{}:\n", account.name, account.gid);
        for (path, id, line) in [("/etc/passwd", account.uid, user), ("/etc/group", account.gid, group)] {
            let path = Path::new(path);
            let text = match self.tree.find(path, true, self.host) {
                Found::There { path, kind: Kind::File } => match self.tree.source(&path) {
                    Some(source) => self.host.text(&source).unwrap_or_default(),
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

    /// A profile in a writable tree is read-only there, and so that no other takes its place, every directory on the way
    /// to it is a mount point: that alone cannot be renamed.
    fn protect_profiles(&mut self) {
        for file in self.given.profiles {
            let granted: Vec<_> = self
                .tree
                .iter()
                .filter_map(|(target, content)| match content {
                    Content::Bind { source, access: Access::ReadWrite, exec, .. } => {
                        Some((target.to_owned(), source.clone(), *exec, file.strip_prefix(source).ok()?))
                    }
                    _ => None,
                })
                .collect();
            for (target, source, exec, rest) in granted {
                let mut way: Vec<&Path> = rest.ancestors().collect();
                way.reverse();
                for rest in way {
                    let join = |path: &Path| if rest == Path::new("") { path.to_owned() } else { path.join(rest) };
                    let (target, source) = (join(&target), join(&source));
                    // What is hidden, or lies beneath something else, cannot be written to anyway.
                    if self.tree.source(&target).as_ref() != Some(&source) {
                        continue;
                    }
                    let (kind, access, exec) = match source == *file {
                        true => (Kind::File, Access::ReadOnly, false),
                        false if self.tree.get(&target).is_some() => continue,
                        false => (Kind::Directory, Access::ReadWrite, exec),
                    };
                    let content = Content::Bind { source, kind, access, exec, discard: false, system: false };
                    self.put_default(target, content);
                }
            }
        }
    }

    fn put_default(&mut self, target: impl AsRef<Path>, content: Content) {
        self.put(target.as_ref(), content, None);
    }

    /// Puts an entry where its target leads, with the directories that are missing above it.
    fn put(&mut self, target: &Path, content: Content, origin: Option<&Origin>) {
        let follow = !matches!(content, Content::Link(_));
        let noun = target.display();
        let path = match self.tree.find(target, follow, self.host) {
            Found::There { path, kind } => {
                if let Some(message) = clash(&content, kind) {
                    let hint = "choose another target".to_string();
                    return self.findings.error("rootfs", format!("target {noun} {message}"), hint, origin);
                }
                path
            }
            Found::Missing { directory, rest } => {
                let made = directory.join(&rest);
                if !["/proc", "/sys"].iter().any(|ours| made.starts_with(ours)) || origin.is_none() {
                    self.make_room(&directory, &rest, origin);
                }
                made
            }
            Found::Nowhere { at, why } => {
                let message = format!("target {noun} cannot be made: {} {why}", at.display());
                let hint = "choose a target with nothing but directories on the way to it";
                return self.findings.error("rootfs", message, hint, origin);
            }
        };
        let made_anew = ["/dev", "/dev/pts"].iter().any(|ours| path == Path::new(ours))
            || ["/proc", "/sys"].iter().any(|ours| path.starts_with(ours));
        if made_anew && origin.is_some() {
            let hint = "it is made anew inside: list nodes in devices, and set sys for /sys".to_string();
            return self.findings.error("rootfs", format!("target {noun} belongs to the kernel"), hint, origin);
        }
        if path == Path::new("/") && self.tree.get(&path).is_some() {
            let hint = "set base, or bind directories below it".to_string();
            return self.findings.error("rootfs", "target / is the root itself", hint, origin);
        }
        if matches!(content, Content::Hidden(Kind::Directory) | Content::Link(_)) {
            self.clear(&path, target, origin);
        }
        if origin.is_some() {
            self.written.insert(path.clone());
        }
        let granted = origin.filter(|_| matches!(content, Content::Bind { kind: Kind::Directory, .. }));
        self.tree.put(path.clone(), content);
        if granted.is_some() {
            self.settle(&path, origin);
        }
    }

    /// What only the defaults put beneath a granted directory needs a mount point there. Where a writable one has none,
    /// none is made; nor is the runtime directory added to a read-only one: through the layer that would bring it nobody
    /// reaches the sockets in /run, which the kernel finds by their inodes.
    fn settle(&mut self, at: &Path, origin: Option<&Origin>) {
        let Some(Content::Bind { source, access, .. }) = self.tree.get(at) else { return };
        let (source, access) = (source.clone(), *access);
        let runtime = self.runtime();
        let defaults: Vec<(PathBuf, Content)> =
            self.tree.beneath(at).map(|(path, content)| (path.to_owned(), content.clone())).collect();
        for (path, content) in defaults {
            let above = path.parent().and_then(|above| self.tree.provider(above)).map(|(above, _)| above);
            let Some(there) = below(&path, at).map(|rest| source.join(rest)).filter(|_| above == Some(at)) else {
                continue;
            };
            let directory = matches!(self.host.canonical(&there), (path, Node::Directory { .. }) if path == there);
            let missing = !directory && self.host.node(&there) == Node::Missing && self.host.place(&there) == there;
            let stays = match content {
                // The tree's own, or made with what is deeper.
                Content::Directory => false,
                Content::Hidden(_) => !missing,
                Content::Scratch { .. } => directory || missing && access == Access::ReadOnly && path != runtime,
                Content::Bind { .. } if missing && access == Access::ReadWrite => {
                    let message = format!("target {} does not exist in a writable tree", path.display());
                    let hint = format!("create {} first: mount points are never made on the host", there.display());
                    self.findings.error("rootfs", message, hint, origin);
                    true
                }
                _ => true,
            };
            if !stays && !self.written.contains(&path) {
                self.tree.remove(&path);
            }
        }
    }

    fn runtime(&self) -> PathBuf {
        PathBuf::from(format!("/run/user/{}", self.given.account.uid))
    }

    /// What is hidden, or a link, has nothing beneath it: what only the defaults put there goes.
    fn clear(&mut self, path: &Path, target: &Path, origin: Option<&Origin>) {
        for beneath in self.tree.take_beneath(path, |content| !matches!(content, Content::Hidden(_))) {
            if self.written.contains(&beneath) {
                let message =
                    format!("target {} leaves no place for {} beneath it", target.display(), beneath.display());
                self.findings.error("rootfs", message, "leave out one of the two", origin);
            }
        }
    }

    /// Directories above a missing target: in our own memory they are made, in a tree of the host never.
    fn make_room(&mut self, directory: &Path, rest: &Path, origin: Option<&Origin>) {
        let writable = match self.tree.provider(directory).map(|(_, content)| content) {
            Some(Content::Bind { access: Access::ReadWrite, source, .. }) => Some(source.clone()),
            Some(Content::Bind { .. }) => None,
            _ => {
                let mut path = directory.to_owned();
                for name in rest.parent().into_iter().flat_map(Path::components) {
                    path.push(name);
                    self.tree.put(path.clone(), Content::Directory);
                }
                return;
            }
        };
        if let Some(source) = writable {
            let missing = source.join(rest);
            let message = format!("target {} does not exist in a writable tree", directory.join(rest).display());
            let hint = format!("create {} first: mount points are never made on the host", missing.display());
            self.findings.error("rootfs", message, hint, origin);
        }
    }
}

enum Part<'a> {
    Bind(&'a Bind),
    Persist(&'a super::Persist),
    Tmpfs(&'a super::Tmpfs),
    Hide(&'a super::Hide),
    File(&'a super::InlineFile),
    Link(&'a super::Symlink),
}

impl Part<'_> {
    fn target(&self) -> &Path {
        match self {
            Part::Bind(bind) => &bind.target,
            Part::Persist(persist) => &persist.target,
            Part::Tmpfs(tmpfs) => &tmpfs.target,
            Part::Hide(hide) => &hide.target,
            Part::File(file) => &file.target,
            Part::Link(link) => &link.target,
        }
    }

    /// A link takes the place of one that is there.
    fn follows(&self) -> bool {
        !matches!(self, Part::Link(_))
    }
}

/// Why `content` cannot be put over something of this kind.
fn clash(content: &Content, there: Kind) -> Option<&'static str> {
    let directory = match content {
        Content::Bind { kind, .. } | Content::Hidden(kind) => *kind == Kind::Directory,
        Content::File { .. } => false,
        // It replaces the name, whatever it was.
        Content::Link(_) => return None,
        _ => true,
    };
    match (directory, there == Kind::Directory) {
        (true, false) => Some("is a file inside, and a directory is put there"),
        (false, true) => Some("is a directory inside, and a file is put there"),
        _ => None,
    }
}

fn grants(tree: &Tree, writes: Writes) -> Vec<Grant> {
    let root = if writes == Writes::Deny { Access::List } else { Access::ReadWrite };
    let grants = every_grant(tree, root);
    // In the order of the tree, so that the rules above a path are found without looking at all.
    let at = |path: &Path| grants.binary_search_by(|grant| grant.path.as_os_str().cmp(path.as_os_str())).ok();
    let same = |one: &Grant, two: &Grant| (one.access, one.exec, one.device) == (two.access, two.exec, two.device);
    // The rule of a tree above may say the same already.
    let said = |grant: &Grant| grant.path.ancestors().skip(1).filter_map(at).any(|above| same(&grants[above], grant));
    let needed: Vec<bool> = grants.iter().map(|grant| !said(grant)).collect();
    grants.into_iter().zip(needed).filter_map(|(grant, needed)| needed.then_some(grant)).collect()
}

fn every_grant(tree: &Tree, root: Access) -> Vec<Grant> {
    let grant = |path: &Path, access, exec, device| Some(Grant { path: path.to_owned(), access, exec, device });
    tree.iter()
        .filter_map(|(path, content)| match content {
            Content::Directory if path == Path::new("/") => grant(path, root, false, false),
            // Nothing can be made in it but what a deeper rule grants; its nodes are devices.
            Content::Directory if path == Path::new("/dev") => grant(path, Access::ReadWrite, false, true),
            Content::Directory | Content::Link(_) | Content::Hidden(_) => None,
            Content::Bind { kind: Kind::Device { .. }, .. } => grant(path, Access::ReadWrite, false, true),
            Content::Bind { exec, discard: true, .. } => grant(path, Access::ReadWrite, *exec, false),
            Content::Bind { access, exec, .. } => grant(path, *access, *exec, false),
            Content::Scratch { exec, .. } | Content::Tmpfs { exec, .. } => grant(path, Access::ReadWrite, *exec, false),
            Content::File { mode, .. } => grant(path, Access::ReadOnly, mode & 0o111 != 0, false),
            Content::Proc => grant(path, Access::ReadWrite, false, false),
            Content::Sys | Content::Cgroup { writable: false } => grant(path, Access::ReadOnly, false, false),
            Content::Cgroup { writable: true } => grant(path, Access::ReadWrite, false, false),
            Content::Devpts => grant(path, Access::ReadWrite, false, true),
        })
        .collect()
}

impl Given<'_> {
    /// A quarter of the machine's memory, or of what the program may have of it.
    pub fn share_of_memory(&self, host: &Host) -> u64 {
        let memory = host.memory();
        // To tmpfs, none at all is no limit.
        (self.memory_max.map_or(memory, |max| max.min(memory)) / 4).max(1)
    }

    /// Where kept directories live on the host.
    fn kept_root(&self, host: &Host) -> Option<PathBuf> {
        let root = if host.is_root() {
            PathBuf::from("/var/lib/sandbox")
        } else {
            let data = host.env("XDG_DATA_HOME").filter(|path| path.starts_with('/')).map(PathBuf::from);
            data.or_else(|| Some(host.user_by_uid(host.uid())?.home.join(".local/share")))?.join("sandbox")
        };
        Some(host.place(&root))
    }

    /// Where one of them does.
    fn kept(&self, target: &Path, host: &Host) -> Option<PathBuf> {
        // One directory a target: a name cannot hold a slash, so it is written as systemd-escape(1) does.
        let escaped = target.to_string_lossy().trim_matches('/').replace('\\', "\\x5c");
        let escaped = escaped.replace('-', "\\x2d").replace('/', "-");
        Some(self.kept_root(host)?.join("persist").join(self.name).join(escaped))
    }
}
