//! Where we are: inside what, started by what, under which restrictions. Other answers rest on it.

use std::path::{Path, PathBuf};

use super::Feature;
use crate::host::Host;
use crate::host::mountinfo::mounts;
use crate::isolation::namespaces::limits;
use crate::isolation::status::Status;

/// What decides whether namespaces can be made, besides the kernel itself.
#[derive(Clone, Debug, Default)]
pub struct System {
    pub root: bool,
    /// The name of what runs this container, if it is one.
    pub container: Option<String>,
    /// `/proc/1/comm`.
    pub first: String,
    pub systemd: bool,
    /// A filter of system calls is in force already.
    pub filtered: bool,
    pub chrooted: bool,
    /// This program's own path.
    pub program: PathBuf,
    /// It belongs to root, so that nobody else can put another in its place.
    pub program_of_root: bool,
    pub max_user_namespaces: Option<u64>,
    /// Debian's switch; `None` where the kernel has none.
    pub userns_clone: Option<bool>,
    /// Ubuntu's.
    pub apparmor_restricts: Option<bool>,
}

impl System {
    pub fn look(host: &Host) -> System {
        let text = |path: &str| std::fs::read_to_string(path).ok();
        let flag = |path: &str| Some(text(path)?.trim() != "0");
        let program = std::env::current_exe().unwrap_or_default();
        let program_of_root =
            std::fs::metadata(&program).is_ok_and(|file| std::os::unix::fs::MetadataExt::uid(&file) == 0);
        let first = text("/proc/1/comm").unwrap_or_default().trim().to_owned();
        System {
            root: host.is_root(),
            container: container(&text).or_else(|| (first == limits::INIT).then(|| "a sandbox".into())),
            first,
            systemd: Path::new("/run/systemd/system").is_dir(),
            filtered: Status::of_caller().is_some_and(|status| status.seccomp == 2),
            // The kernel lists only the mounts below a caller's root: a chroot is rarely one itself.
            chrooted: std::fs::read("/proc/self/mountinfo")
                .is_ok_and(|text| !mounts(&text).flatten().any(|mount| mount.point() == Path::new("/"))),
            program,
            program_of_root,
            max_user_namespaces: text("/proc/sys/user/max_user_namespaces").and_then(|text| text.trim().parse().ok()),
            userns_clone: flag("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restricts: flag("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        }
    }

    pub fn container(&self) -> Feature {
        match &self.container {
            None => Feature::ok("container", "none seen around this"),
            Some(name) => Feature::limited("container", format!("this runs inside {name}"))
                .lost("whatever it covers, filters or keeps to itself: the lines below say what"),
        }
    }

    pub fn init(&self) -> Feature {
        if self.systemd {
            return Feature::ok("init", "systemd");
        }
        let name = if self.first.is_empty() { "not to be seen" } else { &self.first };
        Feature::limited("init", format!("{name}; no systemd"))
            .lost("cgroups that systemd would delegate to an ordinary user")
    }
}

/// As systemd-detect-virt(1) tells them, by what they leave behind.
fn container(text: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if let Some(name) = text("/run/systemd/container") {
        return Some(name.trim().to_owned());
    }
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".into());
    }
    if Path::new("/.dockerenv").exists() {
        return Some("docker".into());
    }
    // Only root may read the first process's environment.
    let environment = text("/proc/1/environ").unwrap_or_default();
    let named = environment.split('\0').find_map(|variable| variable.strip_prefix("container="));
    named.filter(|name| !name.is_empty()).map(String::from)
}
