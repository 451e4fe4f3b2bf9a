//! `--set variable=value` and `--set section.key=TOML`.

use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, Report};
use super::instead;
use super::keys;
use super::parse;
use super::source::{Place, Provenance, Source, Sources};
use super::tree::{Entry, Kind, Node, Table};
use super::variables::Variables;
use crate::isolation::nearest;

/// One `--set` as a small file. Without a dot it names a variable, and its value is plain text: a script may hand on the
/// name of a file, which must not be able to ask for the environment. Of `~`, whoever reads a path asks [`Variables::expand_marked`].
pub fn read(source: &Source, file: u32, report: &Report) -> Option<Table> {
    let text = source.text.as_str();
    let whole = Place::new(file, 0, text.len());
    let Some((left, right)) = text.split_once('=') else {
        let error = Diagnostic::error(whole, "`--set` takes an assignment");
        report.push(error.hint("write --set variable=value or --set section.key=TOML"));
        return None;
    };
    let name = left.trim();
    if name.is_empty() {
        let error = Diagnostic::error(Place::new(file, 0, left.len()), "`--set` names nothing before `=`");
        report.push(error.hint("write --set variable=value or --set section.key=TOML"));
        return None;
    }
    if !name.contains('.') {
        let place = |start: usize, end: usize| Place::new(file, start, end);
        let value_place = place(left.len() + 1, text.len());
        let key_place = place(0, left.len());
        let value = Node { place: value_place, kind: Kind::Text(right.replace('$', "$$")) };
        let mut vars = Table::default();
        vars.push(Entry::new(name.to_owned(), key_place, value));
        let mut table = Table::default();
        table.push(Entry::new("vars".into(), key_place, Node { place: whole, kind: Kind::Table(vars) }));
        return Some(table);
    }
    let found = report.count();
    let table = parse::document(source, file, report);
    if let Some(entry) = table.entries.iter().find(|entry| keys::shape(keys::TOP, &entry.key).is_some()) {
        report.push(outside(entry.key_place, &entry.key));
        return None;
    }
    if report.count() == found && table.entries.is_empty() {
        report.push(Diagnostic::error(whole, "`--set` sets nothing").hint("write --set section.key=TOML"));
    }
    if report.count() == found && !sets_one_key(&table) {
        let error = Diagnostic::error(whole, "`--set` sets more than one key");
        report.push(error.hint("write each in a --set of its own"));
        return None;
    }
    Some(table)
}

/// Whoever puts a value together for it must not be able to put keys into it: a line end would begin the next.
fn sets_one_key(table: &Table) -> bool {
    table.entries.len() <= 1
        && table.entries.iter().all(|section| match &section.value.kind {
            Kind::Table(keys) => keys.entries.len() <= 1,
            _ => true,
        })
}

/// What stands above all sections is the profile's own.
fn outside(place: Place, key: &str) -> Diagnostic {
    let error = Diagnostic::error(place, format!("`--set` takes a variable or a key of a section, not `{key}`"));
    error.hint(match key {
        "name" => "write --name NAME",
        "extends" => "write a profile of your own that extends what is wanted",
        _ => "write it into the profile",
    })
}

/// A variable that the profile neither declares nor uses is a slip.
pub fn unused(variables: &Variables, sources: &Sources, declared: &BTreeSet<String>, report: &Report) {
    for (name, place) in variables.declared() {
        let set = sources.get(place.file).provenance == Provenance::CommandLine;
        if !set || declared.contains(name) || variables.was_asked(name) {
            continue;
        }
        let source = sources.get(place.file);
        // Behind the dot of `vars.name=…`; the letters may stand in `vars` too.
        let key = source.text.split('=').next().unwrap_or_default().trim_end();
        let name_place = match key.strip_suffix(name) {
            Some(before) => Place::new(place.file, before.len(), key.len()),
            None => sources.part_of(Place::new(place.file, key.len(), source.text.len()), name),
        };
        if keys::shape(keys::TOP, name).is_some() {
            report.push(outside(name_place, name));
            continue;
        }
        if let Some((_, keys)) = keys::section(name) {
            let (key, _) = keys[0];
            let error = Diagnostic::error(
                name_place,
                format!("`--set` takes a variable or one key, and [{name}] is a section"),
            );
            report.push(error.hint(format!("write its key behind a dot: --set {name}.{key}=TOML")));
            continue;
        }
        let hint = match nearest(name, declared.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match instead::stray(name) {
                Some((section, key)) => format!("the key is set with --set {section}.{key}=TOML"),
                None => "a variable is declared in [vars]; a key is written section.key".into(),
            },
        };
        report.push(Diagnostic::error(name_place, format!("the profile has no variable `{name}`")).hint(hint));
    }
}
