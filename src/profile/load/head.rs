//! The name and the description of a profile: what stands above its sections.

use super::Overrides;
use crate::profile::decode::reader::Reader;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::tree::{Node, Table};

/// What a profile says about itself: its children are something else, and do not inherit it.
#[derive(Debug, Default)]
pub struct Head {
    pub name: Option<Node>,
    pub description: Option<Node>,
}

impl Head {
    pub(super) fn of(table: &Table) -> Head {
        let node = |key| table.get(key).map(|entry| entry.value.clone());
        Head { name: node("name"), description: node("description") }
    }

    pub(super) fn name(&self, reader: &Reader, overrides: &Overrides, stem: &str) -> String {
        const HINT: &str = "use letters, digits, `_`, `.` and `-`, at most 63, and neither `.` nor `-` at the start";
        if let Some(name) = &overrides.name {
            if !is_name(name) {
                reader.report.push(Diagnostic::nowhere(format!("`{name}` cannot be the name of a sandbox")).hint(HINT));
            }
            return name.clone();
        }
        if let Some(node) = &self.name {
            let name = reader.name("name", node).unwrap_or_default();
            if !name.is_empty() && !is_name(&name) {
                reader.error::<()>(node.place, format!("`{name}` cannot be the name of a sandbox"), HINT);
            }
            return name;
        }
        if !is_name(stem) {
            let message = format!("the file's name `{stem}` cannot be the name of a sandbox");
            reader.report.push(Diagnostic::nowhere(message).hint("add name = \"…\" at the top of the profile"));
        }
        stem.to_owned()
    }

    pub(super) fn description(&self, reader: &Reader) -> Option<String> {
        reader.line("description", self.description.as_ref()?)
    }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}`.
pub fn is_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    first && rest && name.len() <= 63
}
