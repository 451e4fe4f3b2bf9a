//! What `check` adds: limits that hold nothing, because the program gets at the files that set them.

use std::path::Path;

use super::exposed::exposed;
use super::given::Given;
use super::layout::{Layout, ROOT};
use crate::host::Host;
use crate::isolation::{Findings, Origin, Section};

/// No cgroup namespace keeps a program off that holds the host's own power.
pub fn review_power(mounts_anything: bool, origin: Option<&Origin>, findings: &mut Findings) {
    if mounts_anything {
        let message = "sys_admin without a user namespace mounts all cgroups of the host: no limit holds, of this \
                       sandbox or another";
        findings.warning(Section::Cgroup, message, "leave out sys_admin, or user = false", origin);
    }
}

/// A grant comes with what is mounted below it.
pub fn review_grants<'a>(
    read_write: impl Iterator<Item = (&'a Path, Option<&'a Origin>)>,
    given: &Given<'_>,
    host: &Host,
    findings: &mut Findings,
) {
    for (source, origin) in read_write {
        let (real, _) = host.canonical(source);
        let holds = real.starts_with(ROOT) || Path::new(ROOT).starts_with(&real);
        if holds && !exposed(&Layout::probe(host), given, host).is_empty() {
            let message = format!(
                "read-write {} shows the host's cgroups to a program that may write to them: no limit holds, of this \
                 sandbox or another",
                source.display()
            );
            let hint =
                "grant it read-only, or choose another user in [process]; delegate = true gives a part to divide";
            findings.warning(Section::Cgroup, message, hint, origin);
        }
    }
}
