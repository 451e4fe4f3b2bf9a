//! What Landlock is asked for on this host: the ABI, the scopes, the rights of each grant; and what is then missing.

use landlock::Access as _;

use super::*;
use crate::isolation::Section;

/// The highest ABI that the `landlock` library knows rights of.
const KNOWN: u32 = 9;

/// Every right for reading. Execution is granted apart.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// Every right for changing a tree, without the making of device nodes, which no mount of ours would honour. Without
/// Refer a rename into another directory fails with EXDEV.
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    WriteFile | Truncate | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSock | MakeFifo | MakeSym | Refer
        | ResolveUnix
});

/// The first kernel with each ABI, from 1 on.
const KERNELS: [&str; 10] = ["5.13", "5.19", "6.2", "6.7", "6.10", "6.12", "6.15", "7.0", "7.1", "7.2"];

// Every bar that is asked for has a kernel to name.
const _: () = assert!(KNOWN as usize <= KERNELS.len());

/// The ABI to use; `None` when Landlock is left out, or nothing can start.
pub fn abi(section: &Landlock, host: &Host, findings: &mut Findings) -> Option<u32> {
    let has = host.landlock_abi();
    let bar = section.min_abi.max(1);
    if bar > KNOWN {
        let message = format!("min-abi = {bar}: {KNOWN} is the highest Landlock ABI that sandbox knows");
        findings.error(Section::Landlock, message, format!("write at most {KNOWN}"), section.min_abi_origin.as_ref());
        return None;
    }
    if has < bar {
        let kernel = KERNELS[bar as usize - 1];
        let message = match has {
            0 => format!("Landlock is missing: the kernel ({}) lacks it, or it is off", host.kernel()),
            _ => format!("min-abi = {bar}: the kernel ({}) has Landlock ABI {has}", host.kernel()),
        };
        let remedy = match has {
            0 => format!("use a kernel from {kernel} on with landlock in its lsm= list"),
            _ => format!("ABI {bar} needs kernel {kernel}"),
        };
        insist(section, message, remedy, section.min_abi_origin.as_ref(), findings);
        if has == 0 {
            return None;
        }
    }
    let abi = has.min(KNOWN);
    say_what_always_fails(abi, host, findings);
    Some(abi)
}

/// The scopes asked for, or those that no namespace makes superfluous; as far as the kernel has them.
pub fn scopes(
    section: &Landlock,
    own_pid_ns: bool,
    own_net_ns: bool,
    abi: u32,
    host: &Host,
    findings: &mut Findings,
) -> BitFlags<KernelScope> {
    let mut scopes = BitFlags::empty();
    match &section.scope {
        Some(written) => written.iter().for_each(|scope| scopes |= kernel_scope(*scope)),
        None => {
            // A process group reaches across pid namespaces: kill(0) of a job in the terminal's foreground would hit the
            // caller's other processes in it.
            if !own_pid_ns || KernelScope::from_all(version(abi)).contains(KernelScope::Signal) {
                scopes |= KernelScope::Signal;
            }
            if !own_net_ns {
                scopes |= KernelScope::AbstractUnixSocket;
            }
        }
    }
    if KernelScope::from_all(version(abi)).contains(scopes) {
        return scopes;
    }
    let signal = "signals to processes outside";
    let abstract_unix = "abstract sockets outside";
    let what = match (scopes.contains(KernelScope::Signal), scopes.contains(KernelScope::AbstractUnixSocket)) {
        (true, true) => format!("{signal} and {abstract_unix}"),
        (true, false) => signal.to_owned(),
        _ => abstract_unix.to_owned(),
    };
    let message = format!("the kernel ({}) cannot refuse {what}: its Landlock has ABI {abi}", host.kernel());
    if section.scope.is_some() {
        insist(section, message, "scopes need kernel 6.12".to_owned(), section.scope_origin.as_ref(), findings);
    } else {
        let hint = "an own pid namespace and an own network refuse them on every kernel".to_owned();
        findings.shortfall(Section::Landlock, message, hint, None);
    }
    BitFlags::empty()
}

/// The rights of a grant, as far as the ABI knows them.
pub fn access(grant: &Grant, abi: u32) -> BitFlags<AccessFs> {
    if grant.access == Access::List {
        return AccessFs::ReadDir.into();
    }
    let mut access = READ;
    if grant.access == Access::ReadWrite {
        access |= WRITE;
    }
    if grant.exec {
        access |= AccessFs::Execute;
    }
    if grant.device {
        // A terminal that is opened again needs it for its very first tcgetattr(3).
        access |= AccessFs::IoctlDev;
    }
    access & AccessFs::from_all(version(abi))
}

/// The rights that concern a file, of those of a tree. A socket that is granted by itself is there to be connected to.
pub fn of_file(access: BitFlags<AccessFs>, abi: u32) -> BitFlags<AccessFs> {
    (access | AccessFs::ResolveUnix) & AccessFs::from_file(version(abi))
}

/// The rights to open a file again the way a descriptor of it is open; none where it is open for neither.
pub fn of_open(flags: OFlag, device: bool, abi: u32) -> BitFlags<AccessFs> {
    if flags.contains(OFlag::O_PATH) {
        return BitFlags::empty();
    }
    let mode = flags & OFlag::O_ACCMODE;
    let mut access = BitFlags::empty();
    if mode == OFlag::O_RDONLY || mode == OFlag::O_RDWR {
        access |= AccessFs::ReadFile;
    }
    if mode == OFlag::O_WRONLY || mode == OFlag::O_RDWR {
        access |= AccessFs::WriteFile | AccessFs::Truncate;
    }
    if device {
        access |= AccessFs::IoctlDev;
    }
    access & AccessFs::from_file(version(abi))
}

/// An error where Landlock is required, a shortfall where it is best effort.
fn insist(section: &Landlock, message: String, remedy: String, origin: Option<&Origin>, findings: &mut Findings) {
    match section.enforce {
        Enforce::Require => {
            let hint = format!("{remedy}, or set landlock.enforce = \"best-effort\"");
            findings.error(Section::Landlock, message, hint, origin);
        }
        _ => findings.shortfall(Section::Landlock, message, remedy, origin),
    }
}

/// What the program notices of an old ABI. The rights that came later (truncation, ioctl on devices, named sockets) are
/// about what the mounts refuse as well: `doctor` tells of them.
fn say_what_always_fails(abi: u32, host: &Host, findings: &mut Findings) {
    if abi < 2 {
        let message = format!(
            "Landlock of this kernel ({}) has ABI {abi}: moving files to another directory always fails (EXDEV)",
            host.kernel()
        );
        findings.note(Section::Landlock, message, format!("kernel {} lets it be allowed", KERNELS[1]), None);
    }
}

fn kernel_scope(scope: Scope) -> KernelScope {
    match scope {
        Scope::Signal => KernelScope::Signal,
        Scope::AbstractUnix => KernelScope::AbstractUnixSocket,
    }
}
