//! The variables in what was written: their values, and where these come from.

use super::collect::Collect;
use super::{DEFAULT, From, Variable};
use crate::profile::source::Place;
use crate::profile::tree::{Entry, Kind, Node, Table};
use crate::profile::variables::{Piece, name_and_default, pieces};

impl Collect<'_> {
    /// A value with every variable in it replaced.
    pub(super) fn replaced(&self, node: &Node, used: &mut Vec<Variable>) -> Node {
        let kind = match &node.kind {
            Kind::Text(text) => Kind::Text(self.expanded(text, node.place, used)),
            Kind::List(items) => Kind::List(items.iter().map(|item| self.replaced(item, used)).collect()),
            Kind::Table(table) => {
                let mut copy = Table::default();
                for entry in table.iter() {
                    let value = self.replaced(&entry.value, used);
                    copy.push(Entry::new(entry.key.clone(), entry.key_place, value));
                }
                Kind::Table(copy)
            }
            other => other.clone(),
        };
        Node { place: node.place, kind }
    }

    pub(super) fn expanded(&self, text: &str, place: Place, used: &mut Vec<Variable>) -> String {
        for name in names_in(text) {
            if !used.iter().any(|variable| variable.name == name) {
                used.push(self.variable(name, place));
            }
        }
        // What was taken away may contain what nobody defines.
        self.variables.expand(text, place).map_or_else(|| text.to_owned(), |text| text.into_owned())
    }

    fn variable(&self, name: &str, place: Place) -> Variable {
        let from = match (self.declared.get(name), name) {
            (Some((_, place)), _) => self.from(*place),
            (None, "HOME" | "USER") => From::Elsewhere("/etc/passwd"),
            (None, "UID" | "GID") => From::Elsewhere("the caller"),
            (None, "PWD") => From::Elsewhere("the working directory"),
            (None, "NAME") => From::Elsewhere("the sandbox's name"),
            (None, "PROFILE_DIR") => From::Elsewhere("the directory of this file"),
            (None, _) if name.starts_with("env.") || self.host.env(name).is_some() => {
                From::Elsewhere("the caller's environment")
            }
            (None, _) if name.ends_with("_DIR") && name != "XDG_RUNTIME_DIR" => From::Elsewhere("user-dirs.dirs"),
            _ => DEFAULT,
        };
        let text = format!("${{{name}}}");
        Variable { name: name.to_owned(), value: self.variables.expand(&text, place).map(Into::into), from }
    }
}

/// The names in `${name}` and `${name:-default}`, those within defaults too.
fn names_in(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut open = vec![pieces(text)];
    while let Some(innermost) = open.last_mut() {
        match innermost.next() {
            Some(Piece::Variable(inner)) => {
                let (name, default) = name_and_default(inner);
                names.push(name);
                open.push(pieces(default.unwrap_or_default()));
            }
            Some(_) => {}
            None => drop(open.pop()),
        }
    }
    names
}
