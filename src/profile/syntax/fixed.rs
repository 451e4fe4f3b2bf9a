//! Complaints that say the same whatever is written there: what is wrong, and what to do.

/// Of what is shown at the place of the mistake.
pub fn words(complaint: &str) -> Option<(&'static str, &'static str)> {
    const TABLES: &str = "tables are written { key = value }";
    Some(match complaint {
        "too few unicode value digits" => {
            ("this escape has too few digits", "\\xHH takes two, \\uHHHH four and \\UHHHHHHHH eight hexadecimal digits")
        }
        "invalid value" => (
            "this escape is no character",
            "write the number of a character in hexadecimal, as in \\u00e9; those from d800 to dfff are none",
        ),
        "extra assignment between key-value pairs" => ("one `=` too many", TABLES),
        "invalid inline table element" => ("unexpected `]` in a table", TABLES),
        "missing key for inline table element" => ("a key is missing", TABLES),
        "missing assignment between key-value pairs" => ("an `=` is missing", TABLES),
        "missing array opening" => ("a `]` without its `[`", "write a value here, or [ before it"),
        "missing inline table opening" => ("a `}` without its `{`", "write a value here, or { before it"),
        "extra `=`" => ("one `=` too many", "write `key = value`"),
        "missing value" => ("a value is missing", "write a value after `=`"),
        "extra comma in array" | "extra comma in inline table" => ("a comma too many", "remove it"),
        "unexpected `=` in array" => ("unexpected `=` in a list", "lists hold values alone: [\"a\", \"b\"]"),
        "keys cannot be multi-line basic strings" | "keys cannot be multi-line literal strings" => {
            ("a key cannot be a multi-line string", "write it in single or double quotes")
        }
        "redundant numeric sign" => ("one sign too many", "write one `-`, or none"),
        "integers with a radix cannot be signed" => ("only decimal numbers have a sign", "write it in decimal"),
        "radix must be lowercase" => ("the prefix of a number is in lower case", "write 0x, 0o or 0b"),
        "`_` may only go between digits" => ("`_` may only go between digits", "write 1_000 or 1000"),
        "this number is too large" => ("this number is too large for anything", "write a smaller one"),
        "nested too deeply" => ("this is nested too deeply", "no key of a profile has so many levels"),
        _ => return None,
    })
}

/// Of what is shown whole, from where it was opened.
pub fn unclosed(complaint: &str) -> Option<(&'static str, &'static str)> {
    Some(match complaint {
        "unclosed array" => ("this list is never closed", "close it with `]`"),
        "unclosed inline table" => ("this table is never closed", "close it with `}`"),
        "unclosed table" => ("this header is never closed", "close it with `]`"),
        "unclosed array table" => ("this header is never closed", "close it with `]]`"),
        _ => return None,
    })
}
