//! Typed readings of one value, each with the message for everything else.

use std::path::PathBuf;
use std::time::Duration;

use crate::isolation::Origin;
use crate::isolation::nearest;
use crate::profile::diagnostic::{Diagnostic, Report};
use crate::profile::source::{Place, Sources};
use crate::profile::tree::{Entry, Kind, Node, Table};
use crate::profile::units::{self, Wrong};
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
                self.wrong_type(key, node, "a list", format!("write [{written}]"))
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

    pub fn quantity<T>(&self, key: &str, node: &Node, read: fn(&str) -> Result<T, Wrong>) -> Option<T> {
        let text = self.line(key, node)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(Wrong { message, hint }) => self.error(node.place, format!("`{key}`: {message}"), hint),
        }
    }

    pub fn duration(&self, key: &str, node: &Node) -> Option<Duration> {
        match &node.kind {
            Kind::Integer(number) => {
                self.wrong_type(key, node, "a duration", format!("write \"{number}s\" for seconds"))
            }
            Kind::Text(_) => self.quantity(key, node, units::duration),
            _ => self.wrong_type(key, node, "a duration", "write it as \"30s\""),
        }
    }

    /// Bytes, as a size or a plain number.
    pub fn size(&self, key: &str, node: &Node) -> Option<u64> {
        match &node.kind {
            Kind::Integer(number) => match u64::try_from(*number) {
                Ok(bytes) => Some(bytes),
                Err(_) => {
                    let hint = "write a size, as in \"256M\", or a number of bytes";
                    self.error(node.place, format!("`{key}` cannot be {number}"), hint)
                }
            },
            Kind::Text(_) => self.quantity(key, node, units::size),
            _ => self.wrong_type(key, node, "a size", "write it as \"256M\""),
        }
    }

    /// Permission bits, none of them outside `allowed`.
    pub fn mode(&self, key: &str, node: &Node, allowed: u32) -> Option<u32> {
        let mode = match &node.kind {
            Kind::Integer(number) => {
                let written = self.sources.get(node.place.file).slice(node.place);
                let hint = match written.strip_prefix("0o") {
                    Some(octal) => format!("write \"{octal:0>4}\""),
                    None => format!("write \"{number:04}\" in quotes"),
                };
                return self.wrong_type(key, node, "a mode in quotes", hint);
            }
            Kind::Text(_) => self.quantity(key, node, units::mode)?,
            _ => return self.wrong_type(key, node, "a mode", "write it as \"0755\""),
        };
        if mode & !allowed != 0 {
            let hint = format!("the bits allowed here are {allowed:04o}");
            return self.error(node.place, format!("`{key}` cannot be {mode:04o}"), hint);
        }
        Some(mode)
    }

    /// A user or group: a name of the inner passwd or group file, or a number.
    pub fn account(&self, key: &str, node: &Node) -> Option<String> {
        // 4294967295 is -1: the kernel's word for "no id".
        const LAST: u32 = u32::MAX - 1;
        if let Kind::Integer(_) = node.kind {
            return self.integer(key, node, 0, LAST.into()).map(|number| number.to_string());
        }
        if !matches!(node.kind, Kind::Text(_)) {
            return self.wrong_type(key, node, "a name or a number", "write a name, as in \"www-data\", or a number");
        }
        let text = self.line(key, node)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            return match text.parse::<u32>() {
                Ok(number) if number <= LAST && number.to_string() == text => Some(text),
                Ok(number) if number <= LAST => {
                    self.error(node.place, format!("`{key}` cannot be \"{text}\""), format!("write {number}"))
                }
                _ => {
                    self.error(node.place, format!("`{key}` cannot be \"{text}\""), format!("ids go from 0 to {LAST}"))
                }
            };
        }
        let stem = text.strip_suffix('$').unwrap_or(&text);
        let first = stem.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let rest = stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if first && rest && text.len() <= 256 {
            return Some(text);
        }
        let hint = if text.is_empty() {
            "leave the key out, or write a name or a number"
        } else if text.contains(':') {
            "write the user alone; groups stand in `groups`"
        } else {
            "write a name, as in \"www-data\", or a number without sign or spaces"
        };
        self.error(node.place, format!("`{key}` cannot be \"{text}\""), hint)
    }

    /// An absolute path; a relative one is taken from the directory of the file that wrote it.
    pub fn path(&self, key: &str, node: &Node) -> Option<PathBuf> {
        match &node.kind {
            Kind::Text(text) => super::path::resolve(self, key, text, node.place),
            _ => self.wrong_type(key, node, "a path", "write a path in quotes"),
        }
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
