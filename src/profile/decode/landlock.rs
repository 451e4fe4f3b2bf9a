//! `[landlock]`.

use super::reader::Reader;
use super::set;
use super::set::fold;
use crate::isolation::Enforce;
use crate::isolation::landlock::{Landlock, Scope};
use crate::profile::tree::{Node, Table};

pub const ENFORCE: [(&str, Enforce); 3] =
    [("require", Enforce::Require), ("best-effort", Enforce::BestEffort), ("off", Enforce::Off)];
pub const SCOPES: [(&str, Scope); 2] = [("signal", Scope::Signal), ("abstract-unix", Scope::AbstractUnix)];

pub fn decode(reader: &Reader, table: &Table, landlock: &mut Landlock) {
    for entry in table.iter() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        let origin = || Some(reader.origin(value.place));
        match key {
            "enforce" => {
                set(&mut landlock.enforce, reader.word(key, value, &ENFORCE));
                landlock.enforce_origin = origin();
            }
            "min-abi" => {
                let abi = reader.integer(key, value, 1, 1000).and_then(|number| number.try_into().ok());
                set(&mut landlock.min_abi, abi);
                landlock.min_abi_origin = origin();
            }
            "scope" => {
                let read = |item: &Node| reader.word(key, item, &SCOPES);
                let scopes = fold(reader, key, value, |scope| word(*scope), read);
                landlock.scope = Some(scopes.into_iter().map(|item| item.value).collect());
                landlock.scope_origin = origin();
            }
            _ => {}
        }
    }
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Signal => "signal",
        Scope::AbstractUnix => "abstract-unix",
    }
}
