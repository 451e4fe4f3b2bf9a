//! Where each value and entry of a profile was written: for `check --origin`.
//!
//! Nothing of this is kept while a profile is read but the merged tree and what became of entries: a launch has no use
//! for it.

mod collect;
mod defaults;
mod show;
mod variables;

use collect::Collect;

use super::diagnostic::Report;
use super::keys;
use super::load::Loaded;
use super::merge;
use super::tree::Node;
use super::variables::Variables;
use crate::host::Host;
use crate::isolation::Origin;

pub use defaults::{DEFAULTS, Unwritten};
pub use show::{json, text};

/// One value, or one entry of a list or table, in the order of the language.
#[derive(Debug)]
pub struct Line {
    /// Empty outside all sections.
    pub section: &'static str,
    pub key: String,
    /// The name within a table.
    pub name: Option<String>,
    pub part: Part,
    pub value: Value,
    pub from: From,
    /// Why it does not hold, and where that was written.
    pub gone: Option<(Gone, From)>,
    /// Where the value stood that this one took the place of.
    pub replaces: Option<From>,
    pub variables: Vec<Variable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// One of a list.
    Entry,
    /// One of a table.
    Named,
}

#[derive(Debug)]
pub enum Value {
    /// Variables replaced.
    Written(Node),
    Default(Unwritten),
}

/// Who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub enum From {
    Text {
        origin: Origin,
        kind: &'static str,
        /// The whole of one `--set`.
        set: Option<String>,
    },
    /// Something that is no text, in words.
    Elsewhere(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Removed,
    Replaced,
    Repeats,
}

/// A variable that the text contained.
#[derive(Debug)]
pub struct Variable {
    pub name: String,
    pub value: Option<String>,
    pub from: From,
}

const DEFAULT: From = From::Elsewhere("default");

/// Every value and entry, those included that something took away, and the defaults of all other keys. `host` is the one
/// that the profile was read for.
pub fn origins(loaded: &Loaded, host: &Host) -> Vec<Line> {
    let declared = merge::variables(&loaded.merged, &Report::default());
    let report = Report::default();
    let variables = Variables::new(host, &loaded.sources, &report, declared.clone(), false);
    variables.set_name(&loaded.profile.name);
    let mut collect = Collect { loaded, variables: &variables, declared: &declared, host, lines: Vec::new() };
    collect.top();
    collect.section("vars", &[]);
    for (section, keys) in keys::SECTIONS {
        collect.section(section, keys);
    }
    collect.lines
}
