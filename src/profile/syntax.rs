//! The parser's complaints, in words for people who know no grammar.

use toml_parser::{Expected, ParseError};

use super::diagnostic::{Diagnostic, Report};
use super::source::{Place, Source};

pub fn report(errors: &[ParseError], source: &Source, file: u32, report: &Report) {
    for error in errors {
        report.push(diagnostic(error, source, file));
    }
}

fn diagnostic(error: &ParseError, source: &Source, file: u32) -> Diagnostic {
    let at = |span: toml_parser::Span| Place::new(file, span.start(), span.end());
    let whole = error.context().map(at);
    let place = error.unexpected().map(at).or(whole).unwrap_or(Place::new(file, 0, 0));
    let written = source.slice(place).trim();
    let line_before = {
        let (_, start) = source.line_of(place.start);
        source.text.get(start..place.start as usize).unwrap_or_default().trim()
    };
    match error.description() {
        "key with no value" | "missing value for key" => {
            let key = line_before.split('#').next().unwrap_or_default().trim();
            Diagnostic::error(place, "this line has no `=`").hint(if key.is_empty() {
                "write `key = value`".into()
            } else {
                format!("write `{key} = …`")
            })
        }
        "string values must be quoted" => match written {
            "" => Diagnostic::error(place, "a value is missing").hint("write a value after `=`"),
            "yes" | "on" | "True" | "TRUE" => {
                Diagnostic::error(place, format!("`{written}` is no value")).hint("write `true`")
            }
            "no" | "off" | "none" | "null" => Diagnostic::error(place, format!("`{written}` is no value"))
                .hint(format!("write `false`, or \"{written}\" in quotes where a word is meant")),
            _ => Diagnostic::error(place, "text must stand in quotes").hint(format!("write \"{written}\"")),
        },
        "unexpected key or value" => Diagnostic::error(place, "unexpected text after the value")
            .hint("each key stands on a line of its own, a comment begins with `#`"),
        "carriage return must be followed by newline" => {
            Diagnostic::error(place, "a carriage return without a line feed")
                .hint("end lines with LF, as Unix does, or CR LF")
        }
        "invalid comment character" => Diagnostic::error(place, "a control character in a comment"),
        description @ ("unclosed array" | "unclosed inline table") => {
            let (what, end) = if description == "unclosed array" { ("list", "]") } else { ("table", "}") };
            let begin = whole.unwrap_or(place);
            Diagnostic::error(begin, format!("this {what} is never closed")).hint(format!("close it with `{end}`"))
        }
        "unclosed table" | "unclosed array table" => {
            Diagnostic::error(whole.unwrap_or(place), "this header is never closed").hint("close it with `]`")
        }
        description => {
            let (message, hint) = reword(description, error.expected());
            Diagnostic::error(place, message).maybe_hint(hint)
        }
    }
}

fn reword(description: &str, expected: Option<&[Expected]>) -> (String, Option<String>) {
    let message = match description {
        "invalid basic string" => "this string is broken",
        "invalid multi-line basic string" | "invalid multi-line literal string" => "this multi-line string is broken",
        "invalid literal string" => "this string is broken",
        "missing comma between array elements" | "missing comma between key-value pairs" => "a comma is missing",
        "extra comma in array" | "extra comma in inline table" => "a comma too many",
        "missing value" => "a value is missing",
        "invalid unquoted key" => "a key with this character must stand in quotes",
        "unquoted keys cannot be empty" => "a key is missing",
        "missing escaped value" => "no such escape in a string",
        other => other,
    };
    let hint = match description {
        "missing escaped value" => Some("write \\\\ for a backslash, or use single quotes: '…'".to_string()),
        _ => expected.and_then(expectation),
    };
    (message.to_string(), hint)
}

fn expectation(expected: &[Expected]) -> Option<String> {
    let words: Vec<String> = expected
        .iter()
        .filter_map(|expected| match expected {
            Expected::Literal("\n") => Some("the end of the line".into()),
            Expected::Literal(literal) => Some(format!("`{literal}`")),
            Expected::Description(description) => Some((*description).to_string()),
            _ => None,
        })
        .collect();
    (!words.is_empty()).then(|| format!("expected {}", words.join(" or ")))
}
