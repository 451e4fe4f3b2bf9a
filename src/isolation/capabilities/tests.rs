//! Capabilities belong to a thread, so each test that drops them does so in a thread of its own.

use std::thread;

use nix::errno::Errno;

use super::read_back::{verify, verify_sets};
use super::*;
use crate::host::Facts;
use crate::isolation::status::Status;
use crate::isolation::{Applied, Operation, Severity};
use crate::sys::capabilities as sys;

const FREE: Within = Within { own_user: true, nesting_limited: false };

const NET_ADMIN: u64 = 1 << 12;
const KILL: u64 = 1 << 5;

fn section(names: &[&str]) -> Capabilities {
    Capabilities { keep: Keep::Only(names.iter().map(|name| (*name).to_owned()).collect()), keep_origin: None }
}

/// A kernel whose last capability is this one.
fn host(last: &str) -> Host {
    let mut facts = Facts { kernel: Some("4.19.0".into()), ..Facts::default() };
    facts.texts.insert("/proc/sys/kernel/cap_last_cap".into(), Some(format!("{last}\n")));
    Host::known(facts)
}

fn planned(section: &Capabilities, uid: u32) -> Plan {
    let mut findings = Findings::default();
    let plan = plan(section, uid, FREE, &host("40"), &mut findings);
    assert_eq!(findings.0, []);
    plan
}

fn messages(section: &Capabilities, nesting_limited: bool, host: &Host) -> Vec<(String, Option<String>)> {
    let mut findings = Findings::default();
    plan(section, 0, Within { own_user: true, nesting_limited }, host, &mut findings);
    assert!(findings.0.iter().all(|finding| finding.severity == Severity::Error));
    findings.0.into_iter().map(|finding| (finding.message, finding.hint)).collect()
}

#[test]
fn nothing_kept_locks_everything() {
    for uid in [0, 1000] {
        let plan = planned(&section(&[]), uid);
        assert_eq!(plan.before_ids, [Step::LockSecurebits, Step::DropBounding { keep: 0 }]);
        assert_eq!(plan.after_ids, [Step::SetSets { keep: 0 }]);
        assert_eq!(plan.expected, Expected { keep: 0, securebits: 0b1100_1111 });
    }
}

#[test]
fn root_with_kept_capabilities_gets_no_securebits() {
    let plan = planned(&section(&["kill", "net_admin"]), 0);
    let keep = NET_ADMIN | KILL;
    assert_eq!(plan.before_ids, [Step::DropBounding { keep }]);
    assert_eq!(plan.after_ids, [Step::SetSets { keep }, Step::RaiseAmbient { keep }]);
    assert_eq!(plan.expected, Expected { keep, securebits: 0 });
}

#[test]
fn a_user_keeps_them_across_the_change_of_ids() {
    let plan = planned(&section(&["kill"]), 33);
    assert_eq!(plan.before_ids, [Step::DropBounding { keep: KILL }, Step::KeepCapabilities(true)]);
    let after = [Step::SetSets { keep: KILL }, Step::RaiseAmbient { keep: KILL }, Step::KeepCapabilities(false)];
    assert_eq!(plan.after_ids, after);
}

#[test]
fn all_is_what_this_kernel_has() {
    let all = Capabilities { keep: Keep::All, keep_origin: None };
    for (last, keep) in [("40", (1 << 41) - 1), ("37", (1 << 38) - 1), ("63", u64::MAX), ("99", u64::MAX), ("0", 1)] {
        let mut findings = Findings::default();
        assert_eq!(plan(&all, 0, FREE, &host(last), &mut findings).expected.keep, keep, "{last}");
    }
}

#[test]
fn every_name_of_the_manual_is_known() {
    let names = names(u64::MAX);
    assert_eq!(names.len(), 41);
    assert_eq!((names[0].as_str(), names[40].as_str()), ("chown", "checkpoint_restore"));
    for (number, name) in names.iter().enumerate() {
        assert_eq!(bit(name), Some(1 << number), "{name}");
    }
}

#[test]
fn unknown_names_are_errors_with_the_nearest() {
    for (name, hint) in [
        ("net_admn", "did you mean \"net_admin\"?"),
        ("CAP_NET_ADMIN", "did you mean \"net_admin\"?"),
        ("cap_kill", "did you mean \"kill\"?"),
        ("Kill", "did you mean \"kill\"?"),
        ("banana", "capabilities(7) lists the names; write them in lower case without \"cap_\""),
    ] {
        let found = messages(&section(&[name]), false, &host("40"));
        assert_eq!(found, [(format!("unknown capability \"{name}\""), Some(hint.to_owned()))]);
    }
    assert_eq!(messages(&section(&["\u{1b}[1m"]), false, &host("40"))[0].0, "unknown capability \"\\u{1b}[1m\"");
    assert_eq!(messages(&section(&["x", "kill", "y"]), false, &host("40")).len(), 2);
}

#[test]
fn what_the_kernel_lacks_is_an_error() {
    let found = messages(&section(&["kill", "bpf"]), false, &host("37"));
    let hint = Some("leave it out, or use a newer kernel".to_owned());
    assert_eq!(found, [("this kernel (4.19.0) has no capability bpf".to_owned(), hint)]);
}

#[test]
fn sys_resource_contradicts_the_limit_on_nesting() {
    assert!(messages(&section(&["sys_resource"]), true, &host("40"))[0].0.starts_with("sys_resource lets"));
    assert!(messages(&Capabilities { keep: Keep::All, keep_origin: None }, true, &host("40")).len() == 1);
    assert_eq!(messages(&section(&["sys_resource"]), false, &host("40")), []);
    assert_eq!(messages(&section(&["kill"]), true, &host("40")), []);
}

#[test]
fn steps_read_well() {
    let shown: Vec<String> =
        planned(&section(&["kill", "net_admin"]), 1).after_ids.iter().map(Step::to_string).collect();
    assert_eq!(
        shown,
        [
            "effective, permitted, inheritable sets: kill, net_admin",
            "ambient set: kill, net_admin",
            "no longer keep capabilities across a change of ids"
        ]
    );
    assert_eq!(Step::DropBounding { keep: 0 }.to_string(), "bounding set: empty");
    assert_eq!(Step::DropBounding { keep: (1 << 41) - 1 }.to_string(), "bounding set: all");
}

#[test]
fn each_set_is_compared() {
    let mut status =
        Status { bounding: 32, permitted: 32, effective: 32, inheritable: 32, ambient: 32, ..Status::default() };
    let expected = Expected { keep: KILL, securebits: 0 };
    assert_eq!(verify_sets(&expected, &status), Ok(()));
    for set in [
        Operation::BoundingSet,
        Operation::PermittedSet,
        Operation::EffectiveSet,
        Operation::InheritableSet,
        Operation::AmbientSet,
    ] {
        let mut other = status;
        let place = match set {
            Operation::BoundingSet => &mut other.bounding,
            Operation::PermittedSet => &mut other.permitted,
            Operation::EffectiveSet => &mut other.effective,
            Operation::InheritableSet => &mut other.inheritable,
            _ => &mut other.ambient,
        };
        *place = 0;
        assert_eq!(verify_sets(&expected, &other).unwrap_err().operation, set);
    }
    status.effective |= 1;
    let fault = verify_sets(&expected, &status).unwrap_err();
    assert_eq!(fault.detail, "0000000000000021, planned 0000000000000020");
    assert_eq!(verify(&expected, "Name:\tsh\n").unwrap_err().operation, Operation::Status);
}

fn own_status() -> String {
    std::fs::read_to_string("/proc/thread-self/status").unwrap()
}

/// Applies the whole plan in a new thread, its steps but the one left out, and reads it back.
fn carry_out(plan: Plan, leave_out: Option<usize>) -> Applied {
    let act = move || {
        let steps = plan.before_ids.iter().chain(&plan.after_ids).enumerate();
        for (_, step) in steps.filter(|(index, _)| Some(*index) != leave_out) {
            step.apply()?;
        }
        read_back(&plan.expected, &own_status())
    };
    thread::spawn(act).join().unwrap()
}

#[test]
fn the_kernel_agrees_and_every_step_is_needed() {
    let plan = planned(&section(&[]), 0);
    if !nix::unistd::geteuid().is_root() {
        // Without a user namespace of his own an ordinary user can neither lock nor drop, and is told so.
        let fault = carry_out(plan, None).unwrap_err();
        assert_eq!((fault.operation, fault.errno), (Operation::SetSecurebits, Errno::EPERM));
        return;
    }
    assert_eq!(carry_out(plan.clone(), None), Ok(()));
    for (step, caught_by) in [(0, Operation::Securebits), (1, Operation::BoundingSet), (2, Operation::PermittedSet)] {
        assert_eq!(carry_out(plan.clone(), Some(step)).unwrap_err().operation, caught_by);
    }
}

#[test]
fn kept_capabilities_are_in_every_set() {
    if !nix::unistd::geteuid().is_root() {
        return assert!(carry_out(planned(&section(&["kill"]), 0), None).is_err());
    }
    for uid in [0, 1] {
        let plan = planned(&section(&["kill", "chown"]), uid);
        assert_eq!(carry_out(plan.clone(), None), Ok(()));
        let sets = plan.before_ids.len();
        assert_eq!(carry_out(plan.clone(), Some(0)).unwrap_err().operation, Operation::BoundingSet);
        assert_eq!(carry_out(plan.clone(), Some(sets + 1)).unwrap_err().operation, Operation::AmbientSet);
        assert!(carry_out(plan, Some(sets)).is_err());
    }
}

#[test]
fn what_the_launcher_does_not_hold_is_named() {
    let act = || {
        sys::set(sys::Sets { effective: 0, permitted: KILL, inheritable: 0 }).unwrap_or(());
        Step::SetSets { keep: KILL | NET_ADMIN }.apply().unwrap_err()
    };
    let fault = thread::spawn(act).join().unwrap();
    assert_eq!((fault.operation, fault.errno), (Operation::Capset, Errno::EPERM));
    assert!(fault.detail.ends_with("net_admin"), "{}", fault.detail);
}
