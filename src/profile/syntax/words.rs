//! One complaint of the parser, in words that fit what is written there.

use toml_parser::{ParseError, Span};

use super::{is_closed, is_unclosed_string, quote};
use crate::isolation::nearest;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::keys;
use crate::profile::source::{Place, Provenance, Source};

pub struct Words<'e> {
    pub source: &'e Source,
    pub file: u32,
    pub error: &'e ParseError,
}

impl Words<'_> {
    pub fn diagnostic(&self) -> Diagnostic {
        let unexpected = self.error.unexpected().or(self.error.context()).unwrap_or_default();
        let whole = self.place(self.error.context().unwrap_or(unexpected));
        let place = self.place(unexpected);
        let error = |message: &str, hint: &str| Diagnostic::error(place, message).hint(hint);
        match self.error.description() {
            "key with no value" | "missing value for key" => self.no_equals(place),
            "string values must be quoted" => self.unquoted(place),
            "invalid boolean" | "invalid float" => self.unquoted(whole),
            "invalid unquoted key" => self.bad_key(whole, place),
            "unquoted keys cannot be empty" => match self.source.line_text_before(place.start).trim() {
                "[" | "[[" => error("this header is empty", "write the name of a section, as in [process]"),
                _ => error("a key is missing", "write `key = value`"),
            },
            "missing opening quote" => self.unopened(whole),
            "invalid basic string" | "invalid literal string" => self.string(whole, place),
            "invalid multi-line basic string" | "invalid multi-line literal string" => self.string(whole, place),
            "missing escaped value" if is_unclosed_string(self.error, &self.source.text) => self.string(whole, place),
            "missing escaped value" => self.escape(place),
            "too few unicode value digits" => error(
                "this escape has too few digits",
                "\\xHH takes two, \\uHHHH four and \\UHHHHHHHH eight hexadecimal digits",
            ),
            "invalid value" => error(
                "this escape is no character",
                "write the number of a character in hexadecimal, as in \\u00e9; those from d800 to dfff are none",
            ),
            "unexpected key or value" => self.after_value(place),
            "extra assignment between key-value pairs" => {
                error("one `=` too many", "tables are written { key = value }")
            }
            "invalid inline table element" => error("unexpected `]` in a table", "tables are written { key = value }"),
            "missing array opening" => error("a `]` without its `[`", "write a value here, or [ before it"),
            "missing inline table opening" => error("a `}` without its `{`", "write a value here, or { before it"),
            "invalid mantissa"
            | "invalid fraction"
            | "invalid exponent"
            | "invalid integer number"
            | "invalid hexadecimal number"
            | "invalid octal number"
            | "invalid binary number"
            | "unexpected sign"
            | "redundant integer number prefix" => {
                let written = self.source.slice(whole);
                Diagnostic::error(whole, format!("`{written}` is no number"))
                    .hint(format!("write \"{written}\" in quotes if it is text"))
            }
            "extra `=`" => error("one `=` too many", "write `key = value`"),
            "missing value" => error("a value is missing", "write a value after `=`"),
            "missing comma between array elements" | "missing comma between key-value pairs" => {
                match self.source.line_text_before(place.start).ends_with(['"', '\'']) {
                    true => error(
                        "a string ends before this, and no comma follows",
                        "write a comma if this is a value of its own; otherwise look for a quote that is missing",
                    ),
                    false => error("a comma is missing", "write a comma before this"),
                }
            }
            "extra comma in array" | "extra comma in inline table" => error("a comma too many", "remove it"),
            "missing key for inline table element" => error("a key is missing", "tables are written { key = value }"),
            "missing assignment between key-value pairs" => {
                error("an `=` is missing", "tables are written { key = value }")
            }
            "unexpected `=` in array" => error("unexpected `=` in a list", "lists hold values alone: [\"a\", \"b\"]"),
            "unclosed array" => Diagnostic::error(whole, "this list is never closed").hint("close it with `]`"),
            "unclosed inline table" => Diagnostic::error(whole, "this table is never closed").hint("close it with `}`"),
            "unclosed table" => Diagnostic::error(whole, "this header is never closed").hint("close it with `]`"),
            "unclosed array table" => {
                Diagnostic::error(whole, "this header is never closed").hint("close it with `]]`")
            }
            "invalid key-value pair" | "missing table open" => self.stray(place),
            "carriage return must be followed by newline" => Diagnostic::error(
                Place { start: place.start.saturating_sub(1), ..place },
                "a carriage return without a line feed",
            )
            .hint("end lines with LF, as Unix does, or CR LF"),
            "invalid comment character" => {
                let c = self.char_at(place).unwrap_or('\0');
                let message = format!("a comment contains the control character U+{:04X}", c as u32);
                Diagnostic::error(place, message).hint("remove it")
            }
            "keys cannot be multi-line basic strings" | "keys cannot be multi-line literal strings" => {
                error("a key cannot be a multi-line string", "write it in single or double quotes")
            }
            "unexpected leading zero" => self.leading_zero(whole),
            "redundant numeric sign" => error("one sign too many", "write one `-`, or none"),
            "integers with a radix cannot be signed" => {
                error("only decimal numbers have a sign", "write it in decimal")
            }
            "radix must be lowercase" => error("the prefix of a number is in lower case", "write 0x, 0o or 0b"),
            "`_` may only go between digits" => error("`_` may only go between digits", "write 1_000 or 1000"),
            "this number is too large" => error("this number is too large for anything", "write a smaller one"),
            "nested too deeply" => error("this is nested too deeply", "no key of a profile has so many levels"),
            // A parser of another version may say more; its own words are better than none.
            other => error(other, "a profile is TOML: [section] on a line of its own, then lines of `key = value`"),
        }
    }

    fn char_at(&self, place: Place) -> Option<char> {
        self.source.text.get(place.start as usize..)?.chars().next()
    }

    fn place(&self, span: Span) -> Place {
        Place::new(self.file, span.start(), span.end())
    }

    fn no_equals(&self, place: Place) -> Diagnostic {
        let line = self.source.line_at(place.start);
        let before = self.source.line_text_before(place.start).trim();
        let error = Diagnostic::error(place, "this line has no `=` after its key");
        match line.split_once('=') {
            // `stop signal = …`
            Some((key, _)) if !key.contains(['"', '\'', '#']) => {
                let words: Vec<&str> = key.split_whitespace().collect();
                let error = Diagnostic::error(place, "a key cannot contain spaces");
                error.hint(format!("write `{} = …`", words.join("-")))
            }
            _ if before.is_empty() => error.hint("write `key = value`"),
            _ => error.hint(format!("write `{before} = …`")),
        }
    }

    fn unquoted(&self, place: Place) -> Diagnostic {
        let written = self.source.slice(place).trim();
        let error = |message: String, hint: String| Diagnostic::error(place, message).hint(hint);
        let first = written.split_whitespace().next().unwrap_or_default();
        if let Some(c) = written.chars().find(|c| c.is_control() && !c.is_whitespace()) {
            let message = format!("a value contains the control character U+{:04X}", c as u32);
            return error(message, "remove it".into());
        }
        match written {
            "" => error("a value is missing".into(), "write a value after `=`".into()),
            "yes" | "on" => error(format!("`{written}` is no value"), "write true".into()),
            "no" | "off" | "none" | "null" => error(
                format!("`{written}` is no value"),
                format!("write false, or \"{written}\" in quotes where a word is meant"),
            ),
            _ if matches!(written.to_ascii_lowercase().as_str(), "true" | "false") => {
                error(format!("`{written}` is no value"), format!("write {}", written.to_ascii_lowercase()))
            }
            _ if first != written && (first.parse::<i64>().is_ok() || matches!(first, "true" | "false")) => {
                self.after_value(Place { start: place.start + first.len() as u32 + 1, ..place })
            }
            _ if written.ends_with(';') => error("a `;` at the end of a value".into(), "remove it".into()),
            _ if written.contains(['“', '”', '‘', '’', '«', '»']) => {
                let plain = written.trim_matches(['“', '”', '‘', '’', '«', '»']);
                error("these are not the quotes of a string".into(), format!("write \"{plain}\""))
            }
            _ if self.source.provenance == Provenance::CommandLine => {
                let line = self.source.text.replacen(written, &format!("\"{written}\""), 1);
                error("text must stand in quotes, also after the shell's own".into(), format!("write --set '{line}'"))
            }
            _ => error("text must stand in quotes".into(), format!("write \"{}\"", written.replace('\\', "\\\\"))),
        }
    }

    fn bad_key(&self, key: Place, at: Place) -> Diagnostic {
        let written = self.source.slice(key);
        let c = self.char_at(at).unwrap_or(' ');
        let error = match c.is_control() {
            true => Diagnostic::error(at, format!("a key contains the control character U+{:04X}", c as u32)),
            false => Diagnostic::error(key, format!("`{c}` cannot stand in a key without quotes")),
        };
        match written.strip_suffix(':') {
            _ if written.starts_with([';', '/']) && !written.starts_with("/e") && written.len() <= 2 => {
                error.hint("a comment begins with `#`")
            }
            Some(key) => error.hint(format!("write `{key} = …`")),
            None if c.is_control() => error.hint("remove it"),
            None => match nearest(written, keys::all().map(|(_, key, _)| key)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("write \"{written}\"")),
            },
        }
    }

    fn unopened(&self, whole: Place) -> Diagnostic {
        let written = self.source.slice(whole).trim_matches(['"', '\'']);
        Diagnostic::error(whole, "this string has no opening quote").hint(format!("write \"{written}\""))
    }

    /// Unclosed, or with a character that must be written as an escape.
    fn string(&self, whole: Place, at: Place) -> Diagnostic {
        let written = self.source.slice(whole);
        if !is_closed(written) {
            let first_line = written.lines().next().unwrap_or_default();
            let end = whole.start + u32::try_from(first_line.len()).unwrap_or(0);
            let place = Place { end, ..whole };
            return Diagnostic::error(place, "this string is never closed")
                .hint(format!("close it with {}", quote(written)));
        }
        let c = self.char_at(at).unwrap_or('\0');
        let hint = match c {
            '\0' => "remove it".to_owned(),
            c => format!("remove it, or write \\u{:04X} in double quotes", c as u32),
        };
        Diagnostic::error(at, format!("a string contains the control character U+{:04X}", c as u32)).hint(hint)
    }

    fn escape(&self, at: Place) -> Diagnostic {
        let next = self.char_at(at);
        let (end, shown) = match next {
            Some(c) => (at.start + c.len_utf8() as u32, format!("\\{c}")),
            None => (at.start, "\\".into()),
        };
        let place = Place { start: at.start.saturating_sub(1), end, ..at };
        Diagnostic::error(place, format!("`{shown}` is no escape"))
            .hint("write \\\\ for a backslash, or put the string in single quotes, where a backslash is one")
    }

    fn after_value(&self, place: Place) -> Diagnostic {
        let rest = self.source.text.get(place.start as usize..).unwrap_or_default();
        let hint = match rest.chars().next() {
            Some(c @ (']' | '}')) => return Diagnostic::error(place, format!("one `{c}` too many")).hint("remove it"),
            Some(';' | ',') => "remove it: a line ends with its value",
            Some('/') if rest.starts_with("//") => "a comment begins with `#`",
            _ => "write each key on a line of its own; a comment begins with `#`",
        };
        Diagnostic::error(place, "unexpected text after the value").hint(hint)
    }

    fn stray(&self, place: Place) -> Diagnostic {
        let c = self.char_at(place).unwrap_or(' ');
        Diagnostic::error(place, format!("unexpected `{c}`"))
            .hint("a profile is TOML: [section] on a line of its own, then lines of `key = value`")
    }

    fn leading_zero(&self, whole: Place) -> Diagnostic {
        let written = self.source.slice(whole);
        let number = written.trim_start_matches('0');
        Diagnostic::error(whole, "a number cannot begin with 0").hint(format!(
            "write \"{written}\" in quotes for a mode, {} for a number",
            if number.is_empty() { "0" } else { number }
        ))
    }
}
