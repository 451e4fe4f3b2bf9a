//! One complaint of the parser, in words: what they say depends on what is written there, or is `fixed`.

use toml_parser::{ParseError, Span};

use super::{fixed, is_closed, is_unclosed_string, quote};
use crate::isolation::nearest;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::keys;
use crate::profile::source::{Place, Provenance, Source};
use crate::profile::units;

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
            "unquoted keys cannot be empty" => self.no_key(place),
            "missing opening quote" => self.unopened(whole),
            "invalid basic string" | "invalid literal string" => self.string(whole, place),
            "invalid multi-line basic string" | "invalid multi-line literal string" => self.string(whole, place),
            "missing escaped value" if is_unclosed_string(self.error, &self.source.text) => self.string(whole, place),
            "missing escaped value" => self.escape(place),
            "unexpected key or value" => self.after_value(place),
            "invalid mantissa"
            | "invalid fraction"
            | "invalid exponent"
            | "invalid integer number"
            | "invalid hexadecimal number"
            | "invalid octal number"
            | "invalid binary number"
            | "unexpected sign"
            | "redundant integer number prefix" => self.no_number(whole),
            "missing comma between array elements" | "missing comma between key-value pairs" => self.no_comma(place),
            "invalid key-value pair" | "missing table open" => self.stray(place),
            "carriage return must be followed by newline" => self.carriage_return(place),
            "invalid comment character" => self.in_comment(place),
            "unexpected leading zero" => self.leading_zero(whole),
            other => match (fixed::unclosed(other), fixed::words(other)) {
                (Some((message, hint)), _) => Diagnostic::error(whole, message).hint(hint),
                (None, Some((message, hint))) => error(message, hint),
                // A parser of another version may say more; its own words are better than none.
                (None, None) => {
                    error(other, "a profile is TOML: [section] on a line of its own, then lines of `key = value`")
                }
            },
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
        // What begins as a number does and is no size or the like may have been meant to be one.
        let number = written.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
        let number = number && written.bytes().all(|c| c.is_ascii_alphanumeric() || b"-+".contains(&c));
        let number = number && units::size(written).is_err() && units::duration(written).is_err();
        let number = if number { ", or a number without anything behind it" } else { "" };
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
                error(
                    "text must stand in quotes, also after the shell's own".into(),
                    format!("write --set '{line}'{number}"),
                )
            }
            _ => {
                let written = written.replace('\\', "\\\\");
                error("text must stand in quotes".into(), format!("write \"{written}\"{number}"))
            }
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

    fn no_key(&self, place: Place) -> Diagnostic {
        match self.source.line_text_before(place.start).trim() {
            "[" | "[[" => {
                Diagnostic::error(place, "this header is empty").hint("write the name of a section, as in [process]")
            }
            _ => Diagnostic::error(place, "a key is missing").hint("write `key = value`"),
        }
    }

    fn no_number(&self, whole: Place) -> Diagnostic {
        let written = self.source.slice(whole);
        Diagnostic::error(whole, format!("`{written}` is no number"))
            .hint(format!("write \"{written}\" in quotes if it is text"))
    }

    fn no_comma(&self, place: Place) -> Diagnostic {
        match self.source.line_text_before(place.start).ends_with(['"', '\'']) {
            true => Diagnostic::error(place, "a string ends before this, and no comma follows")
                .hint("write a comma if this is a value of its own; otherwise look for a quote that is missing"),
            false => Diagnostic::error(place, "a comma is missing").hint("write a comma before this"),
        }
    }

    fn carriage_return(&self, place: Place) -> Diagnostic {
        let place = Place { start: place.start.saturating_sub(1), ..place };
        Diagnostic::error(place, "a carriage return without a line feed")
            .hint("end lines with LF, as Unix does, or CR LF")
    }

    fn in_comment(&self, place: Place) -> Diagnostic {
        let c = self.char_at(place).unwrap_or('\0');
        Diagnostic::error(place, format!("a comment contains the control character U+{:04X}", c as u32))
            .hint("remove it")
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
