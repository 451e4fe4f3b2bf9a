//! Other names of what an entry takes away: links that lead to it, which the program may exchange, and other grants that
//! show it.

use std::path::{Path, PathBuf};

use super::plan::{Planned, held::is_writable};
use super::tree::{Content, Found, below};
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

    /// A cover hides one place, not what lies beneath it: another bind of a tree above shows that.
    fn shown_elsewhere(&self, section: &Rootfs, host: &Host, findings: &mut Findings) {
        let named = |path: &Path, bind: &&Bind| matches!(self.tree.find(&bind.target, true, host), Found::There { path: at, .. } if at == path);
        let hidden = self.tree.iter().filter(|(_, content)| matches!(content, Content::Hidden(_)));
        for (hidden, _) in hidden {
            let (Some(above), Some(name)) = (hidden.parent(), hidden.file_name()) else { continue };
            let Some(covered) = self.tree.source(above).map(|above| above.join(name)) else { continue };
            for (at, content) in self.tree.iter() {
                let Content::Bind { source, access, .. } = content else { continue };
                let Some(shown) = below(&covered, source).map(|rest| at.join(rest)) else { continue };
                if self.tree.provider(&shown).is_none_or(|(provider, _)| provider != at) {
                    continue;
                }
                let origin = section.binds.iter().find(|bind| named(at, bind)).and_then(|bind| bind.origin.as_ref());
                let (source, hidden) = (source.display(), hidden.display());
                let message = format!("{access} {source} shows {}, which is hidden as {hidden}", shown.display());
                let hint = format!("hide {} too, or grant what is needed of it by itself", shown.display());
                findings.warning(Section::Rootfs, message, hint, origin);
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
