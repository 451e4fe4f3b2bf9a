//! The language as a JSON schema (draft-07), for editors that complete, explain and check TOML while it is written.
//!
//! It knows each key, its type, its words and its forms; what it cannot know is what `check` is for: variables, what
//! stands in parents, what contradicts, what this machine has. A string that contains a variable may be anything.

mod machine;
mod places;
mod print;
mod program;
mod takes;

use serde_json::{Map, Value, json};

use super::keys::{self, Keys, Shape};
use super::variables;
use takes::{any, definitions, line, name, pattern, reference, table};

/// What a key takes: any of these.
type Takes = fn() -> Vec<Value>;

/// Key, what it takes, its default as JSON where a value says it, its meaning in the words of docs/profile.md.
type Row = (&'static str, Takes, &'static str, &'static str);

struct Section {
    name: &'static str,
    about: &'static str,
    rows: &'static [Row],
}

const SECTIONS: [&Section; 8] = [
    &program::PROCESS,
    &program::NAMESPACES,
    &places::ROOTFS,
    &machine::CGROUP,
    &machine::NETWORK,
    &machine::CAPABILITIES,
    &machine::SECCOMP,
    &machine::LANDLOCK,
];

const TOP: &[Row] = &[
    (
        "name",
        || vec![pattern("^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}$"), reference("variable")],
        "",
        "names the sandbox, and everything that is kept for it",
    ),
    ("description", line, "", "what `sandbox profiles` shows"),
    ("extends", extends, "", "what it takes over: parents first, then the file itself"),
];

/// As `sandbox schema` prints it.
pub fn text() -> String {
    format!("{}\n", print::pretty(&schema()))
}

fn schema() -> Value {
    let mut properties = Map::new();
    for row in TOP {
        properties.insert(row.0.to_owned(), describe(any((row.1)()), row));
    }
    properties.insert("vars".to_owned(), vars());
    for (section, keys) in keys::SECTIONS {
        let rows = SECTIONS.iter().find(|described| described.name == *section);
        let (about, rows) = rows.map_or(("", &[][..]), |described| (described.about, described.rows));
        properties.insert((*section).to_owned(), whole(about, properties_of(section, keys, rows)));
    }
    let mut definitions = definitions();
    definitions["system-calls"] = machine::system_calls();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a profile of sandbox",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "definitions": definitions,
    })
}

fn properties_of(section: &str, keys: Keys, rows: &[Row]) -> Map<String, Value> {
    let mut properties = Map::new();
    for (key, shape) in keys {
        let Some(row) = rows.iter().find(|row| row.0 == *key) else { continue };
        if keys::not_yet(section, key, None) {
            properties.insert((*key).to_owned(), refused(row));
            continue;
        }
        let mut takes = (row.1)();
        takes.iter_mut().for_each(|value| built(section, key, value));
        if !matches!(shape, Shape::Switch | Shape::SwitchMap) {
            takes.push(reference("removed"));
        }
        properties.insert((*key).to_owned(), describe(any(takes), row));
    }
    properties
}

/// A key of the language that this version does not have: nothing is right for it, and editors need not offer it.
fn refused(row: &Row) -> Value {
    const LATER: &str = "not available in this version yet";
    let description = if row.3.is_empty() { LATER.to_owned() } else { format!("{}; {LATER}", row.3) };
    json!({ "description": description, "not": {}, "x-taplo": { "hidden": true } })
}

/// Without the words whose feature does not exist yet.
fn built(section: &str, key: &str, value: &mut Value) {
    if let Some(Value::Array(words)) = value.get_mut("enum") {
        words.retain(|word| !word.as_str().is_some_and(|word| keys::not_yet(section, key, Some(word))));
    }
}

fn describe(mut value: Value, (_, _, default, meaning): &Row) -> Value {
    if let Value::Object(fields) = &mut value {
        // Beside `$ref` nothing counts.
        if let Some(reference) = fields.remove("$ref") {
            fields.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        }
        fields.insert("description".to_owned(), (*meaning).into());
        if let Ok(default) = serde_json::from_str::<Value>(default) {
            fields.insert("default".to_owned(), default);
        }
    }
    value
}

/// A section; `false` takes away a parent's.
fn whole(about: &str, properties: Map<String, Value>) -> Value {
    let takes = [json!({ "type": "object" }), reference("removed")];
    json!({ "description": about, "additionalProperties": false, "properties": properties, "anyOf": takes })
}

fn extends() -> Vec<Value> {
    vec![reference("name"), json!({ "type": "array", "items": name() })]
}

fn vars() -> Value {
    let own = json!({ "not": { "anyOf": [{ "enum": variables::BUILT_IN }, { "pattern": "^XDG_" }] } });
    let names = json!({ "allOf": [{ "pattern": "^[A-Za-z0-9_-]+$" }, own] });
    let vars = table(names, vec![json!({ "type": "string" }), reference("removed")]);
    json!({ "description": "variables of the profile, for `${name}`", "anyOf": [vars, reference("removed")] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_in_order() {
        let described = SECTIONS.iter().flat_map(|section| section.rows.iter().map(|row| (section.name, row.0)));
        let known: Vec<_> = keys::all().map(|(section, key, _)| (section, key)).collect();
        assert_eq!(described.collect::<Vec<_>>(), known);
        let top: Vec<_> = TOP.iter().map(|row| row.0).collect();
        assert_eq!(top, keys::TOP.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    }

    #[test]
    fn what_takes_nothing_is_what_is_refused() {
        for section in SECTIONS {
            for row in section.rows {
                assert_eq!((row.1)().is_empty(), keys::not_yet(section.name, row.0, None), "{}", row.0);
                assert!(row.2.is_empty() || serde_json::from_str::<Value>(row.2).is_ok(), "{}", row.2);
            }
        }
    }
}
