//! JSON of which a person can read the difference: what fits on a line stands on one.

use serde_json::Value;

const WIDTH: usize = 116;

pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, taken: usize, text: &mut String) {
    let line = value.to_string();
    let items: Vec<(Option<&str>, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (Some(key.as_str()), value)).collect(),
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        _ => Vec::new(),
    };
    if items.is_empty() || depth * 2 + taken + line.len() <= WIDTH {
        return text.push_str(&line);
    }
    // Words stand beside one another.
    if items.iter().all(|(key, value)| key.is_none() && value.is_string()) {
        return fill(&items, depth, text);
    }
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    text.push(open);
    for (number, (key, value)) in items.iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        let key = key.map(|key| format!("{}: ", Value::from(key))).unwrap_or_default();
        text.push_str(&key);
        write(value, depth + 1, key.len(), text);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

fn fill(items: &[(Option<&str>, &Value)], depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth + 1);
    text.push('[');
    let mut column = WIDTH;
    for (number, (_, word)) in items.iter().enumerate() {
        let word = word.to_string();
        if number > 0 {
            text.push(',');
        }
        if column + word.len() + 2 > WIDTH {
            text.push('\n');
            text.push_str(&indent);
            column = indent.len();
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(&word);
        column += word.len() + 1;
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_the_same_value() {
        let words: Vec<String> = (0..100).map(|number| format!("word \"{number}\"")).collect();
        let value = serde_json::json!({ "a": words, "b": { "c": [1, [], {}], "d": "x".repeat(200) }, "e": null });
        let text = pretty(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let longest = text.lines().filter(|line| !line.contains("xxx")).map(str::len).max();
        assert!(text.lines().count() > 10 && longest <= Some(WIDTH + 4), "{text}");
    }
}
