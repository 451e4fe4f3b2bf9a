//! Directories that are kept from one run to the next.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Given, Planner};
use crate::host::{Host, Node};
use crate::isolation::Section;
use crate::isolation::context::Slot;
use crate::isolation::rootfs::tree::{Content, Kind};
use crate::isolation::rootfs::{Access, Persist, Step};

/// NAME_MAX of linux/limits.h.
const LONGEST_NAME: usize = 255;

impl Planner<'_> {
    pub(super) fn persist(&mut self, persist: &Persist) {
        let Some(data) = self.given.kept(&persist.target, self.host) else {
            let hint = "set XDG_DATA_HOME, or give the caller a home in /etc/passwd".to_string();
            return self.findings.error(
                Section::Rootfs,
                "persist: there is no place to keep it",
                hint,
                persist.origin.as_ref(),
            );
        };
        if persist.mode & 0o700 != 0o700 {
            let message = format!("persist: with mode {:04o} its own owner could not use it", persist.mode);
            let hint = "let the mode begin with 7, as in \"0700\" or \"0750\"";
            return self.findings.error(Section::Rootfs, message, hint, persist.origin.as_ref());
        }
        let length = data.file_name().map_or(0, OsStr::len);
        if length > LONGEST_NAME {
            let message = format!(
                "persist: it is kept under a name of {length} bytes, and a file system takes {LONGEST_NAME}: each / is \
                 written as -, each - as four bytes"
            );
            let hint = "shorten the path";
            return self.findings.error(Section::Rootfs, message, hint, persist.origin.as_ref());
        }
        let Some(owner) = self.owner("persist", &persist.target, persist.owner.as_deref(), persist.origin.as_ref())
        else {
            return;
        };
        if self.given.becomes {
            let message = "persist: id-map leaves out the caller, who alone reaches the place where it is kept";
            let hint = "add a line whose outside range holds the caller's uid and gid".to_string();
            return self.findings.error(Section::Rootfs, message, hint, persist.origin.as_ref());
        }
        // What is there already is the caller's own.
        let root = data.ancestors().nth(3).filter(|root| self.host.node(root) == Node::Missing);
        if let Some((why, _)) = root.and_then(|root| self.not_to_be_made(root)) {
            let message = format!("persist: {} cannot be made: {why}", data.display());
            let hint = match self.host.is_root() {
                true => "it is kept in /var/lib/sandbox: let that be a directory",
                false => "XDG_DATA_HOME decides where it is kept, else the home: name a directory of the caller's own",
            };
            return self.findings.error(Section::Rootfs, message, hint, persist.origin.as_ref());
        }
        let gid = if owner == self.given.account.uid { self.given.account.gid } else { owner };
        let outside = self.given.ids.map_or((owner, gid), |ids| ids.outside(owner, gid));
        let owner = self.host.is_root().then_some(outside);
        let lock = Some(Slot::Kept(self.host_before.len()));
        self.host_before.push(Step::Create { path: data.clone(), mode: persist.mode, lock, owner });
        let content = Content::Bind {
            source: data,
            kind: Kind::Directory,
            access: Access::ReadWrite,
            exec: true,
            discard: false,
            system: false,
        };
        self.put(&persist.target, content, persist.origin.as_ref());
    }
}

impl Given<'_> {
    /// Where kept directories live on the host.
    pub(super) fn kept_root(&self, host: &Host) -> Option<PathBuf> {
        let root = if host.is_root() {
            PathBuf::from("/var/lib/sandbox")
        } else {
            let data = host.env("XDG_DATA_HOME").filter(|path| path.starts_with('/')).map(PathBuf::from);
            data.or_else(|| Some(host.user_by_uid(host.uid())?.home.join(".local/share")))?.join("sandbox")
        };
        Some(host.place(&root))
    }

    /// Where one of them does.
    fn kept(&self, target: &Path, host: &Host) -> Option<PathBuf> {
        // One directory a target: a name cannot hold a slash, so it is written as systemd-escape(1) does.
        let escaped = target.to_string_lossy().trim_matches('/').replace('\\', "\\x5c");
        let escaped = escaped.replace('-', "\\x2d").replace('/', "-");
        Some(self.kept_root(host)?.join("persist").join(self.name).join(escaped))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::host::Facts;
    use crate::isolation::rootfs::{Rootfs, plan};
    use crate::isolation::{Account, Findings};

    #[test]
    fn each_has_one_holder_however_many_there_are() {
        let kept =
            |number| Persist { target: format!("/kept/{number}").into(), mode: 0o700, owner: None, origin: None };
        let section = Rootfs { persist: (0..300).map(kept).collect(), ..Rootfs::default() };
        let (uid, gid, groups, name) = (0, 0, Vec::new(), "root".to_owned());
        let account = Account { uid, gid, groups, name, home: "/root".into(), shell: "/bin/sh".into() };
        let given = Given {
            name: "x",
            account: &account,
            one_id: false,
            ids: None,
            becomes: false,
            own_pid: true,
            own_network: true,
            nested_mounts: false,
            cgroup: None,
            memory_max: None,
            state: |_| PathBuf::from("/run/sandbox"),
            profiles: &[],
            sought: &[],
            looked_up: |_| Vec::new(),
        };
        let host = Host::known(Facts { uid: Some(0), gid: Some(0), ..Facts::default() });
        let planned = plan(&section, &given, &host, &mut Findings::default());
        let locks: BTreeSet<Slot> = planned.host_before.iter().flat_map(|step| step.slots().fills).collect();
        assert_eq!((planned.host_before.len(), locks.len()), (300, 300));
    }
}
