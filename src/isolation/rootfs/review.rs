//! What a grant gives besides what it means to give, or does not give although it says so.

use std::path::{Path, PathBuf};

use super::{Bind, Rootfs};
use crate::host::{Host, Node};
use crate::isolation::{Access, Findings, Origin, Rewrite, Section};

/// The program, as the host's permissions see it.
pub struct Writer<'a> {
    /// Inside.
    pub name: &'a str,
    /// Outside.
    pub uid: u32,
    /// It keeps dac_override.
    pub overrides: bool,
}

/// Who may connect to one of these can have things done outside that no profile forbids.
const DOORS: &[(&str, &str)] = &[
    ("/run/docker.sock", "root"),
    ("/run/containerd/containerd.sock", "root"),
    ("/run/podman/podman.sock", "root"),
    ("/run/crio/crio.sock", "root"),
    ("/run/libvirt/libvirt-sock", "root"),
    ("/run/snapd.socket", "root"),
    ("/run/systemd/private", "root"),
    ("/run/dbus/system_bus_socket", "the system's services"),
    ("/var/lib/lxd/unix.socket", "root"),
    ("/var/lib/incus/unix.socket", "root"),
];

/// The same below `$XDG_RUNTIME_DIR`.
const OWN_DOORS: [&str; 4] = ["bus", "systemd/private", "docker.sock", "podman/podman.sock"];

pub fn review(section: &Rootfs, writer: &Writer<'_>, host: &Host, findings: &mut Findings) {
    for bind in &section.binds {
        let (source, node) = host.canonical(&bind.source);
        if bind.access == Access::ReadWrite {
            single_file(bind, &node, findings);
            refused(bind, &source, &node, writer, host, findings);
        }
        door(bind, &source, host, findings);
    }
}

/// Over mounts that were made in its own user namespace, which are not locked.
pub fn review_power(is_root: bool, origin: Option<&Origin>, findings: &mut Findings) {
    let root = if is_root { ", and it is root on this machine" } else { "" };
    let message = format!(
        "sys_admin with calls that mount, and without Landlock, undoes hide, read-only and the covers of /proc{root}"
    );
    let hint = "leave out sys_admin, or leave Landlock on; with nested = \"mounts\" instead of it the program mounts in \
                namespaces of its own, and cannot undo these";
    findings.warning(Section::Rootfs, message, hint, origin);
}

fn single_file(bind: &Bind, node: &Node, findings: &mut Findings) {
    if matches!(node, Node::File { .. }) {
        let message =
            format!("read-write {} is a single file: whoever replaces it by rename gets EBUSY", bind.source.display());
        let hint = "grant its directory, unless the program writes to the file in place".to_owned();
        findings.warning(Section::Rootfs, message, hint, bind.origin.as_ref());
    }
}

/// Read-write is what the mount says; the permissions of the files still have the last word.
fn refused(bind: &Bind, source: &Path, node: &Node, writer: &Writer<'_>, host: &Host, findings: &mut Findings) {
    let (Node::Directory { uid, mode } | Node::File { uid, mode }) = *node else { return };
    let own = writer.uid == uid;
    // Its group may be the program's.
    let by_mode = if own { mode & 0o200 == 0 } else { mode & 0o022 == 0 };
    let refused = if writer.uid == host.uid() && !host.is_root() { !host.writable(source) } else { by_mode };
    if !refused || writer.overrides {
        return;
    }
    let called = |uid| host.user_by_uid(uid).map_or_else(|| format!("uid {uid}"), |user| user.name);
    let (noun, name) = (bind.source.display(), called(writer.uid));
    let inside = if name == writer.name { String::new() } else { format!(" ({} inside)", writer.name) };
    let (why, hint) = if own && by_mode {
        (format!("its mode is {:04o}", mode & 0o7777), format!("chmod u+w {noun}, or grant it read-only"))
    } else if mode & 0o002 == 0 && !own {
        let why = format!("it belongs to {}, with mode {:04o}", called(uid), mode & 0o7777);
        (why, format!("as root: chown {name} {noun}; or grant it read-only"))
    } else {
        ("its file system is read-only".to_owned(), "remount it, or grant it read-only".to_owned())
    };
    let message = format!("read-write {noun} will refuse writes to {name}{inside}: {why}");
    findings.warning(Section::Rootfs, message, hint, bind.origin.as_ref());
    findings.rewritten(Rewrite::Elsewhere);
}

/// A read-only mount refuses writes to files; it does not keep anybody from talking to a socket.
fn door(bind: &Bind, source: &Path, host: &Host, findings: &mut Findings) {
    let runtime = host.env("XDG_RUNTIME_DIR").filter(|path| path.starts_with('/')).map(PathBuf::from);
    let own = runtime.iter().flat_map(|runtime| OWN_DOORS.iter().map(|name| (runtime.join(name), "whoever runs it")));
    let doors = DOORS.iter().map(|(path, whose)| (PathBuf::from(path), *whose)).chain(own);
    for (door, whose) in doors.filter(|(door, _)| door.starts_with(source)) {
        if host.node(&door) == Node::Missing {
            continue;
        }
        let within = if door == source { "is".to_owned() } else { format!("holds {},", door.display()) };
        let message = format!(
            "{} {} {within} a door to {whose}: what it asks for there is done outside",
            bind.access,
            bind.source.display()
        );
        let hint = "leave it out, or grant what the program needs of it by itself".to_owned();
        findings.warning(Section::Rootfs, message, hint, bind.origin.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    fn host(uid: u32) -> Host {
        let mut facts = Facts { uid: Some(uid), ..Facts::default() };
        let directory = |uid, mode| Node::Directory { uid, mode };
        facts.paths.extend([
            ("/".into(), directory(0, 0o755)),
            ("/srv".into(), directory(0, 0o755)),
            ("/srv/own".into(), directory(1000, 0o755)),
            ("/srv/shut".into(), directory(1000, 0o555)),
            ("/srv/all".into(), directory(0, 0o1777)),
            ("/srv/file".into(), Node::File { uid: 1000, mode: 0o644 }),
            ("/run".into(), directory(0, 0o755)),
            ("/run/docker.sock".into(), Node::Other),
        ]);
        let writable = ["/srv/own", "/srv/all", "/srv/file"];
        facts.writable =
            facts.paths.keys().map(|path| (path.clone(), uid == 0 || writable.contains(&&**path))).collect();
        facts.texts.insert("/etc/passwd".into(), Some("root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/:/bin/sh\n".into()));
        Host::known(facts)
    }

    fn said(path: &str, access: Access, writer: &Writer<'_>, caller: u32) -> Vec<String> {
        let source = PathBuf::from(path);
        let (optional, exec, create, origin) = (false, true, false, None);
        let bind = Bind { target: source.clone(), source, access, optional, exec, create, origin };
        let section = Rootfs { binds: vec![bind], ..Rootfs::default() };
        let mut findings = Findings::default();
        review(&section, writer, &host(caller), &mut findings);
        assert!(findings.0.iter().all(|finding| finding.hint.is_some()));
        findings.0.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn writes_that_permissions_refuse_are_foretold() {
        let me = Writer { name: "me", uid: 1000, overrides: false };
        let root = Writer { name: "root", uid: 0, overrides: false };
        let almighty = Writer { name: "root", uid: 0, overrides: true };
        let write = |path, writer: &Writer<'_>, caller| said(path, Access::ReadWrite, writer, caller);
        // For an ordinary user an account of another name is that user: chown is about the one outside.
        let mysql = Writer { name: "mysql", uid: 1000, overrides: false };
        let named = "read-write /srv will refuse writes to me (mysql inside): it belongs to root, with mode 0755";
        for (path, writer, caller, words) in [
            ("/srv", &mysql, 1000, Some(named)),
            ("/srv/own", &me, 1000, None),
            ("/srv/all", &me, 1000, None),
            ("/srv", &me, 1000, Some("read-write /srv will refuse writes to me: it belongs to root, with mode 0755")),
            ("/srv/shut", &me, 1000, Some("read-write /srv/shut will refuse writes to me: its mode is 0555")),
            // As root the program has no more power than its account.
            ("/srv/own", &me, 0, None),
            ("/srv", &root, 0, None),
            ("/srv", &me, 0, Some("read-write /srv will refuse writes to me: it belongs to root, with mode 0755")),
            (
                "/srv/own",
                &root,
                0,
                Some("read-write /srv/own will refuse writes to root: it belongs to me, with mode 0755"),
            ),
            ("/srv/own", &almighty, 0, None),
        ] {
            let found = write(path, writer, caller);
            assert_eq!(found.first().map(String::as_str), words, "{path} by {} for {caller}", writer.name);
        }
        assert_eq!(said("/srv", Access::ReadOnly, &me, 1000), [""; 0]);
    }

    #[test]
    fn single_files_and_doors_are_named() {
        let me = Writer { name: "me", uid: 1000, overrides: false };
        let file = "read-write /srv/file is a single file: whoever replaces it by rename gets EBUSY";
        assert_eq!(said("/srv/file", Access::ReadWrite, &me, 1000), [file]);
        assert_eq!(said("/srv/file", Access::ReadOnly, &me, 1000), [""; 0]);
        let door = "read-only /run/docker.sock is a door to root: what it asks for there is done outside";
        assert_eq!(said("/run/docker.sock", Access::ReadOnly, &me, 1000), [door]);
        let within = "read-only /run holds /run/docker.sock, a door to root: what it asks for there is done outside";
        assert_eq!(said("/run", Access::ReadOnly, &me, 1000), [within]);
    }
}
