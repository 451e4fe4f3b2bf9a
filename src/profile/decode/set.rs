//! Lists that grow from parent to child, and what a child takes away again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Mark, mark};
use super::reader::Reader;
use crate::profile::diagnostic::{Diagnostic, How};
use crate::profile::source::Place;
use crate::profile::tree::{Kind, Node};

/// An entry that survived.
pub struct Item<T> {
    pub value: T,
    pub place: Place,
}

/// What tells one entry from another, and what `x` in `"!x"` is compared with.
pub type Identity<T> = fn(&T) -> &str;

/// The entries of a merged list, in order, each once. A list's items come file by file, parents first.
pub fn fold<T>(
    reader: &Reader,
    key: &str,
    list: &Node,
    identity: Identity<T>,
    read: impl Fn(&Node) -> Option<T>,
) -> Vec<Item<T>> {
    fold_spelled(reader, key, list, identity, str::to_owned, read)
}

/// The same, where one entry may be written in several ways: `plain` is what `identity` says of them.
pub fn fold_spelled<T>(
    reader: &Reader,
    key: &str,
    list: &Node,
    identity: Identity<T>,
    plain: fn(&str) -> String,
    read: impl Fn(&Node) -> Option<T>,
) -> Vec<Item<T>> {
    let Some(items) = reader.list(key, list) else { return Vec::new() };
    let mut kept: Vec<Option<Item<T>>> = Vec::with_capacity(items.len());
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for layer in items.chunk_by(|a, b| a.place.file == b.place.file) {
        let own = texts(layer);
        for item in layer {
            match removed(item) {
                Some("*") => {
                    let removed = kept.drain(..).flatten();
                    removed.for_each(|entry| reader.report.overrule(entry.place, item.place, How::Removed));
                    index.clear();
                }
                Some(raw) => {
                    let Some(text) = reader.variables.expand(raw, item.place) else { continue };
                    match index.remove(&plain(&text)) {
                        Some(at) => {
                            if let Some(entry) = kept[at].take() {
                                reader.report.overrule(entry.place, item.place, How::Removed);
                            }
                        }
                        None => nothing_to_remove(reader, key, &text, item.place, own.contains(raw)),
                    }
                }
                None => {}
            }
        }
        for item in layer.iter().filter(|item| removed(item).is_none()) {
            let Some(value) = read(item) else { continue };
            match index.entry(identity(&value).to_owned()) {
                Entry::Vacant(free) => {
                    free.insert(kept.len());
                    kept.push(Some(Item { value, place: item.place }));
                }
                Entry::Occupied(taken) => {
                    if let Some(Some(first)) = kept.get(*taken.get()) {
                        reader.report.overrule(item.place, first.place, How::Repeats);
                    }
                }
            }
        }
    }
    kept.into_iter().flatten().collect()
}

/// `x` of an entry that reads `"!x"`.
pub fn removed(item: &Node) -> Option<&str> {
    match &item.kind {
        Kind::Text(text) => match mark(text) {
            (Mark::Removes, rest) => Some(rest),
            _ => None,
        },
        _ => None,
    }
}

pub fn nothing_to_remove(reader: &Reader, key: &str, text: &str, place: Place, own: bool) {
    if reader.variables.incomplete {
        return;
    }
    let message = format!("`!{text}` removes nothing: no such entry of `{key}` is inherited");
    let hint = if own {
        "remove the entry itself: it stands in this file"
    } else {
        "leave it out, or write it as the parent does"
    };
    reader.report.push(Diagnostic::error(place, message).hint(hint));
}

/// What a file lists itself, in case it also removes something.
pub fn texts(layer: &[Node]) -> BTreeSet<&str> {
    let removes = layer.iter().any(|item| removed(item).is_some());
    layer.iter().filter(|_| removes).map(text).collect()
}

/// The text of an entry; nothing for one that is none.
pub fn text(item: &Node) -> &str {
    match &item.kind {
        Kind::Text(text) => text,
        _ => "",
    }
}
