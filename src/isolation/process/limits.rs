//! `rlimits`: which limits there are, which of them this caller may set, and when.

use std::path::Path;

use super::plan::Given;
use super::{Process, Step};
use crate::host::Host;
use crate::isolation::{Findings, Max, Origin, PROCESSES, Section};
use crate::sys::process::RESOURCES;

/// Those above the caller's own, while the privilege is there; and those that only go down.
pub fn limits(section: &Process, given: &Given<'_>, host: &Host, findings: &mut Findings) -> (Vec<Step>, Vec<Step>) {
    let (mut raised, mut lowered) = (Vec::new(), Vec::new());
    let processes = match given.processes {
        None => Some(PROCESSES),
        Some(Max::Limit(limit)) => Some(limit),
        Some(Max::Max) => None,
    };
    if given.own_user && processes.is_some() && !section.rlimits.contains_key("nproc") {
        lowered.push(Step::Limit { name: "nproc", resource: libc::RLIMIT_NPROC, limit: processes });
    }
    // Counted for the user outside too, who would find none left.
    for (name, resource) in [("memlock", libc::RLIMIT_MEMLOCK), ("sigpending", libc::RLIMIT_SIGPENDING)] {
        if !given.own_user || section.rlimits.contains_key(name) {
            continue;
        }
        if host.withholds_limit(name) {
            let message = format!("what half of the caller's limit {name} is cannot be told: getrlimit fails");
            let hint = format!("a filter around this process refuses it; set {name} in process.rlimits");
            findings.error(Section::Process, message, hint, None);
        }
        if let Some(hard) = host.limit(name).hard {
            lowered.push(Step::Limit { name, resource, limit: Some(hard / 2) });
        }
    }
    for (name, (limit, origin)) in &section.rlimits {
        let Some((name, resource)) = RESOURCES.iter().find(|(known, _)| known == name) else {
            let message = format!("rlimits: no limit is called {name:?}");
            findings.error(Section::Process, message, "prlimit(1) lists them", Some(origin));
            continue;
        };
        let step = Step::Limit { name, resource: *resource, limit: *limit };
        // A lower hard limit of processes holds as well as the one that is asked for.
        match host.limit(name).hard {
            Some(hard) if *name != "nproc" && limit.is_none_or(|limit| limit > hard) => {
                if raises(name, *limit, hard, origin, given, host, findings) {
                    raised.push(step);
                }
            }
            _ => lowered.push(step),
        }
    }
    (raised, lowered)
}

/// As in linux/capability.h.
const CAP_SYS_NICE: u32 = 23;

/// As can_nice() and __set_oom_adj() of the kernel have it: their capabilities are asked of the first user namespace.
pub fn priority(section: &Process, given: &Given<'_>, host: &Host, findings: &mut Findings) {
    if let Some(nice) = section.nice
        && nice < host.nice()
        && (given.own_user || host.capabilities() & 1 << CAP_SYS_NICE == 0)
    {
        // RLIMIT_NICE counts from 1 (19) to 40 (-20).
        let limit = host.limit("nice").soft.map_or(40, |limit| limit.min(40)) as i32;
        let least = (20 - limit).min(host.nice());
        if nice < least {
            let message = format!("nice = {nice} is a higher priority than the caller may give: {least}");
            let hint = format!(
                "write at least {least}, or raise RLIMIT_NICE for the caller (limits.conf(5), LimitNICE= of systemd)"
            );
            findings.error(Section::Process, message, hint, section.nice_origin.as_ref());
        }
    }
    let now = || host.text(Path::new("/proc/self/oom_score_adj")).and_then(|text| text.trim().parse::<i32>().ok());
    if let Some(score) = section.oom_score_adj
        && (given.own_user || !host.raises_limits())
        && let Some(now) = now().filter(|now| score < *now)
    {
        let message = format!("oom-score-adj = {score} is below the caller's own, {now}");
        let hint = format!("write at least {now}, or start it from a service with a lower OOMScoreAdjust=");
        findings.error(Section::Process, message, hint, section.oom_score_adj_origin.as_ref());
    }
}

/// Whether a limit may be set above the caller's hard limit. In a user namespace of its own nobody has the privilege.
fn raises(
    name: &str,
    limit: Option<u64>,
    hard: u64,
    origin: &Origin,
    given: &Given<'_>,
    host: &Host,
    findings: &mut Findings,
) -> bool {
    let asked = limit.map_or_else(|| "\"unlimited\"".to_owned(), |limit| limit.to_string());
    let most = host.text(Path::new("/proc/sys/fs/nr_open")).and_then(|text| text.trim().parse::<u64>().ok());
    let (message, hint) = match most.filter(|_| name == "nofile") {
        Some(most) if limit.is_none_or(|limit| limit > most) => {
            let message = format!("rlimits: nofile = {asked} is more than this machine gives anybody: {most}");
            (message, format!("write at most {}, or as root: sysctl fs.nr_open=…", most.min(hard)))
        }
        _ if !given.own_user && host.raises_limits() => return true,
        _ => {
            let message = format!("rlimits: {name} = {asked} is above the caller's hard limit, {hard}");
            let unit = format!("Limit{}=", name.to_ascii_uppercase());
            let hint = format!("write at most {hard}, or raise it for the caller (limits.conf(5), {unit} of systemd)");
            (message, hint)
        }
    };
    findings.error(Section::Process, message, hint, Some(origin));
    false
}
