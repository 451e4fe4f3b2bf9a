//! Who starts the launchers: root, then an ordinary user; and a place where each launcher's program can see the other.
//!
//! A bench runs itself again as the other user, rather than lowering the ids in each child: a child that std starts
//! without an id to set goes through posix_spawn, whose cost does not depend on the size of the bench.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, chown};

use super::{check, programs};

const ROLE: &str = "SANDBOX_BENCH_ROLE";
const PLACE: &str = "SANDBOX_BENCH_PLACE";
const STAGE: &str = "SANDBOX_BENCH_STAGE";
const USER: &str = "sandbox-test";

/// One of those who start the launchers.
pub struct Caller {
    /// `root` or `user`.
    pub name: String,
    place: PathBuf,
    /// Set where the bench itself is another user.
    ids: Option<(u32, u32)>,
}

impl Caller {
    /// A built program, or a file beside them.
    pub fn program(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// The caller's own directory, which the launchers are told is the home.
    pub fn home(&self) -> PathBuf {
        self.place.join("home").join(&self.name)
    }

    /// What `XDG_RUNTIME_DIR` says.
    pub fn runtime(&self) -> PathBuf {
        self.home().join("run")
    }

    /// A command with the surroundings that all are started in.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.home()).env("XDG_RUNTIME_DIR", self.runtime()).current_dir("/");
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// Where the bench stands: the programs, built, and the callers who can be had.
pub struct Bench {
    place: PathBuf,
    callers: Vec<Caller>,
    /// Removed at the end; none where a mount namespace of our own forgets it.
    scratch: Option<PathBuf>,
}

impl Bench {
    /// In a process that was started by [`Bench::as_each`] this measures and ends.
    pub fn prepare(measure: fn(&Caller, &str)) -> Bench {
        if let (Ok(name), Ok(place), Ok(stage)) = (std::env::var(ROLE), std::env::var(PLACE), std::env::var(STAGE)) {
            measure(&Caller { name, place: place.into(), ids: None }, &stage);
            std::process::exit(0);
        }
        if !Uid::effective().is_root() {
            println!("skipped: as root (run by an ordinary user)");
            let place = std::env::temp_dir().join(format!("sandbox-bench-{}", std::process::id()));
            programs::build(&place, Path::new("/bin/true"));
            let callers = vec![a_caller("user", &place, None)];
            return Bench { place: place.clone(), callers, scratch: Some(place) };
        }
        let place = private_place();
        programs::build(&place, &place.join("true"));
        let mut callers = vec![a_caller("root", &place, None)];
        match passwd_ids(USER) {
            Some(ids) => callers.push(a_caller("user", &place, Some(ids))),
            None => println!("skipped: as an ordinary user (hint: useradd -m {USER}, or run tests/run once)"),
        }
        Bench { place, callers, scratch: None }
    }

    /// Calls `measure` in a process of each caller's own.
    pub fn as_each(&self, stage: &str) {
        for caller in &self.callers {
            let mut command = Command::new(self.place.join("bench"));
            command.args(std::env::args_os().skip(1));
            command.env(ROLE, &caller.name).env(PLACE, &self.place).env(STAGE, stage);
            if let Some((uid, gid)) = caller.ids {
                command.uid(uid).gid(gid);
            }
            check(command.status().expect("running the bench again"), &format!("measuring as {}", caller.name));
        }
    }

    /// Calls `measure` for each caller in this process, which sees what theirs may not.
    pub fn for_each(&self, measure: fn(&Caller)) {
        self.callers.iter().for_each(measure);
    }

    /// Whether mounts made here are seen by nobody else.
    pub fn is_private(&self) -> bool {
        self.scratch.is_none()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(scratch) = &self.scratch {
            let _ = std::fs::remove_dir_all(scratch);
        }
    }
}

/// `/opt` in a mount namespace of our own, so that a killed bench leaves nothing: the launchers cover /tmp and the homes.
fn private_place() -> PathBuf {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS).expect("unsharing the mount namespace");
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("making the mounts private");
    mount(Some("bench"), "/opt", Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect("mounting on /opt");
    // Root's records. /run is memory on every distribution, and a disk in many a machine that only tests: there alone it is
    // covered, because `gc` outside sees no record in here of what a killed bench leaves behind.
    let run = nix::sys::statfs::statfs("/run").expect("examining /run");
    if run.filesystem_type() != nix::sys::statfs::TMPFS_MAGIC {
        std::fs::create_dir_all("/run/sandbox").expect("making /run/sandbox");
        std::fs::set_permissions("/run/sandbox", PermissionsExt::from_mode(0o700)).expect("closing /run/sandbox");
        mount(Some("bench"), "/run/sandbox", Some("tmpfs"), MsFlags::empty(), Some("mode=700"))
            .expect("mounting on /run");
    }
    PathBuf::from("/opt")
}

fn a_caller(name: &str, place: &Path, ids: Option<(u32, u32)>) -> Caller {
    let caller = Caller { name: name.into(), place: place.into(), ids };
    std::fs::create_dir_all(caller.runtime()).expect("making a home");
    std::fs::set_permissions(caller.runtime(), PermissionsExt::from_mode(0o700))
        .expect("closing the runtime directory");
    if let Some((uid, gid)) = ids {
        for directory in [caller.runtime(), caller.home()] {
            chown(&directory, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).expect("giving away a home");
        }
    }
    caller
}

fn passwd_ids(name: &str) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}
