//! What `extends` leads to.

use std::path::{Path, PathBuf};

use super::{Chain, Identity};
use crate::profile::decode::path::normal;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::find::{Found, is_path};
use crate::profile::open::Refusal;
use crate::profile::source::Place;
use crate::profile::tree::{Kind, Node};
use crate::profile::variables::Variables;

/// Longer chains of parents are a mistake.
const DEPTH: usize = 16;

impl<'a> Chain<'a> {
    /// One entry of `extends`.
    pub(super) fn extend(&mut self, child: u32, node: &Node, depth: usize) {
        let place = node.place;
        let Kind::Text(text) = &node.kind else {
            if !matches!(node.kind, Kind::Broken) {
                self.not_a_name(node);
            }
            self.incomplete = true;
            return;
        };
        let (optional, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        if text.is_empty() {
            let error = Diagnostic::error(place, "`extends` names nothing");
            let hint = if optional { "write the name or path behind the `-`" } else { "write a name or path" };
            self.report.push(error.hint(hint));
            self.incomplete = true;
            return;
        }
        let variables = Variables::new(self.host, &self.sources, self.report, self.declared.clone(), self.incomplete);
        let parent = variables.expand_marked(text, place).and_then(|(name, plain)| {
            if plain && name.starts_with('~') {
                let error = Diagnostic::error(place, format!("`~` is not replaced in what --set gives: {name:?}"));
                self.report.push(error.hint("write an absolute path: the shell replaces $HOME"));
                return None;
            }
            self.locate(child, &name, place, &variables)
        });
        let Some((path, parent)) = parent else {
            self.incomplete = true;
            return;
        };
        match parent {
            Ok(found) => self.follow(found, place, depth),
            Err(Refusal::Missing) if optional => self.sought.extend(path),
            Err(refusal) => {
                self.incomplete = true;
                let error = match refusal {
                    Refusal::Unfit { message, hint } => Diagnostic::error(place, message).hint(hint),
                    Refusal::Missing if is_path(text) => Diagnostic::error(place, format!("there is no file {text}"))
                        .hint("paths are relative to the file that names them; a leading `-` makes it optional"),
                    Refusal::Missing => Diagnostic::error(place, format!("there is no profile named `{text}`"))
                        .hint(self.search.hint(text)),
                };
                self.report.push(error);
            }
        }
    }

    /// What a child's `extends` means, and by which path; nothing where that is already reported.
    fn locate(
        &self,
        child: u32,
        name: &str,
        place: Place,
        variables: &Variables,
    ) -> Option<(Option<PathBuf>, Result<Found<'a>, Refusal>)> {
        let known = &self.known[child as usize];
        if !is_path(name) {
            // In nginx.toml, `nginx` is the next one on the search path.
            let own = known.stem == name;
            let from = if own { known.turn.map_or(0, |turn| turn + 1) } else { 0 };
            let but = match known.identity {
                Identity::File(device, inode) if own => Some((device, inode)),
                _ => None,
            };
            return Some((None, self.search.by_name(name, from, but)));
        }
        let path = match (name.strip_prefix("~/"), &self.sources.get(child).directory) {
            (Some(below), _) => match variables.home() {
                Some(home) => Path::new(home).join(below),
                None => {
                    let error =
                        Diagnostic::error(place, "`~` has no meaning here: this user has no home in /etc/passwd");
                    self.report.push(error.hint("write an absolute path"));
                    return None;
                }
            },
            (None, Some(directory)) => directory.join(name),
            (None, None) if name.starts_with('/') => PathBuf::from(name),
            (None, None) => {
                let error =
                    Diagnostic::error(place, "a built-in profile has no directory that a path could start from");
                self.report.push(error.hint("write a name or an absolute path"));
                return None;
            }
        };
        let path = normal(&path);
        // A parent is shown as its child was: relative to the working directory, if that was typed so.
        let child = Path::new(&*self.sources.get(child).name);
        let beside = child.is_relative() && !name.starts_with(['/', '~']);
        let shown = match child.parent().filter(|_| beside) {
            Some(directory) => directory.join(name.trim_start_matches("./")).display().to_string(),
            None => path.display().to_string(),
        };
        let found = self.search.by_path(shown, &path, known.named);
        Some((Some(path), found))
    }

    fn follow(&mut self, found: Found<'a>, place: Place, depth: usize) {
        let (identity, shown) = match &found {
            Found::File { text, shown, .. } => (Identity::File(text.identity.0, text.identity.1), Some(shown)),
            Found::BuiltIn(profile) => (Identity::BuiltIn(profile.name), None),
        };
        if let Some(at) = self.known.iter().position(|known| known.identity == identity) {
            if self.known[at].open {
                self.circle(at, place, shown);
            }
            return;
        }
        if depth >= DEPTH {
            let message = format!("more than {DEPTH} profiles extend one another");
            self.report.push(Diagnostic::error(place, message).hint("merge some of them"));
            self.incomplete = true;
            return;
        }
        match self.add(found, Some(place)) {
            Some(file) => self.read(file, depth + 1),
            None => self.incomplete = true,
        }
    }

    /// `shown` is the file that closes it, which a link may give another name.
    fn circle(&mut self, at: usize, place: Place, shown: Option<&String>) {
        let open = self.known.iter().enumerate().skip(at).filter(|(_, known)| known.open);
        let mut names: Vec<&str> = open.map(|(file, _)| &*self.sources.get(file as u32).name).collect();
        let first = names[0];
        names.push(shown.map_or(first, String::as_str));
        let link = names.last().filter(|last| **last != first).map(|_| format!(", which is {first}"));
        let message = format!("this profile extends itself: {}{}", names.join(" → "), link.unwrap_or_default());
        self.report.push(Diagnostic::error(place, message).hint("take one of these out of `extends`"));
        self.incomplete = true;
    }
}
