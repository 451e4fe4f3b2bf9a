//! Messages as text, with the source line and carets beneath.

use std::fmt::Write;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::{Place, Source, Sources};
use crate::isolation::Severity;
use crate::say::{print_char, printable};

/// A garbled file can hold thousands of errors; beyond these nobody reads on.
const SHOWN: usize = 50;
/// Columns of a source line that are shown around the carets.
const WIDTH: usize = 100;

pub fn text(diagnostics: &Diagnostics, colour: bool) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.list.iter().take(SHOWN) {
        message(&mut out, &diagnostics.sources, diagnostic, colour);
    }
    if let Some(more @ 1..) = diagnostics.list.len().checked_sub(SHOWN) {
        let _ = writeln!(out, "… and {more} more");
    }
    out
}

fn message(out: &mut String, sources: &Sources, diagnostic: &Diagnostic, colour: bool) {
    let paint = |code: &'static str| if colour { (code, "\x1b[0m") } else { ("", "") };
    let (word, code) = match diagnostic.severity {
        Severity::Error => ("error", "\x1b[1;31m"),
        Severity::Shortfall => ("missing", "\x1b[1;33m"),
        Severity::Warning => ("warning", "\x1b[1;33m"),
        Severity::Note => ("note", "\x1b[1;34m"),
    };
    let (on, off) = paint(code);
    let _ = writeln!(out, "{on}{word}{off}: {}", shortened(&printable(&diagnostic.message)));
    if let Some(place) = diagnostic.place {
        snippet(out, sources.get(place.file), place, paint(code));
    }
    for (place, words) in &diagnostic.notes {
        let (on, off) = paint("\x1b[1;34m");
        let _ = writeln!(out, "{on}note{off}: {}", printable(words));
        snippet(out, sources.get(place.file), *place, (on, off));
    }
    // An error in a parent is a surprise to whoever asked for the child.
    let mut extended_by = diagnostic.place.and_then(|place| sources.get(place.file).extended_by);
    while let Some(place) = extended_by {
        let source = sources.get(place.file);
        let (line, column) = source.position(place.start);
        let _ = writeln!(out, "note: extended by {}:{line}:{column}", printable(&source.name));
        extended_by = source.extended_by;
    }
    if let Some(hint) = &diagnostic.hint {
        let (on, off) = paint("\x1b[1;32m");
        let _ = writeln!(out, "{on}hint:{off} {}", shortened(&printable(hint)));
    }
    out.push('\n');
}

/// ```text
///  --> nginx.toml:4:1
///   |
/// 4 | comand = ["/usr/sbin/nginx"]
///   | ^^^^^^
/// ```
fn snippet(out: &mut String, source: &Source, place: Place, (on, off): (&str, &str)) {
    let (line, start) = source.line_of(place.start);
    let (number, column) = source.position(place.start);
    let gutter = " ".repeat((line + 1).to_string().len());
    let _ = writeln!(out, "{gutter}--> {}:{number}:{column}", printable(&source.name));
    let _ = writeln!(out, "{gutter} |");
    let (shown, before, carets) = excerpt(source.line_text(start), start, place);
    let _ = writeln!(out, "{number} | {shown}");
    let _ = writeln!(out, "{gutter} | {}{on}{}{off}", " ".repeat(before), "^".repeat(carets));
}

/// The line as it is printed, and how many columns lie before and beneath the place.
fn excerpt(line: &str, line_start: usize, place: Place) -> (String, usize, usize) {
    let (from, to) = (place.start as usize, place.end as usize);
    let (mut shown, mut before, mut carets) = (String::new(), 0, 0);
    let mut column = 0;
    for (at, c) in line.char_indices() {
        let at = line_start + at;
        let first = shown.len();
        print_char(&mut shown, c);
        let width = if shown.len() - first == c.len_utf8() { char_width(c) } else { shown[first..].chars().count() };
        if at < from {
            before += width;
        } else if at < to {
            carets += width;
        }
        column += width;
    }
    if column > WIDTH {
        (shown, before) = cut(line, line_start, from);
        carets = carets.min(WIDTH.saturating_sub(before) + 1);
    }
    // A place between two characters, or at the end of the line, still gets its caret.
    (shown, before, carets.max(1))
}

/// A piece of an overlong line, beginning a little before the place.
fn cut(line: &str, line_start: usize, from: usize) -> (String, usize) {
    let at = from.saturating_sub(line_start);
    let skip = line.char_indices().take_while(|(offset, _)| *offset < at).count().saturating_sub(WIDTH / 2);
    let mut shown = String::from(if skip > 0 { "…" } else { "" });
    let mut before = shown.chars().count();
    let mut column = before;
    for (offset, c) in line.char_indices().skip(skip) {
        let first = shown.len();
        print_char(&mut shown, c);
        let width = if shown.len() - first == c.len_utf8() { char_width(c) } else { shown[first..].chars().count() };
        column += width;
        if offset < at {
            before += width;
        }
        if column >= WIDTH {
            shown.push('…');
            break;
        }
    }
    (shown, before)
}

/// A message in which no word is so long that it hides the rest.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let word = |word: &str| match word.char_indices().nth(LONGEST) {
        Some((cut, _)) => {
            let tail = word.char_indices().rev().nth(20).map_or("", |(at, _)| &word[at..]);
            format!("{}…{tail}", &word[..cut])
        }
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Columns that a terminal gives a character.
fn char_width(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::{Value, json};

    use super::*;
    use crate::profile::source::Provenance;

    fn shown(text: &str, start: usize, end: usize) -> (String, Value) {
        let mut sources = Sources::default();
        let path = "/p/a b.toml".into();
        sources.add(Source::new("a b.toml", text.into(), Provenance::File { path }, None));
        let error = Diagnostic::error(Place::new(0, start, end), "wrong").hint("right");
        let diagnostics = Diagnostics::new(Rc::new(sources), vec![error]);
        (diagnostics.text(false), diagnostics.json())
    }

    #[test]
    fn carets_stand_beneath_the_place() {
        let (text, json) = shown("a = 1\n\tb = \"ä漢\" # x\n", 12, 17);
        assert_eq!(
            text,
            "error: wrong\n --> a b.toml:2:7\n  |\n2 |     b = \"ä漢\" # x\n  |          ^^^\nhint: right\n\n"
        );
        assert_eq!(json[0]["uri"], "file:///p/a%20b.toml");
        let range = &json[0]["diagnostics"][0]["range"];
        assert_eq!(range["start"], json!({ "line": 1, "character": 6 }));
        assert_eq!(range["end"], json!({ "line": 1, "character": 8 }));
    }

    #[test]
    fn nothing_printed_can_drive_a_terminal() {
        let (text, _) = shown("a = \"\x1b[2J\u{202e}\"\n", 4, 5);
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn an_overlong_line_is_cut_around_the_place() {
        let long = format!("{}X{}", "é".repeat(5000), "y".repeat(5000));
        let (text, _) = shown(&long, 10_000, 10_001);
        let lines: Vec<&str> = text.lines().collect();
        let caret = lines[4].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[3].chars().nth(caret), Some('X'), "{text}");
        assert!(lines[3].chars().count() < 120);
    }
}
