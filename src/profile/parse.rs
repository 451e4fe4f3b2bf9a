//! TOML to a tree. After a mistake it goes on, so that one look shows all mistakes of a file.

mod unclosed;

use std::borrow::Cow;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::lexer::Token;
use toml_parser::parser::{EventReceiver, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, ParseError, Source as Toml, Span};

use super::diagnostic::Report;
use super::document::{Document, Key};
use super::source::{Place, Source};
use super::syntax;
use super::tree::{Kind, Node, Table};

/// Deeper nesting than any key has; keeps recursion bounded.
const DEPTH: usize = 16;

/// How often reading begins anew after something that is never closed.
const PARTS: usize = 20;

/// What could be read of a whole file.
pub fn document(source: &Source, file: u32, report: &Report) -> Table {
    let toml = Toml::new(&source.text);
    let tokens = toml.lex().into_vec();
    let mut errors = Vec::new();
    let mut builder = Builder::new(toml, file);
    parse_document(&tokens, &mut ValidateWhitespace::new(&mut builder, toml), &mut errors);
    if errors.iter().any(syntax::is_unclosed) {
        builder = Builder::new(toml, file);
        errors = in_parts(toml, &tokens, &mut builder, source, report);
    }
    if let Some(string) = unclosed::string(&tokens, &errors, source) {
        errors.retain(|error| syntax::start(error) < string.span().start());
        report.push(unclosed::swallowing(string, source, file));
    }
    syntax::report(&errors, source, file, report);
    for clash in std::mem::take(&mut builder.document.clashes) {
        report.push(clash);
    }
    builder.document.root
}

/// Part by part: what is never closed ends where its lines do.
fn in_parts(toml: Toml, tokens: &[Token], builder: &mut Builder, source: &Source, report: &Report) -> Vec<ParseError> {
    let mut errors = Vec::new();
    let mut from = 0;
    // Each part has the text before it looked through, so their number is bounded.
    for open in unclosed::find(toml, tokens).into_iter().take(PARTS) {
        let end = tokens.get(open.next).map_or(source.text.len(), |token| token.span().start());
        let mut part = tokens[from..open.next].to_vec();
        // The parser wants the end announced, and only the lexer makes such tokens.
        part.extend(Toml::new(source.text.get(..end).unwrap_or_default()).lex().last());
        let mut found = Vec::new();
        parse_document(&part, &mut ValidateWhitespace::new(&mut *builder, toml), &mut found);
        // Within it hardly any complaint is about anything else; but a string may have swallowed its end.
        found.retain(|error| syntax::start(error) < open.start || syntax::is_unclosed_string(error, &source.text));
        if found.last().is_none_or(|error| syntax::start(error) < open.start) {
            report.push(open.diagnostic(builder.file));
        }
        errors.append(&mut found);
        builder.start_over();
        from = open.next;
    }
    parse_document(&tokens[from..], &mut ValidateWhitespace::new(builder, toml), &mut errors);
    errors
}

/// Turns the parser's events into a tree.
struct Builder<'t> {
    toml: Toml<'t>,
    file: u32,
    document: Document,
    /// The key being read: all parts of `a.b.c`.
    path: Vec<Key>,
    /// Between the brackets of `[header]` or `[[header]]`.
    header: Option<Header>,
    frames: Vec<Frame>,
    /// Set while what follows a mistake cannot be told apart from the rest of its line.
    lost: bool,
}

#[derive(Clone, Copy)]
struct Header {
    array: bool,
}

/// A list or inline table that is still open.
enum Frame {
    List {
        start: usize,
        items: Vec<Node>,
    },
    Inline {
        start: usize,
        document: Document,
        path: Vec<Key>,
    },
    /// Nested too deeply: swallowed.
    Ignored {
        start: usize,
    },
}

impl<'t> Builder<'t> {
    fn new(toml: Toml<'t>, file: u32) -> Builder<'t> {
        let document = Document::default();
        Builder { toml, file, document, path: Vec::new(), header: None, frames: Vec::new(), lost: false }
    }

    /// Between two parts of a file that are read one after the other.
    fn start_over(&mut self) {
        self.frames.clear();
        self.finish_header();
        self.path.clear();
        self.lost = false;
    }

    fn place(&self, span: Span) -> Place {
        Place::new(self.file, span.start(), span.end())
    }

    fn path(&mut self) -> &mut Vec<Key> {
        match self.frames.last_mut() {
            Some(Frame::Inline { path, .. }) => path,
            _ => &mut self.path,
        }
    }

    fn deliver(&mut self, value: Node) {
        match self.frames.last_mut() {
            Some(Frame::List { items, .. }) => items.push(value),
            Some(Frame::Inline { document, path, .. }) => document.insert(path, value),
            Some(Frame::Ignored { .. }) => {}
            None if self.lost => self.path.clear(),
            None => self.document.insert(&mut self.path, value),
        }
    }

    fn finish_header(&mut self) {
        if let Some(header) = self.header.take() {
            self.document.open(&mut self.path, header.array);
        }
    }

    fn open(&mut self, span: Span, error: &mut dyn ErrorSink, frame: Frame) -> bool {
        if self.frames.len() < DEPTH {
            self.frames.push(frame);
            return true;
        }
        error.report_error(ParseError::new("nested too deeply").with_unexpected(span));
        self.frames.push(Frame::Ignored { start: span.start() });
        false
    }

    fn close(&mut self, span: Span) {
        let end = span.end();
        let (start, kind) = match self.frames.pop() {
            // Where the parser closes what the author did not, the span is empty.
            Some(Frame::List { start, .. } | Frame::Inline { start, .. }) if span.is_empty() => (start, Kind::Broken),
            Some(Frame::List { start, items }) => (start, Kind::List(items)),
            Some(Frame::Inline { start, document, .. }) => {
                self.document.clashes.extend(document.clashes);
                (start, Kind::Table(document.root))
            }
            Some(Frame::Ignored { start }) => (start, Kind::Broken),
            None => return,
        };
        self.deliver(Node { place: Place::new(self.file, start, end), kind });
    }
}

impl EventReceiver for Builder<'_> {
    fn std_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.path.clear();
        self.header = Some(Header { array: false });
    }

    fn std_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.finish_header();
    }

    fn array_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.path.clear();
        self.header = Some(Header { array: true });
    }

    fn array_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.finish_header();
    }

    fn inline_table_open(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        let start = span.start();
        self.open(span, error, Frame::Inline { start, document: Document::default(), path: Vec::new() })
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn array_open(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        let start = span.start();
        self.open(span, error, Frame::List { start, items: Vec::new() })
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let place = self.place(span);
        let (mut key, mut sound) = (Cow::Borrowed(""), true);
        let mut watch = |problem: ParseError| {
            sound = false;
            error.report_error(problem);
        };
        let raw = self.toml.get(span).map_or("", |raw| raw.as_str());
        toml_parser::Raw::new_unchecked(raw, encoding, span).decode_key(&mut key, &mut watch);
        let path = self.path();
        if path.len() == DEPTH {
            sound = false;
            error.report_error(ParseError::new("nested too deeply").with_unexpected(span));
        }
        if path.len() <= DEPTH {
            path.push(Key { text: key.into_owned(), place, sound });
        }
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut text = Cow::Borrowed("");
        let mut sound = true;
        let mut watch = |problem: ParseError| {
            sound = false;
            error.report_error(problem);
        };
        let raw = self.toml.get(span).map_or("", |raw| raw.as_str());
        let scalar = toml_parser::Raw::new_unchecked(raw, encoding, span).decode_scalar(&mut text, &mut watch);
        let kind = match scalar {
            _ if !sound => Kind::Broken,
            ScalarKind::String => Kind::Text(text.into_owned()),
            ScalarKind::Boolean(value) => Kind::Boolean(value),
            ScalarKind::DateTime => Kind::Date,
            ScalarKind::Float => Kind::Fraction,
            ScalarKind::Integer(radix) => match i128::from_str_radix(&text, radix.value()) {
                Ok(number) => Kind::Integer(number),
                Err(_) => {
                    error.report_error(ParseError::new("this number is too large").with_unexpected(span));
                    Kind::Broken
                }
            },
        };
        let place = self.place(span);
        self.deliver(Node { place, kind });
    }

    fn value_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        if let Some(Frame::Inline { path, .. }) = self.frames.last_mut() {
            path.clear();
        }
    }

    fn newline(&mut self, _: Span, _: &mut dyn ErrorSink) {
        if self.frames.is_empty() {
            // An unclosed header still says which section follows.
            self.finish_header();
            self.path.clear();
            self.lost = false;
        }
    }

    fn error(&mut self, span: Span, _: &mut dyn ErrorSink) {
        // The parser swallows `{…}` and `[…]` in the place of a key, but announces their end.
        let opens = self.toml.get(span).is_some_and(|raw| matches!(raw.as_str(), "{" | "["));
        self.lost |= opens && matches!(self.frames.last(), Some(Frame::Inline { .. }));
    }
}

#[cfg(test)]
mod tests;
