//! Other names of what an entry takes away: links that lead to it, which the program may exchange, and other grants that
//! show it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::plan::{Planned, held::is_writable};
use super::tree::{Content, Found, rebased};
use super::{Access, Bind, Rootfs};
use crate::host::Host;
use crate::isolation::{Findings, Origin, Section};

impl Planned {
    pub fn review_names(&self, section: &Rootfs, host: &Host, findings: &mut Findings) {
        self.shown_elsewhere(section, host, findings);
        if !self.tree.iter().any(|(_, content)| is_writable(content)) {
            return;
        }
        let binds = section.binds.iter().filter(|bind| bind.access == Access::ReadOnly || !bind.exec);
        let binds = binds.map(|bind| (bind.access.to_string(), &bind.target, bind.origin.as_ref()));
        let hide = section.hide.iter().map(|hide| ("hide".to_owned(), &hide.target, hide.origin.as_ref()));
        let tmpfs = section.tmpfs.iter().map(|tmpfs| ("tmpfs".to_owned(), &tmpfs.target, tmpfs.origin.as_ref()));
        let files = section.files.iter().map(|file| ("files:".to_owned(), &file.target, file.origin.as_ref()));
        for (word, target, origin) in binds.chain(hide).chain(tmpfs).chain(files) {
            self.exchangeable(&word, target, origin, host, findings);
        }
    }

    /// A cover hides one place, and a mount's read-only and noexec hold at one, not for what lies beneath: another bind of
    /// it, or of a tree above, shows that.
    fn shown_elsewhere(&self, section: &Rootfs, host: &Host, findings: &mut Findings) {
        let all = Sources::of(self, |_| true);
        let written_to = Sources::of(self, |content| {
            matches!(content, Content::Bind { access: Access::ReadWrite, discard: false, .. })
        });
        let executed = Sources::of(self, |content| matches!(content, Content::Bind { exec: true, .. }));
        let found = |bind: &Bind| match self.tree.find(&bind.target, true, host) {
            Found::There { path, .. } => Some(path),
            _ => None,
        };
        let written: OnceCell<HashMap<PathBuf, &Bind>> = OnceCell::new();
        let origin = |at: &Path| {
            let places = || section.binds.iter().rev().filter_map(|bind| Some((found(bind)?, bind))).collect();
            written.get_or_init(places).get(at).and_then(|bind| bind.origin.as_ref())
        };
        let hidden = self.tree.iter().filter(|(_, content)| matches!(content, Content::Hidden(_)));
        for (hidden, _) in hidden {
            let (Some(above), Some(name)) = (hidden.parent(), hidden.file_name()) else { continue };
            let Some(covered) = self.tree.source(above).map(|above| above.join(name)) else { continue };
            for Other { at, source, access, shown, .. } in all.others(&covered) {
                // Whoever grants just that under another name means it.
                if source == covered {
                    continue;
                }
                let (source, hidden) = (source.display(), hidden.display());
                let message = format!("{access} {source} shows {}, which is hidden as {hidden}", shown.display());
                let hint = format!("hide {} too, or grant what is needed of it by itself", shown.display());
                findings.warning(Section::Rootfs, message, hint, origin(at));
            }
        }
        for bind in section.binds.iter().filter(|bind| bind.access == Access::ReadOnly || !bind.exec) {
            let Some(path) = found(bind) else { continue };
            let Some(Content::Bind { source: closed, access: granted, exec, .. }) = self.tree.get(&path) else {
                continue;
            };
            for (applies, open, closing, use_) in [
                (*granted == Access::ReadOnly, &written_to, "read-only", "writing"),
                (!exec, &executed, "exec = false", "execution"),
            ] {
                // Looked through only where it applies: of thousands that show the same tree each would go through all.
                for Other { at, source, access, shown } in applies.then(|| open.others(closed)).into_iter().flatten() {
                    let (source, path, shown) = (source.display(), path.display(), shown.display());
                    let message = format!("{access} {source} shows {shown}, which is {closing} as {path}, for {use_}");
                    let hint = format!("make {shown} {closing} too, or grant what is needed of it by itself");
                    findings.warning(Section::Rootfs, message, hint, origin(at));
                }
            }
        }
    }

    /// The entry holds where the link leads now: what leads elsewhere at the next launch takes it along.
    fn exchangeable(&self, word: &str, target: &Path, origin: Option<&Origin>, host: &Host, findings: &mut Findings) {
        let mut link: Option<PathBuf> = None;
        let found = self.tree.walk(target, true, host, |at| {
            let above = self.tree.provider(at);
            if link.is_none() && above.is_some_and(|(_, content)| is_writable(content)) {
                link = Some(at.to_owned());
            }
        });
        let (Some(link), Found::There { path, .. }) = (link, found) else { return };
        let (noun, link) = (target.display(), link.display());
        let message = format!(
            "{word} {noun} leads through the link {link}, which the program may exchange: the next launch then follows \
             another"
        );
        let hint = format!("write where it leads: {}", path.display());
        findings.warning(Section::Rootfs, message, hint, origin);
    }
}

/// The binds by what they bring, so that who asks for one path need not look at all.
struct Sources<'a> {
    planned: &'a Planned,
    binds: HashMap<&'a Path, Vec<(&'a Path, &'a Content)>>,
}

impl<'a> Sources<'a> {
    fn of(planned: &'a Planned, wanted: impl Fn(&Content) -> bool) -> Sources<'a> {
        let mut binds: HashMap<_, Vec<_>> = HashMap::new();
        for (at, content) in planned.tree.iter().filter(|(_, content)| wanted(content)) {
            if let Content::Bind { source, .. } = content {
                binds.entry(source.as_path()).or_default().push((at, content));
            }
        }
        Sources { planned, binds }
    }

    /// The binds that show a path of the host, and as what.
    fn others<'b>(&'b self, path: &'b Path) -> impl Iterator<Item = Other<'b>> {
        let binds = path.ancestors().flat_map(|source| self.binds.get(source).into_iter().flatten());
        binds.filter_map(move |(at, content)| {
            let Content::Bind { source, access, .. } = content else { return None };
            let shown = rebased(path, source, at);
            let provided = self.planned.tree.provider(&shown).is_some_and(|(provider, _)| provider == *at);
            provided.then_some(Other { at, source, access: *access, shown })
        })
    }
}

/// A bind that shows something, and where.
struct Other<'a> {
    at: &'a Path,
    source: &'a Path,
    access: Access,
    shown: PathBuf,
}
