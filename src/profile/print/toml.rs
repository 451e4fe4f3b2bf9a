//! Values in TOML's spelling.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::isolation::seccomp::Name;
use crate::say::is_unprintable;

pub fn flag(key: &'static str, on: bool) -> Option<(&'static str, String)> {
    on.then(|| (key, "true".to_owned()))
}

pub fn fields<const N: usize>(fields: [Option<(&str, String)>; N]) -> String {
    let fields: Vec<String> = fields.into_iter().flatten().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

pub fn table<T>(entries: &BTreeMap<String, T>, show: impl Fn(&T) -> String) -> String {
    let entries: Vec<String> =
        entries.iter().map(|(key, value)| format!("{} = {}", escaped(key), show(value))).collect();
    format!("{{ {} }}", entries.join(", "))
}

pub fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

/// One item a line, where items are long.
pub fn spread(items: &[String]) -> String {
    match items {
        [one] => format!("[{one}]"),
        _ => format!("[\n    {},\n]", items.join(",\n    ")),
    }
}

pub fn strings<'s>(items: impl IntoIterator<Item = &'s String>) -> String {
    list(items.into_iter().map(|item| quoted(item)))
}

pub fn names(names: &[Name]) -> String {
    list(names.iter().map(|name| dashed(&name.name, name.optional)))
}

pub fn dashed(name: &str, optional: bool) -> String {
    quoted(&format!("{}{name}", if optional { "-" } else { "" }))
}

pub fn mode(mode: u32) -> String {
    quoted(&format!("{mode:04o}"))
}

/// A word of a command line. No TOML can hold bytes that are no text: here they are spelled `\xFF`, and what is printed
/// to be read again is refused before it comes to that (`Loaded::no_text`).
pub fn spelled(word: &OsStr) -> String {
    let mut text = String::with_capacity(word.len());
    for chunk in word.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

/// Paths are UTF-8: they came from a text, or were refused.
pub fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A string in which nothing is left to replace.
pub fn quoted(text: &str) -> String {
    escaped(&text.replace('$', "$$"))
}

/// A TOML string.
pub fn escaped(text: &str) -> String {
    // TOML forbids control characters alone; others too would show a text other than the one that is there.
    if !text.chars().any(|c| is_unprintable(c) && !c.is_control()) {
        return toml::Value::from(text).to_string();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_unprintable(c) => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_string_is_read_as_it_is_and_shows_what_it_is() {
        for text in ["", "a'b\"c\\", "a\n\t", "\u{202e}gpj.\\\"'\n\u{1b}\u{feff}é", "\u{2066}$x"] {
            let written = escaped(text);
            assert_eq!(toml::from_str::<toml::Table>(&format!("x = {written}")).unwrap()["x"].as_str(), Some(text));
            assert!(!written.contains(['\u{202e}', '\u{2066}', '\u{feff}', '\u{1b}']), "{written}");
        }
        assert_eq!(escaped("\u{202e}a"), "\"\\u202Ea\"");
    }
}
