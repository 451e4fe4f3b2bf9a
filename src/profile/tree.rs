//! A profile's text as a tree in which every key and value knows its place.

use std::collections::BTreeMap;

use super::source::Place;

#[derive(Clone, Debug)]
pub struct Node {
    pub place: Place,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Text(String),
    Integer(i128),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// No key takes one of these; they are kept to be refused by name.
    Fraction,
    Date,
    /// Already reported; whoever meets it says nothing more.
    Broken,
}

#[derive(Clone, Debug, Default)]
pub struct Table {
    pub entries: Vec<Entry>,
    /// Only once there are so many entries that looking through them would be slow. Removed ones are not in it.
    index: BTreeMap<String, usize>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
    /// Where a parent wrote the value that this one took the place of.
    pub replaces: Option<Place>,
    /// Where a child took it away; the entry stays to tell.
    pub removed_by: Option<Place>,
}

impl Entry {
    pub fn new(key: String, key_place: Place, value: Node) -> Entry {
        Entry { key, key_place, value, replaces: None, removed_by: None }
    }
}

impl Node {
    /// As a person would call it, with its article.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Text(_) => "a string",
            Kind::Integer(_) => "a number",
            Kind::Boolean(true) => "`true`",
            Kind::Boolean(false) => "`false`",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
            Kind::Fraction => "a fraction",
            Kind::Date => "a date",
            Kind::Broken => "nothing",
        }
    }

    pub fn is_false(&self) -> bool {
        matches!(self.kind, Kind::Boolean(false))
    }
}

const INDEXED_FROM: usize = 16;

impl Table {
    pub fn position(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            return self.entries.iter().position(|entry| entry.key == key && entry.removed_by.is_none());
        }
        self.index.get(key).copied()
    }

    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.position(key).map(|at| &self.entries[at])
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.position(key).map(|at| &mut self.entries[at])
    }

    /// The entries that hold.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.removed_by.is_none())
    }

    /// Adds an entry whose key is not there yet.
    pub fn push(&mut self, entry: Entry) -> usize {
        let at = self.entries.len();
        if !self.index.is_empty() {
            self.index.insert(entry.key.clone(), at);
        }
        self.entries.push(entry);
        if at == INDEXED_FROM {
            let held = self.entries.iter().enumerate().filter(|(_, entry)| entry.removed_by.is_none());
            self.index = held.map(|(at, entry)| (entry.key.clone(), at)).collect();
        }
        at
    }

    /// False where there was nothing to remove.
    pub fn remove(&mut self, key: &str, by: Place) -> bool {
        let Some(at) = self.position(key) else { return false };
        self.entries[at].removed_by = Some(by);
        self.index.remove(key);
        true
    }
}

/// The keys and values of a tree by file and the offset at which they begin; of several the innermost.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<(u32, u32), Place>);

impl Starts {
    pub fn of(table: &Table) -> Starts {
        let mut starts = Starts::default();
        starts.table(table);
        starts
    }

    pub fn get(&self, file: u32, start: u32) -> Option<Place> {
        self.0.get(&(file, start)).copied()
    }

    fn table(&mut self, table: &Table) {
        for entry in &table.entries {
            self.node(&entry.value);
            self.add(entry.key_place);
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| self.node(item)),
            Kind::Table(table) => self.table(table),
            _ => {}
        }
        self.add(node.place);
    }

    fn add(&mut self, place: Place) {
        self.0.entry((place.file, place.start)).or_insert(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_entry_is_not_found_but_still_there() {
        let place = Place::new(0, 0, 1);
        let mut table = Table::default();
        for number in 0..100 {
            let value = Node { place, kind: Kind::Integer(number) };
            table.push(Entry::new(number.to_string(), place, value));
            if number % 3 == 0 {
                assert!(table.remove(&number.to_string(), place));
                assert!(!table.remove(&number.to_string(), place));
            }
        }
        for number in 0..100 {
            assert_eq!(table.get(&number.to_string()).is_some(), number % 3 != 0, "{number}");
        }
        assert_eq!((table.iter().count(), table.entries.len()), (66, 100));
    }
}
