//! `[process]`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::reader::Reader;
use super::set::fold;
use super::{refused_value, set, text_of};
use crate::isolation::process::{Process, Tty};
use crate::isolation::{Origin, nearest};
use crate::profile::names::{self, Unit};
use crate::profile::tree::{Entry, Kind, Node, Table};

pub const TTYS: [(&str, Tty); 2] = [("inherit", Tty::Inherit), ("none", Tty::None)];
/// What no variable has in its name, and a person writes by mistake.
pub const NOT_IN_A_NAME: &str = "=[]{}\\$,; ";
pub const RESTARTS: [(&str, ()); 3] = [("no", ()), ("on-failure", ()), ("always", ())];

pub fn decode(reader: &Reader, table: &Table, process: &mut Process) {
    for entry in table.iter() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        let origin = || Some(reader.origin(value.place));
        match key {
            "command" => {
                set(&mut process.command, command(reader, key, value));
                process.command_origin = origin();
            }
            "args" => set(&mut process.args, words(reader, key, value)),
            "user" => {
                process.user = reader.account(key, value);
                process.user_origin = origin();
            }
            "groups" => {
                process.groups = reader
                    .list(key, value)
                    .map(|items| items.iter().filter_map(|item| reader.account(key, item)).collect());
                process.groups_origin = origin();
            }
            "cwd" => {
                process.cwd = reader.path(key, value);
                process.cwd_origin = origin();
            }
            "env" => set(&mut process.env, env(reader, key, value)),
            "env-pass" => {
                process.env_pass = env_pass(reader, key, value);
                process.env_pass_origin = origin();
            }
            "init" => set(&mut process.init, reader.boolean(key, value)),
            "tty" => tty(reader, entry, &mut process.tty),
            "stop-signal" => set(&mut process.stop_signal, signal(reader, key, value)),
            "stop-timeout" => set(&mut process.stop_timeout, reader.duration(key, value)),
            "timeout" => {
                process.timeout = reader.duration(key, value);
                if process.timeout.is_some_and(|timeout| timeout.is_zero()) {
                    reader.error::<()>(
                        value.place,
                        "`timeout` is 0: the program would be stopped before it starts",
                        "leave the key out for no limit",
                    );
                }
            }
            "restart" => restart(reader, entry),
            "rlimits" => set(&mut process.rlimits, rlimits(reader, key, value)),
            "umask" => set(&mut process.umask, reader.mode(key, value, 0o777)),
            "nice" => {
                process.nice = small(reader, key, value, -20, 19);
                process.nice_origin = Some(reader.origin(value.place));
            }
            "oom-score-adj" => {
                process.oom_score_adj = small(reader, key, value, -1000, 1000);
                process.oom_score_adj_origin = Some(reader.origin(value.place));
            }
            "no-new-privileges" => set(&mut process.no_new_privileges, reader.boolean(key, value)),
            _ => {}
        }
    }
}

fn small(reader: &Reader, key: &str, value: &Node, least: i32, most: i32) -> Option<i32> {
    reader.integer(key, value, least.into(), most.into()).and_then(|number| number.try_into().ok())
}

fn words(reader: &Reader, key: &str, value: &Node) -> Option<Vec<OsString>> {
    let items = reader.list(key, value)?;
    Some(items.iter().filter_map(|item| reader.item(key, item)).map(OsString::from).collect())
}

fn command(reader: &Reader, key: &str, value: &Node) -> Option<Vec<OsString>> {
    let command = words(reader, key, value)?;
    if matches!(&value.kind, Kind::List(items) if items.is_empty()) {
        return reader.error(
            value.place,
            "`command` is empty",
            "write [\"/path/of/program\", …], or leave the key out",
        );
    }
    let first = reader.list(key, value)?.first()?;
    if command.first().is_some_and(|program| program.is_empty()) && matches!(&first.kind, Kind::Text(_)) {
        return reader.error(first.place, "the program's name is empty", "write a path or the name of a program");
    }
    Some(command)
}

fn env(reader: &Reader, key: &str, value: &Node) -> Option<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    for entry in reader.table(key, value)?.iter() {
        let name = &entry.key;
        if name.is_empty() || name.contains(['=', '\0']) || name.chars().any(char::is_control) {
            let (message, hint) = match name.as_str() {
                "" => (format!("a variable of `{key}` has no name"), "write NAME = \"value\""),
                name => (
                    format!("`{}` cannot be the name of a variable", name.escape_debug()),
                    "names hold neither `=` nor control characters",
                ),
            };
            reader.error::<()>(entry.key_place, message, hint);
        } else if let Some(text) = reader.text(name, &entry.value) {
            env.insert(name.clone(), text);
        }
    }
    Some(env)
}

fn env_pass(reader: &Reader, key: &str, value: &Node) -> Vec<String> {
    let read = |item: &Node| {
        let pattern = reader.entry(key, item)?;
        let hint = match pattern.chars().find(|c| NOT_IN_A_NAME.contains(*c)) {
            Some('=') => "write the name alone; a value is set in `env`",
            Some('[' | ']' | '{' | '}' | '\\') => {
                "a pattern has `*` for any text and `?` for one character, and no more"
            }
            Some('$') => "write the name alone, without `$`",
            Some(_) => "write each name as an entry of its own",
            None if pattern.starts_with(['-', '!']) => "write a name, or a pattern as in \"LC_*\"",
            None => return Some(pattern),
        };
        reader.error(item.place, format!("`{pattern}` cannot name a variable"), hint)
    };
    fold(reader, key, value, String::as_str, read).into_iter().map(|entry| entry.value).collect()
}

fn tty(reader: &Reader, entry: &Entry, tty: &mut Tty) {
    let hint = "the default is \"inherit\": leave the key out, or write \"none\"";
    if !refused_value(reader, "process", entry, text_of(entry), hint) {
        set(tty, reader.word("tty", &entry.value, &TTYS));
    }
}

fn restart(reader: &Reader, entry: &Entry) {
    if !refused_value(reader, "process", entry, text_of(entry), "the default is \"no\": leave the key out") {
        reader.word("restart", &entry.value, &RESTARTS);
    }
}

fn signal(reader: &Reader, key: &str, value: &Node) -> Option<i32> {
    if let Kind::Integer(_) = value.kind {
        return small(reader, key, value, 1, 64);
    }
    let text = reader.line(key, value)?;
    if let Some(number) = names::signal(&text) {
        return Some(number);
    }
    let upper = text.to_ascii_uppercase();
    let upper = upper.strip_prefix("SIG").unwrap_or(&upper);
    let hint = match nearest(upper, names::SIGNALS.iter().map(|(name, _)| &name[3..])) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "write a name, as in \"TERM\", a number from 1 to 64, or RTMIN to RTMIN+30".into(),
    };
    reader.error(value.place, format!("there is no signal `{text}`"), hint)
}

fn rlimits(reader: &Reader, key: &str, value: &Node) -> Option<BTreeMap<String, (Option<u64>, Origin)>> {
    let mut limits = BTreeMap::new();
    for entry in reader.table(key, value)?.iter() {
        let Some((name, unit)) = names::RLIMITS.iter().find(|(name, _)| *name == entry.key) else {
            let bare = entry.key.to_ascii_lowercase();
            let bare = bare.strip_prefix("rlimit_").or(bare.strip_prefix("limit")).unwrap_or(&bare);
            let all = names::RLIMITS.iter().map(|(name, _)| *name);
            let hint = match nearest(bare, all.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", all.collect::<Vec<_>>().join(", ")),
            };
            reader.error::<()>(entry.key_place, format!("there is no resource limit `{}`", entry.key), hint);
            continue;
        };
        if let Some(limit) = rlimit(reader, name, *unit, &entry.value) {
            limits.insert((*name).to_owned(), (limit, reader.origin(entry.value.place)));
        }
    }
    Some(limits)
}

fn rlimit(reader: &Reader, name: &str, unit: Unit, value: &Node) -> Option<Option<u64>> {
    match &value.kind {
        Kind::Text(text) if text == "unlimited" => Some(None),
        Kind::Text(text) if unit == Unit::Bytes && text.starts_with(|c: char| c.is_ascii_digit()) => {
            reader.size(name, value).map(Some)
        }
        Kind::Integer(_) => {
            if matches!(value.kind, Kind::Integer(-1)) {
                return reader.error(value.place, format!("`{name}` cannot be -1"), "write \"unlimited\" for no limit");
            }
            // The kernel reads the largest number as "unlimited".
            let number = reader.integer(name, value, 0, (u64::MAX - 1).into())?;
            u64::try_from(number).ok().map(Some)
        }
        Kind::Text(text) => {
            let hint = match text.parse::<u64>() {
                Ok(u64::MAX) => "write \"unlimited\"".into(),
                Ok(number) => format!("write {number} without quotes"),
                Err(_) if matches!(text.as_str(), "infinity" | "max" | "-1") => "write \"unlimited\"".into(),
                Err(_) => "write a number, or \"unlimited\"".into(),
            };
            reader.error(value.place, format!("`{name}` cannot be \"{text}\""), hint)
        }
        _ => reader.wrong_type(name, value, "a number or \"unlimited\"", "write a number, or \"unlimited\""),
    }
}
