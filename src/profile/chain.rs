//! A profile with all it extends, in the order of merging: parents first.

mod asked;
mod parents;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Report};
use super::find::{Found, SearchPath, is_path, stem};
use super::open::{Named, Refusal, Text};
use super::parse;
use super::source::{Place, Provenance, Source, Sources};
use super::tree::{Kind, Node, Table};
use crate::host::Host;
use crate::isolation::Severity;

pub struct Chain<'a> {
    host: &'a Host,
    report: &'a Report,
    pub search: SearchPath<'a>,
    pub sources: Sources,
    /// File and tree, parents first.
    pub layers: Vec<(u32, Table)>,
    /// Some parent could not be read in full.
    pub incomplete: bool,
    /// What is known of each source.
    known: Vec<Known>,
    /// `--set` and the `[vars]` of the files on the way: enough to find a parent by.
    declared: BTreeMap<String, (String, Place)>,
    /// What the files declare.
    pub variables: BTreeSet<String>,
    /// Paths that links led on from, and paths of optional parents that led nowhere.
    pub sought: Vec<PathBuf>,
}

struct Known {
    identity: Identity,
    stem: String,
    turn: Option<usize>,
    /// What it extends by path is held to the same rules as it is itself.
    named: Named,
    /// Its parents are still being read.
    open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Identity {
    File(u64, u64),
    BuiltIn(&'static str),
    CommandLine,
}

impl<'a> Chain<'a> {
    pub fn new(host: &'a Host, report: &'a Report, search: SearchPath<'a>) -> Chain<'a> {
        Chain {
            host,
            report,
            search,
            sources: Sources::default(),
            layers: Vec::new(),
            incomplete: false,
            known: Vec::new(),
            declared: BTreeMap::new(),
            variables: BTreeSet::new(),
            sought: Vec::new(),
        }
    }

    /// The profile that was asked for. `None`: it could not be read at all, which is reported.
    pub fn main(&mut self, name_or_path: &str, set: &[String]) -> Option<()> {
        let found = if is_path(name_or_path) {
            match self.host.absolute(Path::new(name_or_path)) {
                Some(path) => self.search.by_path(name_or_path.to_owned(), &path, Named::Path),
                None => Err(Refusal::Unfit {
                    message: format!("{name_or_path} is relative, and the working directory has been removed"),
                    hint: "cd to a directory that exists, or write the whole path".to_owned(),
                }),
            }
        } else {
            self.search.by_name(name_or_path, 0, None)
        };
        match found {
            Ok(Found::File { shown, text, .. }) if asked::is_program(&shown, &text.text) => {
                self.refuse_program(&shown);
                None
            }
            Ok(found) => {
                let main = self.add(found, None)?;
                self.all(main, set);
                Some(())
            }
            Err(refusal) => {
                self.refuse_main(name_or_path, refusal);
                None
            }
        }
    }

    /// A text that is not read from its file.
    pub fn text(&mut self, text: &str, path: &str, set: &[String]) {
        let absolute = self.host.absolute(Path::new(path)).unwrap_or_else(|| path.into());
        let (text, real) = (text.to_owned(), absolute.clone());
        let text = Text { text, path: real, identity: (0, 0), invalid_at: None, writers: None, movers: None };
        let found = Found::File { shown: path.to_owned(), path: absolute, text, turn: None, named: Named::Path };
        if let Some(main) = self.add(found, None) {
            self.all(main, set);
        }
    }

    /// The profile with its parents, then the command line: it is last in the merge.
    fn all(&mut self, main: u32, set: &[String]) {
        let lines = self.command_line(set);
        self.read(main, 1);
        for (file, table) in lines {
            self.push(file, table);
        }
    }

    /// Takes a text in. `None` where it is not UTF-8.
    fn add(&mut self, found: Found<'a>, extended_by: Option<Place>) -> Option<u32> {
        let (mut source, known, invalid_at) = match found {
            Found::File { shown, path, text, turn, named } => {
                self.warn_of_writers(&shown, &text, extended_by);
                let directory = path.parent().map(Path::to_owned);
                if path != text.path {
                    self.sought.push(path.clone());
                }
                let identity = Identity::File(text.identity.0, text.identity.1);
                let known = Known { identity, stem: stem(&path).to_owned(), turn, named, open: false };
                (Source::new(shown, text.text, Provenance::File { path: text.path }, directory), known, text.invalid_at)
            }
            Found::BuiltIn(profile) => {
                let (name, turn) = (profile.name, Some(self.search.directories().len()));
                let identity = Identity::BuiltIn(name);
                let known = Known { identity, stem: name.to_owned(), turn, named: Named::Word, open: false };
                let provenance = Provenance::BuiltIn { base: profile.base };
                (Source::new(format!("(built-in) {name}"), profile.text.to_owned(), provenance, None), known, None)
            }
        };
        source.extended_by = extended_by;
        let file = self.sources.add(source);
        self.known.push(known);
        let Some(at) = invalid_at else { return Some(file) };
        let error = Diagnostic::error(Place::new(file, at, at), "the file is not UTF-8 from here on");
        let wide = self.sources.get(file).text.contains('\0');
        self.report.push(error.hint(if wide { "it looks like UTF-16: save it as UTF-8" } else { "save it as UTF-8" }));
        self.incomplete = true;
        None
    }

    /// Of a file that somebody chose by its path. One that was looked up would have been refused.
    fn warn_of_writers(&self, shown: &str, text: &Text, extended_by: Option<Place>) {
        let warn = |message: String, hint: String| {
            let warning =
                Diagnostic { severity: Severity::Warning, place: extended_by, ..Diagnostic::nowhere(message) };
            self.report.push(warning.hint(hint));
        };
        if let Some((who, remedy)) = text.writers {
            let message = format!("profile {shown} is writable by {who}, who thereby decide what it grants");
            warn(message, format!("chmod {remedy} {}", text.path.display()));
        }
        if let Some(movers) = &text.movers {
            let (directory, who, remedy) = (movers.directory.display(), movers.who, movers.remedy);
            let message =
                format!("profile {shown} may be replaced by {who}: its directory {directory} is theirs to write");
            warn(message, format!("chmod {remedy} {directory}"));
        }
    }

    /// Reads a source, its parents before it.
    fn read(&mut self, file: u32, depth: usize) {
        let found = self.report.count();
        let table = parse::document(self.sources.get(file), file, self.report);
        self.incomplete |= depth > 1 && self.report.count() > found;
        self.declare(&table);
        self.known[file as usize].open = true;
        if let Some(entry) = table.get("extends") {
            match &entry.value.kind {
                Kind::Text(_) => self.extend(file, &entry.value, depth),
                Kind::List(items) => items.iter().for_each(|item| self.extend(file, item, depth)),
                Kind::Broken => self.incomplete = true,
                _ => self.not_a_name(&entry.value),
            }
        }
        self.known[file as usize].open = false;
        self.push(file, table);
    }

    fn push(&mut self, file: u32, table: Table) {
        self.sources.get_mut(file).rank = self.layers.len() as u32;
        self.layers.push((file, table));
    }

    fn declare(&mut self, table: &Table) {
        let Some(Kind::Table(vars)) = table.get("vars").map(|entry| &entry.value.kind) else { return };
        for entry in vars.iter() {
            if let Kind::Text(text) = &entry.value.kind {
                let value = (text.clone(), entry.value.place);
                self.declared.entry(entry.key.clone()).or_insert(value);
                if self.sources.get(entry.value.place.file).provenance != Provenance::CommandLine {
                    self.variables.insert(entry.key.clone());
                }
            }
        }
    }

    fn not_a_name(&self, node: &Node) {
        let message = format!("`extends` takes names and paths, not {}", node.type_name());
        self.report.push(Diagnostic::error(node.place, message).hint("write \"name\" or [\"name\", \"./path.toml\"]"));
    }

    /// Each `--set` as a source of its own.
    fn command_line(&mut self, set: &[String]) -> Vec<(u32, Table)> {
        let mut layers = Vec::new();
        for (number, line) in set.iter().enumerate() {
            let name = if number == 0 { "--set".to_owned() } else { format!("--set ({})", number + 1) };
            let source = Source::new(name, line.clone(), Provenance::CommandLine, self.host.cwd());
            let file = self.sources.add(source);
            let (identity, named) = (Identity::CommandLine, Named::Path);
            let known = Known { identity, stem: String::new(), turn: None, named, open: false };
            self.known.push(known);
            if let Some(table) = super::command_line::read(self.sources.get(file), file, self.report) {
                layers.push((file, table));
            }
        }
        // The later wins, and what is declared first stays.
        layers.iter().rev().for_each(|(_, table)| self.declare(table));
        layers
    }
}
