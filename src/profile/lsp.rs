//! Messages as JSON for editors, shaped as the Language Server Protocol has them.

use std::fmt::Write;

use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::{Place, Provenance, Source, Sources};
use crate::isolation::Severity;
use crate::say::printable;

pub fn json(diagnostics: &Diagnostics) -> Value {
    let sources = &diagnostics.sources;
    let mut files: Vec<(Option<u32>, Vec<Value>)> = Vec::new();
    for diagnostic in &diagnostics.list {
        let file = diagnostic.place.map(|place| place.file);
        let entry = json_message(sources, diagnostic);
        match files.last_mut() {
            Some((last, entries)) if *last == file => entries.push(entry),
            _ => files.push((file, vec![entry])),
        }
    }
    files
        .into_iter()
        .map(|(file, entries)| json!({ "uri": file.map(|file| uri(sources.get(file))), "diagnostics": entries }))
        .collect()
}

fn json_message(sources: &Sources, diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => 1,
        Severity::Shortfall | Severity::Warning => 2,
        Severity::Note => 3,
    };
    let message = match &diagnostic.hint {
        Some(hint) => format!("{}\nhint: {}", printable(&diagnostic.message), printable(hint)),
        None => printable(&diagnostic.message),
    };
    let extended_by = diagnostic.place.and_then(|place| sources.get(place.file).extended_by);
    let related: Vec<Value> = diagnostic
        .notes
        .iter()
        .map(|(place, words)| (*place, words.as_str()))
        .chain(extended_by.map(|place| (place, "extended by")))
        .map(|(place, words)| {
            let source = sources.get(place.file);
            json!({ "location": { "uri": uri(source), "range": range(source, place) }, "message": words })
        })
        .collect();
    json!({
        "range": diagnostic.place.map_or_else(nowhere, |place| range(sources.get(place.file), place)),
        "severity": severity,
        "source": "sandbox",
        "message": message,
        "data": { "hint": diagnostic.hint },
        "relatedInformation": related,
    })
}

fn range(source: &Source, place: Place) -> Value {
    json!({ "start": lsp_position(source, place.start), "end": lsp_position(source, place.end) })
}

fn nowhere() -> Value {
    json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } })
}

/// Both counted from 0, characters as UTF-16 code units.
fn lsp_position(source: &Source, offset: u32) -> Value {
    let (line, character) = source.utf16_position(offset);
    json!({ "line": line, "character": character })
}

fn uri(source: &Source) -> String {
    let (scheme, path) = match &source.provenance {
        Provenance::File { path } => ("file://", path.as_os_str().as_encoded_bytes()),
        Provenance::BuiltIn { .. } | Provenance::CommandLine => ("sandbox:", source.name.as_bytes()),
    };
    let mut uri = String::from(scheme);
    for &byte in path {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(byte.into()),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}
