//! Whether a file can be the program, as far as it can be seen from outside.

use std::path::Path;

use super::plan::Planned;
use super::review::Writer;
use super::tree::{Content, Found, Kind};
use crate::host::{Host, Node};
use crate::isolation::Unfit;

impl Planned {
    /// Fine too is what only the launch can find out: what the caller may not look at, or the facts do not tell.
    pub fn executes(&self, path: &Path, writer: &Writer<'_>, host: &Host) -> Result<(), Unfit> {
        let refused = |why: &str| Err(Unfit::Refused(why.to_owned()));
        let (path, kind) = match self.tree.find(path, true, host) {
            Found::There { path, kind } => (path, kind),
            Found::Missing { directory, rest } => {
                let known = self.tree.source(&directory.join(rest)).is_none_or(|source| host.tells_of(&source));
                return if known { Err(Unfit::Missing) } else { Ok(()) };
            }
            Found::Nowhere { at, .. } if self.tree.hides(&at) => return refused("lies in a hidden directory"),
            Found::Nowhere { .. } => return Ok(()),
        };
        match kind {
            Kind::Directory => return refused("is a directory"),
            Kind::Device { .. } => return refused("is a device"),
            Kind::File => {}
        }
        match self.tree.provider(&path).map(|(_, content)| content) {
            Some(Content::Hidden(_)) => refused("is hidden"),
            Some(Content::File { mode, .. }) if mode & 0o111 == 0 => refused(&format!("has mode {mode:04o}")),
            Some(Content::Bind { exec: false, .. }) => refused("lies on a mount with exec = false"),
            Some(Content::Bind { .. }) => match self.tree.source(&path).map(|source| host.node(&source)) {
                Some(Node::Other) => refused("is a socket or a FIFO"),
                Some(Node::File { uid, mode }) if !writer.executes(uid, mode) => {
                    refused(&format!("has mode {:04o}", mode & 0o7777))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl Writer<'_> {
    /// Whether the permissions of a file may let it be executed; its group may be the program's.
    fn executes(&self, uid: u32, mode: u32) -> bool {
        let class = match self.uid == uid {
            _ if self.overrides => 0o111,
            true => 0o100,
            false => 0o011,
        };
        mode & class != 0
    }
}
