//! The kernel's version, and the calls that it must have.

use nix::errno::Errno;

use super::Feature;
use super::attempt::{Refusal, told};
use crate::host::Host;
use crate::sys::namespace::Namespace;
use crate::sys::probe::CALLS;

/// The oldest that the tests run on: every feature but those of newer Landlock ABIs.
pub const COMPLETE: (u32, u32) = (6, 1);

pub fn version(host: &Host) -> Feature {
    let release = host.kernel();
    if host.kernel_at_least(COMPLETE) {
        return Feature::ok("kernel", release);
    }
    Feature::limited("kernel", format!("{release}, older than 6.1"))
        .lost("what the lines below say; no test is run on it")
        .remedy("boot Linux 6.1 or newer; on Debian 11: apt install -t bullseye-backports linux-image-amd64")
}

pub fn system_calls() -> Feature {
    let (answers, inside) = answers();
    judge(&answers, inside)
}

/// Name and errno of each call that failed, a line each; and whether that was asked in a user namespace.
pub fn answers() -> (String, bool) {
    // Calls on mounts look at the caller's privilege first: in a user namespace it has it.
    let inside = told(&[Namespace::User, Namespace::Mount], || Ok(ask()));
    match inside {
        Ok(answers) => (answers, true),
        Err(_) => (ask(), false),
    }
}

/// The calls that are missing, and those that are refused. Outside a user namespace EPERM may be an ordinary user's lot.
pub fn lacking(answers: &str, inside: bool) -> (Vec<&str>, Vec<&str>) {
    let with = |errno: Errno| -> Vec<&str> {
        let lines = answers.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(_, number)| number.parse() == Ok(errno as i32)).map(|(name, _)| name).collect()
    };
    (with(Errno::ENOSYS), if inside { with(Errno::EPERM) } else { Vec::new() })
}

fn ask() -> String {
    CALLS.iter().filter_map(|call| Some(format!("{} {}\n", call.name, call.ask().err()? as i32))).collect()
}

pub fn judge(answers: &str, inside: bool) -> Feature {
    let (missing, refused) = lacking(answers, inside);
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("missing, or said to be: {}", missing.join(", ")));
    }
    if !refused.is_empty() {
        parts.push(format!("refused: {}", refused.join(", ")));
    }
    if parts.is_empty() {
        let unseen = if inside { "" } else { "; what a filter refuses shows only in a user namespace" };
        return Feature::ok("system-calls", format!("all {} that a launch may need{unseen}", CALLS.len())).required();
    }
    let lacking: Vec<_> = CALLS.iter().filter(|call| missing.contains(&call.name)).collect();
    let since = lacking.iter().map(|call| call.since).max_by_key(|since| numbers(since)).unwrap_or("5.13");
    let remedy = format!(
        "Linux {since} and newer have them all; on such a kernel a filter around this shell answers so \
         (docker, podman: --security-opt seccomp=unconfined, or a filter that allows them)"
    );
    let optional = |name: &&str| name.starts_with("landlock_");
    if refused.is_empty() && missing.iter().all(optional) {
        return Feature::limited("system-calls", parts.join("; ")).lost("Landlock").remedy(remedy).required();
    }
    Feature::no("system-calls", parts.join("; "))
        .lost("every launch: the root is built by these calls alone")
        .remedy(remedy)
        .required()
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// The remedy for a call that is not there; `None` for any other refusal.
pub fn missing_call(refusal: &Refusal) -> Option<String> {
    let call = CALLS.iter().find(|call| call.name == refusal.operation.name() && refusal.errno == Errno::ENOSYS)?;
    Some(format!("Linux {} and newer have {}; a filter around this shell may answer so too", call.since, call.name))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_kernel_that_has_it() {
        let feature = judge("clone3 22\nopenat2 38\nmount_setattr 38\nfsopen 14\n", true);
        assert_eq!(feature.state, State::No);
        assert_eq!(feature.detail, "missing, or said to be: openat2, mount_setattr");
        assert!(feature.remedy.unwrap().starts_with("Linux 5.12 and newer"));
    }

    #[test]
    fn refusals_count_only_where_the_caller_has_the_privilege() {
        assert_eq!(judge("fsopen 1\n", true).state, State::No);
        assert_eq!(judge("fsopen 1\n", false).state, State::Ok);
    }

    #[test]
    fn without_landlock_alone_launches_still_work() {
        let feature = judge("landlock_add_rule 38\nlandlock_create_ruleset 38\n", true);
        assert_eq!((feature.state, feature.lost.as_deref()), (State::Limited, Some("Landlock")));
    }
}
