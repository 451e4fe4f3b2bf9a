//! Several files become one tree: parents first, each child over them.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Report};
use super::instead;
use super::keys::{self, Keys, Shape};
use super::source::Place;
use super::tree::{Entry, Kind, Node, Table};
use super::variables::BUILT_IN;

/// Merges files, and reports keys that the language does not have.
pub struct Merge<'r> {
    report: &'r Report,
    /// A parent could not be read, so what a child removes may stand there.
    incomplete: bool,
    pub merged: Table,
}

impl<'r> Merge<'r> {
    pub fn new(report: &'r Report, incomplete: bool) -> Merge<'r> {
        Merge { report, incomplete, merged: Table::default() }
    }

    /// The next file, over all that came before.
    pub fn add(&mut self, file: Table) {
        for entry in file.entries {
            let name = entry.key.clone();
            let (keys, shape) = match keys::section(&name) {
                Some((_, keys)) => (keys, Shape::Map),
                None if name == "vars" => (VARS, Shape::Map),
                None if keys::shape(keys::TOP, &name).is_some() => continue,
                None => {
                    self.unknown_section(&entry);
                    continue;
                }
            };
            match (&entry.value.kind, shape) {
                (Kind::Boolean(false), _) => self.remove_top(&name, entry.key_place),
                (Kind::Table(_), _) => self.section(&name, keys, entry),
                (Kind::Broken, _) => {}
                _ => {
                    let message = format!("`{name}` is a section, not {}", entry.value.type_name());
                    let hint = format!("write [{name}] on a line of its own, and its keys below");
                    self.report.push(Diagnostic::error(entry.value.place, message).hint(hint));
                }
            }
        }
    }

    fn section(&mut self, name: &str, keys: Keys, mut entry: Entry) {
        let Kind::Table(from) = std::mem::replace(&mut entry.value.kind, Kind::Table(Table::default())) else { return };
        let at = match self.merged.position(name) {
            Some(at) => at,
            None => self.merged.push(entry),
        };
        let Kind::Table(into) = &mut self.merged.entries[at].value.kind else { return };
        let scope = Scope { report: self.report, incomplete: self.incomplete };
        // New commands have no use for the arguments of the old one.
        if name == "process"
            && let Some(command) = from.get("command")
        {
            into.remove("args", command.key_place);
        }
        for entry in from.entries {
            let shape = if name == "vars" { Some(Shape::Value) } else { keys::shape(keys, &entry.key) };
            match shape {
                Some(shape) => scope.key(into, entry, shape),
                None => {
                    let message = match entry.key.as_str() {
                        "" => format!("a key of [{name}] is empty"),
                        key => format!("unknown key `{key}` in [{name}]"),
                    };
                    let hint = instead::of_key(name, keys, &entry.key);
                    let all = || format!("[{name}] has {}", list(keys));
                    let hint = hint.unwrap_or_else(all);
                    self.report.push(Diagnostic::error(entry.key_place, message).hint(hint));
                }
            }
        }
    }

    fn remove_top(&mut self, name: &str, by: Place) {
        if !self.merged.remove(name, by) && !self.incomplete {
            self.report.push(
                Diagnostic::error(by, format!("nothing inherited has a section [{name}]"))
                    .hint("leave it out; only what a parent wrote can be removed"),
            );
        }
    }

    fn unknown_section(&self, entry: &Entry) {
        let section = matches!(entry.value.kind, Kind::Table(_));
        let message = if section {
            format!("unknown section [{}]", entry.key)
        } else {
            format!("unknown key `{}` outside all sections", entry.key)
        };
        let all = || format!("sections are {}, vars", list(keys::SECTIONS));
        let hint = instead::of_section(&entry.key).unwrap_or_else(all);
        self.report.push(Diagnostic::error(entry.key_place, message).hint(hint));
    }
}

const VARS: Keys = &[];

fn list<T>(keys: &[(&str, T)]) -> String {
    keys.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[derive(Clone, Copy)]
struct Scope<'r> {
    report: &'r Report,
    incomplete: bool,
}

impl Scope<'_> {
    fn key(self, into: &mut Table, mut entry: Entry, shape: Shape) {
        let false_is_value = matches!(shape, Shape::Switch | Shape::SwitchMap);
        if entry.value.is_false() && !false_is_value {
            return self.remove(into, &entry);
        }
        if shape == Shape::Set && entry.key == "keep" && matches!(&entry.value.kind, Kind::Text(text) if text == "all")
        {
            let word = entry.value.clone();
            entry.value = Node { place: word.place, kind: Kind::List(vec![word]) };
        }
        let Some(earlier) = into.get_mut(&entry.key) else {
            return self.first(into, entry, shape);
        };
        match (&mut earlier.value.kind, &mut entry.value.kind, shape) {
            (Kind::List(items), Kind::List(more), Shape::Set) => items.append(more),
            (Kind::Table(held), Kind::Table(more), Shape::Map | Shape::SwitchMap) => {
                for inner in std::mem::take(more).entries {
                    self.key(held, inner, Shape::Value);
                }
            }
            (Kind::Table(held), Kind::Table(more), Shape::Placed) => held.entries.append(&mut more.entries),
            _ => {
                entry.replaces = Some(earlier.value.place);
                *earlier = entry;
            }
        }
    }

    /// A key that no parent wrote; within its table nothing can be removed.
    fn first(self, into: &mut Table, mut entry: Entry, shape: Shape) {
        if let (Kind::Table(table), Shape::Map | Shape::SwitchMap) = (&mut entry.value.kind, shape) {
            for inner in std::mem::take(table).entries {
                self.key(table, inner, Shape::Value);
            }
        }
        into.push(entry);
    }

    fn remove(self, into: &mut Table, entry: &Entry) {
        if into.remove(&entry.key, entry.value.place) || self.incomplete {
            return;
        }
        self.report.push(
            Diagnostic::error(
                entry.value.place,
                format!("`{} = false` removes nothing: it is not inherited", entry.key),
            )
            .hint("leave it out; only what a parent wrote can be removed"),
        );
    }
}

/// `[vars]` as the variables of the profile; those of the command line come over them.
pub fn variables(merged: &Table, report: &Report) -> BTreeMap<String, (String, Place)> {
    let mut variables = BTreeMap::new();
    let Some(Kind::Table(vars)) = merged.get("vars").map(|entry| &entry.value.kind) else { return variables };
    for entry in vars.iter() {
        let name = entry.key.as_str();
        let place = entry.key_place;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            let message = format!("`{}` cannot be the name of a variable", name.escape_debug());
            report.push(Diagnostic::error(place, message).hint("use letters, digits, `_` and `-`"));
        } else if BUILT_IN.contains(&name) || name.starts_with("XDG_") {
            let message = format!("`{name}` is a variable of the language and cannot be declared");
            report.push(Diagnostic::error(place, message).hint("use a name of your own, in lower case"));
        } else {
            match &entry.value.kind {
                Kind::Text(text) => {
                    variables.insert(name.to_owned(), (text.clone(), entry.value.place));
                }
                Kind::Broken => {}
                _ => {
                    let message = format!("the variable `{name}` takes a string, not {}", entry.value.type_name());
                    report.push(Diagnostic::error(entry.value.place, message).hint("write the value in quotes"));
                }
            }
        }
    }
    variables
}
