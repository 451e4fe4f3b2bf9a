//! The steps of `[namespaces]`, carried out.

use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::super::context::{Context, Slot};
use super::super::{Applied, Fault, IdMaps, IdRange, Operation};
use super::{ClockOffsets, Step, ids};
use crate::sys::{clone, descriptor, process, signal};

impl Step {
    pub fn apply(&self, context: &mut Context) -> Applied {
        match self {
            Step::MapOwnId(maps) => map_own_id(maps),
            Step::MapIds(maps) => map_ids(maps, context),
            Step::MapIdsByHelper(maps) => map_ids_by_helper(maps, context),
            Step::Become { uid, gid } => process::set_ids(*uid, *gid)
                .map_err(|(call, errno)| Fault::new(call.into(), errno, format!("uid {uid}, gid {gid}"))),
            Step::Undumpable => {
                process::set_dumpable(false).map_err(|errno| Fault::new(Operation::Prctl, errno, "PR_SET_DUMPABLE"))
            }
            Step::UnshareCgroup => {
                clone::unshare_cgroup().map_err(|errno| Fault::new(Operation::Unshare, errno, "CLONE_NEWCGROUP"))
            }
            Step::UnshareTime(offsets) => unshare_time(offsets),
            Step::Hostname(name) => {
                nix::unistd::sethostname(name).map_err(|errno| Fault::new(Operation::Sethostname, errno, name))
            }
            Step::Sysctl { path, value } => write_sysctl(context, path, value),
            Step::Share { path, value } => share(context, path, *value),
            Step::ForbidNested => forbid_nested(context),
        }
    }
}

fn map_own_id(maps: &IdMaps) -> Applied {
    // The kernel takes a group map from an unprivileged process only after this (user_namespaces(7)).
    write("/proc/self/setgroups", "deny")?;
    write_map("/proc/self/uid_map", &maps.users)?;
    write_map("/proc/self/gid_map", &maps.groups)
}

fn map_ids(maps: &IdMaps, context: &Context) -> Applied {
    let pid = child(context)?;
    write_map(&format!("/proc/{pid}/uid_map"), &maps.users)?;
    write_map(&format!("/proc/{pid}/gid_map"), &maps.groups)
}

/// Writes a map and reads it back: what the kernel holds is what was planned.
fn write_map(path: &str, ranges: &[IdRange]) -> Applied {
    let fault = |operation| move |errno| Fault::new(operation, errno, path);
    let file = nix::fcntl::open(path, OFlag::O_RDWR | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty())
        .map_err(fault(Operation::Open))?;
    nix::unistd::write(&file, ids::lines(ranges).as_bytes()).map_err(fault(Operation::Write))?;
    let (mut text, mut page) = (Vec::new(), [0; 4096]);
    // The kernel hands out a page at the most, and its lines are wider than ours.
    loop {
        match nix::sys::uio::pread(&file, &mut page, text.len() as i64).map_err(fault(Operation::Read))? {
            0 => break,
            length => text.extend_from_slice(&page[..length]),
        }
    }
    let text = String::from_utf8_lossy(&text);
    if ids::parse(&text) == ranges {
        Ok(())
    } else {
        Err(Fault::mismatch(Operation::IdMap, format!("{path} holds {text}")))
    }
}

fn map_ids_by_helper(maps: &IdMaps, context: &Context) -> Applied {
    let pid = child(context)?;
    run_helper(Operation::Newuidmap, pid, &maps.users)?;
    run_helper(Operation::Newgidmap, pid, &maps.groups)
}

fn child(context: &Context) -> Result<i32, Fault> {
    context.child.ok_or_else(|| Fault::new(Operation::Clone3, Errno::ESRCH, "the child is not known yet"))
}

/// Found on a fixed path and started with an empty environment: the program is setuid root. A ^C ends it.
fn run_helper(program: Operation, pid: i32, ranges: &[IdRange]) -> Applied {
    let mut command = Command::new(format!("/usr/bin/{program}"));
    command.arg(pid.to_string()).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    for range in ranges {
        command.args([range.inside.to_string(), range.outside.to_string(), range.count.to_string()]);
    }
    let fault = |error| Fault::of_io(program, &error, "package uidmap has it");
    let output = signal::unblocked(&mut command).output().map_err(fault)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Fault::new(program, Errno::EPERM, String::from_utf8_lossy(&output.stderr).trim()))
}

fn unshare_time(offsets: &ClockOffsets) -> Applied {
    clone::unshare_time().map_err(|errno| Fault::new(Operation::Unshare, errno, "CLONE_NEWTIME"))?;
    if *offsets != ClockOffsets::default() {
        // Only until the first process enters: the kernel fixes the offsets then (time_namespaces(7)).
        let lines = format!(
            "monotonic {} {}\nboottime {} {}\n",
            offsets.monotonic.as_secs(),
            offsets.monotonic.subsec_nanos(),
            offsets.boottime.as_secs(),
            offsets.boottime.subsec_nanos()
        );
        write("/proc/self/timens_offsets", &lines)?;
    }
    // Before Linux 6.3 no child may share the memory of a parent whose children belong elsewhere (EINVAL), and exec
    // does not enter either.
    let path = "/proc/self/ns/time_for_children";
    let file = nix::fcntl::open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty())
        .map_err(|errno| Fault::new(Operation::Open, errno, path))?;
    clone::enter_time(file.as_fd()).map_err(|errno| Fault::new(Operation::Setns, errno, path))
}

fn share(context: &Context, path: &str, value: u64) -> Applied {
    let value = value.to_string();
    write_sysctl(context, path, &value)?;
    if sysctl_is(context, path, &value) {
        Ok(())
    } else {
        Err(Fault::mismatch(Operation::Sysctl, format!("{path} is not {value}")))
    }
}

fn forbid_nested(context: &Context) -> Applied {
    write_sysctl(context, "user/max_user_namespaces", "0")?;
    match clone::unshare_user() {
        // ENOSPC alone is the count's refusal; any other errno could be a passing one.
        Err(Errno::ENOSPC) => Ok(()),
        // Debian's switch is asked before the count, and refuses root too in any user namespace but the first. The count
        // holds when the switch is turned on again.
        Err(Errno::EPERM)
            if sysctl_is(context, "kernel/unprivileged_userns_clone", "0")
                && sysctl_is(context, "user/max_user_namespaces", "0") =>
        {
            Ok(())
        }
        Err(errno) => Err(Fault::new(Operation::Unshare, errno, "CLONE_NEWUSER was refused, but not by the limit")),
        Ok(()) => Err(Fault::mismatch(Operation::NestedUserNamespaces, "one could be made though the limit is 0")),
    }
}

fn sysctl_is(context: &Context, path: &str, value: &str) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let Ok(proc) = context.get(Slot::Proc) else { return false };
    let Ok(file) = nix::fcntl::openat(proc, format!("sys/{path}").as_str(), flags, nix::sys::stat::Mode::empty())
    else {
        return false;
    };
    let mut text = [0; 32];
    matches!(nix::unistd::read(&file, &mut text), Ok(length) if text[..length].trim_ascii() == value.as_bytes())
}

fn write_sysctl(context: &Context, path: &str, value: &str) -> Applied {
    let proc = context.get(Slot::Proc)?;
    write_at(proc, &format!("sys/{path}"), value)
}

fn write(path: &str, text: &str) -> Applied {
    write_at(descriptor::here(), path, text)
}

fn write_at(directory: BorrowedFd<'_>, path: &str, text: &str) -> Applied {
    let fault = |operation| move |errno| Fault::new(operation, errno, path);
    let file = nix::fcntl::openat(directory, path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty())
        .map_err(fault(Operation::Open))?;
    // These files take a value in one write(2) or not at all.
    match nix::unistd::write(&file, text.as_bytes()).map_err(fault(Operation::Write))? {
        written if written == text.len() => Ok(()),
        _ => Err(Fault::new(Operation::Write, Errno::EIO, path)),
    }
}
