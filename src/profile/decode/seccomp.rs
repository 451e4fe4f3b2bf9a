//! `[seccomp]`.

use super::entry::{Mark, mark};
use super::reader::Reader;
use super::set;
use super::set::{fold, removed};
use crate::isolation::nearest;
use crate::isolation::seccomp::{Action, Condition, Name, OnDeny, Op, Preset, Rule, Seccomp};
use crate::profile::diagnostic::How;
use crate::profile::names;
use crate::profile::source::Place;
use crate::profile::tree::{Kind, Node, Table};

pub const PRESETS: [(&str, Preset); 5] = [
    ("default", Preset::Default),
    ("system-service", Preset::SystemService),
    ("strict", Preset::Strict),
    ("compat", Preset::Compat),
    ("none", Preset::None),
];
pub const ON_DENY: [(&str, OnDeny); 3] = [("errno", OnDeny::Errno), ("kill", OnDeny::Kill), ("log", OnDeny::Log)];
pub const OPERATORS: [(&str, Op); 7] = [
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("lt", Op::Lt),
    ("le", Op::Le),
    ("gt", Op::Gt),
    ("ge", Op::Ge),
    ("masked-eq", Op::MaskedEq(0)),
];
pub const ARCHITECTURES: [&str; 6] = ["native", "x86-64", "x86", "x32", "arm64", "arm"];

pub fn decode(reader: &Reader, table: &Table, seccomp: &mut Seccomp) {
    for entry in table.iter() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        match key {
            "preset" => {
                set(&mut seccomp.preset, reader.word(key, value, &PRESETS));
                seccomp.preset_origin = Some(reader.origin(value.place));
            }
            "allow" => seccomp.allow = Some(syscalls(reader, key, value)),
            "deny" => seccomp.deny = syscalls(reader, key, value),
            "rules" => seccomp.rules = rules(reader, key, value),
            "architectures" => seccomp.architectures = architectures(reader, key, value),
            "on-deny" => set(&mut seccomp.on_deny, reader.word(key, value, &ON_DENY)),
            _ => {}
        }
    }
}

fn syscalls(reader: &Reader, key: &str, value: &Node) -> Vec<Name> {
    let items = fold(reader, key, value, |name: &Name| name.name.as_str(), |item| syscall(reader, key, item));
    items.into_iter().map(|item| item.value).collect()
}

/// The shape of a name; whether the kernel knows it is the filter's to say.
fn syscall(reader: &Reader, key: &str, item: &Node) -> Option<Name> {
    let Kind::Text(text) = &item.kind else {
        let hint = "write the name of a system call, or a group as in \"@debug\"";
        return reader.wrong_entry(key, item, "names", hint);
    };
    let (mark, _) = mark(text);
    let whole = reader.entry(key, item)?;
    let (optional, name) = match mark {
        Mark::Optional => (true, &whole[1..]),
        _ => (false, whole.as_str()),
    };
    let bare = name.strip_prefix('@').unwrap_or(name);
    let known =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-' && bare.len() < name.len();
    if bare.is_empty() || !bare.chars().all(known) {
        let hint = "names are in lower case, as in \"ptrace\"; groups begin with `@`";
        return reader.error(item.place, format!("`{name}` cannot be the name of a system call"), hint);
    }
    Some(Name { name: name.to_owned(), optional, origin: Some(reader.origin(item.place)) })
}

fn rules(reader: &Reader, key: &str, value: &Node) -> Vec<Rule> {
    let mut rules = Vec::new();
    for item in reader.list(key, value).unwrap_or_default() {
        match removed(item) {
            Some("*") => rules.retain(|(place, _): &(Place, Rule)| {
                let stays = place.file == item.place.file;
                if !stays {
                    reader.report.overrule(*place, item.place, How::Removed);
                }
                stays
            }),
            Some(_) => {
                reader.error::<()>(
                    item.place,
                    "a rule of `rules` cannot be removed alone",
                    "write \"!*\" to remove all that are inherited",
                );
            }
            None => rules.extend(rule(reader, key, item).map(|rule| (item.place, rule))),
        }
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn rule(reader: &Reader, key: &str, item: &Node) -> Option<Rule> {
    let table = reader.table(key, item)?;
    let found = reader.report.count();
    let (mut syscalls, mut args, mut action) = (None, Vec::new(), None);
    for entry in reader.known("a rule", table, &["syscalls", "args", "action"]) {
        let (name, value) = (entry.key.as_str(), &entry.value);
        let items = || reader.list(name, value).unwrap_or_default().iter();
        match name {
            "syscalls" => syscalls = Some(items().filter_map(|item| syscall(reader, name, item)).collect()),
            "args" => args = items().filter_map(|item| condition(reader, item)).collect(),
            _ => action = self::action(reader, name, value),
        }
    }
    if reader.report.count() > found {
        return None;
    }
    let Some(syscalls) = syscalls.filter(|calls: &Vec<Name>| !calls.is_empty()) else {
        return reader.error(item.place, "a rule of `rules` names no system calls", "add syscalls = [\"…\"]");
    };
    let Some(action) = action else {
        let hint = "add action = \"allow\", \"errno:EPERM\", \"kill\" or \"log\"";
        return reader.error(item.place, "a rule of `rules` has no `action`", hint);
    };
    Some(Rule { syscalls, args, action, origin: Some(reader.origin(item.place)) })
}

fn condition(reader: &Reader, item: &Node) -> Option<Condition> {
    let table = reader.table("args", item)?;
    let found = reader.report.count();
    let (mut index, mut op, mut value, mut mask) = (None, None, None, None);
    let number = |name: &str, node: &Node| {
        reader.integer(name, node, 0, u64::MAX.into()).and_then(|number| u64::try_from(number).ok())
    };
    for entry in reader.known("a condition", table, &["index", "op", "value", "mask"]) {
        let (name, node) = (entry.key.as_str(), &entry.value);
        match name {
            "index" => index = reader.integer(name, node, 0, 5).and_then(|index| u8::try_from(index).ok()),
            "op" => op = operator(reader, name, node).map(|op| (op, node.place)),
            "value" => value = number(name, node),
            _ => mask = number(name, node).map(|mask| (mask, node.place)),
        }
    }
    if reader.report.count() > found {
        return None;
    }
    let (Some(index), Some(value)) = (index, value) else {
        let missing = if index.is_none() { "index" } else { "value" };
        let hint = "write { index = 0, op = \"eq\", value = 1 }";
        return reader.error(item.place, format!("a condition of `args` has no `{missing}`"), hint);
    };
    let op = match (op, mask) {
        (Some((Op::MaskedEq(_), _)), Some((mask, _))) => Op::MaskedEq(mask),
        (Some((Op::MaskedEq(_), place)), None) => {
            return reader.error(place, "`masked-eq` needs a mask", "add mask = 0xff");
        }
        (_, Some((_, place))) => {
            return reader.error(place, "`mask` belongs to `masked-eq`", "write op = \"masked-eq\"");
        }
        (Some((op, _)), None) => op,
        (None, None) => Op::Eq,
    };
    Some(Condition { index, op, value })
}

fn operator(reader: &Reader, key: &str, node: &Node) -> Option<Op> {
    let signs = [
        ("==", "eq"),
        ("=", "eq"),
        ("!=", "ne"),
        ("<", "lt"),
        ("<=", "le"),
        (">", "gt"),
        (">=", "ge"),
        ("&", "masked-eq"),
    ];
    if let Kind::Text(text) = &node.kind
        && let Some((sign, word)) = signs.iter().find(|(sign, _)| sign == text)
    {
        return reader.error(node.place, format!("`{key}` cannot be \"{sign}\""), format!("write \"{word}\""));
    }
    reader.word(key, node, &OPERATORS)
}

fn action(reader: &Reader, key: &str, value: &Node) -> Option<Action> {
    const HINT: &str = "write \"allow\", \"errno:EPERM\", \"kill\" or \"log\"";
    if !matches!(value.kind, Kind::Text(_)) {
        return reader.wrong_type(key, value, "a word", HINT);
    }
    let text = reader.line(key, value)?;
    let Some(name) = text.strip_prefix("errno:") else {
        return match text.as_str() {
            "allow" => Some(Action::Allow),
            "kill" => Some(Action::KillProcess),
            "log" => Some(Action::Log),
            _ => reader.error(value.place, format!("`{key}` cannot be \"{text}\""), HINT),
        };
    };
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { name.parse::<u16>().ok() } else { names::errno(name) };
    match number {
        Some(number) if (1..=names::LARGEST_ERRNO).contains(&number.into()) => Some(Action::Errno(number)),
        _ => {
            let hint = match nearest(name, names::ERRNOS.iter().map(|(name, _)| *name)) {
                Some(near) if !digits => format!("did you mean \"errno:{near}\"?"),
                _ => "errno(3) lists them; numbers go from 1 to 4095".into(),
            };
            reader.error(value.place, format!("there is no errno `{name}`"), hint)
        }
    }
}

fn architectures(reader: &Reader, key: &str, value: &Node) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for item in reader.list(key, value).unwrap_or_default() {
        let Some(text) = reader.entry(key, item) else { continue };
        let (optional, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text.as_str()),
        };
        if !ARCHITECTURES.contains(&name) {
            if optional && !name.is_empty() {
                continue;
            }
            // As package managers and the kernel call them.
            let known = match name {
                "amd64" | "x86_64" => Some("x86-64"),
                "i386" | "i686" | "ia32" => Some("x86"),
                "aarch64" => Some("arm64"),
                _ => nearest(name, ARCHITECTURES),
            };
            let hint = match known {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("there are {}", ARCHITECTURES.join(", ")),
            };
            reader.error::<()>(item.place, format!("there is no architecture `{name}`"), hint);
        } else if !names.iter().any(|known| known.name == name) {
            names.push(Name { name: name.to_owned(), optional, origin: Some(reader.origin(item.place)) });
        }
    }
    names
}
