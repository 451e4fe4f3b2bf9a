//! `[namespaces]`.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::set;
use crate::isolation::namespaces::{ClockOffsets, IdMap, Namespaces, Nested, sysctl};
use crate::isolation::{IdRange, Origin};
use crate::profile::tree::{Kind, Node, Table};

pub const ID_MAPS: [(&str, ()); 2] = [("auto", ()), ("range", ())];
pub const NESTED: [(&str, Nested); 2] = [("namespaces", Nested::Namespaces), ("mounts", Nested::Mounts)];

pub fn decode(reader: &Reader, table: &Table, namespaces: &mut Namespaces) {
    for entry in table.iter() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        let origin = || Some(reader.origin(value.place));
        match key {
            "user" => {
                set(&mut namespaces.user, reader.boolean(key, value));
                namespaces.user_origin = origin();
            }
            "id-map" => {
                set(&mut namespaces.id_map, id_map(reader, key, value));
                namespaces.id_map_origin = origin();
            }
            "pid" => set(&mut namespaces.pid, reader.boolean(key, value)),
            "ipc" => set(&mut namespaces.ipc, reader.boolean(key, value)),
            "uts" => set(&mut namespaces.uts, reader.boolean(key, value)),
            "cgroup" => set(&mut namespaces.cgroup, reader.boolean(key, value)),
            "time" => {
                set(&mut namespaces.time, time(reader, key, value));
                namespaces.time_origin = origin();
            }
            "hostname" => {
                namespaces.hostname = hostname(reader, key, value);
                namespaces.hostname_origin = origin();
            }
            "nested" => {
                set(&mut namespaces.nested, nested(reader, key, value));
                namespaces.nested_origin = origin();
            }
            "sysctl" => set(&mut namespaces.sysctl, settings(reader, key, value)),
            _ => {}
        }
    }
}

fn id_map(reader: &Reader, key: &str, value: &Node) -> Option<IdMap> {
    let items = match &value.kind {
        Kind::List(items) => items,
        Kind::Text(_) => return reader.word(key, value, &ID_MAPS).map(|()| chosen(value)),
        _ => {
            let hint = "write [{ inside = 0, outside = 100000, count = 65536 }], \"auto\" or \"range\"";
            return reader.wrong_type(key, value, "a word or a list of ranges", hint);
        }
    };
    // user_namespaces(7): at most 340 lines.
    if items.is_empty() || items.len() > 340 {
        return reader.error(value.place, format!("`{key}` has {} ranges", items.len()), "write 1 to 340 of them");
    }
    let ranges: Vec<(IdRange, &Node)> =
        items.iter().filter_map(|item| Some((range(reader, key, item)?, item))).collect();
    overlaps(reader, &ranges, "inside", |range| range.inside);
    overlaps(reader, &ranges, "outside", |range| range.outside);
    (ranges.len() == items.len()).then(|| IdMap::Lines(ranges.into_iter().map(|(range, _)| range).collect()))
}

fn chosen(value: &Node) -> IdMap {
    match &value.kind {
        Kind::Text(text) if text == "range" => IdMap::Range,
        _ => IdMap::Auto,
    }
}

fn range(reader: &Reader, key: &str, item: &Node) -> Option<IdRange> {
    let found = reader.report.count();
    let (mut inside, mut outside, mut count) = (None, None, None);
    let table = reader.table(key, item)?;
    for entry in reader.known("a range of `id-map`", table, &["inside", "outside", "count"]) {
        let least = i128::from(entry.key == "count");
        let number = reader.integer(&entry.key, &entry.value, least, (u32::MAX - 1).into());
        let number = number.and_then(|number| u32::try_from(number).ok());
        match entry.key.as_str() {
            "inside" => inside = number,
            "outside" => outside = number,
            _ => count = number,
        }
    }
    if reader.report.count() > found {
        return None;
    }
    let missing = [("inside", inside), ("outside", outside), ("count", count)].into_iter().find(|(_, it)| it.is_none());
    if let Some((name, _)) = missing {
        return reader.error(
            item.place,
            format!("a range of `{key}` has no `{name}`"),
            "it needs inside, outside and count",
        );
    }
    let range = IdRange { inside: inside?, outside: outside?, count: count? };
    // 4294967295 is no id, and the kernel refuses ranges that reach it.
    let fits = |start: u32| start.checked_add(range.count).is_some();
    if !fits(range.inside) || !fits(range.outside) {
        return reader.error(
            item.place,
            "a range of `id-map` goes beyond the last id",
            format!("shorten `count`: the last id is {}", u32::MAX - 1),
        );
    }
    Some(range)
}

fn overlaps(reader: &Reader, ranges: &[(IdRange, &Node)], side: &str, start: fn(&IdRange) -> u32) {
    let mut sorted: Vec<_> = ranges.iter().collect();
    sorted.sort_by_key(|(range, _)| start(range));
    for pair in sorted.windows(2) {
        let ((low, _), (high, item)) = (pair[0], pair[1]);
        if start(low).saturating_add(low.count) > start(high) {
            reader.error::<()>(
                item.place,
                format!("two ranges of `id-map` overlap at {side} = {}", start(high)),
                "move or shorten one of them: an id is mapped once",
            );
        }
    }
}

fn time(reader: &Reader, key: &str, value: &Node) -> Option<Option<ClockOffsets>> {
    let table = match &value.kind {
        Kind::Boolean(false) => return Some(None),
        Kind::Boolean(true) => return Some(Some(ClockOffsets::default())),
        Kind::Table(table) => table,
        _ => {
            return reader.wrong_type(
                key,
                value,
                "a table or false",
                "write { boottime = \"0s\", monotonic = \"0s\" }",
            );
        }
    };
    let mut offsets = ClockOffsets::default();
    for entry in reader.known("`time`", table, &["boottime", "monotonic"]) {
        let offset = reader.duration(&entry.key, &entry.value);
        set(if entry.key == "boottime" { &mut offsets.boottime } else { &mut offsets.monotonic }, offset);
    }
    Some(Some(offsets))
}

/// As sethostname(2) takes it and resolvers understand it.
fn hostname(reader: &Reader, key: &str, value: &Node) -> Option<String> {
    let name = reader.name(key, value)?;
    let label = |label: &str| {
        let inner = label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.len() > 64 {
        return reader.error(value.place, "`hostname` is longer than 64 bytes", "shorten it: the kernel takes no more");
    }
    if !name.split('.').all(label) {
        let hint = "use letters, digits and `-`, with single dots between words";
        return reader.error(value.place, format!("`{name}` is no host name"), hint);
    }
    Some(name)
}

fn nested(reader: &Reader, key: &str, value: &Node) -> Option<Nested> {
    match &value.kind {
        Kind::Boolean(false) => Some(Nested::No),
        Kind::Text(_) => reader.word(key, value, &NESTED),
        _ => reader.wrong_type(
            key,
            value,
            "false or a word",
            "write \"namespaces\" for browsers, \"mounts\" for bwrap or systemd",
        ),
    }
}

fn settings(reader: &Reader, key: &str, value: &Node) -> Option<BTreeMap<String, (String, Origin)>> {
    let mut settings = BTreeMap::new();
    // Two spellings of one path are one setting.
    let mut spelled: BTreeMap<String, &str> = BTreeMap::new();
    for entry in reader.table(key, value)?.iter() {
        let name = entry.key.replace('/', ".");
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !name.contains('.') || !entry.key.chars().all(|c| known(c) || c == '/') || name.split('.').any(str::is_empty)
        {
            let hint = "write its dotted name in quotes, as in \"net.ipv4.ip_unprivileged_port_start\"";
            reader.error::<()>(entry.key_place, format!("`{}` is no sysctl", entry.key), hint);
        } else if sysctl::owner(&entry.key).is_none() {
            let hint = if name.starts_with("user.") {
                "leave it out: limits of nested namespaces follow `nested`, and of user.* only max_inotify_* is a sandbox's own"
            } else {
                "leave it out: only those under net, fs.mqueue and kernel's ipc and uts keys belong to a sandbox"
            };
            reader.error::<()>(entry.key_place, format!("`{}` would change the whole machine", entry.key), hint);
        } else if sysctl::path(&entry.key) == "kernel/hostname" {
            let hint = "write hostname = \"…\" in [namespaces] instead";
            reader.error::<()>(entry.key_place, format!("`{}` is what `hostname` sets", entry.key), hint);
        } else if let Some(twin) = spelled.insert(sysctl::path(&entry.key), &entry.key) {
            let message = format!("`{}` and `{twin}` are one setting", entry.key);
            reader.error::<()>(entry.key_place, message, "leave out one of the two");
        } else if let Some(text) = setting(reader, entry.key.as_str(), &entry.value) {
            settings.insert(entry.key.clone(), (text, reader.origin(entry.value.place)));
        }
    }
    Some(settings)
}

fn setting(reader: &Reader, key: &str, value: &Node) -> Option<String> {
    match &value.kind {
        Kind::Integer(number) => Some(number.to_string()),
        // Several values of one file are separated by tabs or spaces: a tab would be the only control character.
        _ => reader.name(key, value),
    }
}
