//! Removal of what is, and refusal of what is not a sandbox's own.

use std::fs;
use std::process::{Child, Command};

use std::path::PathBuf;

use super::*;

const ID: &str = "web-0123abcd";

struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        Temporary(std::env::temp_dir().join(format!("sandbox-trace-{name}-{}", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_is_no_cgroup_of_ours_is_refused() {
    let place = Temporary::new("no-cgroup");
    let named = place.0.join(format!("sandbox-{ID}"));
    fs::create_dir_all(&named).unwrap();
    let remove = |path: &Path| remove_all(ID, &[Trace::Cgroup { path: path.to_owned() }]).unwrap_err();
    // Even an empty directory with the right name: it is on another file system.
    assert!(format!("{:#}", remove(&named)).ends_with("it is not on a cgroup file system"));
    assert!(named.exists());
    // Nor is anything written to what surrounds it, as to the cgroup that a launcher's leaf lies in.
    let (leaf, given) = (place.0.join(format!("sandbox-{ID}.launcher")), place.0.join("cgroup.subtree_control"));
    fs::create_dir(&leaf).unwrap();
    fs::remove_dir(&named).unwrap();
    fs::write(&given, "memory").unwrap();
    assert!(format!("{:#}", remove(&leaf)).ends_with("it is not on a cgroup file system"));
    assert_eq!((leaf.exists(), fs::read_to_string(&given).unwrap().as_str()), (true, "memory"));
    let nul = PathBuf::from(format!("/sys/fs/cgroup/a\0b/sandbox-{ID}"));
    for path in [
        Path::new("/sys/fs/cgroup"),
        Path::new("/"),
        Path::new(ID),
        &Path::new("/sys/../").join(format!("sandbox-{ID}")),
        &nul,
    ] {
        assert!(remove(path).to_string().starts_with("refused: "), "{}", path.display());
    }
    // The last three may be those of a sandbox whose name is our id.
    let others = ["web-ffffffff", "web-0123abcd0", "web-0123abcd-ffffffff", "web-0123abcd-ffffffff.launcher"];
    for other in others.map(|other| format!("/sys/fs/cgroup/sandbox-{other}")) {
        assert!(remove(Path::new(&other)).to_string().ends_with(&format!("is not a cgroup of {ID}")), "{other}");
    }
    let gone = Trace::Cgroup { path: Path::new("/sys/fs/cgroup/").join(format!("sandbox-{ID}")) };
    remove_all(ID, &[gone]).unwrap();
}

/// Every hierarchy of this machine, of either version, that this process may add a cgroup to.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let of_cgroups = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (path, kind) = (fields.next()?, fields.next()?);
        (kind == "cgroup" || kind == "cgroup2").then(|| PathBuf::from(path))
    });
    of_cgroups.filter(|path| nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()).collect()
}

fn sleeper(cgroup: &Path) -> Child {
    let child = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(cgroup.join("cgroup.procs"), child.id().to_string()).unwrap();
    child
}

#[test]
fn cgroups_are_removed_with_all_that_is_in_them() {
    let id = format!("web-{:08x}", std::process::id());
    for hierarchy in hierarchies() {
        let top = hierarchy.join(format!("sandbox-{id}"));
        // A cpuset's new groups have no cpu, so that no process may enter.
        let cpuset = top.join("cpuset.cpus");
        fs::create_dir_all(&top).unwrap();
        if cpuset.exists()
            && fs::read_to_string(&cpuset).unwrap().trim().is_empty()
            && hierarchy.join("cpuset.cpus").exists()
        {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                fs::write(top.join(file), fs::read(hierarchy.join(file)).unwrap()).unwrap();
            }
        }
        let mut children = vec![sleeper(&top)];
        let below = top.join("a/b");
        fs::create_dir_all(&below).unwrap();
        if !below.join("cpuset.cpus").exists() {
            children.push(sleeper(&below));
        }
        // Frozen ones too.
        for (file, freeze) in [("freezer.state", "FROZEN"), ("cgroup.freeze", "1")] {
            if top.join(file).exists() {
                fs::write(top.join(file), freeze).unwrap();
            }
        }
        let trace = Trace::Cgroup { path: top.clone() };
        let removed = remove_all(&id, std::slice::from_ref(&trace));
        for mut child in children {
            let _ = child.kill();
            let status = child.wait().unwrap();
            assert!(!status.success());
        }
        removed.unwrap();
        assert!(!top.exists(), "{}", top.display());
        remove_all(&id, std::slice::from_ref(&trace)).unwrap();
    }
}

#[test]
fn however_deep_and_whichever_part_is_frozen() {
    let id = format!("deep-{:08x}", std::process::id());
    for hierarchy in hierarchies().into_iter().filter(|path| !path.join("cpuset.cpus").exists()) {
        let top = hierarchy.join(format!("sandbox-{id}"));
        let mut below = vec![top.clone()];
        fs::create_dir(&top).unwrap();
        for level in 0..200 {
            // More than one on each, so that the way back has something to find.
            for name in ["a", "b"] {
                fs::create_dir(below[level].join(name)).unwrap();
            }
            below.push(below[level].join("b"));
        }
        let mut children: Vec<Child> =
            [0, 100, 200].into_iter().flat_map(|level| [sleeper(&below[level]), sleeper(&below[level])]).collect();
        for (file, freeze) in [("freezer.state", "FROZEN"), ("cgroup.freeze", "1")] {
            for level in [50, 100, 200] {
                if below[level].join(file).exists() {
                    fs::write(below[level].join(file), freeze).unwrap();
                }
            }
        }
        let trace = Trace::Cgroup { path: top.clone() };
        let removed = remove_all(&id, std::slice::from_ref(&trace));
        for child in &mut children {
            let _ = child.kill();
            assert!(!child.wait().unwrap().success());
        }
        removed.unwrap();
        assert!(!top.exists(), "{}", top.display());
    }
}

#[test]
fn a_cgroup_that_holds_the_caller_is_left_alone() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let id = format!("self-{:08x}", std::process::id());
    for hierarchy in hierarchies().into_iter().filter(|path| !path.join("cpuset.cpus").exists()) {
        let top = hierarchy.join(format!("sandbox-{id}"));
        fs::create_dir(&top).unwrap();
        fs::write(top.join("cgroup.procs"), child.id().to_string()).unwrap();
        // A process that enters and then removes it, as a supervisor would that was moved into its own sandbox's cgroup.
        let script = format!(
            "echo $$ > {0}/cgroup.procs && exec {1:?} --exact state::trace::tests::inside",
            top.display(),
            std::env::current_exe().unwrap()
        );
        let said = Command::new("sh").arg("-c").arg(script).env("SANDBOX_TEST_CGROUP", &top).output().unwrap();
        assert!(said.status.success(), "{}: {said:?}", hierarchy.display());
        assert_eq!(child.try_wait().unwrap(), None, "nothing was killed");
        fs::write(hierarchy.join("cgroup.procs"), child.id().to_string()).unwrap();
        fs::remove_dir(&top).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Acts only in the process that the test above starts.
#[test]
fn inside() {
    let Ok(path) = std::env::var("SANDBOX_TEST_CGROUP") else { return };
    let refused = cgroup::kill(Path::new(&path)).unwrap_err();
    assert_eq!(refused.to_string(), "this very process is in it");
}
