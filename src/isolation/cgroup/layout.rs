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
    /// There is no cgroup file system to be seen.
    Nowhere,
}

pub const ROOT: &str = "/sys/fs/cgroup";

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
        let (_, own) = self.lines.iter().find(|(controllers, _)| controllers.is_empty())?;
        locate(self.host, None, own)
    }

    pub fn home(&self, controller: &str) -> Home {
        let has = |names: &str| names.split(',').any(|name| name == controller);
        if let Some((names, own)) = self.lines.iter().find(|(names, _)| has(names)) {
            let controllers: Vec<String> = names.split(',').map(String::from).collect();
            return match locate(self.host, Some(&controllers), own) {
                Some(directory) => Home::V1(Hierarchy { controllers, directory }),
                None => Home::NotMounted(names.clone()),
            };
        }
        self.v2().map_or(Home::Nowhere, Home::V2)
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
fn locate(host: &Host, controllers: Option<&[String]>, own: &str) -> Option<PathBuf> {
    // `/../x` lies outside the cgroup namespace: no mount shows it.
    if !own.starts_with('/') || own.split('/').any(|name| name == "..") || own.ends_with(" (deleted)") {
        return None;
    }
    let usual: Vec<PathBuf> = match controllers {
        None => vec![ROOT.into(), Path::new(ROOT).join("unified")],
        Some([name]) => vec![Path::new(ROOT).join(name.trim_start_matches("name="))],
        Some(names) => vec![Path::new(ROOT).join(names.join(",")), Path::new(ROOT).join(&names[0])],
    };
    // Only cgroup v2 directories have cgroup.controllers, and of these only those that we look for.
    let proof = if controllers.is_none() { "cgroup.controllers" } else { "tasks" };
    let there =
        |directory: PathBuf| matches!(host.node(&directory.join(proof)), Node::File { .. }).then_some(directory);
    usual
        .into_iter()
        .find_map(|mount| there(below(&mount, own)))
        .or_else(|| from_mountinfo(host, controllers, own).into_iter().find_map(there))
}

fn below(mount: &Path, own: &str) -> PathBuf {
    match own.trim_matches('/') {
        "" => mount.to_owned(),
        own => mount.join(own),
    }
}

/// Every place where a mount of this hierarchy shows our own directory.
fn from_mountinfo(host: &Host, controllers: Option<&[String]>, own: &str) -> Vec<PathBuf> {
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
            // A container's mount may show a part of the hierarchy only.
            let relative = Path::new(own).strip_prefix(unescape(root)).ok()?;
            matches.then(|| below(Path::new(&unescape(mount)), &relative.to_string_lossy()))
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
