//! Paths: relative ones, `~`, and what the kernel would not take.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::reader::Reader;
use crate::host::Node;
use crate::profile::rewrite::variable;
use crate::profile::source::{Place, Provenance};
use crate::profile::variables::{Piece, pieces};

/// The kernel's PATH_MAX and NAME_MAX.
const LONGEST: usize = 4095;
const LONGEST_NAME: usize = 255;

/// The absolute path that a text stands for: variables replaced, `~` and relative paths resolved, `.` and `..` gone.
pub fn resolve(reader: &Reader, key: &str, text: &str, place: Place) -> Option<PathBuf> {
    absolute(reader, key, &expand(reader, key, text, place)?, place)
}

/// A text whose variables are replaced already.
pub fn absolute(reader: &Reader, key: &str, expanded: &str, place: Place) -> Option<PathBuf> {
    let joined = match expanded.strip_prefix('~') {
        Some(below) if below.is_empty() || below.starts_with('/') => match reader.variables.home() {
            Some(home) => [home, below].concat(),
            None => {
                let message = "`~` has no meaning here: this user has no home in /etc/passwd";
                return reader.error(place, message, "write an absolute path");
            }
        },
        Some(_) => {
            let hint = format!("write the absolute path of that home, or \"./{expanded}\" for a file of this name");
            return reader.error(place, format!("`{expanded}` names another user's home"), hint);
        }
        None => expanded.to_owned(),
    };
    let absolute = if joined.starts_with('/') {
        PathBuf::from(joined)
    } else {
        let source = reader.sources.get(place.file);
        match &source.directory {
            Some(directory) if directory.to_str().is_none() => {
                let message = format!("`{joined}` is relative to {directory:?}, whose name is not UTF-8");
                return reader.error(place, message, "write an absolute path, or move the profile");
            }
            Some(directory) => directory.join(joined),
            None if source.provenance == Provenance::CommandLine => {
                let message = format!("`{joined}` is relative, and the working directory has been removed");
                return reader.error(place, message, "cd to a directory that exists, or write an absolute path");
            }
            None => {
                let message = format!("`{joined}` is relative, and a built-in profile has no directory");
                // Those of the language are in upper case, and absolute.
                let declared = |name: &str| name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('.');
                let hint = match variable(source.slice(place), declared) {
                    Some(name) => {
                        format!("write an absolute path: --set {name}=\"$PWD/{}\"", joined.trim_start_matches("./"))
                    }
                    None => "write an absolute path".to_owned(),
                };
                return reader.error(place, message, hint);
            }
        }
    };
    let clean = if is_plain(&absolute) { absolute } else { normal(&absolute) };
    let length = clean.as_os_str().len();
    if length > LONGEST || length > LONGEST_NAME && clean.iter().any(|name| name.len() > LONGEST_NAME) {
        let hint = format!("shorten it to {LONGEST} bytes, and {LONGEST_NAME} for each name in it");
        return reader.error(place, format!("a path of `{key}` is longer than the kernel takes"), hint);
    }
    Some(clean)
}

/// A place inside: absolute, without `..`.
pub fn target(reader: &Reader, key: &str, text: &str, place: Place) -> Option<PathBuf> {
    let expanded = expand(reader, key, text, place)?;
    if !expanded.starts_with(['/', '~']) {
        let hint = match written_absolute(reader, text, &expanded, place) {
            Some(meant) => format!("a target is absolute: write \"{meant}\""),
            None => "a target is absolute, as in \"/srv\"".to_owned(),
        };
        return reader.error(place, format!("the target `{expanded}` is relative"), hint);
    }
    if expanded.split('/').any(|part| part == "..") {
        let meant = normal(Path::new(&*expanded));
        let hint = match expanded.starts_with('/') {
            true => format!("a target has none: write \"{}\"", meant.display()),
            false => "write the path without it".to_owned(),
        };
        return reader.error(place, format!("the target `{expanded}` contains `..`"), hint);
    }
    absolute(reader, key, &expanded, place)
}

/// What a relative target was meant to be: the place that a source of this text would appear at, where the text or the
/// file system says that this was in mind.
pub fn written_absolute(reader: &Reader, text: &str, expanded: &str, place: Place) -> Option<String> {
    if text.starts_with(['/', '~']) {
        return Some(text.to_owned());
    }
    let source = reader.sources.get(place.file);
    let dotted = expanded.split('/').next().is_some_and(|first| matches!(first, "." | ".."));
    let beside = source.directory.as_ref().map(|directory| normal(&directory.join(expanded)));
    match beside {
        Some(beside) if dotted || reader.variables.host().node(&beside) != Node::Missing => {
            let below = text.strip_prefix("./").unwrap_or(text);
            let plain = !below.is_empty() && !below.split('/').any(|part| matches!(part, "." | ".."));
            // On the command line it is the directory of the profile, and paths start at the working directory.
            match matches!(source.provenance, Provenance::File { .. }) && plain {
                true => Some(format!("${{PROFILE_DIR}}/{below}")),
                false => beside.to_str().map(str::to_owned),
            }
        }
        // The part after the last `..` is what it may have been meant to be.
        _ => normal(&Path::new("/").join(expanded)).to_str().filter(|meant| *meant != "/").map(str::to_owned),
    }
}

/// Whether a text without variables names something that is there, colons and all. Only what is in error is asked about.
pub fn names_something(reader: &Reader, text: &str, place: Place) -> bool {
    let path = match text.strip_prefix("~/") {
        _ if text.contains('$') => None,
        Some(below) => reader.variables.home().map(|home| Path::new(home).join(below)),
        None if text.starts_with('/') => Some(PathBuf::from(text)),
        None => reader.sources.get(place.file).directory.as_ref().map(|directory| directory.join(text)),
    };
    path.is_some_and(|path| reader.variables.host().node(&normal(&path)) != Node::Missing)
}

fn expand<'t>(reader: &Reader, key: &str, text: &'t str, place: Place) -> Option<Cow<'t, str>> {
    if let Some(name) = stray_dollar(text) {
        let part = reader.sources.part_of(place, &format!("${name}"));
        let hint = format!("write ${{{name}}} for the variable, or $${name} for a dollar");
        return reader.error(part, format!("`${name}` is not replaced"), hint);
    }
    let (expanded, plain) = reader.variables.expand_marked(text, place)?;
    if plain && expanded.starts_with('~') {
        return not_written(reader, key, text, &expanded, place);
    }
    if expanded.contains(['\n', '\r']) {
        let hint = "take the line break out; a variable may have brought it in";
        return reader.error(place, format!("a path of `{key}` is more than one line"), hint);
    }
    if let Some(c) = expanded.chars().find(|c| c.is_control()) {
        let message = format!("a path of `{key}` contains the control character U+{:04X}", c as u32);
        return reader.error(place, message, "remove it");
    }
    if expanded.is_empty() {
        return reader.error(place, format!("a path of `{key}` is empty"), "write a path, or leave the entry out");
    }
    Some(expanded)
}

/// `~` counts where somebody wrote it into a profile: a value of the command line may be the name of a file.
fn not_written<T>(reader: &Reader, key: &str, text: &str, expanded: &str, place: Place) -> Option<T> {
    let name = variable(text, |name| reader.variables.declares(name)).unwrap_or("NAME");
    let shell = match expanded.strip_prefix('~') {
        Some(below) if below.is_empty() || below.starts_with('/') => {
            format!("write --set {name}=\"$HOME{below}\", which the shell replaces, or ")
        }
        _ => "write ".to_owned(),
    };
    let message = format!("`~` is not replaced in what --set gives to a path of `{key}`: {expanded:?}");
    reader.error(place, message, format!("{shell}\"./{expanded}\" for a file of this name"))
}

/// The name in a shell-like `$NAME`, which the language does not have and no path is likely to contain.
fn stray_dollar(text: &str) -> Option<&str> {
    pieces(text).find_map(|piece| match piece {
        Piece::Bare(rest) if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            Some(&rest[..end])
        }
        _ => None,
    })
}

/// Whether [`normal`] would change nothing, as with nearly every path that people write.
fn is_plain(path: &Path) -> bool {
    let plain = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
    match path.as_os_str().as_bytes() {
        b"/" => true,
        [b'/', rest @ ..] => rest.split(|byte| *byte == b'/').all(plain),
        _ => false,
    }
}

/// Without `.`, `..`, doubled or trailing slashes; by the text alone, as links are not followed here.
pub fn normal(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_plain() {
        for (path, plain) in [
            ("/a//b/./c/", "/a/b/c"),
            ("/a/../b", "/b"),
            ("/../..", "/"),
            ("/", "/"),
            ("/a", "/a"),
            ("/.a/..b", "/.a/..b"),
        ] {
            let (path, plain) = (Path::new(path), Path::new(plain));
            // Compared as bytes: a trailing slash is no part of a Path's identity.
            assert_eq!(normal(path).as_os_str(), plain.as_os_str());
            assert_eq!(is_plain(path), path.as_os_str() == plain.as_os_str(), "{}", path.display());
        }
    }
}
