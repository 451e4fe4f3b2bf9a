//! Readings of durations, sizes and modes: numbers with a unit or a base.

use std::time::Duration;

use super::Reader;
use crate::profile::tree::{Kind, Node};
use crate::profile::units::{self, Wrong};

impl Reader<'_> {
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
}
