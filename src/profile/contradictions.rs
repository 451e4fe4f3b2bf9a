//! Keys that cannot all be meant: refused, rather than letting one of them silently lose.

use std::path::{Path, PathBuf};

use super::Profile;
use super::diagnostic::{Diagnostic, Report};
use super::source::Place;
use super::tree::{Kind, Table};
use crate::host::Host;
use crate::isolation::namespaces::sysctl::{self, Owner};
use crate::isolation::namespaces::{IdMap, Nested};
use crate::isolation::network::Mode;
use crate::isolation::rootfs::{Bind, Home, Sys};
use crate::isolation::seccomp::Preset;
use crate::isolation::{Access, Enforce, Origin};

/// `broken` are the sections with mistakes: what stands in the profile for them may not be what was meant.
pub fn check<'a>(profile: &'a Profile, merged: &'a Table, broken: &[&str], report: &'a Report) {
    let check = Check { profile, merged, report };
    type Rule<'a> = fn(&Check<'a>);
    let rules: [(Rule<'a>, &[&str]); 7] = [
        (Check::no_new_privileges, &["process", "seccomp", "landlock"]),
        (Check::nested, &["namespaces", "landlock"]),
        (Check::filter, &["seccomp"]),
        (Check::landlock, &["landlock"]),
        (Check::namespaces, &["namespaces", "process"]),
        (Check::sys, &["network", "rootfs"]),
        (Check::shared_settings, &["namespaces", "network"]),
    ];
    for (rule, sections) in rules {
        if !sections.iter().any(|section| broken.contains(section)) {
            rule(&check);
        }
    }
}

struct Check<'a> {
    profile: &'a Profile,
    merged: &'a Table,
    report: &'a Report,
}

impl Check<'_> {
    fn no_new_privileges(&self) {
        let (filter, landlock) = (self.profile.seccomp.preset, self.profile.landlock.enforce);
        // seccomp(2) and landlock_restrict_self(2) want no_new_privs from whoever has no CAP_SYS_ADMIN.
        if !self.profile.process.no_new_privileges && (filter != Preset::None || landlock != Enforce::Off) {
            let message = "the filter of system calls and Landlock both need `no-new-privileges`";
            let hint = "leave it true, or write preset = \"none\" in [seccomp] and enforce = \"off\" in [landlock]";
            self.error(("process", "no-new-privileges"), ("landlock", "enforce"), message, hint);
        }
    }

    fn nested(&self) {
        let nested = self.profile.namespaces.nested;
        if nested == Nested::Mounts && self.profile.landlock.enforce != Enforce::Off {
            let message = "`nested = \"mounts\"` cannot work under Landlock, which forbids mounting";
            let hint = "write enforce = \"off\" in [landlock]";
            self.error(("namespaces", "nested"), ("landlock", "enforce"), message, hint);
        }
    }

    fn filter(&self) {
        let seccomp = &self.profile.seccomp;
        if seccomp.preset != Preset::None {
            return;
        }
        for (key, written) in [("deny", !seccomp.deny.is_empty()), ("rules", !seccomp.rules.is_empty())] {
            if written {
                let message = format!("`{key}` means nothing with preset = \"none\", which installs no filter");
                let hint = format!("take `{key}` out, or choose another preset; \"compat\" denies least");
                self.error(("seccomp", key), ("seccomp", "preset"), message, hint);
            }
        }
    }

    fn landlock(&self) {
        let landlock = &self.profile.landlock;
        if landlock.enforce != Enforce::Off {
            return;
        }
        let scope = landlock.scope.as_ref().is_some_and(|scope| !scope.is_empty());
        for (key, written) in [("min-abi", landlock.min_abi > 1), ("scope", scope)] {
            if written {
                let message = format!("`{key}` means nothing with enforce = \"off\"");
                let hint = format!("take `{key}` out, or write enforce = \"require\"");
                self.error(("landlock", key), ("landlock", "enforce"), message, hint);
            }
        }
    }

    fn namespaces(&self) {
        let namespaces = &self.profile.namespaces;
        if !namespaces.user && namespaces.id_map != IdMap::Auto {
            let hint = "take it out: with user = false the ids are the host's";
            let message = "`id-map` needs a user namespace";
            self.error(("namespaces", "id-map"), ("namespaces", "user"), message, hint);
        }
        if !namespaces.uts && namespaces.hostname.is_some() {
            let message = "`hostname` would rename the host, because uts = false";
            self.error(("namespaces", "hostname"), ("namespaces", "uts"), message, "take one of the two out");
        }
        if !namespaces.pid && !self.profile.process.init {
            let message = "`init = false` makes the program pid 1, which needs a pid namespace";
            self.error(("process", "init"), ("namespaces", "pid"), message, "take one of the two out");
        }
    }

    fn sys(&self) {
        if self.profile.network.mode == Mode::Host && self.profile.rootfs.sys == Sys::ReadOnly {
            let message = "`sys` can only be shown to a program with a network of its own";
            let hint = "take `sys` out, or write mode = \"none\" in [network]";
            self.error(("rootfs", "sys"), ("network", "mode"), message, hint);
        }
    }

    /// Settings of a namespace that is the host's would change the host.
    fn shared_settings(&self) {
        let namespaces = &self.profile.namespaces;
        for name in namespaces.sysctl.keys() {
            let (shared, because, other) = match sysctl::owner(name) {
                Some(Owner::Network) => {
                    (self.profile.network.mode == Mode::Host, "mode = \"host\"", ("network", "mode"))
                }
                Some(Owner::Uts) => (!namespaces.uts, "uts = false", ("namespaces", "uts")),
                Some(Owner::Ipc) => (!namespaces.ipc, "ipc = false", ("namespaces", "ipc")),
                Some(Owner::User) => (!namespaces.user, "user = false", ("namespaces", "user")),
                None => continue,
            };
            if shared {
                let message = format!("`{name}` would change the host, because {because}");
                let error = self.with_note(Diagnostic::nowhere(message).hint("take one of the two out"), other);
                self.push(error, self.inner("sysctl", name));
            }
        }
    }

    /// At one key, with a note where the other one was written.
    fn error(
        &self,
        (section, key): (&str, &str),
        other: (&str, &str),
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let error = self.with_note(Diagnostic::nowhere(message).hint(hint), other);
        self.push(error, self.place(section, key));
    }

    fn with_note(&self, diagnostic: Diagnostic, (section, key): (&str, &str)) -> Diagnostic {
        match self.place(section, key) {
            Some(place) => diagnostic.note(place, format!("`{key}` in [{section}]")),
            None => diagnostic,
        }
    }

    fn push(&self, diagnostic: Diagnostic, place: Option<Place>) {
        self.report.push(Diagnostic { place, ..diagnostic });
    }

    fn place(&self, section: &str, key: &str) -> Option<Place> {
        value(self.merged, section, key).map(|value| match &value.kind {
            // A list that several files wrote has no place of its own: the last addition stands for it.
            Kind::List(items) => items.last().map_or(value.place, |item| item.place),
            _ => value.place,
        })
    }

    fn inner(&self, key: &str, name: &str) -> Option<Place> {
        match &value(self.merged, "namespaces", key)?.kind {
            Kind::Table(table) => table.get(name).map(|entry| entry.key_place),
            _ => None,
        }
    }
}

fn value<'t>(merged: &'t Table, section: &str, key: &str) -> Option<&'t super::tree::Node> {
    match &merged.get(section)?.value.kind {
        Kind::Table(table) => table.get(key).map(|entry| &entry.value),
        _ => None,
    }
}

/// Whether there is anything to ask about writable grants.
pub fn grants_writing(profile: &Profile) -> bool {
    let writable = profile.rootfs.binds.iter().any(|bind| bind.access == Access::ReadWrite);
    writable && profile.rootfs.home != Home::ReadWrite
}

/// Directories that a sandbox must not be able to write to as a whole: what is in them decides over later sandboxes.
/// By the text alone; the plan sees through links.
pub fn writable_grants(
    profile: &Profile,
    home: Option<&Path>,
    search: &[PathBuf],
    host: &Host,
    locate: impl Fn(&Origin) -> Option<Place>,
    report: &Report,
) {
    let runtime = || host.env("XDG_RUNTIME_DIR").filter(|directory| directory.starts_with('/'));
    let state = match host.is_root() {
        true => Some(PathBuf::from("/run/sandbox")),
        false => runtime().map(|directory| Path::new(&directory).join("sandbox")),
    };
    let mut guarded: Vec<(&str, &Path)> = Vec::new();
    guarded.extend(home.map(|home| ("the whole home", home)));
    guarded.extend(state.as_deref().map(|state| ("the records of all sandboxes", state)));
    guarded.extend(search.iter().map(|directory| ("the directory of profiles", directory.as_path())));
    // Who names the directory itself means it; `check` says what that gives.
    let meant = |bind: &Bind| search.contains(&bind.source);
    let writable = profile.rootfs.binds.iter().filter(|bind| bind.access == Access::ReadWrite);
    for bind in writable.filter(|bind| !meant(bind)) {
        if let Some((what, path)) = guarded.iter().find(|(_, path)| path.starts_with(&bind.source)) {
            let of = if *path == bind.source { String::new() } else { format!(", {}", path.display()) };
            let message = format!("writing to {} would reach {what}{of}", bind.source.display());
            let hint = "name the directory that is needed, or write home = \"read-write\"";
            let place = bind.origin.as_ref().and_then(&locate);
            report.push(Diagnostic { place, ..Diagnostic::nowhere(message) }.hint(hint));
        }
    }
}
