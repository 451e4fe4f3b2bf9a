//! What a person can do about a fault: the kernel says only which call it refused.

use nix::errno::Errno;

use crate::host::Host;
use crate::isolation::{Fault, Operation, cgroup, namespaces, process, rootfs};
use crate::plan::Step;
use crate::state;
use crate::sys::namespace::Namespace;
use crate::sys::probe;

pub fn remedy(step: Option<&Step>, fault: &Fault) -> Option<String> {
    if let (Operation::Clone3, Errno::ENOSYS | Errno::EPERM) = (fault.operation, fault.errno)
        && let Some(nested) = namespaces::limits::nested(&Host::live())
    {
        return Some(nested.to_owned());
    }
    if fault.errno == Errno::ENOSYS
        && let Some(probe::Call { name, since, .. }) =
            probe::CALLS.iter().find(|call| call.name == fault.operation.name())
    {
        return Some(format!("Linux {since} and newer have {name}; a filter around this sandbox may refuse it too"));
    }
    if let Errno::ENOSPC | Errno::EUSERS = fault.errno
        && let Some(kinds) = made(fault)
    {
        return Some(namespaces::limits::remedy(kinds, &Host::live()));
    }
    if fault.operation == Operation::Record {
        return state::of_errno(fault.errno).map(str::to_owned);
    }
    let text = match (fault.operation, fault.errno, step) {
        (Operation::FindProgram, _, Some(Step::Process(process::Step::FindProgram { command, .. }))) => {
            return Some(process::where_it_is_looked_for(command.to_bytes()));
        }
        (Operation::ExecuteProgram, Errno::ENOENT, Some(Step::Process(process::Step::Execute { .. }))) => {
            "the file exists, but the interpreter named in its first line, or its loader, does not inside"
        }
        (Operation::ExecuteProgram, Errno::ENOEXEC, _) => {
            "it is neither a program for this machine nor a script with an interpreter line (#!)"
        }
        (Operation::ExecuteProgram, Errno::E2BIG, _) => {
            "arguments and environment are more than the kernel takes: 128 KiB each, and a quarter of the stack in all"
        }
        (Operation::ExecuteProgram, Errno::ELOOP, _) => "a link of /proc is no program of the sandbox",
        (Operation::ExecuteProgram, Errno::EACCES, _) if fault.detail.ends_with(process::NO_FILE) => {
            "name a program: a directory or the like is none"
        }
        (Operation::ExecuteProgram, Errno::EACCES, _) => {
            "it must be executable for the program's user (chmod +x), on a mount with exec"
        }
        (Operation::Clone3, Errno::EPERM, _) => {
            "user namespaces are refused here: by AppArmor (sysctl kernel.apparmor_restrict_unprivileged_userns), by a \
             filter around this sandbox, or because / is a chroot"
        }
        (Operation::Clone3, Errno::EAGAIN, _) => {
            return Some(format!("the limit of processes is used up{}", the_callers_own()));
        }
        (Operation::Clone3, Errno::ENOENT | Errno::ENODEV, _)
        | (Operation::Open, Errno::ENOENT, Some(Step::Cgroup(cgroup::Step::Join { .. })))
        | (Operation::Write, Errno::ENODEV, Some(Step::Cgroup(_))) => {
            "somebody has removed the sandbox's cgroup while it was being started: start it again"
        }
        (Operation::PivotRoot, Errno::EINVAL, _) => {
            "the caller's / must be a mount point: not a chroot, not the initramfs itself"
        }
        (Operation::Fsmount | Operation::Fsconfig, Errno::EPERM, Some(Step::Rootfs(rootfs::Step::Proc))) => {
            "a container around this sandbox covers parts of /proc, so the kernel refuses a new one here"
        }
        (Operation::Fsmount | Operation::Fsconfig, Errno::EPERM, Some(Step::Rootfs(rootfs::Step::Sys { .. }))) => {
            "a container around this sandbox covers parts of /sys; leave rootfs.sys out"
        }
        (Operation::Open, Errno::EACCES, Some(Step::Rootfs(rootfs::Step::Create { lock: Some(_), .. }))) => {
            "its mode, which the program may have changed, keeps its own owner out: chmod u+rwx gives it back"
        }
        (Operation::Fsconfig, Errno::EINVAL, Some(Step::Rootfs(rootfs::Step::Overlay { .. }))) => {
            "is another file system mounted beneath that directory? In a user namespace the kernel makes no overlay of \
             such a one: leave out writes = \"discard\", or what the profile adds to it"
        }
        (Operation::Clone, Errno::EAGAIN, _) => {
            let keys = "raise pids-max in [cgroup], or nproc in process.rlimits: init counts too";
            return Some(format!("{keys}{}", the_callers_own()));
        }
        (Operation::Mkdir, Errno::ENOENT, Some(Step::Cgroup(_))) => {
            "the cgroup that the launcher was in has been removed"
        }
        (Operation::Mkdir, Errno::EAGAIN, Some(Step::Cgroup(_))) => {
            "a cgroup above allows no more children (cgroup.max.descendants, cgroup.max.depth)"
        }
        (Operation::Write, Errno::EBUSY, Some(Step::Cgroup(cgroup::Step::Distribute { .. }))) => {
            "a process has entered that cgroup meanwhile: cgroup v2 takes either processes or children with controllers"
        }
        (Operation::Write, Errno::ENOENT, Some(Step::Cgroup(cgroup::Step::Distribute { .. }))) => {
            "the cgroup has not been given these controllers itself (see its cgroup.controllers)"
        }
        (Operation::Write, Errno::EINVAL, Some(Step::Cgroup(cgroup::Step::Join { controllers, .. })))
            if controllers.iter().any(|name| name == "cpu") =>
        {
            "has the launcher real-time priority (chrt)? This kernel gives no real time to a new cgroup of the cpu \
             controller: start it without, or leave out cpu-max and cpu-weight"
        }
        (Operation::StartTransientUnit, _, _) => {
            "systemd gave no scope; started in one (systemd-run --user --scope -p Delegate=yes sandbox run …) it needs none"
        }
        (Operation::Write, Errno::EINVAL, Some(Step::Cgroup(cgroup::Step::Limit { .. }))) => {
            "the kernel refuses the value: on cgroup v1 a cgroup above may allow less, and io.max wants a whole disk"
        }
        (Operation::Open, Errno::ENOENT, Some(Step::Cgroup(cgroup::Step::Limit { .. }))) => {
            "this kernel has no such limit; leave the key out, or set enforce = \"best-effort\""
        }
        (Operation::CoversOfProc, ..) => "start it where a whole procfs is mounted on /proc: mount -t proc proc /proc",
        (Operation::Open, Errno::ENOENT, Some(Step::Process(process::Step::AdoptOrphans))) => {
            "this kernel lists nobody's children (CONFIG_PROC_CHILDREN); with a pid namespace none has to be ended: leave \
             out pid = false"
        }
        (Operation::Newuidmap | Operation::Newgidmap, Errno::EPERM, _) => {
            "/etc/subuid and /etc/subgid grant the ids; it must be setuid root, which no_new_privs of the caller prevents"
        }
        (Operation::Newuidmap | Operation::Newgidmap, Errno::ENOENT, _) => "install it: the Debian package is uidmap",
        (Operation::Open, Errno::ENOENT, Some(Step::Namespaces(namespaces::Step::Sysctl { .. }))) => {
            "this kernel keeps it for the whole machine, or has no such setting: leave it out"
        }
        (Operation::Open, Errno::EACCES | Errno::EPERM, Some(Step::Namespaces(namespaces::Step::Sysctl { .. }))) => {
            "this kernel lets only the machine's own root change it: leave it out"
        }
        (Operation::Write, _, Some(Step::Namespaces(namespaces::Step::Sysctl { .. }))) => {
            "the kernel refuses the value; sysctl(8) shows what it is now"
        }
        (Operation::Flock, Errno::EAGAIN, _) => "stop the other sandbox, or run this one with another --name",
        (Operation::Write, Errno::EINVAL, Some(Step::Namespaces(namespaces::Step::MapIds(_)))) => {
            "the kernel takes less than a page of text, usually 4096 bytes: write fewer ranges"
        }
        (Operation::Write, Errno::EPERM, Some(Step::Namespaces(namespaces::Step::MapIds(_)))) => {
            "the launcher lacks setuid and setgid over these ids: is it root inside a container? In a sandbox it needs \
             keep = [\"setuid\", \"setgid\", \"setfcap\"] there"
        }
        _ => return None,
    };
    Some(text.to_string())
}

/// Every process of the caller's counts, and no key of a profile raises it.
fn the_callers_own() -> String {
    match Host::live().limit("nproc").soft {
        Some(most) => format!("; of the caller's own processes, in sandboxes or not, `ulimit -u` allows {most}"),
        None => String::new(),
    }
}

/// The kinds of namespaces that a call was to make.
fn made(fault: &Fault) -> Option<&'static [Namespace]> {
    match (fault.operation, fault.detail.as_ref()) {
        (Operation::Clone3, _) => Some(&namespaces::limits::CLONED),
        (Operation::Unshare, "CLONE_NEWCGROUP") => Some(&[Namespace::Cgroup]),
        (Operation::Unshare, "CLONE_NEWTIME") => Some(&[Namespace::Time]),
        _ => None,
    }
}
