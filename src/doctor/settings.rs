//! `sysctl` tried in namespaces of a child that is thrown away: which settings a namespace has, and which values the
//! kernel takes, differs from kernel to kernel.

use std::io::Write;

use nix::errno::Errno;

use super::attempt::told;
use crate::isolation::namespaces::sysctl;
use crate::isolation::network::Mode;
use crate::isolation::{Fault, Findings, Severity};
use crate::profile::Profile;

/// What a launch of this profile would find out half-way. Nothing where not even the namespaces can be made: the plan, or
/// the doctor, says that.
pub fn settings(profile: &Profile, findings: &mut Findings) {
    let section = &profile.namespaces;
    let refused =
        findings.0.iter().any(|finding| finding.severity == Severity::Error && finding.section == "namespaces");
    if section.sysctl.is_empty() || refused {
        return;
    }
    let flags = [
        (section.user, libc::CLONE_NEWUSER),
        (section.ipc, libc::CLONE_NEWIPC),
        (section.uts, libc::CLONE_NEWUTS),
        (profile.network.mode == Mode::None, libc::CLONE_NEWNET),
    ];
    let namespaces = flags.iter().filter(|(own, _)| *own).map(|(_, flag)| flag).sum();
    let answers = told(namespaces, || {
        let write = |(key, (value, _)): (&String, &(String, _))| format!("{}\n", write(&sysctl::path(key), value));
        Ok::<_, Fault>(section.sysctl.iter().map(write).collect())
    });
    let answers = answers.unwrap_or_default();
    for ((key, (value, origin)), answer) in section.sysctl.iter().zip(answers.lines()) {
        let (message, hint) = match answer.parse::<i32>() {
            Ok(answer) if answer == -libc::ENOENT => (
                format!("sysctl {key}: a namespace of its own does not have it"),
                "leave it out: this kernel keeps it for the whole machine",
            ),
            Ok(answer) if answer < 0 => (
                format!("sysctl {key}: this kernel lets only the machine's own root set it"),
                "leave it out, or set it for the whole machine",
            ),
            Ok(errno) if errno > 0 => (
                format!("sysctl {key} cannot be {value:?}: the kernel refuses it ({:?})", Errno::from_raw(errno)),
                "sysctl(8) shows what it is now",
            ),
            _ => continue,
        };
        findings.error("namespaces", message, hint, Some(origin));
    }
}

/// 0, the errno of the refused value, or negative that of the file itself. The files of namespaces are those of whoever
/// looks, whatever procfs is mounted.
fn write(path: &str, value: &str) -> i32 {
    let errno = |error: std::io::Error| error.raw_os_error().unwrap_or(libc::EIO);
    match std::fs::OpenOptions::new().write(true).open(format!("/proc/sys/{path}")) {
        Ok(mut file) => file.write(value.as_bytes()).map_or_else(errno, |_| 0),
        Err(error) => -errno(error),
    }
}
