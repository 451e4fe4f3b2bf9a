//! From a name or path to a [`Profile`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::decode::reader::Reader;
use super::diagnostic::{Diagnostic, Diagnostics, Report};
use super::merge::Merge;
use super::open::{self, Named, Refusal};
use super::source::{Place, Provenance, Source, Sources};
use super::tree::Table;
use super::variables::Variables;
use super::{Profile, decode, merge, parse};
use crate::host::Host;

/// What the command line says over the profile.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--set`, each as it was typed: `variable=value` or `section.key=TOML`; the later wins.
    pub set: Vec<String>,
    /// `--name`.
    pub name: Option<String>,
    /// What followed `--`; none: `args` stay as they are.
    pub args: Option<Vec<OsString>>,
}

/// A profile without errors, and what there is to say about it all the same.
#[derive(Debug)]
pub struct Loaded {
    pub profile: Profile,
    pub warnings: Diagnostics,
    /// Every text it was read from: the profile that was asked for comes first.
    pub sources: Rc<Sources>,
}

/// Reads a profile with all it extends.
pub fn load(name_or_path: &str, overrides: &Overrides, host: &Host) -> Result<Loaded, Diagnostics> {
    let report = Report::default();
    let mut sources = Sources::default();
    let profile = read(name_or_path, overrides, host, &mut sources, &report);
    let sources = Rc::new(sources);
    let found = Diagnostics::new(sources.clone(), report.into_inner());
    match profile {
        Some(profile) if !found.has_errors() => Ok(Loaded { profile, warnings: found, sources }),
        _ => Err(found),
    }
}

fn read(
    name_or_path: &str,
    overrides: &Overrides,
    host: &Host,
    sources: &mut Sources,
    report: &Report,
) -> Option<Profile> {
    let path = host.cwd().join(name_or_path);
    let text = match open::read(&path, Named::Path, host) {
        Ok(text) => text,
        Err(Refusal::Missing) => {
            report.push(Diagnostic::nowhere(format!("there is no profile {name_or_path}")).hint("check the path"));
            return None;
        }
        Err(Refusal::Unfit { message, hint }) => {
            report.push(Diagnostic::nowhere(message).hint(hint));
            return None;
        }
    };
    let directory = path.parent().map(Path::to_owned);
    let file =
        sources.add(Source::new(name_or_path, text.text, Provenance::File { path: text.path.clone() }, directory));
    if let Some(at) = text.invalid_at {
        report.push(Diagnostic::error(Place::new(file, at, at), "this is not UTF-8").hint("save the file as UTF-8"));
        return None;
    }
    let main = parse::document(sources.get(file), file, report);
    let head = Head::of(&main);
    let mut merge = Merge::new(report, false);
    merge.add(main);
    let variables = Variables::new(host, sources, report, merge::variables(&merge.merged, report), false);
    let reader = Reader { sources, variables: &variables, report };
    let stem = Path::new(name_or_path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = head.name(&reader, overrides, stem);
    variables.set_name(&name);
    let description = head.description(&reader);
    let mut profile = decode::profile(&reader, &merge.merged);
    profile.name = name;
    profile.description = description;
    profile.files = files(sources);
    if let Some(args) = &overrides.args {
        profile.process.args = args.clone();
    }
    Some(profile)
}

fn files(sources: &Sources) -> Vec<PathBuf> {
    let path = |source: &Source| match &source.provenance {
        Provenance::File { path } => Some(path.clone()),
        _ => None,
    };
    sources.iter().filter_map(path).collect()
}

/// What a profile says about itself: children do not inherit it.
struct Head {
    name: Option<super::tree::Node>,
    description: Option<super::tree::Node>,
}

impl Head {
    fn of(table: &Table) -> Head {
        let node = |key| table.get(key).map(|entry| entry.value.clone());
        Head { name: node("name"), description: node("description") }
    }

    fn name(&self, reader: &Reader, overrides: &Overrides, stem: &str) -> String {
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

    fn description(&self, reader: &Reader) -> Option<String> {
        reader.line("description", self.description.as_ref()?)
    }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}`.
pub fn is_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    first && rest && name.len() <= 63
}
