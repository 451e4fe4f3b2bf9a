//! A starting profile for an installed program: `sandbox new`.
//!
//! What the program cannot start without is granted; whatever else it may need stands there as a comment, for a person to
//! decide. Everything is read, nothing is started.

mod desktop;
mod libraries;
mod program;
mod service;
mod text;
mod unit;
mod yours;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::profile;
use desktop::Desktop;
use service::Service;

pub use text::file_name;

/// Why there is no draft.
#[derive(Debug)]
pub struct Refused {
    pub message: String,
    pub hint: String,
}

/// What was found out about a program.
#[derive(Debug, Default)]
struct Findings {
    /// As it was asked for, without its directory.
    name: String,
    /// Where it was found; links are not followed, because some programs go by the name they are called with.
    path: PathBuf,
    /// What it is, in a sentence.
    what: String,
    /// Outside the system: place and reason.
    grants: BTreeMap<PathBuf, String>,
    /// Directories in which it looks for programs by name, beside the usual ones.
    search: Vec<PathBuf>,
    /// Its own configuration and data, as they exist.
    yours: Vec<yours::Place>,
    desktop: Option<Desktop>,
    service: Option<Service>,
    /// The libraries that it names.
    libraries: Vec<String>,
    i386: bool,
    remarks: Vec<String>,
    /// The profiles that start it, by their names.
    profiles: Vec<String>,
}

/// The text of a profile for a program, by its name or path. `file` is where it will stand.
pub fn draft(app: &str, file: Option<&Path>, host: &Host) -> Result<String, Refused> {
    let home = host.user_by_uid(host.uid()).map(|user| user.home).filter(|home| *home != Path::new("/"));
    let home = home.as_deref();
    let path = program::find(app, host)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut findings = Findings { name, path: path.clone(), ..Findings::default() };
    program::examine(&path, home, host, &mut findings)?;
    findings.desktop = desktop::find(&findings.name, host);
    if let Some(unit) = unit::find(&path, host) {
        match unit.lacks(host) {
            Some(lacking) => findings.remarks.push(format!(
                "{} would start it as a server, but for {}, which does not exist",
                unit.path.display(),
                lacking.display()
            )),
            None => findings.service = Some(Service::new(unit, &findings.name, host)),
        }
    }
    findings.yours = yours::places(&findings.name, home, host);
    findings.yours.retain(|place| !findings.grants.contains_key(&place.path));
    let paths = findings.grants.keys().chain(findings.yours.iter().map(|place| &place.path)).chain([&path]);
    if let Some(path) = paths.into_iter().find(|path| path.to_str().is_none()) {
        let hint = "a profile is text: give it a name that is, or one that leads to it by a link";
        return Err(Refused { message: format!("{path:?} is not UTF-8"), hint: hint.into() });
    }
    findings.profiles = profile::library().starting(&findings.path, &findings.name);
    for kin in profile::BUILT_IN.iter().filter(|built_in| !built_in.base && is_kin(built_in.name, &findings.name)) {
        if !findings.profiles.iter().any(|name| name == kin.name) {
            findings.profiles.push(kin.name.to_owned());
        }
    }
    Ok(text::text(&findings, file, home, host))
}

impl Findings {
    /// What lies outside the system has to be granted.
    fn needs(&mut self, place: &Path, why: &str) {
        if is_system(place) || self.grants.keys().any(|granted| place.starts_with(granted)) {
            return;
        }
        self.grants.retain(|granted, _| !granted.starts_with(place));
        self.grants.insert(place.to_owned(), why.to_owned());
    }
}

/// A profile that starts its program through a shell goes by a longer or shorter name: mariadbd, postgres.
fn is_kin(profile: &str, program: &str) -> bool {
    profile.len().min(program.len()) > 5 && (profile.starts_with(program) || program.starts_with(profile))
}

/// Directories of the home that hold things of many kinds.
const SHARED: [&str; 9] = ["Downloads", "Desktop", "Documents", "bin", ".local", ".config", ".cache", ".ssh", ".gnupg"];

/// What base = "system" shows anyway.
fn is_system(path: &Path) -> bool {
    let top = path.iter().nth(1).and_then(|name| name.to_str()).unwrap_or_default();
    matches!(top, "usr" | "bin" | "sbin" | "etc" | "opt") || top.starts_with("lib")
}

/// The tree that an installation outside the system consists of; the file alone where that is not to be told from the
/// rest of somebody's files.
fn installation(file: &Path, home: Option<&Path>) -> PathBuf {
    for store in ["/nix/store", "/gnu/store"] {
        if file.starts_with(store) {
            return store.into();
        }
    }
    let mut outermost = PathBuf::new();
    for name in file.iter() {
        outermost.push(name);
        if name == "node_modules" {
            return outermost;
        }
    }
    let Some(directory) = file.parent() else { return file.to_owned() };
    let part = ["bin", "sbin", "shims", "lib", "lib64", "libexec"]
        .iter()
        .any(|name| directory.file_name() == Some(name.as_ref()));
    let tree = if part { directory.parent().unwrap_or(directory) } else { directory };
    let depth = |path: &Path| path.components().count();
    let shared = match home {
        // Of the home itself, and of the directories in it that everything shares, nothing can be told apart.
        Some(home) if tree.starts_with(home) => {
            let below = tree.strip_prefix(home).unwrap_or(tree);
            let first = below.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
            match depth(below) {
                0 => true,
                1 => SHARED.contains(&first),
                2 => matches!(first, ".local" | ".config" | ".cache"),
                _ => false,
            }
        }
        _ => depth(tree) <= 2 || home.is_some_and(|home| home.starts_with(tree)) || tree == Path::new("/var/tmp"),
    };
    if shared { file.to_owned() } else { tree.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_told_from_other_files() {
        let home = Some(Path::new("/home/ada"));
        for (file, tree) in [
            ("/home/ada/bin/tool", "/home/ada/bin/tool"),
            ("/home/ada/tool", "/home/ada/tool"),
            ("/home/ada/.local/bin/tool", "/home/ada/.local/bin/tool"),
            ("/home/ada/Downloads/tool", "/home/ada/Downloads/tool"),
            ("/home/ada/Downloads/app-1.0/bin/app", "/home/ada/Downloads/app-1.0"),
            ("/home/ada/apps/app/app", "/home/ada/apps/app"),
            ("/home/ada/.cargo/bin/cargo", "/home/ada/.cargo"),
            ("/home/ada/.pyenv/shims/python3", "/home/ada/.pyenv"),
            ("/home/ada/.nvm/versions/node/v20/bin/node", "/home/ada/.nvm/versions/node/v20"),
            ("/home/ada/.npm/lib/node_modules/x/cli.js", "/home/ada/.npm/lib/node_modules"),
            ("/home/ada/.local/share/tool/tool", "/home/ada/.local/share/tool"),
            ("/nix/store/abc-jq/bin/jq", "/nix/store"),
            ("/srv/app/bin/app", "/srv/app"),
            ("/srv/tool", "/srv/tool"),
            ("/home/tool", "/home/tool"),
        ] {
            assert_eq!(installation(Path::new(file), home), Path::new(tree), "{file}");
        }
    }

    #[test]
    fn the_system_is_what_every_profile_shows() {
        for (path, system) in [("/usr/bin/jq", true), ("/lib64/ld.so", true), ("/opt/x", true), ("/srv/x", false)] {
            assert_eq!(is_system(Path::new(path)), system, "{path}");
        }
    }
}
