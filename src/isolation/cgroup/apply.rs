//! The steps of `[cgroup]`, carried out.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::Mode;
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, fstatfs};

use super::{Delegated, Membership, Name, PAYLOAD, Place, Setting, Step, directory_name, list, place, scope, value};
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::descriptor;

impl Step {
    pub fn apply(&self, context: &mut Context) -> Applied {
        match self {
            Step::Scope { manager } => {
                let unit = format!("{}.scope", directory_name(&context.id));
                manager.start_scope(&unit)?;
                context.scope = Some(scope::own_directory(&unit)?);
                Ok(())
            }
            Step::Leave { place } => leave(place.of(context)?, &context.id),
            Step::Distribute { place, controllers } => distribute(place.of(context)?, controllers),
            Step::Create { number, place, .. } => {
                let directory = create(place.of(context)?, &directory_name(&context.id))?;
                context.fill(Slot::Cgroup(*number), directory);
                Ok(())
            }
            Step::Limit { number, setting } => limit(context.get(Slot::Cgroup(*number))?, setting),
            Step::Part { number, place, delegated } => {
                let directory = part(&place.of(context)?.join(directory_name(&context.id)), delegated.as_ref())?;
                context.fill(Slot::Cgroup(*number), directory);
                Ok(())
            }
            Step::MakeWay { number } => {
                let directory = context.get(Slot::Cgroup(*number))?;
                write_to(directory, &format!("{}/cgroup.procs", place::INIT), "0")
            }
            // One thread alone, as init is, may move by `tasks`: moving a process by cgroup.procs waits for every
            // processor of the machine to pass a point of rest, which takes milliseconds.
            Step::Join { number, .. } => write_to(context.get(Slot::Cgroup(*number))?, "tasks", "0"),
        }
    }
}

impl Place {
    fn of<'a>(&'a self, context: &'a Context) -> Result<&'a Path, Fault> {
        self.directory(context).ok_or_else(|| Fault::new(Operation::Scope, Errno::ENOENT, "there is none yet"))
    }
}

impl Membership {
    /// Every process that init starts is where init is.
    pub fn read_back(&self, context: &Context) -> Applied {
        let mut text = String::with_capacity(1024);
        let file = "/proc/self/cgroup";
        let opened = open(descriptor::here(), file, OFlag::O_RDONLY)?;
        opened.take(1 << 20).read_to_string(&mut text).map_err(|error| fault(error, file))?;
        let name = directory_name(&context.id);
        for controller in &self.0 {
            let own = text.lines().find_map(|line| {
                let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
                controllers.split(',').any(|known| known == *controller).then_some(path)
            });
            if own.is_none_or(|path| !path.split('/').any(|part| part == name)) {
                let noun = if controller.is_empty() { "cgroup v2" } else { controller };
                return Err(Fault::mismatch(Operation::Membership, format!("{noun}: {}", own.unwrap_or("no cgroup"))));
            }
        }
        Ok(())
    }
}

fn create(place: &Path, name: &str) -> Result<OwnedFd, Fault> {
    let path = place.join(name);
    nix::unistd::mkdir(&path, Mode::from_bits_truncate(0o755))
        .map_err(|errno| Fault::new(Operation::Mkdir, errno, path.display().to_string()))?;
    open_cgroup(&path)
}

/// A directory in a cgroup file system.
pub fn open_cgroup(path: &Path) -> Result<OwnedFd, Fault> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = nix::fcntl::open(path, flags, Mode::empty())
        .map_err(|errno| Fault::new(Operation::Open, errno, path.display().to_string()))?;
    // Files that only look like a cgroup's would limit nothing.
    match fstatfs(&directory).map(|system| system.filesystem_type()) {
        Ok(CGROUP_SUPER_MAGIC | CGROUP2_SUPER_MAGIC) => Ok(directory),
        Ok(_) => Err(Fault::mismatch(Operation::Fstatfs, format!("{} is in no cgroup file system", path.display()))),
        Err(errno) => Err(Fault::new(Operation::Fstatfs, errno, path.display().to_string())),
    }
}

fn leave(place: &Path, id: &str) -> Applied {
    let leaf = create(place, &(directory_name(id) + place::LAUNCHER))?;
    write_to(leaf.as_fd(), "cgroup.procs", "0")
}

/// The kernel takes all of them or none.
fn distribute(place: &Path, controllers: &[Name]) -> Applied {
    let words: Vec<String> = controllers.iter().map(|name| format!("+{name}")).collect();
    let path = place.join("cgroup.subtree_control");
    write_to(descriptor::here(), &path.to_string_lossy(), &words.join(" "))
}

/// Whoever owns a directory and these files of it may divide it (the kernel's cgroup-v2 document, Delegation).
fn part(sandbox: &Path, delegated: Option<&Delegated>) -> Result<OwnedFd, Fault> {
    if let Some(Delegated { controllers, .. }) = delegated
        && !controllers.is_empty()
    {
        distribute(sandbox, controllers)?;
    }
    let path = sandbox.join(PAYLOAD);
    let payload = create(sandbox, PAYLOAD)?;
    visible(&path)?;
    let Some(Delegated { owner, .. }) = delegated else { return Ok(payload) };
    let leaf = create(&path, place::INIT)?;
    visible(&path.join(place::INIT))?;
    let Some((uid, gid)) = *owner else { return Ok(payload) };
    for directory in [&payload, &leaf] {
        for name in ["", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
            nix::unistd::fchownat(directory, name, Some(uid.into()), Some(gid.into()), AtFlags::AT_EMPTY_PATH)
                .map_err(|errno| Fault::new(Operation::Fchownat, errno, format!("{PAYLOAD}/{name}")))?;
        }
    }
    Ok(payload)
}

/// Other users inside may look, whatever the launcher's umask.
fn visible(path: &Path) -> Applied {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| Fault { operation: Operation::Chmod, ..fault(error, PAYLOAD) })
}

/// Writes a value, and reads it back.
pub fn limit(directory: BorrowedFd<'_>, setting: &Setting) -> Applied {
    let Setting { file, value, optional } = setting;
    let opened = match open(directory, file, OFlag::O_RDWR) {
        Err(fault) if *optional && fault.errno == Errno::ENOENT => return Ok(()),
        opened => opened?,
    };
    write(&opened, file, value)?;
    let mut text = [0; 4096];
    let read = nix::sys::uio::pread(&opened, &mut text, 0)
        .map_err(|errno| Fault::new(Operation::Read, errno, file.as_str()))?;
    let text = String::from_utf8_lossy(&text[..read]);
    if !setting.confirmed_by(&text) {
        return Err(Fault::mismatch(Operation::ReadBack, format!("{file} is {}, not {value}", text.trim_end())));
    }
    effective(directory, file, value)
}

/// A parent's set that has changed meanwhile leaves our own value as written, and without effect.
fn effective(directory: BorrowedFd<'_>, file: &str, value: &str) -> Applied {
    if !matches!(file, "cpuset.cpus" | "cpuset.mems") {
        return Ok(());
    }
    let other = format!("{file}.effective");
    let mut text = String::new();
    let read = open(directory, &other, OFlag::O_RDONLY)
        .and_then(|mut opened| opened.read_to_string(&mut text).map_err(|error| fault(error, &other)));
    match read {
        Ok(_) if list::parse(text.trim_end()) == list::parse(value) => Ok(()),
        Ok(_) => Err(Fault::mismatch(Operation::ReadBack, format!("{other} is {}, not {value}", text.trim_end()))),
        // Cgroup v1 refuses what the parent does not have.
        Err(fault) if fault.errno == Errno::ENOENT => Ok(()),
        Err(fault) => Err(fault),
    }
}

fn write_to(directory: BorrowedFd<'_>, file: &str, value: &str) -> Applied {
    write(&open(directory, file, OFlag::O_WRONLY)?, file, value)
}

fn open(directory: BorrowedFd<'_>, file: &str, flags: OFlag) -> Result<File, Fault> {
    nix::fcntl::openat(directory, file, flags | OFlag::O_CLOEXEC, Mode::empty())
        .map(File::from)
        .map_err(|errno| Fault::new(Operation::Open, errno, file))
}

fn write(opened: &File, file: &str, value: &str) -> Applied {
    value::write(opened, value).map_err(|error| Fault::of_io(Operation::Write, &error, file))
}

fn fault(error: std::io::Error, noun: &str) -> Fault {
    Fault::of_io(Operation::Read, &error, noun)
}
