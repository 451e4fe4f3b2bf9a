//! The parser's complaints, in words for people who know no grammar.

mod fixed;
mod words;

use std::collections::BTreeSet;

use toml_parser::ParseError;

use super::diagnostic::{Diagnostic, Report};
use super::source::Source;
use words::Words;

/// Reports what the parser found. One mistake often looks like several: of those on one line the first counts.
pub fn report(errors: &[ParseError], source: &Source, file: u32, report: &Report) {
    // A string without its end has swallowed the comma after it.
    let broken = |error: &&ParseError| is_unclosed_string(error, &source.text);
    let broken: BTreeSet<usize> =
        errors.iter().filter(broken).filter_map(|error| Some(error.context()?.end())).collect();
    let follows = |error: &ParseError| {
        let before = broken.range(..=start(error)).next_back();
        let between = before.and_then(|end| source.text.get(*end..start(error)));
        error.description().starts_with("missing comma") && between.is_some_and(|text| text.trim().is_empty())
    };
    let errors = errors.iter().filter(|error| !follows(error));
    let mut found: Vec<Diagnostic> = errors.map(|error| Words { source, file, error }.diagnostic()).collect();
    found.sort_by_key(|diagnostic| diagnostic.place.map(|place| place.start));
    let mut last = None;
    for diagnostic in found {
        let line = diagnostic.place.map(|place| source.line_of(place.start).0);
        if line != last {
            report.push(diagnostic);
        }
        last = line;
    }
}

/// Whether a list or table was left open.
pub fn is_unclosed(error: &ParseError) -> bool {
    matches!(error.description(), "unclosed array" | "unclosed inline table")
}

/// Whether a string lacks its closing quote.
pub fn is_unclosed_string(error: &ParseError, text: &str) -> bool {
    let whole = error.context().and_then(|span| text.get(span.start()..span.end()));
    let of_string = error.description().ends_with("string") || error.description() == "missing escaped value";
    of_string && whole.is_some_and(|written| !is_closed(written))
}

/// Where the mistake begins.
pub fn start(error: &ParseError) -> usize {
    error.unexpected().or(error.context()).unwrap_or_default().start()
}

fn is_closed(string: &str) -> bool {
    let quote = quote(string);
    let inner = string.get(quote.len()..).and_then(|rest| rest.strip_suffix(quote));
    let backslashes = |inner: &str| inner.bytes().rev().take_while(|byte| *byte == b'\\').count();
    inner.is_some_and(|inner| quote.starts_with('\'') || backslashes(inner) % 2 == 0)
}

fn quote(string: &str) -> &'static str {
    ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| string.starts_with(quote)).unwrap_or("\"")
}
