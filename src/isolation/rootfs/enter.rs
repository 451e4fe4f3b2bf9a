//! Whether the program may start in a directory.

use std::path::Path;

use super::plan::Planned;
use super::tree::{Content, Found, Kind, Obstacle, Tree};
use crate::host::{Host, Node};
use crate::isolation::Unfit;

/// The program, as the permissions of a directory see it.
pub struct Visitor {
    /// Inside, and on the host.
    pub uid: u32,
    pub outside: u32,
    /// It keeps a capability by which no directory is closed to it.
    pub overrides: bool,
}

impl Planned {
    /// What the facts do not tell is for the launch to find out.
    pub fn enters(&self, path: &Path, visitor: &Visitor, host: &Host) -> Result<(), Unfit> {
        let path = match self.tree.find(path, true, host) {
            Found::There { path, kind: Kind::Directory } => path,
            Found::Nowhere { why: why @ Obstacle::Hidden, .. } => return Err(Unfit::Refused(why.to_string())),
            _ => return Err(Unfit::Missing),
        };
        path.ancestors().filter(|_| !visitor.overrides).try_for_each(|at| visitor.passes(&self.tree, at, host))
    }
}

impl Visitor {
    fn passes(&self, tree: &Tree, at: &Path, host: &Host) -> Result<(), Unfit> {
        let (own, mode) = match tree.get(at) {
            Some(Content::Hidden(_)) => return refused("is hidden"),
            Some(Content::Tmpfs { mode, owner, .. }) => (*owner == self.uid, *mode),
            None | Some(Content::Bind { .. }) => match tree.source(at).map(|source| host.node(&source)) {
                Some(Node::Directory { uid, mode }) => (uid == self.outside, mode),
                _ => return Ok(()),
            },
            Some(_) => return Ok(()),
        };
        // Its group may be the program's.
        if mode & if own { 0o100 } else { 0o011 } == 0 {
            return Err(Unfit::Refused(format!("cannot be entered: {} has mode {:04o}", at.display(), mode & 0o7777)));
        }
        Ok(())
    }
}

fn refused(why: &str) -> Result<(), Unfit> {
    Err(Unfit::Refused(why.to_owned()))
}
