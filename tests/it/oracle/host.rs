//! What exists on this host, kind by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_link, read_to_string};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

type Things = BTreeSet<String>;
type Look = fn() -> Things;

pub fn things() -> BTreeMap<String, Things> {
    let kinds: [(&str, Look); 14] = [
        ("mount", mounts),
        ("process", processes),
        ("namespace", namespaces),
        ("cgroup", cgroups),
        ("interface", || names("/sys/class/net")),
        ("route", routes),
        ("firewall", firewall),
        ("network namespace", || names("/run/netns")),
        ("terminal", terminals),
        ("key", keys),
        ("ipc", ipc),
        ("loop device", loop_devices),
        ("socket", sockets),
        ("temporary", places),
    ];
    kinds.into_iter().map(|(kind, look)| (kind.to_owned(), look())).collect()
}

/// Whether a thing of this kind that has gone is a fault too: nobody else takes these away while the suite runs.
pub fn must_stay(kind: &str) -> bool {
    ["mount", "interface", "route", "firewall"].contains(&kind)
}

pub fn open_files() -> u64 {
    let text = read_to_string("/proc/sys/fs/file-nr").unwrap_or_default();
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn lines(path: impl AsRef<Path>) -> Things {
    read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn names(directory: impl AsRef<Path>) -> Things {
    entries(directory).map(|path| path.display().to_string()).collect()
}

fn entries(directory: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// All but what others mount in the directories for scratch, where they come and go as they like.
fn mounts() -> Things {
    let mut mounts = lines("/proc/self/mountinfo");
    mounts.retain(|mount| {
        let target = mount.split(' ').nth(4).unwrap_or_default();
        let scratch = target.starts_with("/tmp/") || target.starts_with("/var/tmp/");
        !scratch || target.contains("sandbox-it") || target.contains("sandbox-stage")
    });
    mounts
}

/// Ours, by what they run, whose they are, or by the namespaces they are in: others come and go as they like.
fn processes() -> Things {
    let own = |kind: &str| read_link(format!("/proc/self/ns/{kind}")).ok();
    let (pid, mnt) = (own("pid"), own("mnt"));
    let tester = tester();
    every_process()
        .filter_map(|process| {
            let name = read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
            let elsewhere = |kind: &str, ours: &Option<PathBuf>| {
                let theirs = read_link(process.join("ns").join(kind)).ok();
                theirs.is_some() && theirs != *ours
            };
            let uid = process.metadata().ok()?.uid();
            let ours = ["sandbox", "probe", "caller", "bwrap", "floor"].contains(&name.as_str())
                || (Some(uid) == tester && !of_this_run(&process))
                || elsewhere("pid", &pid)
                || elsewhere("mnt", &mnt);
            ours.then(|| format!("{} ({name})", process.display()))
        })
        .collect()
}

/// The test's own processes are no leak: itself, and the shell that started it.
fn of_this_run(process: &Path) -> bool {
    let mut pid = std::process::id();
    while pid > 1 {
        if process == Path::new("/proc").join(pid.to_string()) {
            return true;
        }
        let status = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        pid = parent.and_then(|parent| parent.trim().parse().ok()).unwrap_or(0);
    }
    false
}

fn every_process() -> impl Iterator<Item = PathBuf> {
    let number = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    entries("/proc").filter(number)
}

/// In use by any process, or kept by a mount.
fn namespaces() -> Things {
    let used = every_process().flat_map(|process| entries(process.join("ns")));
    let used = used.filter_map(|link| Some(read_link(link).ok()?.display().to_string()));
    let kept = mounts().into_iter().filter(|mount| mount.contains(" - nsfs "));
    used.chain(kept).collect()
}

fn cgroups() -> Things {
    let mut found = Things::new();
    let mut left = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = left.pop() {
        found.insert(directory.display().to_string());
        left.extend(entries(&directory).filter(|path| path.symlink_metadata().is_ok_and(|data| data.is_dir())));
    }
    found
}

fn routes() -> Things {
    // The last columns of IPv6 count references and uses.
    let six = lines("/proc/net/ipv6_route").into_iter();
    let six = six.map(|line| line.split_whitespace().take(6).collect::<Vec<_>>().join(" "));
    lines("/proc/net/route").into_iter().chain(six).collect()
}

fn firewall() -> Things {
    let command = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Things>())
    };
    // Without nft(8) the netlink family still tells nothing to a program that does not speak it; then only the old
    // tables are known.
    command("nft", &["list", "tables"]).unwrap_or_else(|| lines("/proc/net/ip_tables_names"))
}

/// Of the tester or root: whoever else works on this machine opens terminals too.
fn terminals() -> Things {
    entries("/dev/pts")
        .filter(|path| owner(path).is_some_and(|uid| uid == 0 || Some(uid) == tester()))
        .map(|path| path.display().to_string())
        .collect()
}

/// Serial number, owner, kind and description; the usage count and the time left change by themselves.
fn keys() -> Things {
    let key = |line: String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kept: Vec<&str> =
            words.iter().enumerate().filter(|(at, _)| [0, 5, 7, 8].contains(at)).map(|(_, w)| *w).collect();
        kept.join(" ")
    };
    lines("/proc/keys").into_iter().map(key).collect()
}

fn ipc() -> Things {
    let system_v = ["msg", "sem", "shm"].into_iter().flat_map(|kind| {
        let table = read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let ids = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned));
        ids.map(move |id| format!("{kind} {id}")).collect::<Vec<_>>()
    });
    system_v.chain(names("/dev/shm")).chain(names("/dev/mqueue")).collect()
}

fn loop_devices() -> Things {
    let backed = entries("/sys/block").filter(|device| device.join("loop/backing_file").exists());
    backed.map(|device| device.display().to_string()).collect()
}

/// With a name, and not of systemd's or another program's making in /run.
fn sockets() -> Things {
    let table = read_to_string("/proc/net/unix").unwrap_or_default();
    let named = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(7));
    named.filter(|name| name.starts_with('@') || name.contains("sandbox")).map(str::to_owned).collect()
}

/// Records, stores and temporary files: everything in our own places, what bears our name in those of everybody.
fn places() -> Things {
    let mut roots = vec![PathBuf::from("/run/sandbox"), PathBuf::from("/var/lib/sandbox")];
    for home in [PathBuf::from("/root"), PathBuf::from("/home/sandbox-test")] {
        roots.extend([home.join(".local/state/sandbox"), home.join(".local/share/sandbox")]);
    }
    roots.extend(entries("/run/user").map(|user| user.join("sandbox")));
    let ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Directories of the tests that are running go with their tests.
        let of_this_run = name.starts_with(&format!("sandbox-it-{}-", std::process::id()));
        !of_this_run && (name.contains("sandbox") || owner(path).is_some_and(|uid| Some(uid) == tester()))
    };
    let shared = ["/tmp", "/var/tmp", "/run", "/", "/home", "/opt"].into_iter().flat_map(entries).filter(ours);
    roots.iter().flat_map(entries).chain(shared).map(|path| path.display().to_string()).collect()
}

fn owner(path: &Path) -> Option<u32> {
    Some(path.symlink_metadata().ok()?.uid())
}

/// The ordinary user that `tests/run` makes.
fn tester() -> Option<u32> {
    let passwd = read_to_string("/etc/passwd").ok()?;
    let line = passwd.lines().find(|line| line.starts_with("sandbox-test:"))?;
    line.split(':').nth(2)?.parse().ok()
}
