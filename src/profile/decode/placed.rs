//! What `[rootfs]` puts at places of the tree: a place is taken once, and a child may take it over or free it.

pub mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::entry::{mark, split};
use super::path;
use super::reader::Reader;
use super::set::removed;
use crate::isolation::rootfs::{Bind, Hide, InlineFile, Persist, Rootfs, Symlink, Tmpfs};
use crate::profile::diagnostic::{Diagnostic, How};
use crate::profile::print::toml::escaped;
use crate::profile::rewrite::variable;
use crate::profile::source::{Place, Provenance};
use crate::profile::tree::{Entry, Kind, Node, Table};
use read::Thing;

/// What stands at one place.
struct Placed<'n> {
    key: &'n str,
    place: Place,
    thing: Thing,
}

/// One line of a list, on its way into the tree.
struct Line<'n> {
    key: &'n str,
    node: &'n Node,
    /// For `files` and `symlinks`: the path, and where it was written.
    at: Option<(&'n str, Place)>,
    /// File by file, parents first; within a file as they were written.
    turn: (u32, u32),
}

pub fn decode(reader: &Reader, lists: &[&Entry], rootfs: &mut Rootfs) {
    let mut lines = Vec::new();
    for entry in lists {
        collect(reader, entry, &mut lines);
    }
    lines.sort_unstable_by_key(|line| line.turn);
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
    let turn = |node: &Node| (reader.sources.get(node.place.file).rank, node.place.start);
    match key {
        "files" | "symlinks" => {
            for inner in reader.table(key, &entry.value).into_iter().flat_map(Table::iter) {
                lines.push(Line {
                    key,
                    node: &inner.value,
                    at: Some((&inner.key, inner.key_place)),
                    turn: turn(&inner.value),
                });
            }
        }
        _ => {
            for node in reader.list(key, &entry.value).unwrap_or_default() {
                lines.push(Line { key, node, at: None, turn: turn(node) });
            }
        }
    }
}

struct Tree<'r, 'n> {
    reader: &'r Reader<'r>,
    /// By target, each with its turn. Targets are plain, so their bytes can be compared: name by name it took longer than
    /// all the rest of reading a profile.
    places: BTreeMap<OsString, (usize, Placed<'n>)>,
    order: usize,
}

impl<'n> Tree<'_, 'n> {
    /// `"!*"`, `"!/path"` and `"/path" = false`: they reach only what came from parents.
    fn free(&mut self, layer: &[Line<'n>]) {
        for line in layer.iter().filter(|line| line.at.is_none() && removed(line.node) == Some("*")) {
            self.places.retain(|_, (_, placed)| {
                let stays = placed.key != line.key;
                if !stays {
                    self.reader.report.overrule(placed.place, line.node.place, How::Removed);
                }
                stays
            });
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
            match self.places.get(target.as_os_str()) {
                Some((_, placed)) if placed.key == line.key => {
                    self.reader.report.overrule(placed.place, place, How::Removed);
                    self.places.remove(target.as_os_str());
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

    fn put(&mut self, line: &Line<'n>) {
        let Some((target, thing)) = self.read(line) else { return };
        let place = line.at.map_or(line.node.place, |(_, place)| place);
        let turn = self.order;
        self.order += 1;
        let mut placed = Placed { key: line.key, place, thing };
        let Some((_, earlier)) = self.places.get(target.as_os_str()) else {
            self.places.insert(target.into_os_string(), (turn, placed));
            return;
        };
        if earlier.place.file == place.file {
            return self.twice(&target, earlier, &placed);
        }
        placed.thing.complete(&earlier.thing);
        self.reader.report.overrule(earlier.place, place, How::Replaced);
        if earlier.key != placed.key || !placed.thing.is_alike(&earlier.thing) {
            let message =
                format!("`{}` of {} takes the place of what a parent put there", placed.key, target.display());
            let hint = self.meant(earlier.key, line);
            let warning = Diagnostic::warning(place, message);
            let warning = warning.note(earlier.place, format!("`{}` put it there", earlier.key));
            self.reader.report.push(match hint {
                Some(hint) => warning.hint(hint),
                None => warning,
            });
        }
        self.places.insert(target.into_os_string(), (turn, placed));
    }

    /// What to write so that nobody needs to hear of it: in the file that comes later, which nobody edits if it is part of
    /// the program.
    fn meant(&self, key: &str, line: &Line) -> Option<String> {
        let source = self.reader.sources.get(line.node.place.file);
        if let Provenance::BuiltIn { .. } = source.provenance {
            let name = variable(source.slice(line.node.place), |name| self.reader.variables.declares(name))?;
            return Some(format!("if this is not meant, name another: --set {name}=PATH"));
        }
        Some(format!("if this is meant, remove it first: {}", removal(key, line)))
    }

    fn twice(&self, target: &Path, earlier: &Placed, placed: &Placed) {
        let hidden = earlier.key == "hide" || placed.key == "hide";
        let (message, hint) = if hidden && earlier.key != placed.key {
            let grants = if earlier.key == "hide" { placed.key } else { earlier.key };
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
            return read::listed(reader, line.key, line.node);
        };
        if line.node.is_false() {
            return None;
        }
        let target = path::target(reader, line.key, path, place);
        let thing =
            if line.key == "files" { read::file(reader, path, line.node) } else { read::link(reader, path, line.node) };
        let (target, thing) = (target?, thing?);
        read::not_root(reader, line.key, &target, place)?;
        Some((target, thing))
    }

    fn finish(self, rootfs: &mut Rootfs) {
        let places = self.places.into_iter().map(|(target, placed)| (PathBuf::from(target), placed));
        let mut places: Vec<(PathBuf, (usize, Placed))> = places.collect();
        places.sort_unstable_by_key(|(_, (turn, _))| *turn);
        for (target, (_, placed)) in places {
            let origin = Some(self.reader.origin(placed.place));
            match placed.thing {
                Thing::Bind(bind) => rootfs.binds.push(Bind { target, origin, ..bind }),
                Thing::Persist(persist) => rootfs.persist.push(Persist { target, origin, ..persist }),
                Thing::Tmpfs(tmpfs) => rootfs.tmpfs.push(Tmpfs { target, origin, ..tmpfs }),
                Thing::Hide(hide) => rootfs.hide.push(Hide { target, origin, ..hide }),
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

/// How a file takes away what a parent put where one of its own lines puts something, in that line's spelling.
fn removal(key: &str, line: &Line) -> String {
    let field = |name: &str| match &line.node.kind {
        Kind::Table(table) => table.get(name).map(|entry| super::set::text(&entry.value)),
        _ => None,
    };
    let (source, target) = split(mark(super::set::text(line.node)).1);
    let path = line.at.map(|(path, _)| path).or_else(|| field("target")).or_else(|| field("source"));
    let path = path.unwrap_or(target.unwrap_or(source));
    match key {
        "files" | "symlinks" => format!("{key} = {{ {} = false }}", escaped(path)),
        _ => format!("{key} = [{}]", escaped(&format!("!{path}"))),
    }
}
