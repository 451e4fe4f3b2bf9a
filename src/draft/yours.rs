//! What a program keeps in the home, as far as it is there: by the XDG base directories, and by older habit.

use std::path::{Path, PathBuf};

use crate::host::{Host, Node};

#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub writable: bool,
    pub what: &'static str,
}

/// Settings are there to be read; what it produces itself it may change.
const BASES: [(&str, &str, bool, &str); 4] = [
    ("XDG_CONFIG_HOME", ".config", false, "its settings; move it down if it should change them"),
    ("XDG_DATA_HOME", ".local/share", true, "its data"),
    ("XDG_STATE_HOME", ".local/state", true, "its state"),
    ("XDG_CACHE_HOME", ".cache", true, "its cache"),
];

pub fn places(name: &str, home: Option<&Path>, host: &Host) -> Vec<Place> {
    let Some(home) = home else { return Vec::new() };
    let mut places = Vec::new();
    let called = |file: &str| file.eq_ignore_ascii_case(name);
    for (variable, default, writable, what) in BASES {
        let base = host.env(variable).filter(|path| path.starts_with('/')).map(PathBuf::from);
        let base = base.unwrap_or_else(|| home.join(default));
        for file in host.list(&base).into_iter().filter(|file| called(file)) {
            let path = base.join(file);
            // Elsewhere a directory of this name may be anybody's; a file or a link is not what the convention means.
            if matches!(host.node(&path), Node::Directory { uid, .. } if uid == host.uid()) {
                places.push(Place { path, writable, what });
            }
        }
    }
    for ending in ["", "rc", "config", ".conf"] {
        let path = home.join(format!(".{name}{ending}"));
        if BASES.iter().any(|(_, base, ..)| home.join(base).starts_with(&path)) {
            continue;
        }
        if matches!(host.node(&path), Node::Directory { uid, .. } | Node::File { uid, .. } if uid == host.uid()) {
            places.push(Place { path, writable: false, what: "its settings" });
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn only_what_is_there_and_ones_own_counts() {
        let mut facts = Facts { uid: Some(1000), ..Facts::default() };
        facts.env = Some([("XDG_CACHE_HOME".to_owned(), "/cache".to_owned())].into());
        let directory = |uid| Node::Directory { uid, mode: 0o755 };
        facts.paths.extend([
            ("/home/me/.config/Web".to_owned(), directory(1000)),
            ("/home/me/.local/share/web".to_owned(), directory(0)),
            ("/cache/web".to_owned(), directory(1000)),
            ("/home/me/.webrc".to_owned(), Node::File { uid: 1000, mode: 0o644 }),
        ]);
        facts.directories.insert("/home/me/.config".into(), vec!["Web".into(), "other".into()]);
        facts.directories.insert("/home/me/.local/share".into(), vec!["web".into()]);
        facts.directories.insert("/cache".into(), vec!["web".into()]);
        let found = places("web", Some(Path::new("/home/me")), &Host::known(facts));
        let found: Vec<(&str, bool)> =
            found.iter().map(|place| (place.path.to_str().unwrap(), place.writable)).collect();
        let mut facts = Facts { uid: Some(1000), ..Facts::default() };
        for shared in [".config", ".local", ".cache", ".localrc"] {
            facts.paths.insert(format!("/home/me/{shared}"), Node::Directory { uid: 1000, mode: 0o755 });
        }
        let host = Host::known(facts);
        for (name, own) in [("config", None), ("cache", None), ("local", Some("/home/me/.localrc"))] {
            let places = places(name, Some(Path::new("/home/me")), &host);
            assert_eq!(
                places.iter().map(|place| place.path.to_str()).collect::<Vec<_>>(),
                Vec::from_iter(own.map(Some))
            );
        }
        assert_eq!(found, [("/home/me/.config/Web", false), ("/cache/web", true), ("/home/me/.webrc", false)]);
    }
}
