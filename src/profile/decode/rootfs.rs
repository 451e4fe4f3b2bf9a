//! `[rootfs]`.

use super::reader::Reader;
use super::set::fold;
use super::{placed, refused, refused_value, set, text_of};
use crate::isolation::nearest;
use crate::isolation::rootfs::{Base, Device, Home, Rootfs, Sys, Writes};
use crate::profile::tree::{Entry, Node, Table};

pub const BASES: [(&str, Base); 3] = [("system", Base::System), ("host", Base::Host), ("none", Base::None)];
pub const WRITES: [(&str, Writes); 2] = [("deny", Writes::Deny), ("discard", Writes::Discard)];
pub const HOMES: [(&str, Home); 3] =
    [("empty", Home::Empty), ("read-only", Home::ReadOnly), ("read-write", Home::ReadWrite)];
pub const SYS: [(&str, Sys); 2] = [("none", Sys::None), ("read-only", Sys::ReadOnly)];
/// Groups of devices.
pub const DEVICES: [&str; 7] = ["gpu", "alsa", "camera", "fuse", "tun", "kvm", "input"];

pub fn decode(reader: &Reader, table: &Table, rootfs: &mut Rootfs) {
    let mut lists = Vec::new();
    for entry in table.iter() {
        if refused(reader, "rootfs", entry) {
            continue;
        }
        let (key, value) = (entry.key.as_str(), &entry.value);
        let origin = || Some(reader.origin(value.place));
        match key {
            "base" => {
                set(&mut rootfs.base, reader.word(key, value, &BASES));
                rootfs.base_origin = origin();
            }
            "writes" => {
                set(&mut rootfs.writes, writes(reader, entry));
                rootfs.writes_origin = origin();
            }
            "home" => {
                set(&mut rootfs.home, reader.word(key, value, &HOMES));
                rootfs.home_origin = origin();
            }
            "devices" => rootfs.devices = devices(reader, key, value),
            "sys" => set(&mut rootfs.sys, reader.word(key, value, &SYS)),
            // All these share one tree, in which a place is taken once.
            _ => lists.push(entry),
        }
    }
    placed::decode(reader, &lists, rootfs);
}

fn writes(reader: &Reader, entry: &Entry) -> Option<Writes> {
    let hint = "write \"discard\" to forget the changes, or list what is kept in `persist`";
    if refused_value(reader, "rootfs", entry, text_of(entry), hint) {
        return None;
    }
    reader.word("writes", &entry.value, &WRITES)
}

fn devices(reader: &Reader, key: &str, value: &Node) -> Vec<Device> {
    let items = fold(reader, key, value, |device: &Device| device.name.as_str(), |item| device(reader, key, item));
    items.into_iter().map(|item| item.value).collect()
}

/// What every sandbox has in /dev besides devices: the host's are never shown.
const PRIVATE: [&str; 7] = ["/dev/shm", "/dev/pts", "/dev/ptmx", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"];

fn device(reader: &Reader, key: &str, item: &Node) -> Option<Device> {
    let optional = super::set::text(item).starts_with('-');
    let whole = reader.entry(key, item)?;
    let name = if optional { whole.get(1..).unwrap_or_default() } else { whole.as_str() };
    let origin = Some(reader.origin(item.place));
    if DEVICES.contains(&name) {
        return Some(Device { name: name.to_owned(), optional, origin });
    }
    if name.starts_with('/') {
        let path = super::path::normal(std::path::Path::new(name));
        return match path.to_str() {
            Some("/dev") => reader.error(
                item.place,
                "`/dev` is made anew for each sandbox, and no device",
                format!("name the devices in it, as in \"/dev/ttyUSB0\", or a group: {}", DEVICES.join(", ")),
            ),
            Some(path) if PRIVATE.contains(&path) => reader.error(
                item.place,
                format!("`{path}` is always there, and the sandbox's own"),
                "leave the entry out",
            ),
            Some(path) if path.starts_with("/dev/") => Some(Device { name: path.to_owned(), optional, origin }),
            _ => reader.error(
                item.place,
                format!("`{name}` lies outside /dev"),
                "a file elsewhere is bound by `read-only` or `read-write`",
            ),
        };
    }
    if name.is_empty() {
        return reader.error(
            item.place,
            "an entry of `devices` is empty",
            "write a path below /dev, or the name of a group",
        );
    }
    let hint = match nearest(name, DEVICES) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write a path below /dev, or one of {}", DEVICES.join(", ")),
    };
    reader.error(item.place, format!("there is no group of devices `{name}`"), hint)
}
