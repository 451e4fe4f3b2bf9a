//! Lists and inline tables that are never closed. To the parser they swallow all that follows; a person sees at once
//! which lines belong to them, and so does this.

use std::collections::BTreeSet;

use toml_parser::lexer::{Token, TokenKind};
use toml_parser::{ParseError, Source as Toml};

use crate::profile::diagnostic::Diagnostic;
use crate::profile::source::{Place, Source};
use crate::profile::syntax;

/// A value that is left open.
pub struct Unclosed {
    /// Where its outermost bracket stands.
    pub start: usize,
    /// The bracket that has no end, and what would close it and all within.
    bracket: usize,
    closing: String,
    /// The first token that is no part of the value any more.
    pub next: usize,
}

impl Unclosed {
    pub fn diagnostic(&self, file: u32) -> Diagnostic {
        let place = Place::new(file, self.bracket, self.bracket + 1);
        let noun = if self.closing.ends_with(']') { "list" } else { "table" };
        Diagnostic::error(place, format!("this {noun} is never closed"))
            .hint(format!("close it with `{}`", self.closing))
    }
}

/// All of a text, from top to bottom.
pub fn find(toml: Toml, tokens: &[Token]) -> Vec<Unclosed> {
    let mut scan = Scan { toml, tokens, open: Vec::new(), before: None, first: None, found: Vec::new() };
    let mut at = 0;
    while at < tokens.len() {
        at = scan.step(at);
    }
    scan.end(tokens.len());
    scan.found
}

/// A string of several lines that ends at another one's quotes: text goes on right behind it.
pub fn string<'t>(tokens: &'t [Token], errors: &[ParseError], source: &Source) -> Option<&'t Token> {
    let behind = errors.iter().filter(|error| error.description() == "unexpected key or value").map(syntax::start);
    let behind: BTreeSet<usize> = behind.collect();
    let kind = |token: &&Token| matches!(token.kind(), TokenKind::MlBasicString | TokenKind::MlLiteralString);
    let text = |token: &Token| source.text.get(token.span().start()..token.span().end());
    let goes_on = |token: &&Token| behind.contains(&token.span().end());
    tokens.iter().filter(kind).filter(goes_on).find(|token| text(token).is_some_and(|text| text.contains('\n')))
}

/// What to say about it, in place of all that seems wrong from there on.
pub fn swallowing(string: &Token, source: &Source, file: u32) -> Diagnostic {
    let (start, end) = (string.span().start(), string.span().end());
    let at = |offset: usize| Place::new(file, offset.saturating_sub(3), offset);
    Diagnostic::error(at(start + 3), "this string ends where the next one begins")
        .note(at(end), "here")
        .hint(format!("close it with {} where it should end", source.slice(at(end))))
}

struct Scan<'t> {
    toml: Toml<'t>,
    tokens: &'t [Token],
    /// The brackets around the current token, the outermost first.
    open: Vec<usize>,
    /// The last token that is neither white space nor comment.
    before: Option<TokenKind>,
    /// The first bracket of the current value that another one's end shows to be open.
    first: Option<Unclosed>,
    found: Vec<Unclosed>,
}

impl Scan<'_> {
    /// Looks at one token, and says which is next.
    fn step(&mut self, at: usize) -> usize {
        use TokenKind::*;
        let begins_line = at == 0 || self.tokens[at - 1].kind() == Newline;
        if begins_line && self.open.is_empty() && self.kind(self.solid(at)) == Some(LeftSquareBracket) {
            return self.line_end(at);
        }
        if begins_line && !self.open.is_empty() && self.begins_anew(at) {
            self.end(at);
            return at;
        }
        match self.tokens[at].kind() {
            LeftSquareBracket | LeftCurlyBracket => self.open.push(at),
            RightSquareBracket => self.close(at, LeftSquareBracket),
            RightCurlyBracket => self.close(at, LeftCurlyBracket),
            Whitespace | Newline | Comment => return at + 1,
            _ => {}
        }
        self.before = Some(self.tokens[at].kind());
        at + 1
    }

    /// An end reaches back to its own beginning; what was opened in between is open for ever.
    fn close(&mut self, at: usize, begin: TokenKind) {
        let Some(own) = self.open.iter().rposition(|open| self.tokens[*open].kind() == begin) else { return };
        if own + 1 < self.open.len() && self.first.is_none() {
            self.first = Some(self.unclosed(own + 1, at));
        }
        self.open.truncate(own);
        if let (true, Some(unclosed)) = (self.open.is_empty(), self.first.take()) {
            self.found.push(Unclosed { next: self.line_end(at), ..unclosed });
        }
    }

    /// Nothing that is open is closed after this.
    fn end(&mut self, next: usize) {
        if !self.open.is_empty() {
            let unclosed = self.first.take().unwrap_or_else(|| self.unclosed(0, next));
            self.found.push(Unclosed { next, ..unclosed });
        }
        self.open.clear();
    }

    fn unclosed(&self, from: usize, next: usize) -> Unclosed {
        let start = |open: usize| self.tokens[self.open[open]].span().start();
        let closing = |open: &usize| if self.kind(*open) == Some(TokenKind::LeftSquareBracket) { ']' } else { '}' };
        let closing = self.open[from..].iter().rev().map(closing).collect();
        Unclosed { start: start(0), bracket: start(from), closing, next }
    }

    /// Whether this line cannot be part of what is open: a header, or a key where there is no place for one.
    fn begins_anew(&self, at: usize) -> bool {
        let first = self.solid(at);
        if self.kind(first) == Some(TokenKind::LeftSquareBracket) {
            return is_header(self.line(first));
        }
        let in_list = self.open.last().and_then(|open| self.kind(*open)) == Some(TokenKind::LeftSquareBracket);
        let awaited = matches!(self.before, Some(TokenKind::Comma | TokenKind::LeftCurlyBracket));
        (in_list || !awaited) && self.is_assignment(first)
    }

    /// `key =`, `"key" =` or `a.b =`
    fn is_assignment(&self, first: usize) -> bool {
        use TokenKind::*;
        let mut kinds = self.tokens.get(first..).unwrap_or_default().iter().map(Token::kind);
        let part = |kind: Option<TokenKind>| matches!(kind, Some(Atom | BasicString | LiteralString));
        let mut next = || kinds.find(|kind| *kind != Whitespace);
        loop {
            if !part(next()) {
                return false;
            }
            match next() {
                Some(Dot) => {}
                end => return end == Some(Equals),
            }
        }
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(Token::kind)
    }

    /// The first token from here on that is not white space.
    fn solid(&self, at: usize) -> usize {
        at + self.tokens[at..].iter().take_while(|token| token.kind() == TokenKind::Whitespace).count()
    }

    fn line_end(&self, at: usize) -> usize {
        at + self.tokens[at..].iter().take_while(|token| token.kind() != TokenKind::Newline).count()
    }

    fn line(&self, at: usize) -> &str {
        let start = self.tokens.get(at).map_or(0, |token| token.span().start());
        self.toml.input().get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }
}

/// `[name]` or `[[name.name]]` alone on its line; a comment may follow.
fn is_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim_end();
    let inner = line.trim_start_matches('[').trim_end_matches(']');
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    line.ends_with(']') && !inner.is_empty() && inner.chars().all(bare)
}
