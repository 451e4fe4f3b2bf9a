//! A command line that clap refuses, said as everything else is said: the message, then what it takes, then a remedy.

use std::ffi::OsString;

use crate::profile::{printable, printable_lines};

/// clap's words without its layout.
pub fn text(refused: &clap::Error, typed: impl Iterator<Item = OsString>) -> String {
    let rendered = harmless(refused.render().to_string(), typed);
    let Some(message) = rendered.strip_prefix("error: ") else { return rendered };
    let mut out = String::from("sandbox: ");
    let (mut hints, mut usage) = (String::new(), false);
    for line in message.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            hints += &format!("hint: {tip}\n");
        } else if let Some(form) = line.strip_prefix("Usage: ") {
            out += &format!("usage: {form}\n");
            usage = true;
        } else if !line.starts_with("For more information") {
            out += &format!("{line}\n");
        }
    }
    if hints.is_empty() && !usage {
        hints = "hint: --help says what it takes\n".into();
    }
    out + &hints
}

/// It repeats what was typed, which may have come from somebody else's file names: those are to forge no lines.
fn harmless(mut text: String, typed: impl Iterator<Item = OsString>) -> String {
    for word in typed {
        let word = word.to_string_lossy();
        let value = word.split_once('=').map_or("", |(_, value)| value);
        for part in [&*word, value].into_iter().filter(|part| part.contains('\n')) {
            text = text.replace(part, &printable(part));
        }
    }
    printable_lines(&text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_was_typed_forges_no_line() {
        for typed in [&["sandbox", "a\nhint: rm -rf ~"][..], &["sandbox", "run", "--timeout=1\nhint: rm -rf ~", "x"]] {
            let refused = Cli::try_parse_from(typed).unwrap_err();
            let said = text(&refused, typed[1..].iter().map(Into::into));
            assert!(!said.contains("\nhint: rm"), "{said}");
        }
    }

    #[test]
    fn a_refusal_has_a_message_and_a_remedy() {
        for (line, said) in [
            (
                "sandbox runn",
                "sandbox: unrecognized subcommand 'runn'\nusage: sandbox <COMMAND>\nhint: a similar subcommand exists: 'run'\n",
            ),
            (
                "sandbox new --force x",
                "sandbox: the following required arguments were not provided:\n  --output <FILE>\n\
                 usage: sandbox new --output <FILE> --force <APP>\n",
            ),
            (
                "sandbox run --timeout 3 x",
                "sandbox: invalid value '3' for '--timeout <DURATION>': `3` has no unit (write \"3s\" for seconds)\n\
                 hint: --help says what it takes\n",
            ),
        ] {
            let refused = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(text(&refused, std::iter::empty()), said, "{line}");
        }
    }
}
