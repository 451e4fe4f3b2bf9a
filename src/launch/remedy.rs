//! What a person can do about a fault: the kernel says only which call it refused.

use nix::errno::Errno;

use crate::isolation::{Fault, namespaces, process, rootfs};
use crate::plan::Step;
use crate::sys::probe;

pub fn remedy(step: Option<&Step>, fault: &Fault) -> Option<String> {
    if fault.errno == Errno::ENOSYS
        && let Some(probe::Call { name, since, .. }) = probe::CALLS.iter().find(|call| call.name == fault.operation)
    {
        return Some(format!("Linux {since} and newer have {name}; a filter around this sandbox may refuse it too"));
    }
    let text = match (fault.operation, fault.errno, step) {
        (process::NOT_FOUND, ..) => "it is looked for inside: grant its directory in [rootfs], or correct the name",
        (process::NOT_EXECUTABLE, Errno::ENOENT, Some(Step::Process(process::Step::Execute { .. }))) => {
            "the file exists, but the interpreter named in its first line, or its loader, does not inside"
        }
        (process::NOT_EXECUTABLE, Errno::ENOEXEC, _) => {
            "it is neither a program for this machine nor a script with an interpreter line (#!)"
        }
        (process::NOT_EXECUTABLE, Errno::ELOOP, _) => "a link of /proc is no program of the sandbox",
        (process::NOT_EXECUTABLE, Errno::EACCES, _) => {
            "it must be executable for the program's user, on a mount with exec"
        }
        ("clone3", Errno::EPERM, _) => {
            "user namespaces are refused here: by AppArmor (sysctl kernel.apparmor_restrict_unprivileged_userns), by a \
             filter around this sandbox, or because / is a chroot"
        }
        ("clone3", Errno::ENOSPC | Errno::EUSERS, _) => "the limits in /proc/sys/user (max_*_namespaces) are used up",
        ("clone3", Errno::EAGAIN, _) => "the limit of processes is used up",
        ("pivot_root", Errno::EINVAL, _) => {
            "the caller's / must be a mount point: not a chroot, not the initramfs itself"
        }
        ("fsmount" | "fsconfig", Errno::EPERM, Some(Step::Rootfs(rootfs::Step::Proc))) => {
            "a container around this sandbox covers parts of /proc, so the kernel refuses a new one here"
        }
        ("fsmount" | "fsconfig", Errno::EPERM, Some(Step::Rootfs(rootfs::Step::Sys { .. }))) => {
            "a container around this sandbox covers parts of /sys; leave rootfs.sys out"
        }
        ("newuidmap" | "newgidmap", Errno::ENOENT, _) => "install it: the Debian package is uidmap",
        ("flock", Errno::EAGAIN, _) => "stop the other sandbox, or run this one with another --name",
        ("write", Errno::EPERM, Some(Step::Namespaces(namespaces::Step::MapIds(_)))) => {
            "the launcher lacks setuid and setgid over these ids; is it root inside a container?"
        }
        _ => return None,
    };
    Some(text.to_string())
}
