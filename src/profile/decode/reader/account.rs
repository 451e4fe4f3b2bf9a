//! The reading of a user or a group.

use super::Reader;
use crate::profile::tree::{Kind, Node};

impl Reader<'_> {
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
}
