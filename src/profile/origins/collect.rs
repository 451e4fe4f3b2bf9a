//! The merged tree walked in the order of the language, a line for each value and entry.

use std::collections::BTreeMap;

use super::{DEFAULT, From, Gone, Line, Part, Value, Variables, defaults};
use crate::host::Host;
use crate::profile::decode::set::removed;
use crate::profile::diagnostic::How;
use crate::profile::keys::{Keys, Shape};
use crate::profile::load::Loaded;
use crate::profile::print::toml::spelled;
use crate::profile::source::{Place, Provenance};
use crate::profile::tree::{Entry, Kind, Node};

pub(super) struct Collect<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) variables: &'a Variables<'a>,
    pub(super) declared: &'a BTreeMap<String, (String, Place)>,
    pub(super) host: &'a Host,
    pub(super) lines: Vec<Line>,
}

/// What was written, by one author, of one key or of one entry in it.
#[derive(Clone, Copy)]
struct Written<'a> {
    section: &'static str,
    key: &'a str,
    part: Part,
    name: Option<&'a str>,
    value: &'a Node,
    place: Place,
    gone: Option<(Gone, Place)>,
    replaces: Option<Place>,
}

impl Collect<'_> {
    pub(super) fn top(&mut self) {
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

    pub(super) fn section(&mut self, section: &'static str, keys: Keys) {
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
        let whole = Written {
            section,
            key: &entry.key,
            part: Part::Whole,
            name: None,
            value: &entry.value,
            place: entry.value.place,
            gone,
            replaces: entry.replaces,
        };
        match (&entry.value.kind, shape) {
            (Kind::List(items), Shape::Set) => {
                let before = self.lines.len();
                for item in items.iter().filter(|item| removed(item).is_none()) {
                    let gone = gone.or_else(|| self.overruled(item.place));
                    let (part, replaces) = (Part::Entry, None);
                    self.written(Written { part, value: item, place: item.place, gone, replaces, ..whole });
                }
                // An empty list is not the same as none.
                if self.lines.len() == before && gone.is_none() {
                    let empty = Node { place: entry.value.place, kind: Kind::List(Vec::new()) };
                    self.written(Written { value: &empty, ..whole });
                }
            }
            (Kind::Table(table), Shape::Map | Shape::SwitchMap | Shape::Placed) => {
                for inner in table.entries.iter().filter(|inner| shape != Shape::Placed || !inner.value.is_false()) {
                    let gone = gone
                        .or(inner.removed_by.map(|by| (Gone::Removed, by)))
                        .or_else(|| self.overruled(inner.key_place));
                    let (name, place, replaces) = (Some(inner.key.as_str()), inner.key_place, inner.replaces);
                    self.written(Written {
                        part: Part::Named,
                        name,
                        value: &inner.value,
                        place,
                        gone,
                        replaces,
                        ..whole
                    });
                }
            }
            _ => self.written(whole),
        }
    }

    fn written(&mut self, written: Written<'_>) {
        let Written { section, key, part, name, value, place, gone, replaces } = written;
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

    pub(super) fn from(&self, place: Place) -> From {
        let source = self.loaded.sources.get(place.file);
        let kind = match source.provenance {
            Provenance::File { .. } => "file",
            Provenance::BuiltIn { .. } => "built-in",
            Provenance::CommandLine => "set",
        };
        let set = (source.provenance == Provenance::CommandLine).then(|| source.text.clone());
        From::Text { origin: self.loaded.sources.origin(place), kind, set }
    }
}
