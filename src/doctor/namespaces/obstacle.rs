//! What stands in the way of user namespaces, and how it is removed.

use std::path::Path;

use nix::errno::Errno;

use crate::doctor::attempt::Refusal;
use crate::doctor::kernel::missing_call;
use crate::doctor::system::System;
use crate::isolation::Operation;
use crate::isolation::namespaces::limits;

/// In words, with its remedy: the kernel says only EPERM or ENOSPC.
pub fn obstacle(system: &System, refusal: &Refusal) -> (String, String) {
    let sysctl = |name: &str, value: &str, file: &str| {
        format!(
            "as root: sysctl -w {name}={value}, and to keep it: echo '{name} = {value}' > /etc/sysctl.d/{file}.conf"
        )
    };
    if system.first == limits::INIT {
        return ("the sandbox around this one allows none".into(), limits::NESTED.into());
    }
    if system.max_user_namespaces == Some(0) {
        return (
            "user.max_user_namespaces is 0".into(),
            sysctl("user.max_user_namespaces", "10000", "50-user-namespaces"),
        );
    }
    if matches!(refusal.errno, Errno::EINVAL | Errno::ENOSYS) && refusal.operation == Operation::Clone3 {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(operation: Operation, errno: Errno) -> Refusal {
        Refusal::new(operation, errno, "")
    }

    #[test]
    fn each_obstacle_is_named_with_its_own_remedy() {
        let user = System { max_user_namespaces: Some(100), ..System::default() };
        let eperm = refusal(Operation::Clone3, Errno::EPERM);
        for (system, refusal, why, remedy) in [
            (System { max_user_namespaces: Some(0), ..user.clone() }, &eperm, "max_user", "user.max_user_namespaces="),
            (
                System { first: limits::INIT.into(), ..user.clone() },
                &eperm,
                "the sandbox around",
                "nested = \"mounts\"",
            ),
            (System { userns_clone: Some(false), ..user.clone() }, &eperm, "root alone", "userns_clone=1"),
            (System { apparmor_restricts: Some(true), ..user.clone() }, &eperm, "AppArmor", "userns,"),
            (System { chrooted: true, ..user.clone() }, &eperm, "chroot", "pivot_root"),
            (System { filtered: true, ..user.clone() }, &eperm, "filter", "seccomp=unconfined"),
            (user.clone(), &refusal(Operation::Clone3, Errno::ENOSPC), "in use", "lsns"),
            (user.clone(), &refusal(Operation::Clone3, Errno::EINVAL), "built without", "CONFIG_USER_NS"),
            (user.clone(), &refusal(Operation::Clone3, Errno::ENOSYS), "", "Linux 5.3"),
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
        assert!(obstacle(&root, &refusal(Operation::Clone3, Errno::EPERM)).1.contains("audit log"));
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
