//! What `[rootfs]` puts at places of the tree: a place is taken once, and a child may take it over or free it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::path::{self, Form};
use super::reader::Reader;
use super::set::removed;
use crate::isolation::Access;
use crate::isolation::rootfs::{Bind, Hide, InlineFile, Persist, Rootfs, Symlink, Tmpfs};
use crate::profile::diagnostic::Diagnostic;
use crate::profile::source::Place;
use crate::profile::tree::{Entry, Kind, Node, Table};

const BINDS: [&str; 5] = ["source", "target", "optional", "exec", "create"];

/// The sticky and setgid bits mean something on directories; setuid is never honoured inside.
const DIRECTORY: u32 = 0o3777;
const FILE: u32 = 0o777;

const FORMS: [Form; 5] = [
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

/// What stands at one place.
struct Placed {
    key: String,
    place: Place,
    thing: Thing,
}

#[derive(PartialEq)]
enum Thing {
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

/// One line of a list, on its way into the tree.
struct Line<'n> {
    key: &'n str,
    node: &'n Node,
    /// For `files` and `symlinks`: the path, and where it was written.
    at: Option<(&'n str, Place)>,
}

pub fn decode(reader: &Reader, lists: &[&Entry], rootfs: &mut Rootfs) {
    let mut lines = Vec::new();
    for entry in lists {
        collect(reader, entry, &mut lines);
    }
    // File by file, parents first; within a file as they were written.
    lines.sort_by_key(|line| (reader.sources.get(line.node.place.file).rank, line.node.place.start));
    let mut tree = Tree { reader, places: BTreeMap::new(), order: 0 };
    for layer in lines.chunk_by(|a, b| a.node.place.file == b.node.place.file) {
        tree.free(layer);
        for line in layer {
            tree.put(line);
        }
    }
    tree.finish(rootfs);
}

fn collect<'n>(reader: &Reader, entry: &'n Entry, lines: &mut Vec<Line<'n>>) {
    let key = entry.key.as_str();
    match key {
        "files" | "symlinks" => {
            for inner in reader.table(key, &entry.value).into_iter().flat_map(Table::iter) {
                lines.push(Line { key, node: &inner.value, at: Some((&inner.key, inner.key_place)) });
            }
        }
        _ => {
            for node in reader.list(key, &entry.value).unwrap_or_default() {
                lines.push(Line { key, node, at: None });
            }
        }
    }
}

struct Tree<'r> {
    reader: &'r Reader<'r>,
    /// By target, each with its turn.
    places: BTreeMap<PathBuf, (usize, Placed)>,
    order: usize,
}

impl Tree<'_> {
    /// `"!*"`, `"!/path"` and `"/path" = false`: they reach only what came from parents.
    fn free(&mut self, layer: &[Line]) {
        for line in layer.iter().filter(|line| line.at.is_none() && removed(line.node) == Some("*")) {
            self.places.retain(|_, (_, placed)| placed.key != line.key);
        }
        let removes = layer.iter().any(|line| removed(line.node).is_some());
        let own: BTreeSet<(&str, &str)> =
            layer.iter().filter(|_| removes).map(|line| (line.key, super::set::text(line.node))).collect();
        for line in layer {
            let (text, place) = match (line.at, removed(line.node)) {
                (Some((path, place)), _) if line.node.is_false() => (path, place),
                (None, Some(path)) if path != "*" => (path, line.node.place),
                _ => continue,
            };
            let Some(target) = path::resolve(self.reader, line.key, text, place) else { continue };
            match self.places.get(&target) {
                Some((_, placed)) if placed.key == line.key => {
                    self.places.remove(&target);
                }
                _ if self.reader.variables.incomplete => {}
                found => {
                    let message = format!("nothing inherited stands at {} in `{}`", target.display(), line.key);
                    let error = Diagnostic::error(place, message);
                    self.reader.report.push(match found {
                        Some((_, placed)) => error
                            .note(placed.place, format!("it stands in `{}`", placed.key))
                            .hint(format!("remove it in `{}`", placed.key)),
                        None if own.contains(&(line.key, text)) => {
                            error.hint("remove the entry itself: it stands in this file")
                        }
                        None => error.hint("leave it out; only what a parent wrote can be removed"),
                    });
                }
            }
        }
    }

    fn put(&mut self, line: &Line) {
        let Some((target, thing)) = self.read(line) else { return };
        let place = line.at.map_or(line.node.place, |(_, place)| place);
        let turn = self.order;
        self.order += 1;
        let mut placed = Placed { key: line.key.to_owned(), place, thing };
        let Some((_, earlier)) = self.places.get(&target) else {
            self.places.insert(target, (turn, placed));
            return;
        };
        if earlier.place.file == place.file {
            return self.twice(&target, earlier, &placed);
        }
        merge(&earlier.thing, &mut placed.thing);
        if earlier.key != placed.key || !alike(&earlier.thing, &placed.thing) {
            let message =
                format!("`{}` of {} takes the place of what a parent put there", placed.key, target.display());
            self.reader.report.push(
                Diagnostic::warning(place, message)
                    .note(earlier.place, format!("`{}` put it there", earlier.key))
                    .hint(format!(
                        "remove it from `{}` first, with \"!{}\", if this is meant",
                        earlier.key,
                        target.display()
                    )),
            );
        }
        self.places.insert(target, (turn, placed));
    }

    fn twice(&self, target: &Path, earlier: &Placed, placed: &Placed) {
        let hidden = earlier.key == "hide" || placed.key == "hide";
        let (message, hint) = if hidden && earlier.key != placed.key {
            let grants = if earlier.key == "hide" { &placed.key } else { &earlier.key };
            (format!("{} is hidden and listed in `{grants}`", target.display()), "keep one of the two")
        } else {
            (format!("{} is listed twice", target.display()), "keep one of the two; give the other a target of its own")
        };
        let error = Diagnostic::error(placed.place, message);
        self.reader.report.push(error.note(earlier.place, format!("first in `{}`", earlier.key)).hint(hint));
    }

    fn read(&self, line: &Line) -> Option<(PathBuf, Thing)> {
        let reader = self.reader;
        let Some((path, place)) = line.at else {
            if removed(line.node).is_some() {
                return None;
            }
            let form = FORMS.iter().find(|form| form.key == line.key)?;
            return listed(reader, form, line.node);
        };
        if line.node.is_false() {
            return None;
        }
        let target = path::target(reader, line.key, path, place);
        let thing = if line.key == "files" { file(reader, path, line.node) } else { link(reader, path, line.node) };
        let (target, thing) = (target?, thing?);
        not_root(reader, line.key, &target, place)?;
        Some((target, thing))
    }

    fn finish(self, rootfs: &mut Rootfs) {
        let mut places: Vec<(PathBuf, (usize, Placed))> = self.places.into_iter().collect();
        places.sort_by_key(|(_, (turn, _))| *turn);
        for (target, (_, placed)) in places {
            let origin = Some(self.reader.origin(placed.place));
            match placed.thing {
                Thing::Bind(bind) => rootfs.binds.push(Bind { origin, ..bind }),
                Thing::Persist(persist) => rootfs.persist.push(Persist { origin, ..persist }),
                Thing::Tmpfs(tmpfs) => rootfs.tmpfs.push(Tmpfs { origin, ..tmpfs }),
                Thing::Hide(hide) => rootfs.hide.push(Hide { origin, ..hide }),
                Thing::File { text: Some(text), mode, owner } => {
                    rootfs.files.push(InlineFile { target, text, mode: mode.unwrap_or(0o644), owner, origin });
                }
                Thing::File { text: None, .. } => {
                    let message = format!("the file {} has no `text`", target.display());
                    self.reader.error::<()>(placed.place, message, "add text = \"…\"; an empty file is \"\"");
                }
                Thing::Symlink(text) => rootfs.symlinks.push(Symlink { target, text, origin }),
            }
        }
    }
}

/// A parent's file keeps what the child's table does not say.
fn merge(earlier: &Thing, later: &mut Thing) {
    let Thing::File { text: old_text, mode: old_mode, owner: old_owner } = earlier else { return };
    let Thing::File { text, mode, owner } = later else { return };
    *text = text.take().or_else(|| old_text.clone());
    *mode = mode.or(*old_mode);
    *owner = owner.take().or_else(|| old_owner.clone());
}

/// The same thing, so nobody needs to hear of the repetition. Files are meant to be merged.
fn alike(earlier: &Thing, later: &Thing) -> bool {
    earlier == later || matches!((earlier, later), (Thing::File { .. }, Thing::File { .. }))
}

fn listed(reader: &Reader, form: &Form, node: &Node) -> Option<(PathBuf, Thing)> {
    let key = form.key;
    let entry = path::entry(reader, form, node)?;
    let source = match entry.source {
        Some((text, place)) => Some(path::resolve(reader, key, text, place)?),
        None => None,
    };
    let target = match entry.target {
        Some((text, place)) => path::target(reader, key, text, place)?,
        None => source.clone()?,
    };
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
        let bind = Bind { source, target: target.clone(), access, optional, exec, create, origin: None };
        return Some((target, Thing::Bind(bind)));
    }
    not_root(reader, key, &target, node.place)?;
    let thing = match key {
        "persist" => Thing::Persist(Persist {
            target: target.clone(),
            mode: entry.mode.unwrap_or(0o700),
            owner: entry.owner,
            origin: None,
        }),
        "tmpfs" => Thing::Tmpfs(Tmpfs {
            target: target.clone(),
            size: entry.size,
            mode: entry.mode.unwrap_or(0o755),
            owner: entry.owner,
            exec: entry.exec.unwrap_or(true),
            origin: None,
        }),
        _ => Thing::Hide(Hide { target: target.clone(), optional: entry.optional, origin: None }),
    };
    Some((target, thing))
}

fn not_root(reader: &Reader, key: &str, target: &Path, place: Place) -> Option<()> {
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
fn file(reader: &Reader, path: &str, node: &Node) -> Option<Thing> {
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
fn link(reader: &Reader, path: &str, node: &Node) -> Option<Thing> {
    if !matches!(node.kind, Kind::Text(_)) {
        return reader.wrong_type(path, node, "a path", "write what the link says, in quotes");
    }
    let text = reader.name(path, node)?;
    if text.starts_with('~') {
        return path::absolute(reader, path, &text, node.place).map(Thing::Symlink);
    }
    Some(Thing::Symlink(text.into()))
}
