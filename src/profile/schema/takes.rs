//! Forms that several keys share.

use serde_json::{Map, Value, json};

/// C0, DEL and C1, which no name, path or word holds.
const CONTROL: &str = "[\\u0000-\\u001f\\u007f-\\u009f]";

/// One of several, without a wrapper around a single one.
pub fn any(mut alternatives: Vec<Value>) -> Value {
    match alternatives.len() {
        1 => alternatives.remove(0),
        _ => json!({ "anyOf": alternatives }),
    }
}

pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

pub fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern, "not": { "pattern": CONTROL } })
}

/// The words of a table that a decoder reads by, and a variable for any of them.
pub fn words<T>(table: &[(&str, T)]) -> Vec<Value> {
    named(table.iter().map(|(word, _)| *word))
}

pub fn named<'w>(words: impl Iterator<Item = &'w str>) -> Vec<Value> {
    vec![json!({ "enum": words.collect::<Vec<_>>() }), reference("variable")]
}

pub fn boolean() -> Vec<Value> {
    vec![json!({ "type": "boolean" })]
}

pub fn integer(least: i64, most: u64) -> Vec<Value> {
    vec![json!({ "type": "integer", "minimum": least, "maximum": most })]
}

/// A string that is given to the program as it is.
pub fn string() -> Vec<Value> {
    vec![reference("string")]
}

pub fn line() -> Vec<Value> {
    vec![reference("line")]
}

pub fn name() -> Value {
    reference("name")
}

pub fn size() -> Vec<Value> {
    vec![reference("size")]
}

pub fn duration() -> Vec<Value> {
    vec![reference("duration")]
}

pub fn account() -> Vec<Value> {
    vec![reference("account")]
}

pub fn path() -> Vec<Value> {
    vec![reference("path")]
}

/// A list that is replaced whole.
pub fn list(items: Vec<Value>) -> Vec<Value> {
    vec![json!({ "type": "array", "items": any(items) })]
}

/// A list that grows; an entry may take away an inherited one.
pub fn set(mut items: Vec<Value>) -> Vec<Value> {
    items.push(reference("removal"));
    list(items)
}

/// Any keys that have this form, all with such values.
pub fn table(names: Value, values: Vec<Value>) -> Value {
    json!({ "type": "object", "propertyNames": names, "additionalProperties": any(values) })
}

/// These keys alone.
pub fn record(required: &[&str], fields: &[(&str, Vec<Value>)]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(key, takes)| ((*key).to_owned(), any(takes.clone()))).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// Permission bits of which only these can be set.
pub fn mode(bits: u32) -> Vec<Value> {
    let first = match bits >> 9 {
        0 => "0?",
        3 => "[0-3]?",
        _ => "[0-7]?",
    };
    vec![pattern(&format!("^{first}[0-7]{{3}}$")), reference("variable")]
}

/// The forms by their names.
pub fn definitions() -> Value {
    let line = json!({ "type": "string", "not": { "pattern": CONTROL } });
    let with_variable = |forms: Vec<Value>| {
        let mut forms = forms;
        forms.push(reference("variable"));
        any(forms)
    };
    // `$NAME`, which is nothing; `$$` is a dollar.
    let stray = json!({ "pattern": "(^|[^$])(\\$\\$)*\\$[A-Za-z_]" });
    let elsewhere = json!({ "pattern": "^~[^/]" });
    let path = json!({
        "type": "string",
        "minLength": 1,
        "not": { "anyOf": [{ "pattern": CONTROL }, stray, elsewhere] },
    });
    let target = json!({
        "type": "string",
        "pattern": "^(/|~(/|$))",
        "not": { "anyOf": [{ "pattern": CONTROL }, stray, { "pattern": "(^|/)\\.\\.(/|$)" }] },
    });
    let duration = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
    json!({
        "variable": {
            "description": "a text with a variable",
            "type": "string",
            "pattern": "\\$\\{",
        },
        "removed": { "description": "takes away what a parent wrote", "const": false },
        "removal": {
            "description": "takes away an entry that a parent wrote; \"!*\" all of them",
            "type": "string",
            "pattern": "^!.",
        },
        "string": with_variable(vec![json!({ "type": "string", "not": { "pattern": "\\u0000" } })]),
        "line": with_variable(vec![line.clone()]),
        "name": with_variable(vec![json!({ "allOf": [line, { "minLength": 1 }] })]),
        "size": with_variable(vec![
            json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
            pattern("^[0-9]+[KMGT]?$"),
        ]),
        "duration": with_variable(vec![json!({
            "type": "string",
            "minLength": 2,
            "pattern": duration,
            "not": { "pattern": CONTROL },
        })]),
        "account": with_variable(vec![
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 }),
            pattern("^(0|[1-9][0-9]{0,9}|[A-Za-z_][A-Za-z0-9_.-]*(\\$\\$?)?)$"),
        ]),
        "path": with_variable(vec![path]),
        "target": with_variable(vec![target]),
    })
}
