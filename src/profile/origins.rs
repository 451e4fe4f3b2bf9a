//! Where each value and entry of a profile was written: for `check --origin`.
//!
//! Nothing of this is kept while a profile is read but the merged tree and what became of entries: a launch has no use
//! for it.

mod defaults;
mod show;

use std::collections::BTreeMap;

use super::decode::set::removed;
use super::diagnostic::{How, Report};
use super::keys::{self, Keys, Shape};
use super::load::Loaded;
use super::merge;
use super::print::toml::spelled;
use super::source::{Place, Provenance};
use super::tree::{Entry, Kind, Node, Table};
use super::variables::{Piece, Variables, name_and_default, pieces};
use crate::host::Host;
use crate::isolation::Origin;

pub use defaults::{DEFAULTS, Unwritten};
pub use show::{json, text};

/// One value, or one entry of a list or table, in the order of the language.
#[derive(Debug)]
pub struct Line {
    /// Empty outside all sections.
    pub section: &'static str,
    pub key: String,
    /// The name within a table.
    pub name: Option<String>,
    pub part: Part,
    pub value: Value,
    pub from: From,
    /// Why it does not hold, and where that was written.
    pub gone: Option<(Gone, From)>,
    /// Where the value stood that this one took the place of.
    pub replaces: Option<From>,
    pub variables: Vec<Variable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// One of a list.
    Entry,
    /// One of a table.
    Named,
}

#[derive(Debug)]
pub enum Value {
    /// Variables replaced.
    Written(Node),
    Default(Unwritten),
}

/// Who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub enum From {
    Text {
        origin: Origin,
        kind: &'static str,
        /// The whole of one `--set`.
        set: Option<String>,
    },
    /// Something that is no text, in words.
    Elsewhere(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Removed,
    Replaced,
    Repeats,
}

/// A variable that the text contained.
#[derive(Debug)]
pub struct Variable {
    pub name: String,
    pub value: Option<String>,
    pub from: From,
}

const DEFAULT: From = From::Elsewhere("default");

/// Every value and entry, those included that something took away, and the defaults of all other keys. `host` is the one
/// that the profile was read for.
pub fn origins(loaded: &Loaded, host: &Host) -> Vec<Line> {
    let declared = merge::variables(&loaded.merged, &Report::default());
    let report = Report::default();
    let variables = Variables::new(host, &loaded.sources, &report, declared.clone(), false);
    variables.set_name(&loaded.profile.name);
    let mut collect = Collect { loaded, variables: &variables, declared: &declared, host, lines: Vec::new() };
    collect.top();
    collect.section("vars", &[]);
    for (section, keys) in keys::SECTIONS {
        collect.section(section, keys);
    }
    collect.lines
}

struct Collect<'a> {
    loaded: &'a Loaded,
    variables: &'a Variables<'a>,
    declared: &'a BTreeMap<String, (String, Place)>,
    host: &'a Host,
    lines: Vec<Line>,
}

impl Collect<'_> {
    fn top(&mut self) {
        let profile = &self.loaded.profile;
        let head = &self.loaded.head;
        let nowhere = Place::new(0, 0, 0);
        let text = |text: &str| Node { place: nowhere, kind: Kind::Text(text.to_owned()) };
        let name = match (&self.loaded.overrides.name, &head.name) {
            (Some(_), _) => From::Elsewhere("--name"),
            (None, Some(node)) => self.from(node.place),
            (None, None) => From::Elsewhere("the file's name"),
        };
        self.push("", "name", Part::Whole, None, Value::Written(text(&profile.name)), name);
        if let (Some(description), Some(node)) = (&profile.description, &head.description) {
            let from = self.from(node.place);
            self.push("", "description", Part::Whole, None, Value::Written(text(description)), from);
        }
        for source in self.loaded.sources.iter() {
            let Some(place) = source.extended_by else { continue };
            let from = self.from(place);
            self.push("", "extends", Part::Entry, None, Value::Written(text(&source.name)), from);
        }
    }

    fn section(&mut self, section: &'static str, keys: Keys) {
        let mut entries: Vec<(&Entry, Option<Place>)> = Vec::new();
        for whole in self.loaded.merged.entries.iter().filter(|entry| entry.key == section) {
            if let Kind::Table(table) = &whole.value.kind {
                entries.extend(table.entries.iter().map(|entry| (entry, whole.removed_by)));
            }
        }
        if section == "vars" {
            for (entry, removed_by) in entries {
                self.entry(section, entry, Shape::Value, removed_by);
            }
            return;
        }
        for (key, shape) in keys {
            let before = self.lines.len();
            for (entry, removed_by) in entries.iter().filter(|(entry, _)| entry.key == *key) {
                self.entry(section, entry, *shape, *removed_by);
            }
            if section == "process" && *key == "args" {
                self.arguments();
            }
            let held = self.lines[before..].iter().any(|line| line.gone.is_none() || line.part == Part::Entry);
            if let Some(default) = defaults::of(section, key).filter(|_| !held) {
                self.push(section, key, Part::Whole, None, Value::Default(default), DEFAULT);
            }
        }
    }

    /// What followed `--` replaces `args`.
    fn arguments(&mut self) {
        let Some(given) = &self.loaded.overrides.args else { return };
        let place = Place::new(0, 0, 0);
        let word = |word: &std::ffi::OsString| Node { place, kind: Kind::Text(spelled(word)) };
        let value = Value::Written(Node { place, kind: Kind::List(given.iter().map(word).collect()) });
        self.lines.retain(|line| !(line.section == "process" && line.key == "args" && line.gone.is_none()));
        self.push("process", "args", Part::Whole, None, value, From::Elsewhere("the command line"));
    }

    /// One key, as it was written: whole, or entry by entry.
    fn entry(&mut self, section: &'static str, entry: &Entry, shape: Shape, section_removed_by: Option<Place>) {
        let removed_by = entry.removed_by.or(section_removed_by);
        let gone = removed_by.map(|by| (Gone::Removed, by));
        let key = entry.key.as_str();
        match (&entry.value.kind, shape) {
            (Kind::List(items), Shape::Set) => {
                let before = self.lines.len();
                for item in items.iter().filter(|item| removed(item).is_none()) {
                    let gone = gone.or_else(|| self.overruled(item.place));
                    self.line(section, key, Part::Entry, None, item, item.place, gone, None);
                }
                // An empty list is not the same as none.
                if self.lines.len() == before && gone.is_none() {
                    let empty = Node { place: entry.value.place, kind: Kind::List(Vec::new()) };
                    self.line(section, key, Part::Whole, None, &empty, entry.value.place, None, entry.replaces);
                }
            }
            (Kind::Table(table), Shape::Map | Shape::SwitchMap | Shape::Placed) => {
                for inner in table.entries.iter().filter(|inner| shape != Shape::Placed || !inner.value.is_false()) {
                    let gone = gone
                        .or(inner.removed_by.map(|by| (Gone::Removed, by)))
                        .or_else(|| self.overruled(inner.key_place));
                    let (name, place) = (Some(inner.key.as_str()), inner.key_place);
                    self.line(section, key, Part::Named, name, &inner.value, place, gone, inner.replaces);
                }
            }
            _ => self.line(section, key, Part::Whole, None, &entry.value, entry.value.place, gone, entry.replaces),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn line(
        &mut self,
        section: &'static str,
        key: &str,
        part: Part,
        name: Option<&str>,
        value: &Node,
        place: Place,
        gone: Option<(Gone, Place)>,
        replaces: Option<Place>,
    ) {
        // The contents of files are taken as they stand.
        let plain = (section, key) == ("rootfs", "files");
        let mut variables = Vec::new();
        let name = name.map(|name| self.expanded(name, place, &mut variables));
        let value = if plain { value.clone() } else { self.replaced(value, &mut variables) };
        let line = Line {
            section,
            key: key.to_owned(),
            name,
            part,
            value: Value::Written(value),
            from: self.from(place),
            gone: gone.map(|(how, by)| (how, self.from(by))),
            replaces: replaces.map(|place| self.from(place)),
            variables,
        };
        self.lines.push(line);
    }

    fn push(&mut self, section: &'static str, key: &str, part: Part, name: Option<String>, value: Value, from: From) {
        let (gone, replaces, variables) = (None, None, Vec::new());
        self.lines.push(Line { section, key: key.into(), name, part, value, from, gone, replaces, variables });
    }

    fn overruled(&self, place: Place) -> Option<(Gone, Place)> {
        let found = self.loaded.overruled.iter().find(|overruled| overruled.entry == place)?;
        let how = match found.how {
            How::Removed => Gone::Removed,
            How::Replaced => Gone::Replaced,
            How::Repeats => Gone::Repeats,
        };
        Some((how, found.by))
    }

    fn from(&self, place: Place) -> From {
        let source = self.loaded.sources.get(place.file);
        let kind = match source.provenance {
            Provenance::File { .. } => "file",
            Provenance::BuiltIn { .. } => "built-in",
            Provenance::CommandLine => "set",
        };
        let set = (source.provenance == Provenance::CommandLine).then(|| source.text.clone());
        From::Text { origin: self.loaded.sources.origin(place), kind, set }
    }

    /// A value with every variable in it replaced.
    fn replaced(&self, node: &Node, used: &mut Vec<Variable>) -> Node {
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

    fn expanded(&self, text: &str, place: Place, used: &mut Vec<Variable>) -> String {
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
