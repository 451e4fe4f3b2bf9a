//! One entry of a list that puts something at a place.

use std::path::{Path, PathBuf};

use crate::isolation::Access;
use crate::isolation::rootfs::{Bind, Hide, Persist, Tmpfs};
use crate::profile::decode::entry::{self, Form};
use crate::profile::decode::path;
use crate::profile::decode::reader::Reader;
use crate::profile::source::Place;
use crate::profile::tree::{Kind, Node};

const BINDS: [&str; 5] = ["source", "target", "optional", "exec", "create"];

/// The sticky and setgid bits mean something on directories; setuid is never honoured inside.
pub const DIRECTORY: u32 = 0o3777;
pub const FILE: u32 = 0o777;

pub const FORMS: [Form; 5] = [
    Form { key: "read-only", keys: &BINDS, pair: true, optional: true, modes: 0 },
    Form { key: "read-write", keys: &BINDS, pair: true, optional: true, modes: 0 },
    Form { key: "persist", keys: &["target", "mode", "owner"], pair: false, optional: false, modes: DIRECTORY },
    Form {
        key: "tmpfs",
        keys: &["target", "size", "mode", "owner", "exec"],
        pair: false,
        optional: false,
        modes: DIRECTORY,
    },
    Form { key: "hide", keys: &["target", "optional"], pair: false, optional: true, modes: 0 },
];

/// What an entry puts there. Where that is, the tree knows.
#[derive(PartialEq)]
pub enum Thing {
    Bind(Bind),
    Persist(Persist),
    Tmpfs(Tmpfs),
    Hide(Hide),
    /// Merged by key, so its parts may still be missing.
    File {
        text: Option<String>,
        mode: Option<u32>,
        owner: Option<String>,
    },
    Symlink(PathBuf),
}

impl Thing {
    /// A parent's file keeps what the child's table does not say.
    pub fn complete(&mut self, parents: &Thing) {
        let Thing::File { text: old_text, mode: old_mode, owner: old_owner } = parents else { return };
        let Thing::File { text, mode, owner } = self else { return };
        *text = text.take().or_else(|| old_text.clone());
        *mode = mode.or(*old_mode);
        *owner = owner.take().or_else(|| old_owner.clone());
    }

    /// The same thing, so nobody needs to hear of the repetition. Files are meant to be merged.
    pub fn is_alike(&self, other: &Thing) -> bool {
        self == other || matches!((self, other), (Thing::File { .. }, Thing::File { .. }))
    }
}

pub fn listed(reader: &Reader, key: &str, node: &Node) -> Option<(PathBuf, Thing)> {
    let form = FORMS.iter().find(|form| form.key == key)?;
    let entry = entry::read(reader, form, node)?;
    let source = entry.source.map(|(text, place)| path::resolve(reader, key, text, place));
    let target = entry.target.map(|(text, place)| path::target(reader, key, text, place));
    let source = source.map_or(Some(None), |source| source.map(Some))?;
    let target = target.unwrap_or_else(|| source.clone())?;
    if !entry.sound {
        return None;
    }
    let access = match key {
        "read-only" => Some(Access::ReadOnly),
        "read-write" => Some(Access::ReadWrite),
        _ => None,
    };
    if let (Some(access), Some(source)) = (access, source) {
        let exec = entry.exec.unwrap_or(true);
        let (optional, create) = (entry.optional, entry.create);
        if optional && create {
            return reader.error(
                node.place,
                "`optional` and `create` exclude one another",
                "what is created cannot be missing: keep one",
            );
        }
        let bind = Bind { source, target: PathBuf::new(), access, optional, exec, create, origin: None };
        return Some((target, Thing::Bind(bind)));
    }
    not_root(reader, key, &target, node.place)?;
    let thing = match key {
        "persist" => Thing::Persist(Persist {
            target: PathBuf::new(),
            mode: entry.mode.unwrap_or(0o700),
            owner: entry.owner,
            origin: None,
        }),
        "tmpfs" => Thing::Tmpfs(Tmpfs {
            target: PathBuf::new(),
            size: entry.size,
            mode: entry.mode.unwrap_or(0o755),
            owner: entry.owner,
            exec: entry.exec.unwrap_or(true),
            origin: None,
        }),
        _ => Thing::Hide(Hide { target: PathBuf::new(), optional: entry.optional, origin: None }),
    };
    Some((target, thing))
}

pub fn not_root(reader: &Reader, key: &str, target: &Path, place: Place) -> Option<()> {
    if target != Path::new("/") {
        return Some(());
    }
    reader.error(
        place,
        format!("`{key}` cannot cover / itself"),
        "name a path below it; what / is made of is said by `base`",
    )
}

/// The contents are taken as they are, without variables.
pub fn file(reader: &Reader, path: &str, node: &Node) -> Option<Thing> {
    let table = match &node.kind {
        Kind::Text(text) => return Some(Thing::File { text: Some(text.clone()), mode: None, owner: None }),
        Kind::Table(table) => table,
        _ => {
            return reader.wrong_type(
                path,
                node,
                "a string or a table",
                "write \"contents\" or { text = \"contents\", mode = \"0600\" }",
            );
        }
    };
    let found = reader.report.count();
    let (mut text, mut mode, mut owner) = (None, None, None);
    for entry in reader.known(&format!("the file `{path}`"), table, &["text", "mode", "owner"]) {
        let (name, value) = (entry.key.as_str(), &entry.value);
        match (name, &value.kind) {
            ("text", Kind::Text(contents)) => text = Some(contents.clone()),
            ("text", _) => text = reader.wrong_type(name, value, "a string", "write the contents in quotes"),
            ("mode", _) => mode = reader.mode(name, value, FILE),
            _ => owner = reader.account(name, value),
        }
    }
    (reader.report.count() == found).then_some(Thing::File { text, mode, owner })
}

/// Where a link leads is for the program to find out: a relative text stays relative.
pub fn link(reader: &Reader, path: &str, node: &Node) -> Option<Thing> {
    let Kind::Text(written) = &node.kind else {
        return reader.wrong_type(path, node, "a path", "write what the link says, in quotes");
    };
    let text = reader.name(path, node)?;
    let plain = || reader.variables.expand_marked(written, node.place).is_some_and(|(_, plain)| plain);
    if text.starts_with('~') && !plain() {
        return path::absolute(reader, path, &text, node.place).map(Thing::Symlink);
    }
    Some(Thing::Symlink(text.into()))
}
