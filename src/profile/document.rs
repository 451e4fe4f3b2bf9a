//! Where TOML's headers and dotted keys put a value, and which of them clash.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::source::Place;
use super::tree::{Entry, Kind, Node, Table};

/// One part of a dotted path.
pub struct Key {
    pub text: String,
    pub place: Place,
    /// False after a mistake in it, which is reported already: what it would hold is left out.
    pub sound: bool,
}

/// How a table came to be; TOML lets only some be added to. Tables that are not listed are closed inline ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// By a header further down: `a` in `[a.b]`.
    Implied,
    /// By a dotted key: `a` in `a.b = 1`.
    Dotted,
    /// By its own header.
    Header,
    /// A list of tables, each by its own `[[header]]`.
    Array,
}

/// A tree that is being written, from top to bottom.
#[derive(Default)]
pub struct Document {
    pub root: Table,
    pub clashes: Vec<Diagnostic>,
    /// The table that key-value lines go to, as indices from the root; none after a header that clashed.
    current: Option<Vec<usize>>,
    made: BTreeMap<Vec<usize>, Made>,
    /// Whether a header was met at all; before that the current table is the root.
    below_header: bool,
}

impl Document {
    /// `[path]` or `[[path]]`.
    pub fn open(&mut self, path: &mut Vec<Key>, array: bool) {
        self.below_header = true;
        let path = std::mem::take(path);
        self.current = if path.iter().all(|key| key.sound) { self.locate(path, array) } else { None };
    }

    fn locate(&mut self, mut path: Vec<Key>, array: bool) -> Option<Vec<usize>> {
        let Key { text: key, place, .. } = path.pop()?;
        let mut at = Vec::new();
        for step in path {
            at = self.descend(at, step, Made::Implied)?;
        }
        let table = table_at(&mut self.root, &at)?;
        let Some(index) = table.position(&key) else {
            let kind = if array { Kind::List(vec![empty(place)]) } else { Kind::Table(Table::default()) };
            at.push(table.push(Entry::new(key, place, Node { place, kind })));
            self.made.insert(at.clone(), if array { Made::Array } else { Made::Header });
            if array {
                at.push(0);
            }
            return Some(at);
        };
        at.push(index);
        let earlier = table.entries[index].key_place;
        match (self.made.get(&at), array) {
            (Some(Made::Implied), false) => {
                self.made.insert(at.clone(), Made::Header);
                Some(at)
            }
            (Some(Made::Array), true) => {
                let Kind::List(items) = &mut table.entries[index].value.kind else { return None };
                items.push(empty(place));
                at.push(items.len() - 1);
                Some(at)
            }
            // What follows is still looked at, as part of the table it was meant for.
            (Some(Made::Header | Made::Dotted), false) => {
                self.clash(&key, place, earlier, "one table");
                Some(at)
            }
            _ => {
                self.clash(&key, place, earlier, "one key");
                None
            }
        }
    }

    /// `path = value` in the current table.
    pub fn insert(&mut self, path: &mut Vec<Key>, value: Node) {
        let mut path = std::mem::take(path);
        if path.iter().any(|key| !key.sound) {
            return;
        }
        let Some(Key { text: key, place, .. }) = path.pop() else { return };
        let mut at = match &self.current {
            Some(current) => current.clone(),
            None if self.below_header => return,
            None => Vec::new(),
        };
        for step in path {
            match self.descend(at, step, Made::Dotted) {
                Some(deeper) => at = deeper,
                None => return,
            }
        }
        let Some(table) = table_at(&mut self.root, &at) else { return };
        match table.get(&key) {
            Some(earlier) => {
                let earlier = earlier.key_place;
                self.clash(&key, place, earlier, "one key");
            }
            None => {
                table.push(Entry::new(key, place, value));
            }
        }
    }

    /// One step of a dotted path, making the table where it is not there yet.
    fn descend(&mut self, mut at: Vec<usize>, step: Key, making: Made) -> Option<Vec<usize>> {
        let Key { text: key, place, .. } = step;
        let table = table_at(&mut self.root, &at)?;
        let Some(index) = table.position(&key) else {
            at.push(table.push(Entry::new(key, place, empty(place))));
            self.made.insert(at.clone(), making);
            return Some(at);
        };
        at.push(index);
        let entry = &table.entries[index];
        match (self.made.get(&at), making) {
            (Some(Made::Array), Made::Implied) => {
                let Kind::List(items) = &entry.value.kind else { return None };
                at.push(items.len().checked_sub(1)?);
                Some(at)
            }
            (Some(Made::Implied | Made::Dotted), _) | (Some(Made::Header), Made::Implied) => Some(at),
            _ => {
                let earlier = entry.key_place;
                self.clash(&key, place, earlier, "one place");
                None
            }
        }
    }

    fn clash(&mut self, key: &str, place: Place, earlier: Place, unit: &str) {
        let message = format!("`{key}` is already defined");
        let hint = match unit {
            "one table" => format!("put all keys of [{key}] under one header"),
            "one key" => "keep one of the two".into(),
            _ => format!("keys are added to `{key}` only where it was first written"),
        };
        self.clashes.push(Diagnostic::error(place, message).note(earlier, "first defined here").hint(hint));
    }
}

fn empty(place: Place) -> Node {
    Node { place, kind: Kind::Table(Table::default()) }
}

/// Indices lead through tables by entry and through lists of tables by item; a path that leads elsewhere leads nowhere.
fn table_at<'t>(root: &'t mut Table, path: &[usize]) -> Option<&'t mut Table> {
    let mut table = root;
    let mut steps = path.iter();
    while let Some(&step) = steps.next() {
        let mut kind = &mut table.entries.get_mut(step)?.value.kind;
        if let Kind::List(items) = kind {
            kind = &mut items.get_mut(*steps.next()?)?.kind;
        }
        let Kind::Table(inner) = kind else { return None };
        table = inner;
    }
    Some(table)
}
