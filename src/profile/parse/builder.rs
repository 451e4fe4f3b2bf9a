//! Turns the parser's events into a tree.

use std::borrow::Cow;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::EventReceiver;
use toml_parser::{ErrorSink, ParseError, Source as Toml, Span};

use crate::profile::document::{Document, Key};
use crate::profile::source::Place;
use crate::profile::tree::{Kind, Node};

/// Deeper nesting than any key has; keeps recursion bounded.
const DEPTH: usize = 16;

/// A file's tree as far as it has been read, and what is still open in it.
pub struct Builder<'t> {
    toml: Toml<'t>,
    pub file: u32,
    pub document: Document,
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
    pub fn new(toml: Toml<'t>, file: u32) -> Builder<'t> {
        let document = Document::default();
        Builder { toml, file, document, path: Vec::new(), header: None, frames: Vec::new(), lost: false }
    }

    /// Between two parts of a file that are read one after the other.
    pub fn start_over(&mut self) {
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
