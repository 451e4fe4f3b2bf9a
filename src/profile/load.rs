//! From a name or path to a [`Profile`].

mod head;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Profile;
use super::chain::Chain;
use super::command_line;
use super::contradictions;
use super::decode::{self, reader::Reader};
use super::diagnostic::{Diagnostic, Diagnostics, Overruled, Report};
use super::find::{self, BuiltIn, SearchPath};
use super::merge::{self, Merge};
use super::rewrite;
use super::source::{Place, Provenance, Source, Sources};
use super::tree::{Starts, Table};
use super::variables::Variables;
use crate::host::Host;
use crate::isolation::{Finding, Findings, Origin, Severity};

pub(super) use head::Head;
pub use head::is_name;

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
    /// All files as one tree, with what was replaced and removed.
    pub(super) merged: Table,
    /// The entries of lists that do not hold.
    pub(super) overruled: Vec<Overruled>,
    pub(super) head: Head,
    pub(super) overrides: Overrides,
}

impl Loaded {
    /// What of planning's findings stops a launch.
    pub fn errors(&self, findings: &Findings) -> Diagnostics {
        let errors = findings.0.iter().filter(|finding| finding.severity == Severity::Error);
        Diagnostics::new(self.sources.clone(), self.pointing(errors).collect())
    }

    /// Arguments of the command line that are no text, which TOML and JSON cannot hold.
    pub fn no_text(&self) -> Option<Diagnostics> {
        let args = self.profile.process.args.iter().enumerate().filter(|(_, word)| word.to_str().is_none());
        let refuse = |(number, word): (usize, &OsString)| {
            Diagnostic::nowhere(format!("argument {} is not UTF-8: {word:?}", number + 1))
                .hint("TOML and JSON hold text alone; `sandbox run` passes it on as it is")
        };
        let refused: Vec<Diagnostic> = args.map(refuse).collect();
        (!refused.is_empty()).then(|| Diagnostics::new(self.sources.clone(), refused))
    }

    /// All that planning found, and the warnings of reading before it, ready to be shown.
    pub fn diagnostics(&self, findings: &Findings) -> Diagnostics {
        let found = self.pointing(findings.0.iter());
        Diagnostics::new(self.sources.clone(), self.warnings.list.iter().cloned().chain(found).collect())
    }

    /// What planning found, pointing into the profile's text.
    fn pointing<'f>(&self, findings: impl Iterator<Item = &'f Finding>) -> impl Iterator<Item = Diagnostic> {
        let locator = Locator::new(&self.sources, &self.merged);
        findings.map(move |finding| {
            let place = finding.origin.as_ref().and_then(|origin| locator.locate(origin));
            let rewritten = finding
                .rewrite
                .zip(place)
                .and_then(|(rewrite, place)| rewrite::hint(rewrite, place, &self.sources, &self.merged));
            Diagnostic {
                severity: finding.severity,
                message: format!("{}: {}", finding.section, finding.message),
                place,
                notes: Vec::new(),
                hint: rewritten.or_else(|| finding.hint.clone()),
            }
        })
    }
}

/// Leads from origins back to the text. A garbled profile asks for thousands.
struct Locator<'a> {
    sources: &'a Sources,
    merged: &'a Table,
    starts: OnceCell<Starts>,
}

impl<'a> Locator<'a> {
    fn new(sources: &'a Sources, merged: &'a Table) -> Locator<'a> {
        Locator { sources, merged, starts: OnceCell::new() }
    }

    /// The key, value or entry that was written at an origin.
    fn locate(&self, origin: &Origin) -> Option<Place> {
        let (file, start) = self.sources.locate(origin)?;
        let starts = self.starts.get_or_init(|| Starts::of(self.merged));
        Some(starts.get(file, start).unwrap_or(Place { file, start, end: start }))
    }
}

/// Reads a profile with all it extends.
pub fn load(name_or_path: &str, overrides: &Overrides, host: &Host) -> Result<Loaded, Diagnostics> {
    load_for(name_or_path, overrides, host, host)
}

/// Reads a profile from files of this machine, `here`, as it is meant on another: its homes, variables and accounts are
/// those of `host`.
pub fn load_for(name_or_path: &str, overrides: &Overrides, here: &Host, host: &Host) -> Result<Loaded, Diagnostics> {
    load_with(name_or_path, overrides, here, host, find::BUILT_IN)
}

/// Reads a profile whose text is at hand, as if it stood in the file `path`.
pub fn load_text(text: &str, path: &str, overrides: &Overrides, host: &Host) -> Result<Loaded, Diagnostics> {
    let report = Report::default();
    let mut chain = Chain::new(host, &report, SearchPath::new(host, find::BUILT_IN));
    chain.text(text, path, &overrides.set);
    let typed = typed(&mut chain, path, overrides, host, &report);
    finish(chain.sources, Some(typed), overrides, report)
}

/// With other built-in profiles than the program's own.
pub(super) fn load_with(
    name_or_path: &str,
    overrides: &Overrides,
    here: &Host,
    host: &Host,
    built_in: &[BuiltIn],
) -> Result<Loaded, Diagnostics> {
    let report = Report::default();
    let mut chain = Chain::new(here, &report, SearchPath::new(here, built_in));
    let read = chain.main(name_or_path, &overrides.set);
    let read = read.map(|()| typed(&mut chain, name_or_path, overrides, host, &report));
    finish(chain.sources, read, overrides, report)
}

fn finish(
    sources: Sources,
    read: Option<(Profile, Table, Head)>,
    overrides: &Overrides,
    report: Report,
) -> Result<Loaded, Diagnostics> {
    let sources = Rc::new(sources);
    let (messages, overruled) = report.into_inner();
    let warnings = Diagnostics::new(sources.clone(), messages);
    let Some((profile, merged, head)) = read else { return Err(warnings) };
    let loaded = Loaded { profile, warnings, sources, merged, overruled, head, overrides: overrides.clone() };
    if !loaded.warnings.has_errors() {
        return Ok(loaded);
    }
    let refused = loaded.warnings.clone();
    Err(Diagnostics { rest: Some(Rc::new(loaded)), ..refused })
}

/// The files' trees as one, and as the profile that it says.
fn typed(
    chain: &mut Chain,
    name_or_path: &str,
    overrides: &Overrides,
    host: &Host,
    report: &Report,
) -> (Profile, Table, Head) {
    let mut head = Head::default();
    let mut merge = Merge::new(report, chain.incomplete);
    for (file, table) in std::mem::take(&mut chain.layers) {
        if file == 0 {
            head = Head::of(&table);
        }
        merge.add(table);
    }
    let merged = merge.merged;
    let (sources, incomplete) = (&chain.sources, chain.incomplete);
    let declared = merge::variables(&merged, report);
    let variables = Variables::new(host, sources, report, declared, incomplete);
    let reader = Reader { sources, variables: &variables, report };
    let stem = if find::is_path(name_or_path) { find::stem(Path::new(name_or_path)) } else { name_or_path };
    let name = head.name(&reader, overrides, stem);
    variables.set_name(&name);
    let (mut profile, broken) = decode::profile(&reader, &merged);
    profile.name = name;
    profile.description = head.description(&reader);
    profile.files = files(sources);
    profile.sought = chain.sought.clone();
    if let Some(args) = &overrides.args {
        profile.process.args = args.clone();
    }
    if !incomplete {
        command_line::unused(&variables, sources, &chain.variables, report);
        variables.check_unused();
        contradictions::check(&profile, &merged, &broken, report);
        if contradictions::grants_writing(&profile) {
            let home = variables.home().map(PathBuf::from);
            let search = chain.search.directories();
            let locator = Locator::new(sources, &merged);
            let locate = |origin: &Origin| locator.locate(origin);
            contradictions::writable_grants(&profile, home.as_deref(), search, host, locate, report);
        }
    }
    (profile, merged, head)
}

fn files(sources: &Sources) -> Vec<PathBuf> {
    let path = |source: &Source| match &source.provenance {
        Provenance::File { path } => Some(path.clone()),
        Provenance::BuiltIn { .. } | Provenance::CommandLine => None,
    };
    sources.iter().filter_map(path).collect()
}
