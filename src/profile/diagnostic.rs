//! What is wrong with a profile, where, and what to write instead.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::source::{Place, Sources};
use super::{Loaded, lsp, render};
use crate::isolation::Severity;

/// One message. Lowercase, without a final period; the remedy stands apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    pub place: Option<Place>,
    /// Other places that it is about, each with a few words.
    pub notes: Vec<(Place, String)>,
    pub hint: Option<String>,
}

impl Diagnostic {
    pub fn error(place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic { place: Some(place), ..Diagnostic::nowhere(message) }
    }

    pub fn warning(place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(place, message) }
    }

    /// An error that no text is to blame for.
    pub fn nowhere(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, message: message.into(), place: None, notes: Vec::new(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    pub fn note(mut self, place: Place, words: impl Into<String>) -> Diagnostic {
        self.notes.push((place, words.into()));
        self
    }
}

/// Collects messages while a profile is read, so that all of them are shown at once, and what became of entries.
#[derive(Debug, Default)]
pub struct Report {
    messages: RefCell<Vec<Diagnostic>>,
    overruled: RefCell<Vec<Overruled>>,
}

/// An entry of a list that another one did away with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overruled {
    pub entry: Place,
    pub by: Place,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By `"!x"`.
    Removed,
    /// Another one has its place.
    Replaced,
    /// A parent says the same.
    Repeats,
}

impl Report {
    pub fn push(&self, diagnostic: Diagnostic) {
        self.messages.borrow_mut().push(diagnostic);
    }

    pub fn overrule(&self, entry: Place, by: Place, how: How) {
        self.overruled.borrow_mut().push(Overruled { entry, by, how });
    }

    pub fn count(&self) -> usize {
        self.messages.borrow().len()
    }

    pub fn into_inner(self) -> (Vec<Diagnostic>, Vec<Overruled>) {
        (self.messages.into_inner(), self.overruled.into_inner())
    }
}

/// Everything there is to say about one profile, with the texts it points into.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    pub sources: Rc<Sources>,
    pub list: Vec<Diagnostic>,
    /// Of a profile that is refused: what could be read of it, with defaults in the places of what could not.
    pub rest: Option<Rc<Loaded>>,
}

impl Diagnostics {
    /// In the order of the texts: the profile that was asked for first. Notes on this machine that no text is to blame
    /// for come last.
    pub fn new(sources: Rc<Sources>, mut list: Vec<Diagnostic>) -> Diagnostics {
        list.sort_by_key(|diagnostic| {
            let aside = diagnostic.place.is_none() && diagnostic.severity == Severity::Note;
            (aside, diagnostic.place.map(|place| (place.file, place.start, place.end)))
        });
        list.dedup();
        Diagnostics { sources, list, rest: None }
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// As a person reads it; colour is for terminals.
    pub fn text(&self, colour: bool) -> String {
        render::text(self, colour)
    }

    /// For editors: one entry a file, each shaped as the parameters of LSP's `publishDiagnostics`.
    pub fn json(&self) -> serde_json::Value {
        lsp::json(self)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}
