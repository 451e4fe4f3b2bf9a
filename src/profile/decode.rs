//! A merged tree becomes a [`Profile`]: every value typed and checked, all mistakes collected.

pub mod capabilities;
pub mod cgroup;
mod entry;
pub mod landlock;
pub mod namespaces;
pub mod network;
pub mod path;
pub mod placed;
pub mod process;
pub mod reader;
pub mod rootfs;
pub mod seccomp;
pub mod set;

#[cfg(test)]
use super::keys;
use super::keys::not_yet;
use crate::profile::Profile;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::tree::{Entry, Kind, Table};
use reader::Reader;

/// The whole profile, apart from its name and files, and the sections in which something is wrong.
pub fn profile<'t>(reader: &Reader, merged: &'t Table) -> (Profile, Vec<&'t str>) {
    let mut profile = Profile::default();
    let mut broken = Vec::new();
    for entry in merged.iter() {
        let Kind::Table(table) = &entry.value.kind else { continue };
        let found = reader.report.count();
        match entry.key.as_str() {
            "process" => process::decode(reader, table, &mut profile.process),
            "namespaces" => namespaces::decode(reader, table, &mut profile.namespaces),
            "rootfs" => rootfs::decode(reader, table, &mut profile.rootfs),
            "cgroup" => cgroup::decode(reader, table, &mut profile.cgroup),
            "network" => network::decode(reader, table, &mut profile.network),
            "capabilities" => capabilities::decode(reader, table, &mut profile.capabilities),
            "seccomp" => seccomp::decode(reader, table, &mut profile.seccomp),
            "landlock" => landlock::decode(reader, table, &mut profile.landlock),
            _ => {}
        }
        if reader.report.count() > found {
            broken.push(entry.key.as_str());
        }
    }
    (profile, broken)
}

/// Writes a value over a default, if there is one.
fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Refuses a key whose feature does not exist yet. False: go on and read it.
fn refused(reader: &Reader, section: &str, entry: &Entry) -> bool {
    let refused = not_yet(section, &entry.key, None);
    if refused {
        let message = format!("`{}` in [{section}] is not available in this version yet", entry.key);
        reader.report.push(Diagnostic::error(entry.key_place, message).hint("leave the key out"));
    }
    refused
}

/// Refuses a value whose feature does not exist yet. False: go on and read it.
fn refused_value(reader: &Reader, section: &str, entry: &Entry, value: &str, hint: &str) -> bool {
    let refused = not_yet(section, &entry.key, Some(value));
    if refused {
        let message = format!("`{} = \"{value}\"` is not available in this version yet", entry.key);
        reader.report.push(Diagnostic::error(entry.value.place, message).hint(hint));
    }
    refused
}

/// The words of a key that are not built yet, for those that offer them.
fn text_of(entry: &Entry) -> &str {
    match &entry.value.kind {
        Kind::Text(text) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::host::{Facts, Host};
    use crate::profile::diagnostic::Report;
    use crate::profile::source::{Place, Provenance, Source, Sources};
    use crate::profile::tree::Node;
    use crate::profile::variables::Variables;

    /// A date is right nowhere, so a key that swallows one is a key that nobody reads.
    #[test]
    fn no_key_is_ignored() {
        let host = Host::known(Facts::default());
        let mut sources = Sources::default();
        let file = sources.add(Source::new("x", "x".into(), Provenance::CommandLine, None));
        let place = Place::new(file, 0, 1);
        for (section, keys) in keys::SECTIONS {
            for (key, _) in *keys {
                let report = Report::default();
                let variables = Variables::new(&host, &sources, &report, BTreeMap::new(), false);
                let reader = Reader { sources: &sources, variables: &variables, report: &report };
                let wrap = |key: &str, kind| {
                    let mut table = Table::default();
                    table.push(Entry::new(key.to_owned(), place, Node { place, kind }));
                    table
                };
                let merged = wrap(section, Kind::Table(wrap(key, Kind::Date)));
                assert_eq!(profile(&reader, &merged).1, [*section]);
                assert_eq!(report.count(), 1, "[{section}] {key}");
            }
        }
    }
}
