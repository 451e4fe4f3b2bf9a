//! What guards the program once it runs: Landlock, the filter, no new privileges; and what the caller brings along.

use nix::errno::Errno;

use super::Feature;
use super::attempt::{Refusal, attempt};
use crate::host::Host;
use crate::isolation::process::privileged_groups;
use crate::isolation::status::Status;
use crate::isolation::{Fault, Operation};
use crate::sys::probe::CALLS;
use crate::sys::{process, seccomp};

pub fn examine(host: &Host) -> Vec<Feature> {
    let mut features = vec![landlock(host), filter()];
    features.extend(Status::of_caller().map(|status| no_new_privileges(&status, host.is_root())));
    features.push(groups(host));
    features
}

/// What each ABI of Landlock brought, with the kernel that has it; ABI 1 is what the rest rests on.
const ABIS: [(u32, &str, &str); 8] = [
    (2, "5.19", "renames from one directory to another, which fail with EXDEV"),
    (3, "6.2", "a check of truncation by itself"),
    (4, "6.7", "a check of TCP ports"),
    (5, "6.10", "a check of ioctl on devices"),
    (6, "6.12", "scopes: signals and abstract sockets, where the pid namespace or the network is the host's"),
    (7, "6.15", "control of what the audit log says of denials"),
    (8, "7.0", "a domain for all threads at once"),
    (9, "7.1", "a check of named unix sockets"),
];

fn landlock(host: &Host) -> Feature {
    let abi = host.landlock_abi();
    if abi == 0 {
        let asked = CALLS.iter().find(|call| call.name == "landlock_create_ruleset").map(|call| call.ask());
        return no_landlock(asked.and_then(Result::err).unwrap_or(Errno::ENOSYS));
    }
    let missing: Vec<_> = ABIS.iter().filter(|(number, ..)| *number > abi).collect();
    let Some((_, kernel, _)) = missing.last() else { return Feature::ok("landlock", format!("ABI {abi}")) };
    let lost: Vec<String> = missing.iter().map(|(number, _, what)| format!("{what} (ABI {number})")).collect();
    // Mounts and namespaces cover all of it but the renames, which are an inconvenience and no hole.
    let feature = if abi >= 6 { Feature::ok } else { Feature::limited };
    feature("landlock", format!("ABI {abi}"))
        .lost(lost.join("\n"))
        .remedy(format!("Linux {kernel} and newer have all of it; mounts and namespaces cover what is missing"))
}

fn no_landlock(errno: Errno) -> Feature {
    let lost = "a second lock on every path, which holds where a mount would be wrong";
    let feature = Feature::limited("landlock", "none").lost(lost);
    match errno {
        Errno::EOPNOTSUPP => {
            let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
            let list = match modules.trim() {
                "" => "landlock,…".to_owned(),
                modules => format!("landlock,{modules}"),
            };
            feature.remedy(format!("it is built in and off: boot with lsm={list}"))
        }
        Errno::ENOSYS => feature.remedy("Linux 5.13 and newer with CONFIG_SECURITY_LANDLOCK=y have it"),
        errno => feature.remedy(format!("a filter around this shell refuses it ({errno:?})")),
    }
}

/// What a filter of ours may answer.
const ACTIONS: [&str; 4] = ["allow", "errno", "kill_process", "log"];

fn filter() -> Feature {
    // BPF_RET: one instruction that allows everything.
    let allow_all = [libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }];
    let tried = attempt(&[], || {
        process::set_no_new_privileges().map_err(|errno| Fault::new(Operation::Prctl, errno, "PR_SET_NO_NEW_PRIVS"))?;
        seccomp::install(&allow_all).map_err(|errno| Fault::new(Operation::Seccomp, errno, ""))
    });
    judge_filter(tried, &std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default())
}

fn judge_filter(tried: Result<(), Refusal>, actions: &str) -> Feature {
    let lost = "the filter of system calls, without which the default profile does not start";
    if let Err(refusal) = tried {
        let remedy = match refusal.errno {
            Errno::EINVAL | Errno::ENOSYS => "a kernel with CONFIG_SECCOMP_FILTER=y",
            _ => "a filter around this shell refuses it",
        };
        return Feature::no("seccomp", refusal.to_string()).lost(lost).remedy(remedy).required();
    }
    let has = |action: &str| actions.split_ascii_whitespace().any(|known| known == action);
    let missing: Vec<_> = ACTIONS.into_iter().filter(|action| !has(action)).collect();
    if actions.is_empty() || missing.is_empty() {
        let listed = if actions.is_empty() { "actions unknown" } else { actions.trim() };
        return Feature::ok("seccomp", listed).required();
    }
    Feature::limited("seccomp", format!("without the actions {}", missing.join(", ")))
        .lost("profiles that use these actions: they do not start")
        .remedy("Linux 4.14 and newer have them all")
        .required()
}

fn no_new_privileges(status: &Status, root: bool) -> Feature {
    let name = "no-new-privileges";
    if !status.no_new_privs || root {
        return Feature::ok(name, if status.no_new_privs { "set on the caller" } else { "not set on the caller" });
    }
    Feature::limited(name, "set on the caller already")
        .lost("id-map = \"range\": newuidmap is setuid, and gains nothing here")
        .remedy("start from a shell without it: not within another sandbox, nor a unit with NoNewPrivileges=yes")
}

fn groups(host: &Host) -> Feature {
    if host.is_root() {
        return Feature::ok("groups", "root drops its own at launch");
    }
    let held = privileged_groups(host);
    if held.is_empty() {
        return Feature::ok("groups", "the caller is in none that opens more than its own files");
    }
    let names: Vec<_> = held.iter().map(|(name, _)| *name).collect();
    let gives: Vec<_> = held.iter().map(|(name, what)| format!("{name} opens {what}")).collect();
    let user = host.user_by_uid(host.uid()).map_or_else(|| host.uid().to_string(), |user| user.name);
    let remedy: Vec<_> = names.iter().map(|name| format!("gpasswd -d {user} {name}")).collect();
    Feature::limited(
        "groups",
        format!("the caller is in {}, and an ordinary user cannot drop a group", names.join(", ")),
    )
    .lost(format!("for whatever a profile grants of the host: {}", gives.join("; ")))
    .remedy(format!("run it as another account, or as root: {}", remedy.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::host::Facts;

    fn host(facts: Facts) -> Host {
        Host::known(facts)
    }

    #[test]
    fn each_missing_landlock_feature_is_named() {
        let feature = landlock(&host(Facts { landlock_abi: Some(2), ..Facts::default() }));
        assert_eq!(feature.state, State::Limited);
        assert_eq!(feature.lost.unwrap().lines().count(), 7);
        let newest = landlock(&host(Facts { landlock_abi: Some(9), ..Facts::default() }));
        assert_eq!((newest.state, newest.lost), (State::Ok, None));
        assert_eq!(landlock(&host(Facts { landlock_abi: Some(7), ..Facts::default() })).state, State::Ok);
    }

    #[test]
    fn a_filter_that_cannot_be_installed_stops_launches() {
        let refused = judge_filter(Err(Refusal::new(Operation::Seccomp, Errno::EINVAL, "")), "");
        assert_eq!((refused.state, refused.required), (State::No, true));
        assert_eq!(judge_filter(Ok(()), "kill_process errno log allow trap").state, State::Ok);
        assert_eq!(judge_filter(Ok(()), "errno allow").state, State::Limited);
    }

    #[test]
    fn a_privileged_group_is_a_warning_with_its_remedy() {
        let group = "root:x:0:\ndocker:x:998:u\nusers:x:100:\n".to_owned();
        let with = |gids: &[u32]| {
            groups(&host(Facts {
                uid: Some(1000),
                gid: Some(100),
                groups: Some(gids.to_vec()),
                texts: [
                    ("/etc/group".to_owned(), Some(group.clone())),
                    ("/etc/passwd".to_owned(), Some("u:x:1000:100::/home/u:/bin/sh\n".to_owned())),
                ]
                .into(),
                ..Facts::default()
            }))
        };
        assert_eq!(with(&[100]).state, State::Ok);
        let docker = with(&[100, 998]);
        assert_eq!(docker.state, State::Limited);
        assert!(docker.remedy.unwrap().contains("gpasswd -d u docker"));
    }

    #[test]
    fn no_new_privileges_of_the_caller_costs_the_ranges_of_ids() {
        let set = Status { no_new_privs: true, ..Status::default() };
        assert_eq!(no_new_privileges(&set, false).state, State::Limited);
        assert_eq!(no_new_privileges(&Status::default(), false).state, State::Ok);
    }
}
