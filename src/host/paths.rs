//! Facts that belong to a path.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Facts, Format, Host, Node, ask, format};

impl Host {
    /// What stands at an absolute path; a link at its end is not followed.
    pub fn node(&self, path: &Path) -> Node {
        self.recall_path(path, |facts| &mut facts.paths, ask::node, || Node::Missing)
    }

    /// Whether it is known what stands at a path that was asked about, or that there is nothing.
    pub fn tells_of(&self, path: &Path) -> bool {
        let unknown = |above: &Path| above.to_str().is_none_or(|above| self.unknown.borrow().contains(above));
        self.live || !path.ancestors().any(unknown)
    }

    /// The names in a directory, sorted; empty where it cannot be read. Names that are not UTF-8 are left out.
    pub fn list(&self, directory: &Path) -> Vec<String> {
        self.recall_path(directory, |facts| &mut facts.directories, ask::list, Vec::new)
    }

    /// The contents of a small text file.
    pub fn text(&self, path: &Path) -> Option<String> {
        self.recall_path(path, |facts| &mut facts.texts, ask::text, || None)
    }

    /// The same in a tree that may be another's, of a path that was found free of links: one that stands there now is
    /// not followed.
    pub fn text_of_others(&self, path: &Path) -> Option<String> {
        self.recall_path(path, |facts| &mut facts.texts, ask::text_of_others, || None)
    }

    /// The caller's mounts: a name that is not UTF-8 keeps none of the others from being told.
    pub fn mountinfo(&self) -> String {
        let path = Path::new("/proc/self/mountinfo");
        self.recall_path(path, |facts| &mut facts.texts, ask::lossy_text, || None).unwrap_or_default()
    }

    /// How many names a file has; 1 where nothing says more.
    pub fn links(&self, path: &Path) -> u64 {
        self.recall_path(path, |facts| &mut facts.links, ask::links, || 1)
    }

    /// Whether the caller may write to a file or directory; never on a read-only mount.
    pub fn writable(&self, path: &Path) -> bool {
        self.recall_path(path, |facts| &mut facts.writable, ask::writable, || false)
    }

    /// Whether systemd says that it leaves a cgroup to whoever runs in it.
    pub fn delegated(&self, path: &Path) -> bool {
        self.recall_path(path, |facts| &mut facts.delegated, ask::delegated, || false)
    }

    /// The block device that a path is on, links followed; of a block device's node the device itself.
    pub fn device(&self, path: &Path) -> Option<(u32, u32)> {
        self.recall_path(path, |facts| &mut facts.devices, ask::device, || None)
    }

    /// What a file at a path free of links would be executed as; facts handed in need not tell.
    pub fn format(&self, path: &Path) -> Format {
        let told = || path.to_str().is_some_and(|name| self.facts.borrow().formats.contains_key(name));
        if !self.live && !told() {
            return Format::Unclear;
        }
        self.recall_path(path, |facts| &mut facts.formats, format::of_file, || Format::Unclear)
    }

    /// A path that is not UTF-8 has no place in the facts, and is asked about each time.
    fn recall_path<T: Clone>(
        &self,
        path: &Path,
        place: fn(&mut Facts) -> &mut BTreeMap<String, T>,
        ask: fn(&Path) -> T,
        absent: fn() -> T,
    ) -> T {
        let answer = |path| if self.live { ask(path) } else { absent() };
        let Some(name) = path.to_str() else { return answer(path) };
        let facts = &mut *self.facts.borrow_mut();
        if let Some(fact) = place(facts).get(name) {
            return fact.clone();
        }
        if !self.live && !facts.list_without(path) {
            self.unknown.borrow_mut().insert(name.to_owned());
        }
        let fact = answer(path);
        place(facts).insert(name.to_owned(), fact.clone());
        fact
    }
}
