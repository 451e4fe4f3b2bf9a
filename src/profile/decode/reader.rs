//! Typed readings of one value, each with the message for everything else.

mod account;
mod quantity;

use std::path::PathBuf;

use crate::isolation::Origin;
use crate::isolation::nearest;
use crate::profile::diagnostic::{Diagnostic, Report};
use crate::profile::source::{Place, Sources};
use crate::profile::tree::{Entry, Kind, Node, Table};
use crate::profile::variables::Variables;

/// Reads values; what cannot be read is reported, and is `None`.
pub struct Reader<'a> {
    pub sources: &'a Sources,
    pub variables: &'a Variables<'a>,
    pub report: &'a Report,
}

impl Reader<'_> {
    pub fn origin(&self, place: Place) -> Origin {
        self.sources.origin(place)
    }

    pub fn error<T>(&self, place: Place, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.report.push(Diagnostic::error(place, message).hint(hint));
        None
    }

    pub fn wrong_type<T>(&self, key: &str, node: &Node, takes: &str, hint: impl Into<String>) -> Option<T> {
        self.unlike(node, format!("`{key}` takes {takes}"), hint)
    }

    /// The same of one entry of a list.
    pub fn wrong_entry<T>(&self, key: &str, node: &Node, lists: &str, hint: impl Into<String>) -> Option<T> {
        self.unlike(node, format!("`{key}` lists {lists}"), hint)
    }

    fn unlike<T>(&self, node: &Node, says: String, hint: impl Into<String>) -> Option<T> {
        if matches!(node.kind, Kind::Broken) {
            return None;
        }
        self.error(node.place, format!("{says}, not {}", node.type_name()), hint)
    }

    /// Any string without NUL, its variables replaced. Arguments and variables of the environment may hold newlines.
    pub fn text(&self, key: &str, node: &Node) -> Option<String> {
        let text = match &node.kind {
            Kind::Text(text) => self.variables.expand(text, node.place)?.into_owned(),
            _ => return self.wrong_type(key, node, "a string", in_quotes(node)),
        };
        if text.contains('\0') {
            return self.error(
                node.place,
                format!("`{key}` contains a NUL character"),
                "remove it; the kernel's strings end at NUL",
            );
        }
        Some(text)
    }

    /// One of a list of strings.
    pub fn item(&self, key: &str, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Text(_) => self.text(key, node),
            _ => self.wrong_entry(key, node, "strings", in_quotes(node)),
        }
    }

    /// A string of one line, without control characters: names, paths, words.
    pub fn line(&self, key: &str, node: &Node) -> Option<String> {
        let text = self.text(key, node)?;
        match text.chars().find(|c| c.is_control()) {
            None => Some(text),
            Some('\n' | '\r') => {
                self.error(node.place, format!("`{key}` is more than one line"), "write it on one line")
            }
            Some(c) => self.error(
                node.place,
                format!("`{key}` contains the control character U+{:04X}", c as u32),
                "remove it",
            ),
        }
    }

    /// A line that is not empty.
    pub fn name(&self, key: &str, node: &Node) -> Option<String> {
        let text = self.line(key, node)?;
        if text.is_empty() {
            return self.error(node.place, format!("`{key}` is empty"), "leave the key out, or give it a value");
        }
        Some(text)
    }

    /// A name in a list of them.
    pub fn entry(&self, key: &str, node: &Node) -> Option<String> {
        let text = self.line(key, node)?;
        if text.is_empty() {
            return self.error(node.place, format!("an entry of `{key}` is empty"), "write a name, or leave it out");
        }
        Some(text)
    }

    pub fn boolean(&self, key: &str, node: &Node) -> Option<bool> {
        match &node.kind {
            Kind::Boolean(value) => Some(*value),
            Kind::Text(text) if matches!(text.as_str(), "true" | "false") => {
                self.wrong_type(key, node, "true or false", format!("write {text} without quotes"))
            }
            _ => self.wrong_type(key, node, "true or false", "write true or false, without quotes"),
        }
    }

    pub fn integer(&self, key: &str, node: &Node, least: i128, most: i128) -> Option<i128> {
        let number = match &node.kind {
            Kind::Integer(number) => *number,
            Kind::Text(text) if text.parse::<i64>().is_ok() => {
                return self.wrong_type(key, node, "a number", format!("write {text} without quotes"));
            }
            _ => return self.wrong_type(key, node, "a number", format!("write a number from {least} to {most}")),
        };
        if number < least || number > most {
            // Nobody means the largest number that the kernel can hold.
            let hint = match most < u64::MAX as i128 - 1 {
                true => format!("it goes from {least} to {most}"),
                false => format!("write a whole number from {least} up"),
            };
            return self.error(node.place, format!("`{key}` cannot be {number}"), hint);
        }
        Some(number)
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, key: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let all = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        if !matches!(node.kind, Kind::Text(_)) {
            return self.wrong_type(key, node, "a word", format!("write one of {}", all()));
        }
        let text = self.line(key, node)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let hint = match nearest(&text, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("it is one of {}", all()),
        };
        self.error(node.place, format!("`{key}` cannot be \"{text}\""), hint)
    }

    pub fn list<'n>(&self, key: &str, node: &'n Node) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            Kind::Text(_) => {
                let written = self.sources.get(node.place.file).slice(node.place);
                self.wrong_type(key, node, "a list", words_apart(key, written))
            }
            _ => self.wrong_type(key, node, "a list", "write it in brackets: […]"),
        }
    }

    pub fn table<'n>(&self, key: &str, node: &'n Node) -> Option<&'n Table> {
        match &node.kind {
            Kind::Table(table) => Some(table),
            _ => {
                let form = match key {
                    "files" => "{ \"/path\" = \"contents\" }",
                    "symlinks" => "{ \"/path\" = \"what the link says\" }",
                    "env" => "{ NAME = \"value\" }",
                    _ => "{ key = value }",
                };
                self.wrong_type(key, node, "a table", format!("write it in braces: {form}"))
            }
        }
    }

    /// The entries of a table that knows only these keys. `what` is how to speak of it.
    pub fn known<'n>(&self, what: &str, table: &'n Table, keys: &[&str]) -> Vec<&'n Entry> {
        let (known, unknown): (Vec<&Entry>, Vec<&Entry>) =
            table.iter().partition(|entry| keys.contains(&entry.key.as_str()));
        for entry in unknown {
            let hint = match nearest(&entry.key, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", keys.join(", ")),
            };
            self.error::<()>(entry.key_place, format!("unknown key `{}` in {what}", entry.key), hint);
        }
        known
    }

    /// An absolute path; a relative one is taken from the directory of the file that wrote it.
    pub fn path(&self, key: &str, node: &Node) -> Option<PathBuf> {
        match &node.kind {
            Kind::Text(text) => super::path::resolve(self, key, text, node.place),
            _ => self.wrong_type(key, node, "a path", "write a path in quotes"),
        }
    }
}

/// A command line in one string, as the list that it is meant to be. What a shell's quotes hold together is left to say.
fn words_apart(key: &str, written: &str) -> String {
    let inner = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.or_else(|| written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')));
    match inner.filter(|inner| matches!(key, "command" | "args") && inner.contains(' ')) {
        Some(inner) if inner.contains(['"', '\'', '\\']) => {
            "write each word in quotes of its own: [\"…\", \"…\"]".into()
        }
        Some(inner) => {
            let words: Vec<String> = inner.split_ascii_whitespace().map(|word| format!("\"{word}\"")).collect();
            format!("write [{}]", words.join(", "))
        }
        None => format!("write [{written}]"),
    }
}

/// What is written without quotes, with them.
fn in_quotes(node: &Node) -> String {
    match &node.kind {
        Kind::Integer(number) => format!("write \"{number}\" in quotes"),
        Kind::Boolean(value) => format!("write \"{value}\" in quotes"),
        _ => "write a string in quotes".into(),
    }
}
