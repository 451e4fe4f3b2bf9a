//! Where this process stands in each cgroup hierarchy, and which of them has which controller.

use std::path::{Path, PathBuf};

use crate::host::{Host, Node};

/// What /proc/self/cgroup says of us. Directories are looked for when they are asked for: each costs system calls.
#[derive(Debug)]
pub struct Layout<'a> {
    host: &'a Host,
    /// Controllers, comma-separated, and our path in their hierarchy; no controllers for cgroup v2.
    lines: Vec<(String, String)>,
}

/// One cgroup v1 hierarchy; several controllers may share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    pub controllers: Vec<String>,
    pub directory: PathBuf,
}

/// The hierarchy that has a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// Where it may be, if the machine has it at all: `cgroup.controllers` says so.
    V2(PathBuf),
    V1(Hierarchy),
    /// It belongs to a cgroup v1 hierarchy of these controllers, and that is not mounted where we could reach it.
    NotMounted(String),
    /// Its hierarchy, `None` for cgroup v2, is mounted here from outside of our cgroup namespace.
    Outside(PathBuf, Option<String>),
    /// No hierarchy to be seen has it.
    Nowhere,
}

/// Where our own directory is not to be found.
enum Lost {
    NotMounted,
    /// This mount begins above the root of our cgroup namespace, and nothing says how to get from there to us.
    Outside(PathBuf),
}

pub const ROOT: &str = "/sys/fs/cgroup";

/// The cgroup namespace that all others are below; the kernel gives it this number (include/linux/proc_ns.h).
const FIRST: &str = "cgroup:[4026531835]";

impl<'a> Layout<'a> {
    pub fn probe(host: &'a Host) -> Layout<'a> {
        let text = host.text(Path::new("/proc/self/cgroup")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            // A path may hold colons, a controller's name may not.
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            Some((controllers.to_owned(), path.to_owned()))
        });
        Layout { host, lines: lines.collect() }
    }

    pub fn v2(&self) -> Option<PathBuf> {
        self.locate_v2().ok()
    }

    fn locate_v2(&self) -> Result<PathBuf, Lost> {
        let line = self.lines.iter().find(|(controllers, _)| controllers.is_empty());
        line.map_or(Err(Lost::NotMounted), |(_, own)| locate(self.host, None, own))
    }

    /// Whether anything belongs to cgroup v1.
    pub fn has_v1(&self) -> bool {
        self.lines.iter().any(|(controllers, _)| !controllers.is_empty())
    }

    pub fn home(&self, controller: &str) -> Home {
        let has = |names: &str| names.split(',').any(|name| name == controller);
        match self.lines.iter().find(|(names, _)| has(names)) {
            Some((names, own)) => self.home_v1(names, own),
            None => self.home_v2(),
        }
    }

    /// Every hierarchy that we are in, mounted or not.
    pub fn homes(&self) -> impl Iterator<Item = Home> {
        self.lines.iter().map(|(names, own)| match names.is_empty() {
            true => self.home_v2(),
            false => self.home_v1(names, own),
        })
    }

    fn home_v1(&self, names: &str, own: &str) -> Home {
        let controllers: Vec<String> = names.split(',').map(String::from).collect();
        match locate(self.host, Some(&controllers), own) {
            Ok(directory) => Home::V1(Hierarchy { controllers, directory }),
            Err(Lost::NotMounted) => Home::NotMounted(names.to_owned()),
            Err(Lost::Outside(mount)) => Home::Outside(mount, Some(names.to_owned())),
        }
    }

    fn home_v2(&self) -> Home {
        match self.locate_v2() {
            Ok(own) => Home::V2(own),
            Err(Lost::NotMounted) => Home::Nowhere,
            Err(Lost::Outside(mount)) => Home::Outside(mount, None),
        }
    }

    /// Whether a controller is not bound to cgroup v1.
    pub fn is_free(&self, controller: &str) -> bool {
        !self.lines.iter().any(|(names, _)| names.split(',').any(|name| name == controller))
    }
}

impl Hierarchy {
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|own| own == controller)
    }
}

/// Our own directory: where everybody mounts it if it is there, because a host's mountinfo can be very long.
fn locate(host: &Host, controllers: Option<&[String]>, own: &str) -> Result<PathBuf, Lost> {
    // `/../x` lies outside the cgroup namespace: no mount shows it.
    if !own.starts_with('/') || own.split('/').any(|name| name == "..") || own.ends_with(" (deleted)") {
        return Err(Lost::NotMounted);
    }
    // Only cgroup v2 directories have cgroup.controllers, and of these only those that we look for.
    let proof = if controllers.is_none() { "cgroup.controllers" } else { "tasks" };
    let there = |directory: &PathBuf| matches!(host.node(&directory.join(proof)), Node::File { .. });
    // In another namespace `/` is not what a mount shows that was there before it.
    let namespaced =
        matches!(host.node(Path::new("/proc/self/ns/cgroup")), Node::Symlink { to } if to != Path::new(FIRST));
    if !namespaced && let Some(directory) = usual(controllers).iter().map(|mount| below(mount, own)).find(there) {
        return Ok(directory);
    }
    let mounts = mounts(host, controllers);
    // A container's mount may show a part of the hierarchy only.
    let shown = mounts.iter().filter_map(|(mount, root)| {
        let relative = Path::new(own).strip_prefix(root).ok()?;
        Some(below(mount, &relative.to_string_lossy()))
    });
    let outside = || mounts.iter().find(|(_, root)| root.starts_with("/..")).map(|(mount, _)| mount.clone());
    shown.into_iter().find(there).ok_or_else(|| outside().map_or(Lost::NotMounted, Lost::Outside))
}

fn usual(controllers: Option<&[String]>) -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    match controllers {
        None => vec![root.into(), root.join("unified")],
        Some([name]) => vec![root.join(name.trim_start_matches("name="))],
        Some(names) => vec![root.join(names.join(",")), root.join(&names[0])],
    }
}

fn below(mount: &Path, own: &str) -> PathBuf {
    match own.trim_matches('/') {
        "" => mount.to_owned(),
        own => mount.join(own),
    }
}

/// Every mount of this hierarchy, and what it shows of it, as seen from our cgroup namespace.
fn mounts(host: &Host, controllers: Option<&[String]>) -> Vec<(PathBuf, String)> {
    let text = host.text(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mut after = after.split(' ');
            let (kind, options) = (after.next()?, after.nth(1)?);
            let matches = match controllers {
                None => kind == "cgroup2",
                Some(names) => {
                    kind == "cgroup" && names.iter().all(|name| options.split(',').any(|option| option == name))
                }
            };
            let mut before = before.split(' ');
            let (root, mount) = (before.nth(3)?, before.next()?);
            matches.then(|| (PathBuf::from(unescape(mount)), unescape(root)))
        })
        .collect()
}

/// mountinfo writes space, tab, newline and backslash in octal.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    fn host(cgroup: &str, mountinfo: &str, files: &[&str]) -> Host {
        let text = |text: &str| Some(text.to_owned());
        Host::known(Facts {
            texts: [
                ("/proc/self/cgroup".to_owned(), text(cgroup)),
                ("/proc/self/mountinfo".to_owned(), text(mountinfo)),
            ]
            .into(),
            paths: files.iter().map(|path| (path.to_string(), Node::File { uid: 0, mode: 0o644 })).collect(),
            ..Facts::default()
        })
    }

    #[test]
    fn unified_below_a_session() {
        let own = "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope";
        let host =
            host("0::/user.slice/user-1000.slice/session-2.scope\n", "", &[&format!("{own}/cgroup.controllers")]);
        let layout = Layout::probe(&host);
        assert_eq!(layout.home("memory"), Home::V2(own.into()));
    }

    #[test]
    fn hybrid_with_a_place_of_its_own_in_each_hierarchy() {
        let text = "8:pids:/\n4:memory:/api/a:b\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n";
        let files = [
            "/sys/fs/cgroup/pids/tasks",
            "/sys/fs/cgroup/memory/api/a:b/tasks",
            "/sys/fs/cgroup/cpu,cpuacct/tasks",
            "/sys/fs/cgroup/unified/cgroup.controllers",
        ];
        let host = host(text, "", &files);
        let layout = Layout::probe(&host);
        let directory = |controller| match layout.home(controller) {
            Home::V1(hierarchy) => hierarchy.directory.to_str().unwrap().to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(directory("pids"), "/sys/fs/cgroup/pids");
        assert_eq!(directory("memory"), "/sys/fs/cgroup/memory/api/a:b");
        assert_eq!(directory("cpuacct"), directory("cpu"));
        assert_eq!(layout.home("io"), Home::V2("/sys/fs/cgroup/unified".into()));
    }

    #[test]
    fn a_container_without_cgroup_namespace_sees_its_part_at_the_mount_point() {
        let mountinfo = "31 23 0:28 / /mnt\\040x rw - tmpfs tmpfs rw\n\
                         35 31 0:32 /docker/abc /cg/memory\\040x rw master:1 - cgroup cgroup rw,memory\n";
        let host = host("4:memory:/docker/abc\n", mountinfo, &["/cg/memory x/tasks"]);
        let layout = Layout::probe(&host);
        let Home::V1(hierarchy) = layout.home("memory") else { panic!("{layout:?}") };
        assert_eq!(hierarchy.directory, Path::new("/cg/memory x"));
    }

    #[test]
    fn a_cgroup_namespace_of_its_own_is_at_the_root_of_its_own_mounts_alone() {
        let namespaced = |cgroup: &str, mountinfo: &str| {
            let files = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/pids/tasks", "/own/x/cgroup.controllers"];
            let mut facts = host(cgroup, mountinfo, &files).facts();
            let link = Node::Symlink { to: "cgroup:[4026532001]".into() };
            facts.paths.insert("/proc/self/ns/cgroup".into(), link);
            Host::known(facts)
        };
        let kept = "31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let machine = namespaced("0::/\n", kept);
        assert_eq!(Layout::probe(&machine).home("pids"), Home::Outside("/sys/fs/cgroup".into(), None));
        assert_eq!(Layout::probe(&machine).v2(), None);
        let again = format!("{kept}40 31 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n");
        assert_eq!(Layout::probe(&namespaced("0::/\n", &again)).v2(), Some("/sys/fs/cgroup".into()));
        let elsewhere = format!("{kept}40 31 0:28 / /own rw - cgroup2 none rw\n");
        assert_eq!(Layout::probe(&namespaced("0::/x\n", &elsewhere)).v2(), Some("/own/x".into()));
        let kept = "32 23 0:29 /.. /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        let machine = namespaced("8:pids:/\n", kept);
        let pids = Home::Outside("/sys/fs/cgroup/pids".into(), Some("pids".into()));
        assert_eq!(Layout::probe(&machine).home("pids"), pids);
    }

    #[test]
    fn what_is_not_mounted_or_lies_outside_is_not_found() {
        let machine = host("4:memory:/x\n0::/../other\n", "", &[]);
        let layout = Layout::probe(&machine);
        assert_eq!(layout.home("memory"), Home::NotMounted("memory".into()));
        assert_eq!(layout.home("pids"), Home::Nowhere);
        for (cgroup, mountinfo) in [("", ""), ("nonsense\n:\n1:\n::\n", "a b\n - \n"), ("0::relative\n", "")] {
            let machine = host(cgroup, mountinfo, &[]);
            assert_eq!(Layout::probe(&machine).home("pids"), Home::Nowhere, "{cgroup:?}");
        }
    }
}
