//! `sysctl` tried in namespaces of a child that is thrown away: which settings a namespace has, and which values the
//! kernel takes, differs from kernel to kernel, and hangs on the ids inside and on what was set before.

use std::collections::BTreeMap;
use std::io::Write;

use nix::errno::Errno;

use crate::isolation::namespaces::{Namespaces, Step, sysctl};
use crate::isolation::{Findings, Section};

/// In the child, once it has its ids: each path with what became of it, a line each.
pub fn attempt(settings: &[Step]) -> String {
    let settings = settings.iter().filter_map(|step| match step {
        Step::Sysctl { path, value } => Some(format!("{path} {}\n", write(path, value))),
        _ => None,
    });
    settings.collect()
}

/// What a launch of this profile would find out half-way.
pub fn judge(section: &Namespaces, answers: &str, findings: &mut Findings) {
    let answers: BTreeMap<&str, &str> = answers.lines().filter_map(|line| line.rsplit_once(' ')).collect();
    for (key, (value, origin)) in &section.sysctl {
        let Some(answer) = answers.get(sysctl::path(key).as_str()) else { continue };
        let (message, hint) = match answer.parse::<i32>() {
            Ok(answer) if answer == -libc::ENOENT => (
                format!("sysctl {key}: a namespace of its own does not have it"),
                "leave it out: this kernel keeps it for the whole machine",
            ),
            Ok(answer) if answer < 0 => (
                format!("sysctl {key}: this kernel lets only the machine's own root set it"),
                "leave it out, or run it as root",
            ),
            Ok(errno) if errno > 0 => (
                format!("sysctl {key} cannot be {value:?}: the kernel refuses it ({:?})", Errno::from_raw(errno)),
                "sysctl(8) shows what it is now",
            ),
            _ => continue,
        };
        findings.error(Section::Namespaces, message, hint, Some(origin));
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
