//! A command line that clap refuses, said as everything else is said: the message, then what it takes, then a remedy.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::profile::{BUILT_IN, is_path};
use crate::say::{printable, printable_lines};

/// clap's words without its layout.
pub fn text(refused: &clap::Error, typed: &[OsString]) -> String {
    let rendered = harmless(refused.render().to_string(), typed);
    let Some(message) = rendered.strip_prefix("error: ") else { return rendered };
    let mut out = String::from("sandbox: ");
    let (mut hints, mut usage, mut takes_arguments) = (String::new(), false, false);
    for line in message.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            // "use '-- --sett'": a misspelt option would go to the program.
            if tip.starts_with("to pass ") {
                continue;
            }
            hints += &format!("hint: {tip}\n");
        } else if let Some(form) = line.strip_prefix("Usage: ") {
            out += &format!("usage: {form}\n");
            usage = true;
            takes_arguments = form.ends_with("[-- <ARGS>...]");
        } else if !line.starts_with("For more information") {
            out += &format!("{line}\n");
        }
    }
    if refused.kind() == ErrorKind::InvalidSubcommand
        && let Some(known) = typed.first().and_then(|word| elsewhere(word.to_str()?))
    {
        hints = format!("hint: {known}\n");
    }
    if hints.is_empty() && refused.kind() == ErrorKind::MissingRequiredArgument && out.contains("<PROFILE>") {
        hints = "hint: `sandbox profiles` lists those that have a name\n".into();
    }
    if hints.is_empty() && takes_arguments && refused.kind() == ErrorKind::UnknownArgument {
        hints = format!("hint: {}\n", behind_the_dashes(refused, typed));
    }
    if hints.is_empty() && !usage {
        hints = "hint: --help says what it takes\n".into();
    }
    out + &hints
}

/// What goes by another name here: a profile, or a command of other tools.
fn elsewhere(word: &str) -> Option<String> {
    if is_path(word) || BUILT_IN.iter().any(|profile| profile.name == word) {
        return Some(format!("`sandbox run {}` starts it", printable(word)));
    }
    let hint = match word {
        "start" | "launch" => "`sandbox run PROFILE` does",
        "stop" | "kill" | "end" => "kill(1), of the supervisor that `sandbox ps --json` names",
        "exec" | "enter" | "join" | "attach" => "nothing enters a running sandbox",
        "list" | "ls" | "status" => "`sandbox ps` lists what runs, `sandbox profiles` what can be run",
        "top" => "`sandbox stats --watch` does",
        "show" | "inspect" | "cat" => {
            "`sandbox profiles show PROFILE`, `sandbox check --origin PROFILE`, `sandbox stats ID`"
        }
        "logs" => "its output goes where that of `sandbox run` goes",
        "init" | "create" => "`sandbox new PROGRAM` prints a start",
        _ => return None,
    };
    Some(hint.into())
}

/// What was typed for the program, where it could have been.
fn behind_the_dashes(refused: &clap::Error, typed: &[OsString]) -> String {
    let argument = match refused.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        _ => "",
    };
    if argument.starts_with('-') {
        return "--help lists the options; arguments of the program follow `--`".into();
    }
    let words: Vec<&str> = typed.iter().filter_map(|word| word.to_str()).collect();
    // What a shell takes as it stands.
    let plain = |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/=:,+@%".contains(c));
    match words.iter().position(|word| *word == argument) {
        Some(at) if words.len() == typed.len() && words.iter().all(plain) && !words.contains(&"--") => {
            let (ours, theirs) = (words[..at].join(" "), words[at..].join(" "));
            format!("arguments of the program follow `--`: sandbox {ours} -- {theirs}")
        }
        _ => "arguments of the program follow `--`".into(),
    }
}

/// It repeats what was typed, which may have come from somebody else's file names: those are to forge no lines.
fn harmless(mut text: String, typed: &[OsString]) -> String {
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
            let said = text(&refused, &typed[1..].iter().map(Into::into).collect::<Vec<_>>());
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
                "sandbox exec web ls",
                "sandbox: unrecognized subcommand 'exec'\nusage: sandbox <COMMAND>\n\
                 hint: nothing enters a running sandbox\n",
            ),
            (
                "sandbox shell",
                "sandbox: unrecognized subcommand 'shell'\nusage: sandbox <COMMAND>\n\
                 hint: `sandbox run shell` starts it\n",
            ),
            (
                "sandbox run -- ls",
                "sandbox: the following required arguments were not provided:\n  <PROFILE>\n\
                 usage: sandbox run <PROFILE> -- <ARGS>...\n\
                 hint: `sandbox profiles` lists those that have a name\n",
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
            (
                "sandbox run --status-fd -1 x",
                "sandbox: invalid value '-1' for '--status-fd <N>': it takes the number of an open descriptor\n\
                 hint: --help says what it takes\n",
            ),
            (
                "sandbox run --sett x=1 hello",
                "sandbox: unexpected argument '--sett' found\n\
                 usage: sandbox run --set <NAME=VALUE> <PROFILE> [-- <ARGS>...]\n\
                 hint: a similar argument exists: '--set'\n",
            ),
            (
                "sandbox run jq -r .name",
                "sandbox: unexpected argument '-r' found\n\
                 usage: sandbox run [OPTIONS] <PROFILE> [-- <ARGS>...]\n\
                 hint: --help lists the options; arguments of the program follow `--`\n",
            ),
            (
                "sandbox run jq .name a.json",
                "sandbox: unexpected argument '.name' found\n\
                 usage: sandbox run [OPTIONS] <PROFILE> [-- <ARGS>...]\n\
                 hint: arguments of the program follow `--`: sandbox run jq -- .name a.json\n",
            ),
            (
                "sandbox run jq .[0]",
                "sandbox: unexpected argument '.[0]' found\n\
                 usage: sandbox run [OPTIONS] <PROFILE> [-- <ARGS>...]\n\
                 hint: arguments of the program follow `--`\n",
            ),
        ] {
            let refused = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(text(&refused, &line.split(' ').skip(1).map(Into::into).collect::<Vec<_>>()), said, "{line}");
        }
    }
}
