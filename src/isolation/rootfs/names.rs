//! Other names of what an entry takes away: links that lead to it, which the program may exchange.

use std::path::{Path, PathBuf};

use super::plan::{Planned, held::is_writable};
use super::{Access, Rootfs};
use crate::host::Host;
use crate::isolation::{Findings, Origin};

impl Planned {
    pub fn review_names(&self, section: &Rootfs, host: &Host, findings: &mut Findings) {
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

    /// The entry holds where the link leads now: what leads elsewhere at the next launch takes it along.
    fn exchangeable(&self, word: &str, target: &Path, origin: Option<&Origin>, host: &Host, findings: &mut Findings) {
        let mut link: Option<PathBuf> = None;
        let found = self.tree.walk(target, true, host, |at| {
            let above = self.tree.provider(at);
            if link.is_none() && above.is_some_and(|(_, content)| is_writable(content)) {
                link = Some(at.to_owned());
            }
        });
        let (Some(link), super::tree::Found::There { path, .. }) = (link, found) else { return };
        let (noun, link) = (target.display(), link.display());
        let message = format!(
            "{word} {noun} leads through the link {link}, which the program may exchange: the next launch then follows \
             another"
        );
        let hint = format!("write where it leads: {}", path.display());
        findings.warning("rootfs", message, hint, origin);
    }
}
