//! What a launch of one profile would find out half-way, tried before it: that the kernel refuses a kind of namespaces, a
//! setting of theirs, or a call.

use super::{Feature, State, kernel, namespaces, remedy_line};
use crate::host::Host;
use crate::isolation::Findings;
use crate::isolation::status::Status;
use crate::profile::Profile;

/// Without these nothing starts, whatever the profile says.
const NEEDED: [&str; 10] = [
    "clone3",
    "close_range",
    "fsconfig",
    "fsmount",
    "fsopen",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "openat2",
    "pivot_root",
];

pub fn trial(profile: &Profile, host: &Host, findings: &mut Findings) {
    let made = namespaces::kinds(profile, host, findings);
    // Where no filter stands between, a kernel has what its version had.
    let filtered = Status::of_caller().is_none_or(|status| status.seccomp == 2);
    if made && !filtered && host.kernel_at_least(kernel::COMPLETE) {
        return;
    }
    let (answers, inside) = kernel::answers();
    let (missing, refused) = kernel::lacking(&answers, inside);
    let lacking = || missing.iter().chain(&refused);
    if !inside && profile.namespaces.user && !findings.refuse_of("namespaces") && lacking().next().is_none() {
        let user = namespaces::user(host);
        if user.state == State::No {
            findings.error("namespaces", format!("user namespaces: {}", user.detail), line(&user), None);
        }
    }
    let feature = kernel::judge(&answers, inside);
    if feature.state != State::No {
        return;
    }
    let message = format!("this machine lacks system calls that a launch makes: {}", feature.detail);
    if lacking().any(|name| NEEDED.contains(name)) {
        findings.error("doctor", message, line(&feature), None);
    } else {
        findings.warning("doctor", message, line(&feature), None);
    }
}

fn line(feature: &Feature) -> String {
    remedy_line(feature.remedy.as_deref().unwrap_or_default())
}
