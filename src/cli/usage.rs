//! A command line that clap refuses, said as everything else is said: the message, then what it takes, then a remedy.

/// clap's words without its layout.
pub fn text(refused: &clap::Error) -> String {
    let rendered = refused.render().to_string();
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

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
            assert_eq!(text(&refused), said, "{line}");
        }
    }
}
