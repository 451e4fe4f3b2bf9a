//! What a launch of one profile would find out half-way, tried before it: that the kernel refuses a kind of namespaces, a
//! setting of theirs, or a call.

mod namespaces;
mod settings;

use super::namespaces::user;
use super::{Feature, State, kernel, remedy_line};
use crate::host::Host;
use crate::isolation::status::Status;
use crate::isolation::{Findings, Section};
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

/// The kernel is at work on the namespaces, which takes longer than all else that is looked at before a launch.
pub struct Trial<'a> {
    profile: &'a Profile,
    host: &'a Host,
    namespaces: Option<namespaces::Begun>,
}

impl<'a> Trial<'a> {
    pub fn start(profile: &'a Profile, host: &'a Host) -> Trial<'a> {
        Trial { profile, host, namespaces: namespaces::start(profile, host) }
    }

    /// Adds to what planning found.
    pub fn end(self, findings: &mut Findings) {
        let made = self.namespaces.is_some_and(|begun| begun.end(self.profile, self.host, findings));
        calls(self.profile, self.host, made, findings);
    }
}

/// Where the namespaces could be made the calls are there for that.
fn calls(profile: &Profile, host: &Host, made: bool, findings: &mut Findings) {
    // Where no filter stands between, a kernel has what its version had.
    let filtered = Status::of_caller().is_none_or(|status| status.seccomp == 2);
    if made && !filtered && host.kernel_at_least(kernel::COMPLETE) {
        return;
    }
    let (answers, inside) = kernel::answers();
    let (missing, refused) = kernel::lacking(&answers, inside);
    let lacking = || missing.iter().chain(&refused);
    if !inside && profile.namespaces.user && !findings.refuse_of(Section::Namespaces) && lacking().next().is_none() {
        let user = user(host);
        if user.state == State::No {
            findings.error(Section::Namespaces, format!("user namespaces: {}", user.detail), line(&user), None);
        }
    }
    let feature = kernel::judge(&answers, inside);
    if feature.state != State::No {
        return;
    }
    let message = format!("this machine lacks system calls that a launch makes: {}", feature.detail);
    if lacking().any(|name| NEEDED.contains(name)) {
        findings.error(Section::Doctor, message, line(&feature), None);
    } else {
        findings.warning(Section::Doctor, message, line(&feature), None);
    }
}

fn line(feature: &Feature) -> String {
    remedy_line(feature.remedy.as_deref().unwrap_or_default())
}
