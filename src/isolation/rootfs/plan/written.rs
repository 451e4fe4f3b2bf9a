//! What the author wrote, entry by entry.

use std::path::Path;

use super::Planner;
use crate::isolation::rootfs::tree::{Content, Found, Kind, Obstacle};
use crate::isolation::rootfs::{Bind, Hide, Home, InlineFile, Persist, Symlink, Tmpfs, devices};
use crate::isolation::{Origin, Section};

/// PATH_MAX without its NUL: what symlink(2) takes.
const LONGEST_LINK: usize = 4095;

impl Planner<'_> {
    /// What the author wrote, the shallowest target first: a deeper one may stand in what a shallower one brings, or in
    /// what it hides. How deep a target is, the links of the base decide: /bin/sh mostly is /usr/bin/sh.
    pub(super) fn profile(&mut self) {
        let section = self.section;
        let mut parts: Vec<Part<'_>> = Vec::new();
        parts.extend(section.binds.iter().map(Part::Bind));
        parts.extend(section.persist.iter().map(Part::Persist));
        parts.extend(section.tmpfs.iter().map(Part::Tmpfs));
        parts.extend(section.hide.iter().map(Part::Hide));
        parts.extend(section.files.iter().map(Part::File));
        parts.extend(section.symlinks.iter().map(Part::Link));
        parts.sort_by_cached_key(|part| self.tree.depth(part.target(), part.follows(), self.host));
        for part in parts {
            match part {
                Part::Bind(bind) => self.bind(bind),
                Part::Persist(persist) => self.persist(persist),
                Part::Tmpfs(tmpfs) => {
                    let size = tmpfs.size.unwrap_or_else(|| self.given.share_of_memory(self.host));
                    let (target, owner, origin) = (&tmpfs.target, tmpfs.owner.as_deref(), tmpfs.origin.as_ref());
                    let Some(owner) = self.owner("tmpfs", target, owner, origin) else { continue };
                    self.put(target, Content::Tmpfs { size, mode: tmpfs.mode, exec: tmpfs.exec, owner }, origin);
                }
                Part::Hide(hide) => self.hide(hide),
                Part::File(file) => self.file(file),
                Part::Link(link) if link.text.as_os_str().len() > LONGEST_LINK => {
                    let length = link.text.as_os_str().len();
                    let (noun, origin) = (link.target.display(), link.origin.as_ref());
                    let message = format!("symlinks: {noun} would say {length} bytes, and a link holds {LONGEST_LINK}");
                    self.findings.error(Section::Rootfs, message, "shorten what the link says", origin);
                }
                Part::Link(link) => self.put(&link.target, Content::Link(link.text.clone()), link.origin.as_ref()),
            }
        }
        for device in &section.devices {
            for (path, content) in devices::named(device, self.host, self.findings) {
                self.put(&path, content, device.origin.as_ref());
            }
        }
        self.protect_names();
        self.protect_profiles();
        self.check_sought();
        self.check_links();
        self.check_names();
        self.hide_others();
        self.hold();
    }

    fn hide(&mut self, hide: &Hide) {
        let noun = hide.target.display();
        match self.tree.find(&hide.target, true, self.host) {
            Found::There { path, .. } if path == Path::new("/") => {
                self.findings.error(
                    Section::Rootfs,
                    "hide: / itself cannot be hidden",
                    "name a path below it",
                    hide.origin.as_ref(),
                );
            }
            Found::There { path, .. } if self.section.home != Home::Empty && path == self.given.account.home => {
                let message = format!("hide: {noun} is the home that home = \"{}\" grants", self.section.home);
                let hint = "leave out one of the two";
                self.findings.error(Section::Rootfs, message, hint, hide.origin.as_ref());
            }
            Found::There { path, kind } => {
                if let Some(source) = self.tree.source(&path).filter(|_| kind == Kind::File) {
                    let noun = format!("hide: {noun}");
                    let hint = "remove the other hard links, or hide the directories that they are in";
                    self.refuse_names(&source, &noun, "the others would still show it", hint, hide.origin.as_ref());
                }
                self.put(&path, Content::Hidden(kind), hide.origin.as_ref());
            }
            Found::Missing { .. } if hide.optional => {}
            Found::Missing { .. } => {
                let hint = format!("write \"-{noun}\" if it need not exist");
                self.findings.error(
                    Section::Rootfs,
                    format!("hide: {noun} does not exist inside"),
                    hint,
                    hide.origin.as_ref(),
                );
            }
            Found::Nowhere { why: Obstacle::Hidden, .. } => {}
            Found::Nowhere { at, why } => {
                let message = format!("hide: {noun} cannot be reached: {} {why}", at.display());
                let hint = match why {
                    Obstacle::Kernel => "leave it out: what the kernel shows there is the sandbox's own",
                    _ => "hide the last directory on the way to it, or leave the entry out",
                };
                self.findings.error(Section::Rootfs, message, hint, hide.origin.as_ref());
            }
        }
    }

    fn file(&mut self, file: &InlineFile) {
        let Some(owner) = self.owner("files", &file.target, file.owner.as_deref(), file.origin.as_ref()) else {
            return;
        };
        let content = Content::File { text: file.text.clone(), mode: file.mode, owner: Some(owner) };
        self.put(&file.target, content, file.origin.as_ref());
    }

    /// The uid inside of an owner by name or number; default: the program's.
    pub(super) fn owner(
        &mut self,
        key: &str,
        target: &Path,
        name: Option<&str>,
        origin: Option<&Origin>,
    ) -> Option<u32> {
        let account = self.given.account;
        let Some(name) = name.filter(|name| *name != account.name) else { return Some(account.uid) };
        let uid = name.parse().ok().or_else(|| self.host.user_by_name(name).map(|user| user.uid));
        let uid = uid.filter(|uid| !self.given.one_id || *uid == account.uid);
        if uid.is_none() {
            let message = format!("{key}: {} cannot belong to {name:?}", target.display());
            let hint = if self.given.one_id {
                format!("inside, the only account is {}", account.name)
            } else {
                "a name from /etc/passwd, or a number".to_string()
            };
            self.findings.error(Section::Rootfs, message, hint, origin);
        }
        uid
    }
}

enum Part<'a> {
    Bind(&'a Bind),
    Persist(&'a Persist),
    Tmpfs(&'a Tmpfs),
    Hide(&'a Hide),
    File(&'a InlineFile),
    Link(&'a Symlink),
}

impl Part<'_> {
    fn target(&self) -> &Path {
        match self {
            Part::Bind(bind) => &bind.target,
            Part::Persist(persist) => &persist.target,
            Part::Tmpfs(tmpfs) => &tmpfs.target,
            Part::Hide(hide) => &hide.target,
            Part::File(file) => &file.target,
            Part::Link(link) => &link.target,
        }
    }

    /// A link takes the place of one that is there.
    fn follows(&self) -> bool {
        !matches!(self, Part::Link(_))
    }
}
