//! `[network]`.

use super::reader::Reader;
use super::{refused, refused_value, set};
use crate::isolation::network::{Mode, Network};
use crate::profile::tree::{Entry, Kind, Table};

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
        Kind::Table(table) => {
            reader.known("`mode`", table, &["bridge", "macvlan", "join"]);
            if table.iter().next().is_none() {
                return reader.error(value.place, "`mode` names no network", hint);
            }
            table.iter().next().map_or("", |entry| entry.key.as_str())
        }
        _ => return reader.wrong_type("mode", value, "a word", hint),
    };
    if refused_value(reader, "network", entry, word, hint) || matches!(value.kind, Kind::Table(_)) {
        return None;
    }
    reader.word("mode", value, &MODES)
}
