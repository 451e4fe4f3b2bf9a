//! TOML to a tree. After a mistake it goes on, so that one look shows all mistakes of a file.

mod builder;
mod unclosed;

use toml_parser::lexer::Token;
use toml_parser::parser::{ValidateWhitespace, parse_document};
use toml_parser::{ParseError, Source as Toml};

use super::diagnostic::Report;
use super::source::Source;
use super::syntax;
use super::tree::Table;
use builder::Builder;

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

#[cfg(test)]
mod tests;
