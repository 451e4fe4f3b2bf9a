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

/// What a sandbox, or a test, would leave: by what it runs, whose it is, or the namespaces it is in. Those that somebody
/// else's process has started are that somebody's.
fn processes() -> Things {
    left().into_iter().map(|process| format!("{} ({})", process.display(), name(&process))).collect()
}

fn left() -> Vec<PathBuf> {
    let own = |kind: &str| read_link(format!("/proc/self/ns/{kind}")).ok();
    let (pid, mnt, tester) = (own("pid"), own("mnt"), tester());
    let suspicious = |process: &Path| {
        let elsewhere = |kind: &str, ours: &Option<PathBuf>| {
            let theirs = read_link(process.join("ns").join(kind)).ok();
            theirs.is_some() && theirs != *ours
        };
        ["sandbox", "probe", "caller", "bwrap", "floor"].contains(&name(process).as_str())
            || (owner(process).is_some() && owner(process) == tester)
            || elsewhere("pid", &pid)
            || elsewhere("mnt", &mnt)
    };
    let own_line = ancestors(Path::new("/proc").join(std::process::id().to_string()));
    every_process()
        .filter(|process| suspicious(process) && !own_line.contains(process))
        .filter(|process| {
            // Up to the first that is not suspicious: init, and it was left behind; us, and it is ours; or a stranger.
            let starter = ancestors(process.clone()).into_iter().skip(1).find(|above| !suspicious(above));
            starter.is_none_or(|starter| starter == Path::new("/proc/1") || own_line.contains(&starter))
        })
        .collect()
}

fn name(process: &Path) -> String {
    read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned()
}

/// A process, its parent, and so on up to init.
fn ancestors(process: PathBuf) -> Vec<PathBuf> {
    let parent = |process: &PathBuf| {
        let status = read_to_string(process.join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().to_owned();
        (parent != "0").then(|| Path::new("/proc").join(parent))
    };
    std::iter::successors(Some(process), parent).collect()
}

fn every_process() -> impl Iterator<Item = PathBuf> {
    let number = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    entries("/proc").filter(number)
}

/// In use by a process that was left, or kept by a mount.
fn namespaces() -> Things {
    let used = left().into_iter().flat_map(|process| entries(process.join("ns")));
    let used = used.filter_map(|link| Some(read_link(link).ok()?.display().to_string()));
    let kept = mounts().into_iter().filter(|mount| mount.contains(" - nsfs "));
    used.chain(kept).collect()
}

/// Every directory; those of a sandbox in which somebody else's processes are, are somebody else's.
fn cgroups() -> Things {
    let left = left();
    let mut found = Things::new();
    let mut below = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = below.pop() {
        let members = read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
        let mut members = members.lines().map(|pid| Path::new("/proc").join(pid)).peekable();
        let ours = members.peek().is_none() || members.any(|member| left.contains(&member));
        if ours || !directory.display().to_string().contains("sandbox") {
            found.insert(directory.display().to_string());
        }
        below.extend(entries(&directory).filter(|path| path.symlink_metadata().is_ok_and(|data| data.is_dir())));
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
///
/// systemd starts each service with a session keyring that holds the service's invocation_id: they come and go with
/// services, and are nobody's leak. Which of root's keyrings is whose is not said: those beyond the services' are counted.
fn keys() -> Things {
    let lines = lines("/proc/keys");
    let keys: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    let of_a_service = |key: &&Vec<&str>| key.get(8) == Some(&"invocation_id:");
    let holding = |key: &&Vec<&str>| {
        key.get(5) == Some(&"0") && key.get(8) == Some(&"_ses:") && key.get(9).is_some_and(|held| *held != "empty")
    };
    let (sessions, services) = (keys.iter().filter(holding).count(), keys.iter().filter(of_a_service).count());
    let kept =
        |key: &Vec<&str>| [0, 5, 7, 8].iter().filter_map(|at| key.get(*at)).copied().collect::<Vec<_>>().join(" ");
    let others = keys.iter().filter(|key| !of_a_service(key) && !holding(key)).map(kept);
    others.chain((services..sessions).map(|number| format!("0 keyring _ses: {number}"))).collect()
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
    roots.push(PathBuf::from("/var/lib/sandbox/persist"));
    for home in [PathBuf::from("/root"), PathBuf::from("/home/sandbox-test")] {
        roots.extend([home.join(".local/state/sandbox"), home.join(".local/share/sandbox")]);
    }
    roots.extend(entries("/run/user").map(|user| user.join("sandbox")));
    let shared = ["/tmp", "/var/tmp", "/run", "/", "/home", "/opt"].into_iter().flat_map(entries);
    let ours = shared.filter(|path| path.display().to_string().contains("sandbox"));
    let found = roots.iter().flat_map(entries).chain(ours).filter(|path| !in_use(path));
    found.map(|path| path.display().to_string()).collect()
}

/// The directory of a test that is running, or the record of a sandbox that is.
fn in_use(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let tester = name.strip_prefix("sandbox-it-").and_then(|rest| rest.split('-').next());
    if let Some(pid) = tester {
        return Path::new("/proc").join(pid).exists();
    }
    // A lock as fcntl(2) makes it shows as the inode of what is locked.
    let Ok(record) = path.metadata() else { return false };
    let locks = read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|line| line.split_whitespace().any(|word| word.ends_with(&format!(":{}", record.ino()))))
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
