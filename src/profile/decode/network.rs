//! `[network]`.

use super::reader::Reader;
use super::{refused, refused_value, set};
use crate::isolation::network::{Mode, Network};
use crate::profile::keys::not_yet;
use crate::profile::tree::{Entry, Kind, Node, Table};

pub const MODES: [(&str, Mode); 2] = [("none", Mode::None), ("host", Mode::Host)];

pub fn decode(reader: &Reader, table: &Table, network: &mut Network) {
    for entry in table.iter() {
        if refused(reader, "network", entry) {
            continue;
        }
        if entry.key == "mode" {
            set(&mut network.mode, mode(reader, entry));
            network.mode_origin = Some(reader.origin(entry.value.place));
        }
    }
}

fn mode(reader: &Reader, entry: &Entry) -> Option<Mode> {
    let hint = "write \"none\" for loopback alone, or \"host\" for the host's network";
    let value = &entry.value;
    let word = match &value.kind {
        Kind::Text(text) => text.as_str(),
        Kind::Table(table) => return named(reader, table, value, hint),
        _ => return reader.wrong_type("mode", value, "a word", hint),
    };
    if refused_value(reader, "network", entry, word, hint) {
        return None;
    }
    reader.word("mode", value, &MODES)
}

/// `{ bridge = "…" }` and the like, of which none is built yet: as it was written, and without praise for the others.
fn named(reader: &Reader, table: &Table, value: &Node, hint: &str) -> Option<Mode> {
    let Some(entry) = table.iter().next() else {
        return reader.error(value.place, "`mode` names no network", hint);
    };
    let key = entry.key.as_str();
    let message = match not_yet("network", "mode", Some(key)) {
        true => format!("`mode = {{ {key} = … }}` is not available in this version yet"),
        false => format!("`mode` has no `{key}`"),
    };
    reader.error(entry.key_place, message, hint)
}
