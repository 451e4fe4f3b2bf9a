//! Entries of lists: their marks, `source:target`, and the table form.

use super::path;
use super::reader::Reader;
use crate::profile::source::Place;
use crate::profile::tree::{Kind, Node};
use crate::profile::variables::closing_brace;

/// What an entry of a list begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Plain,
    /// `-`: skipped if missing.
    Optional,
    /// `!`: takes an inherited entry away.
    Removes,
}

/// An entry without its mark. Only what stands in the text counts: a variable's value cannot smuggle one in.
pub fn mark(text: &str) -> (Mark, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (Mark::Optional, &text[1..]),
        Some(b'!') => (Mark::Removes, &text[1..]),
        _ => (Mark::Plain, text),
    }
}

/// `source:target`, where a `:` within `${…}` is no separator.
pub fn split(text: &str) -> (&str, Option<&str>) {
    if !text.contains(':') {
        return (text, None);
    }
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with("$$") {
            at += 2;
        } else if text[at..].starts_with("${") {
            at += 2;
            at += closing_brace(&text[at..]).map_or(text.len() - at, |end| end + 1);
        } else if c == ':' {
            return (&text[..at], Some(&text[at + 1..]));
        } else {
            at += c.len_utf8();
        }
    }
    (text, None)
}

/// An entry as it was written, its keys not yet interpreted.
pub struct PathEntry<'n> {
    pub source: Option<(&'n str, Place)>,
    /// None: where the source is.
    pub target: Option<(&'n str, Place)>,
    pub optional: bool,
    pub exec: Option<bool>,
    pub create: bool,
    pub size: Option<u64>,
    pub mode: Option<u32>,
    pub owner: Option<String>,
    /// False after a mistake in another key of it, which is reported: its paths are still to be looked at.
    pub sound: bool,
    place: Place,
}

/// What a list's entries can say.
pub struct Form {
    pub key: &'static str,
    /// Keys of the table form.
    pub keys: &'static [&'static str],
    /// Whether `source:target` and a leading `-` mean anything.
    pub pair: bool,
    pub optional: bool,
    /// Permission bits that `mode` may have.
    pub modes: u32,
}

pub fn read<'n>(reader: &Reader, form: &Form, node: &'n Node) -> Option<PathEntry<'n>> {
    let blank = PathEntry {
        source: None,
        target: None,
        optional: false,
        exec: None,
        create: false,
        size: None,
        mode: None,
        owner: None,
        sound: true,
        place: node.place,
    };
    match &node.kind {
        Kind::Text(text) => written(reader, form, text, blank),
        Kind::Table(_) => tabled(reader, form, node, blank),
        _ => {
            let hint = format!("write \"/path\" or {{ {} = \"/path\" }}", form.keys[0]);
            reader.wrong_entry(form.key, node, "paths and tables", &hint)
        }
    }
}

fn written<'n>(reader: &Reader, form: &Form, text: &'n str, blank: PathEntry<'n>) -> Option<PathEntry<'n>> {
    let key = form.key;
    let (mark, rest) = mark(text);
    if mark == Mark::Optional && !form.optional {
        return reader.error(
            blank.place,
            format!("`-` means nothing in `{key}`"),
            "take it out: what is listed here is made, so it cannot be missing",
        );
    }
    let optional = mark == Mark::Optional;
    let (source, target) = split(rest);
    let place = |part: &str| reader.sources.part_of(blank.place, part);
    match target {
        None if form.pair => Some(PathEntry { source: Some((source, place(source))), optional, ..blank }),
        None => Some(PathEntry { target: Some((source, place(source))), optional, ..blank }),
        Some(_) if !form.pair => reader.error(
            blank.place,
            format!("`{key}` takes one path, without `:`"),
            match path::names_something(reader, rest, blank.place) {
                true => {
                    let target = path::written_absolute(reader, rest, rest, blank.place);
                    let target = target.as_deref().unwrap_or(rest);
                    format!("a name that contains `:` needs the table: {{ target = \"{target}\" }}")
                }
                false => format!("write {{ target = \"{source}\", … }}; it has {}", form.keys.join(", ")),
            },
        ),
        // What begins a target that could be one says that the colon is no part of a name.
        Some(target)
            if (!target.starts_with(['/', '~', '$']) || split(target).1.is_some())
                && path::names_something(reader, rest, blank.place) =>
        {
            let optional = if optional { ", optional = true" } else { "" };
            reader.error(
                blank.place,
                format!("`:` separates source and target in an entry of `{key}`"),
                format!("a name that contains `:` needs the table: {{ source = \"{rest}\"{optional} }}"),
            )
        }
        Some(target) if split(target).1.is_some() => reader.error(
            blank.place,
            format!("more than one `:` in an entry of `{key}`"),
            "write { source = \"…\", target = \"…\" }; the access is the name of the list",
        ),
        Some(target) => Some(PathEntry {
            source: Some((source, place(source))),
            target: Some((target, place(target))),
            optional,
            ..blank
        }),
    }
}

fn tabled<'n>(reader: &Reader, form: &Form, node: &'n Node, mut entry: PathEntry<'n>) -> Option<PathEntry<'n>> {
    let key = form.key;
    let table = reader.table(key, node)?;
    let found = reader.report.count();
    for field in reader.known(&format!("an entry of `{key}`"), table, form.keys) {
        let value = &field.value;
        let path = |value: &'n Node| match &value.kind {
            Kind::Text(text) => Some((text.as_str(), value.place)),
            _ => reader.wrong_type(&field.key, value, "a path", "write a path in quotes"),
        };
        match field.key.as_str() {
            "source" => entry.source = path(value),
            "target" => entry.target = path(value),
            "optional" => entry.optional = reader.boolean("optional", value).unwrap_or(false),
            "exec" => entry.exec = reader.boolean("exec", value),
            "create" => entry.create = reader.boolean("create", value).unwrap_or(false),
            "size" => entry.size = reader.size("size", value),
            "mode" => entry.mode = reader.mode("mode", value, form.modes),
            _ => entry.owner = reader.account("owner", value),
        }
    }
    entry.sound = reader.report.count() == found;
    let needed = if form.pair { "source" } else { "target" };
    // An unknown key is likely to be the one that is missing.
    let unknown = table.iter().any(|field| !form.keys.contains(&field.key.as_str()));
    if table.get(needed).is_none() && !unknown {
        return reader.error(
            node.place,
            format!("an entry of `{key}` has no `{needed}`"),
            format!("add {needed} = \"/path\""),
        );
    }
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_colon_within_a_variable_separates_nothing() {
        assert_eq!(split("/a:/b"), ("/a", Some("/b")));
        assert_eq!(split("${x:-/d}/a:/b"), ("${x:-/d}/a", Some("/b")));
        assert_eq!(split("${x:-${y:-z}}"), ("${x:-${y:-z}}", None));
        assert_eq!(split("${x:-never closed"), ("${x:-never closed", None));
        assert_eq!(split("é:ü"), ("é", Some("ü")));
        assert_eq!(split("$${:x"), ("$${", Some("x")));
        assert_eq!(split(""), ("", None));
    }
}
