//! Whatever is typed, the answer is a code and a message: nothing panics, hangs or starts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

use clap::CommandFactory;
use sandbox::cli::Cli;

use crate::harness::Sandbox;

/// Words that are no name, no path, no number and no text.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = [
        "",
        "-",
        "--",
        "---",
        "-x",
        "=",
        "a=",
        "=a",
        ".",
        "..",
        "/",
        "~",
        "../../etc/passwd",
        "a/../../b.toml",
        "/dev/zero",
        "/dev/null.toml",
        "/dev/stdin",
        "/proc/self/mem",
        "\u{1b}[31mred",
        "a\nb",
        "a\tb",
        "\u{7f}",
        "\u{202e}evil",
        "${HOME}",
        "${",
        "%s%n%p",
        "{}",
        "[]",
        "null",
        "\"",
        "'",
        "\\",
        "99999999999999999999",
        "-1",
        "0",
        "é",
        "💥",
        "18446744073709551616s",
        "1e9",
        "NaN",
        "1.5h",
    ]
    .map(OsString::from)
    .into();
    words.push("a".repeat(5000).into());
    words.push("a/".repeat(3000).into());
    words.push(OsString::from_vec(b"\xff\xfe.toml".to_vec()));
    words.push(OsString::from_vec(b"name=\xc3\x28".to_vec()));
    words
}

#[test]
fn any_word_in_any_place_gets_an_answer() {
    let sandbox = Sandbox::bare();
    let profile =
        sandbox.file("p.toml", "[vars]\nport = \"1\"\n[process]\ncommand = [\"/bin/true\"]\nargs = [\"${port}\"]\n");
    let profile = profile.as_os_str();
    // What each takes, by its own description; then what only a person would put together.
    let mut places = vec!["?".to_owned()];
    described(&Cli::command(), "", &mut places);
    assert!(places.len() > 20, "{places:?}");
    places.extend(
        [
            "check --set port=? !",
            "check --set process.nice=? !",
            "check --set ?=1 !",
            "check --set ?.?=? !",
            "check ! -- ?",
            "plan --json ! -- ?",
            "check ! ?",
            "run ! --",
            "rm ? ?",
            "doctor --json ?",
        ]
        .map(String::from),
    );
    for place in &places {
        for word in words() {
            // It tries everything each time.
            if place.starts_with("doctor") && word.len() > 3 {
                continue;
            }
            let arguments = place.split(' ').map(|part| filled(part, &word, profile));
            let mut command = sandbox.command("schema", &[]);
            let mut program = Command::new(command.get_program());
            program.args(arguments).env_clear().current_dir(sandbox.dir()).stdin(std::process::Stdio::null());
            program.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = program.output().expect("starting");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let code = output.status.code();
            assert!(matches!(code, Some(0..=2 | 125 | 126 | 127)), "{program:?}: {}\n{said}", output.status);
            assert!(code == Some(0) || !said.is_empty(), "{program:?}: {code:?}, and no word why");
            // What is shown to a person moves no cursor and hides nothing.
            let printed = String::from_utf8_lossy(&output.stdout);
            let harmless = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
            assert!(said.chars().chain(printed.chars()).all(harmless), "{program:?}: {said:?} {printed:?}");
            command.env_clear();
        }
    }
}

/// `?` is the word, `!` the profile: each option and each argument of each command, one at a time.
fn described(command: &clap::Command, path: &str, places: &mut Vec<String>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        described(inner, &format!("{path}{} ", inner.get_name()), places);
    }
    if path.is_empty() {
        return;
    }
    // Nothing that takes a command line would start something: the profile's program is /bin/true.
    let fill = |argument: &clap::Arg| if argument.get_id() == "profile" { "!" } else { "x" };
    let positional: Vec<&clap::Arg> = command.get_positionals().filter(|argument| !argument.is_last_set()).collect();
    let rest: Vec<&str> = positional.iter().map(|argument| fill(argument)).collect();
    for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
        if let Some(long) = argument.get_long() {
            places.push(format!("{path}--{long} ? {}", rest.join(" ")).trim_end().to_owned());
        }
    }
    for at in 0..positional.len() {
        let mut words = rest.clone();
        words[at] = "?";
        places.push(format!("{path}{}", words.join(" ")));
    }
}

/// The word in the place of each `?`.
fn filled(part: &str, word: &OsStr, profile: &OsStr) -> OsString {
    if part == "!" {
        return profile.to_owned();
    }
    let mut filled = Vec::new();
    for byte in part.bytes() {
        if byte == b'?' { filled.extend(word.as_bytes()) } else { filled.push(byte) }
    }
    OsString::from_vec(filled)
}

/// TOML and JSON hold text alone. What is printed to be read again refuses other bytes; a program gets them as they are.
#[test]
fn bytes_that_are_no_text_are_passed_on_and_never_replaced() {
    let sandbox = Sandbox::bare();
    let profile = sandbox.file("p.toml", "process.command = ['sh', '-c', 'printf %s \"$2\" | od -An -tx1', 'sh']\n");
    let with = |words: &[&str]| {
        let words = words.iter().map(OsString::from).chain([profile.clone().into(), "--".into(), "a".into()]);
        sandbox.sandbox(&words.chain([OsString::from_vec(b"b\xff".to_vec())]).collect::<Vec<_>>())
    };
    for words in [&["profiles", "show"][..], &["check", "--origin"]] {
        let seen =
            with(words).refused(1, &["argument 2 is not UTF-8: \"b\\xFF\"", "hint: TOML and JSON hold text alone"]);
        assert_eq!(seen.stdout, "");
    }
    let seen = with(&["check", "--origin", "--json"]).exits(1);
    assert!(seen.stdout.contains("argument 2 is not UTF-8") && !seen.stdout.contains("origins"), "{seen}");
    assert!(with(&["plan"]).exits(0).stdout.contains(r#" sh a "b\xFF""#));
    with(&["check"]).exits(0);
    with(&["run"]).exits(0).prints(" 62 ff\n");
}

/// A report that was cut off, or is something else, is refused by name.
#[test]
fn a_damaged_report_of_another_machine_is_refused() {
    let sandbox = Sandbox::new();
    let whole = sandbox.sandbox(&["doctor", "--json"]).stdout;
    let check = |text: &str| {
        let path = sandbox.file("host.json", text).display().to_string();
        sandbox.sandbox(&["check", "--host", &path, "hello"])
    };
    assert!(check(&whole).status.code().is_some_and(|code| code < 2));
    let step = (whole.len() / 40).max(1);
    for cut in (0..whole.trim_end().len()).step_by(step) {
        let Some(text) = whole.get(..cut) else { continue };
        check(text).refused(1, &["reading ", "host.json", "what `sandbox doctor --json` prints"]);
    }
    for text in
        ["null", "[]", "{\"facts\":[]}", "{\"facts\":{\"uid\":\"0\"}}", "{\"facts\":{\"uid\":1e99}}", "\u{feff}{}"]
    {
        check(text).refused(1, &["reading ", "host.json"]);
    }
    // Deeper than any parser should follow.
    check(&"[".repeat(100_000)).refused(1, &["host.json"]);
    check(&format!("{{\"facts\":{}", "{\"env\":".repeat(50_000))).refused(1, &["host.json"]);
    let not_text = sandbox.dir().join("bytes.json");
    std::fs::write(&not_text, [0xff, 0, 0xfe]).expect("writing");
    sandbox.sandbox(&["check", "--host", &not_text.display().to_string(), "hello"]).refused(1, &["bytes.json"]);
}
