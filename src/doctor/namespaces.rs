//! Namespaces: which can be made, how many are left, and what stands in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nix::errno::Errno;

use super::attempt::{Refusal, attempt, mapped};
use super::kernel::missing_call;
use super::system::System;
use super::{Feature, State};
use crate::host::Host;
use crate::isolation::context::Context;
use crate::isolation::namespaces::{Step, limits};
use crate::isolation::{Applied, Fault, Findings};
use crate::plan;
use crate::profile::Profile;
use crate::sys::{clone, mount};

/// Name, clone flag, name in /proc/PID/ns, name in /proc/sys/user.
const KINDS: [(&str, i32, &str, &str); 6] = [
    ("mount", libc::CLONE_NEWNS, "mnt", "max_mnt_namespaces"),
    ("pid", libc::CLONE_NEWPID, "pid", "max_pid_namespaces"),
    ("net", libc::CLONE_NEWNET, "net", "max_net_namespaces"),
    ("ipc", libc::CLONE_NEWIPC, "ipc", "max_ipc_namespaces"),
    ("uts", libc::CLONE_NEWUTS, "uts", "max_uts_namespaces"),
    ("cgroup", libc::CLONE_NEWCGROUP, "cgroup", "max_cgroup_namespaces"),
];

pub fn examine(system: &System) -> Vec<Feature> {
    let seen = seen();
    let user = user_here(system, &seen);
    let first = user.state == State::Ok;
    vec![user, others(first, &seen), time(first, &seen)]
}

/// What a launch would find out half-way: that a kind it makes is used up, maybe by a limit around this user namespace.
pub fn kinds(profile: &Profile, host: &Host, findings: &mut Findings) {
    let planned = plan::namespaces(profile, host);
    let map = |pid| {
        let mut context = Context::default();
        context.child = Some(pid);
        planned.host_after.iter().try_for_each(|step| step.apply(&mut context))
    };
    let tried = mapped(planned.flags as i32, map, || {
        let mut context = Context::default();
        let steps = planned.maps.iter().chain(&planned.become_account).chain(&planned.late_namespaces);
        steps.into_iter().try_for_each(|step| step.apply(&mut context))?;
        Ok(String::new())
    });
    let used_up = |refusal: Refusal| matches!(refusal.errno, Errno::ENOSPC | Errno::EUSERS);
    if !tried.is_err_and(used_up) {
        return;
    }
    let user = planned.flags as i32 & libc::CLONE_NEWUSER;
    if user != 0 && attempt(user, || Ok(())).is_err() {
        return;
    }
    let late = |wanted: fn(&Step) -> bool| planned.late_namespaces.iter().any(wanted);
    let mut say = |name: &str, kind: &str, tried: Result<(), Refusal>| {
        if tried.is_err_and(used_up) {
            let message = format!("no {name} namespace can be made: its limit is used up (ENOSPC)");
            findings.error("namespaces", message, limits::remedy(&[kind], host), None);
        }
    };
    for (name, flag, kind, _) in KINDS {
        let cgroup = flag == libc::CLONE_NEWCGROUP && late(|step| matches!(step, Step::UnshareCgroup));
        if planned.flags as i32 & flag != 0 || cgroup {
            say(name, kind, attempt(user | flag, || Ok(())));
        }
    }
    if late(|step| matches!(step, Step::UnshareTime(_))) {
        say("time", "time", attempt(user, own_time));
    }
}

fn own_time() -> Applied {
    clone::unshare_time().map_err(|errno| Fault::new("unshare", errno, "CLONE_NEWTIME"))
}

/// Whether one can be made, and what stands in the way.
pub fn user(host: &Host) -> Feature {
    user_here(&System::look(host), &Seen::new())
}

/// A namespace is of use only if its maker has capabilities in it, which a mount proves.
fn user_here(system: &System, seen: &Seen) -> Feature {
    let tried = attempt(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, || {
        mount::new_filesystem(c"tmpfs", &[], 0)?;
        Ok(())
    });
    match tried {
        Ok(()) => Feature::ok("user-namespaces", left("user", "max_user_namespaces", seen)).required(),
        Err(refusal) => refused(system, &refusal),
    }
}

fn refused(system: &System, refusal: &Refusal) -> Feature {
    let (why, remedy) = obstacle(system, refusal);
    let lost = if system.root {
        "launches with namespaces.user = true, which is the default"
    } else {
        "every launch by an ordinary user: all other namespaces need this one"
    };
    let detail = if why.is_empty() { refusal.to_string() } else { format!("{why} ({refusal})") };
    Feature::no("user-namespaces", detail).lost(lost).remedy(remedy).required()
}

/// What stands in the way, and how it is removed. The kernel says only EPERM or ENOSPC.
fn obstacle(system: &System, refusal: &Refusal) -> (String, String) {
    let sysctl = |name: &str, value: &str, file: &str| {
        format!(
            "as root: sysctl -w {name}={value}, and to keep it: echo '{name} = {value}' > /etc/sysctl.d/{file}.conf"
        )
    };
    if system.max_user_namespaces == Some(0) {
        return (
            "user.max_user_namespaces is 0".into(),
            sysctl("user.max_user_namespaces", "10000", "50-user-namespaces"),
        );
    }
    if matches!(refusal.errno, Errno::EINVAL | Errno::ENOSYS) && refusal.operation == "clone3" {
        let built = "a kernel with CONFIG_USER_NS=y is needed";
        return match missing_call(refusal) {
            Some(remedy) => (String::new(), remedy),
            None => ("the kernel was built without them".into(), built.into()),
        };
    }
    if matches!(refusal.errno, Errno::ENOSPC | Errno::EUSERS) {
        return (
            "all that user.max_user_namespaces allows are in use, or they are nested 32 deep".into(),
            "raise user.max_user_namespaces as root, or end what holds them: lsns -t user".into(),
        );
    }
    if system.userns_clone == Some(false) && !system.root {
        return (
            "kernel.unprivileged_userns_clone is 0: root alone may make them".into(),
            sysctl("kernel.unprivileged_userns_clone", "1", "50-user-namespaces"),
        );
    }
    if system.apparmor_restricts == Some(true) && !system.root {
        return (
            "AppArmor allows them only to programs with a profile of their own: \
             kernel.apparmor_restrict_unprivileged_userns is 1"
                .into(),
            apparmor(system),
        );
    }
    if system.chrooted {
        return (
            "/ is a chroot, which may make none".into(),
            "enter it with pivot_root(8), or start outside it".into(),
        );
    }
    if system.filtered || system.container.is_some() {
        let inside = system.container.as_deref().unwrap_or("a container");
        return (
            format!("a filter of {inside} refuses it"),
            "start the container with --security-opt seccomp=unconfined, or with a filter that allows clone3, \
             unshare, setns, mount and the fsopen family"
                .into(),
        );
    }
    (String::new(), "a security module, a filter or a chroot refuses it: look at dmesg and the audit log".into())
}

/// A profile that restricts nothing and has the one permission (apparmor.d(5)). It is bound to the program's path, so
/// whoever can write that file would have the permission too.
fn apparmor(system: &System) -> String {
    let path = quoted(&system.program);
    let install = if system.program_of_root {
        String::new()
    } else {
        "first install the program where only root can write, and start it from there; the profile is bound to its \
         path\n"
            .into()
    };
    format!(
        "{install}as root, save this as /etc/apparmor.d/sandbox, then: apparmor_parser -r /etc/apparmor.d/sandbox\n\
         \x20 abi <abi/4.0>,\n\
         \x20 include <tunables/global>\n\
         \n\
         \x20 profile sandbox {path} flags=(unconfined) {{\n\
         \x20   userns,\n\
         \x20   include if exists <local/sandbox>\n\
         \x20 }}\n\
         or, for every program: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    )
}

/// AppArmor reads `*?[]{}^` in a path as patterns, and a blank as its end.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let escaped: String =
        text.chars().flat_map(|c| if "*?[]{}^\"\\".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
    if escaped.contains(' ') { format!("\"{escaped}\"") } else { escaped }
}

fn others(user: bool, seen: &Seen) -> Feature {
    let mut lefts = Vec::new();
    let mut refusals = Vec::new();
    let mut limits = Vec::new();
    for (name, flag, _, limit) in KINDS {
        match attempt(libc::CLONE_NEWUSER | flag, || Ok(())) {
            Ok(()) => lefts.push(format!("{name}: {}", left(name, limit, seen))),
            Err(refusal) => {
                refusals.push((name, refusal.to_string()));
                if refusal.errno == Errno::ENOSPC {
                    limits.push(format!("user.{limit}=10000"));
                }
            }
        }
    }
    if refusals.is_empty() {
        return Feature::ok("namespaces", format!("each can be made\n{}", lefts.join("\n"))).required();
    }
    let remedy = match user && !limits.is_empty() {
        true => format!("as root: sysctl -w {}", limits.join(" ")),
        false => "see user-namespaces above".to_owned(),
    };
    let lost = "launches whose profile does not turn these off, which the default does not";
    let same = refusals.len() == KINDS.len() && refusals.iter().all(|(_, text)| *text == refusals[0].1);
    let detail = match same {
        true => format!("none: {}", refusals[0].1),
        false => refusals.iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("\n"),
    };
    Feature::no("namespaces", detail).lost(lost).remedy(remedy).required()
}

fn time(user: bool, seen: &Seen) -> Feature {
    let lost = "clocks of the program's own: it sees how long the host has been up";
    match attempt(libc::CLONE_NEWUSER, own_time) {
        Ok(()) => Feature::ok("time-namespace", left("time", "max_time_namespaces", seen)),
        Err(refusal) => {
            let feature = Feature::new("time-namespace", State::No, refusal.to_string()).lost(lost);
            feature.remedy(match refusal.errno {
                _ if !user => "see user-namespaces above",
                Errno::EINVAL => "Linux 5.6 and newer with CONFIG_TIME_NS=y have it",
                Errno::ENOSPC => "as root: sysctl -w user.max_time_namespaces=10000",
                _ => "a filter around this shell refuses it",
            })
        }
    }
}

/// Namespaces other than our own that some process is seen to be in, by their names in /proc/PID/ns.
type Seen = BTreeMap<&'static str, BTreeSet<String>>;

const LINKS: [(&str, &str); 8] = [
    ("user", "user"),
    ("mount", "mnt"),
    ("pid", "pid"),
    ("net", "net"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("cgroup", "cgroup"),
    ("time", "time"),
];

fn seen() -> Seen {
    let link = |pid: &str, name: &str| {
        let link = std::fs::read_link(format!("/proc/{pid}/ns/{name}")).ok()?;
        Some(link.to_string_lossy().into_owned())
    };
    let mut seen = Seen::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|entry| entry.file_name().into_string().ok()) {
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for (kind, name) in LINKS {
            seen.entry(kind).or_default().extend(link(&pid, name));
        }
    }
    for (kind, name) in LINKS {
        if let (Some(own), Some(others)) = (link("self", name), seen.get_mut(kind)) {
            others.remove(&own);
        }
    }
    seen
}

/// The kernel counts for each user and tells nobody: what /proc shows is the least that is in use.
fn left(kind: &str, limit: &str, seen: &Seen) -> String {
    let used = seen.get(kind).map_or(0, BTreeSet::len) as u64;
    let text = std::fs::read_to_string(Path::new("/proc/sys/user").join(limit)).unwrap_or_default();
    match text.trim().parse::<u64>() {
        Ok(limit) => format!("at most {} of {limit} left ({used} seen in use)", limit.saturating_sub(used)),
        Err(_) => format!("{used} seen in use"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(operation: &str, errno: Errno) -> Refusal {
        Refusal::new(operation, errno, "")
    }

    #[test]
    fn each_obstacle_is_named_with_its_own_remedy() {
        let user = System { max_user_namespaces: Some(100), ..System::default() };
        let eperm = refusal("clone3", Errno::EPERM);
        for (system, refusal, why, remedy) in [
            (System { max_user_namespaces: Some(0), ..user.clone() }, &eperm, "max_user", "user.max_user_namespaces="),
            (System { userns_clone: Some(false), ..user.clone() }, &eperm, "root alone", "userns_clone=1"),
            (System { apparmor_restricts: Some(true), ..user.clone() }, &eperm, "AppArmor", "userns,"),
            (System { chrooted: true, ..user.clone() }, &eperm, "chroot", "pivot_root"),
            (System { filtered: true, ..user.clone() }, &eperm, "filter", "seccomp=unconfined"),
            (user.clone(), &refusal("clone3", Errno::ENOSPC), "in use", "lsns"),
            (user.clone(), &refusal("clone3", Errno::EINVAL), "built without", "CONFIG_USER_NS"),
            (user.clone(), &refusal("clone3", Errno::ENOSYS), "", "Linux 5.3"),
            (user, &eperm, "", "audit log"),
        ] {
            let (said, hint) = obstacle(&system, refusal);
            assert!(said.contains(why) && hint.contains(remedy), "{said:?} {hint:?}");
        }
    }

    #[test]
    fn switches_for_ordinary_users_are_no_obstacle_to_root() {
        let root =
            System { root: true, userns_clone: Some(false), apparmor_restricts: Some(true), ..System::default() };
        assert!(obstacle(&root, &refusal("clone3", Errno::EPERM)).1.contains("audit log"));
    }

    #[test]
    fn the_profile_names_this_program_as_apparmor_reads_paths() {
        let system = |path: &str, root| System { program: path.into(), program_of_root: root, ..System::default() };
        let text = apparmor(&system("/usr/bin/sandbox", true));
        assert!(text.contains("  profile sandbox /usr/bin/sandbox flags=(unconfined) {\n    userns,\n"), "{text}");
        assert!(apparmor(&system("/home/a b/{x}", false)).contains("sandbox \"/home/a b/\\{x\\}\" flags"));
        assert!(apparmor(&system("/home/a/x", false)).starts_with("first install"));
    }
}
