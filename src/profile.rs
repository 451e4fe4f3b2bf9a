//! What the author wrote: found, read, extended, substituted, checked. Nothing here touches the kernel.
//!
//! A profile's files become trees in which every value knows its place (`parse`), the trees one tree (`merge`), the
//! tree typed sections (`decode`). Every mistake on the way is collected, so that one look shows them all.

mod chain;
mod command_line;
mod contradictions;
mod decode;
mod diagnostic;
mod document;
mod find;
mod foreign;
mod instead;
mod keys;
mod library;
mod load;
mod lsp;
mod merge;
mod names;
mod open;
mod origins;
mod parse;
mod print;
mod reach;
mod render;
mod rewrite;
mod schema;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod variables;

use std::path::PathBuf;

use crate::isolation::{capabilities, cgroup, landlock, namespaces, network, process, rootfs, seccomp};

pub use diagnostic::{Diagnostic, Diagnostics};
pub use find::{BUILT_IN, BuiltIn, everywhere as looked_up, is_path};
pub use keys::all as keys;
pub use library::{Library, library};
pub use load::is_name;
pub use load::{Loaded, Overrides, load, load_for, load_text};
pub use origins::{DEFAULTS, Line as OriginLine, Unwritten, json as origins_json, origins, text as origins_text};
pub use print::resolved_text;
pub use print::toml::{escaped, quoted};
pub use schema::text as schema;
pub use source::{Place, Provenance, Source, Sources};

/// `500ms`, `30s`, `1h30m`: for options that say what a key says.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    units::duration(text).map_err(|wrong| format!("{} ({})", wrong.message, wrong.hint))
}

/// A profile with everything it extends folded in and every variable replaced.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Profile {
    /// `[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}`; keys everything that is kept.
    pub name: String,
    pub description: Option<String>,
    pub process: process::Process,
    pub namespaces: namespaces::Namespaces,
    pub rootfs: rootfs::Rootfs,
    pub cgroup: cgroup::Cgroup,
    pub network: network::Network,
    pub capabilities: capabilities::Capabilities,
    pub seccomp: seccomp::Seccomp,
    pub landlock: landlock::Landlock,
    /// The files it was read from, absolute; built-in ones are left out.
    pub files: Vec<PathBuf>,
    /// Where else it was looked for: the names of files that links led to, and optional parents that are missing.
    pub sought: Vec<PathBuf>,
}
