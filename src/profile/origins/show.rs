//! The lines as TOML with comments, and as JSON.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::{From, Gone, Line, Part, Unwritten, Value, Variable};
use crate::profile::diagnostic::Report;
use crate::profile::parse;
use crate::profile::print::toml::escaped;
use crate::profile::source::{Provenance, Source};
use crate::profile::tree::{Kind, Node};
use crate::say::{is_unprintable, printable};

/// Where the comments begin, if the value leaves room.
const COLUMN: usize = 48;
/// A longer `--set` is cut in comments: it stands on the command line whole.
const LONGEST: usize = 120;

/// Lines of TOML, each with its origin behind it; what does not hold is commented out.
pub fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut section = "";
    for (at, line) in lines.iter().enumerate() {
        if line.section != section {
            section = line.section;
            let _ = writeln!(out, "\n[{section}]");
        }
        let list = |line: &Line| (line.part == Part::Entry).then_some((line.section, line.key.clone()));
        let own = list(line);
        if own.is_some() && at.checked_sub(1).and_then(|at| list(&lines[at])) != own {
            let _ = writeln!(out, "{} = [", line.key);
        }
        let (held, origin) = (value_text(line), printable(&origin_text(line)));
        let _ = writeln!(out, "{held}{}  # {origin}", " ".repeat(COLUMN.saturating_sub(held.chars().count())));
        if own.is_some() && lines.get(at + 1).and_then(list) != own {
            out.push_str("]\n");
        }
    }
    out
}

fn value_text(line: &Line) -> String {
    let comment = if line.gone.is_some() { "# " } else { "" };
    let value = match &line.value {
        Value::Written(node) => toml(node),
        Value::Default(Unwritten::Value(text)) => (*text).to_owned(),
        Value::Default(Unwritten::Words(words)) => return format!("# {}: {words}", line.key),
    };
    match (line.part, &line.name) {
        (Part::Entry, _) => format!("    {comment}{value},"),
        (_, Some(name)) => format!("{comment}{}.{} = {value}", line.key, key(name)),
        (_, None) => format!("{comment}{} = {value}", line.key),
    }
}

fn origin_text(line: &Line) -> String {
    let mut text = from_text(&line.from);
    if let Some(earlier) = &line.replaces {
        let _ = write!(text, ", over {}", from_text(earlier));
    }
    if let Some((how, by)) = &line.gone {
        let how = match how {
            Gone::Removed => "removed by",
            Gone::Replaced => "replaced by",
            Gone::Repeats => "repeats",
        };
        let _ = write!(text, ", {how} {}", from_text(by));
    }
    for variable in &line.variables {
        let _ = write!(text, "; ${{{}}}: {}", variable.name, from_text(&variable.from));
    }
    text
}

fn from_text(from: &From) -> String {
    match from {
        From::Text { set: Some(set), .. } => format!("--set {}", cut(set)),
        From::Text { origin, .. } => origin.to_string(),
        From::Elsewhere(words) => (*words).to_owned(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { name.to_owned() } else { string(name) }
}

fn toml(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => string(text),
        Kind::Integer(number) => number.to_string(),
        Kind::Boolean(value) => value.to_string(),
        Kind::List(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Kind::Table(table) => {
            let entries: Vec<String> =
                table.iter().map(|entry| format!("{} = {}", key(&entry.key), toml(&entry.value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Kind::Fraction | Kind::Date | Kind::Broken => String::new(),
    }
}

/// On one line, whatever it holds, and harmless for a terminal.
fn string(text: &str) -> String {
    if !text.contains(is_unprintable) {
        return escaped(text);
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', c]),
            c if is_unprintable(c) => drop(write!(out, "\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `[{section, key, name, value, from, holds, …}]`
pub fn json(lines: &[Line]) -> Json {
    lines.iter().map(line_json).collect()
}

fn line_json(line: &Line) -> Json {
    let (value, words) = match &line.value {
        Value::Written(node) => (node_json(node), None),
        Value::Default(Unwritten::Words(words)) => (Json::Null, Some(*words)),
        Value::Default(Unwritten::Value(text)) => {
            let source = Source::new("", format!("x = {text}"), Provenance::CommandLine, None);
            let table = parse::document(&source, 0, &Report::default());
            (table.get("x").map_or(Json::Null, |entry| node_json(&entry.value)), None)
        }
    };
    let mut object = json!({
        "section": (!line.section.is_empty()).then_some(line.section),
        "key": line.key,
        "name": line.name,
        "entry": line.part == Part::Entry,
        "value": value,
        "words": words,
        "from": from_json(&line.from),
        "holds": line.gone.is_none(),
        "replaces": line.replaces.as_ref().map(from_json),
        "variables": line.variables.iter().map(variable_json).collect::<Vec<_>>(),
    });
    if let Some((how, by)) = &line.gone {
        let how = match how {
            Gone::Removed => "removed-by",
            Gone::Replaced => "replaced-by",
            Gone::Repeats => "repeats",
        };
        object[how] = from_json(by);
    }
    object
}

fn variable_json(variable: &Variable) -> Json {
    json!({ "name": variable.name, "value": variable.value, "from": from_json(&variable.from) })
}

fn from_json(from: &From) -> Json {
    match from {
        From::Text { origin, kind, set } => {
            let mut object = origin_json(origin);
            object["kind"] = json!(kind);
            if let Some(set) = set {
                object["set"] = json!(set);
            }
            object
        }
        From::Elsewhere(words) => {
            json!({ "kind": if *words == "default" { "default" } else { "other" }, "words": words })
        }
    }
}

fn origin_json(origin: &crate::isolation::Origin) -> Json {
    json!({ "file": &*origin.file, "line": origin.line, "column": origin.column })
}

fn node_json(node: &Node) -> Json {
    match &node.kind {
        Kind::Text(text) => json!(text),
        Kind::Integer(number) => i64::try_from(*number)
            .map(Json::from)
            .or_else(|_| u64::try_from(*number).map(Json::from))
            .unwrap_or_else(|_| json!(number.to_string())),
        Kind::Boolean(value) => json!(value),
        Kind::List(items) => items.iter().map(node_json).collect(),
        Kind::Table(table) => {
            Json::Object(table.iter().map(|entry| (entry.key.clone(), node_json(&entry.value))).collect())
        }
        Kind::Fraction | Kind::Date | Kind::Broken => Json::Null,
    }
}
