//! Where a profile is when it is called by its name.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::load::is_name;
use super::open::{self, Named, Refusal, Text};
use crate::host::Host;
use crate::isolation::nearest;

/// A profile that is part of the program.
#[derive(Debug)]
pub struct BuiltIn {
    pub name: &'static str,
    /// Only there to be extended.
    pub base: bool,
    pub text: &'static str,
}

/// Every file under `profiles/`, sorted by name.
pub const BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// Those of the machine, in the order they are looked through.
const SHARED: [&str; 2] = ["/etc/sandbox/profiles", "/usr/share/sandbox/profiles"];

/// The directories in the order they are looked through, and what comes after them.
pub struct SearchPath<'h> {
    host: &'h Host,
    directories: OnceCell<Vec<PathBuf>>,
    /// Which of them are there: mostly none is, and each name would be looked for in all.
    present: OnceCell<Vec<bool>>,
    pub built_in: &'h [BuiltIn],
}

/// What a name or path led to.
pub enum Found<'b> {
    File {
        /// As a person would name it.
        shown: String,
        path: PathBuf,
        text: Text,
        /// Its directory's turn on the search path, if it was found there.
        turn: Option<usize>,
        /// How it was named, or the first of those who extend it.
        named: Named,
    },
    BuiltIn(&'b BuiltIn),
}

impl<'h> SearchPath<'h> {
    pub fn new(host: &'h Host, built_in: &'h [BuiltIn]) -> SearchPath<'h> {
        SearchPath { host, directories: OnceCell::new(), present: OnceCell::new(), built_in }
    }

    /// A profile that is named by its path needs none of them.
    pub fn directories(&self) -> &[PathBuf] {
        self.directories.get_or_init(|| {
            let own = configured(self.host).or_else(|| by_default(self.host));
            own.into_iter().chain(SHARED.map(PathBuf::from)).collect()
        })
    }

    /// Follows an explicit path. `shown` is what to call it. With `Named::Word` it stands in a profile that was looked up
    /// itself, and nobody chose this very file.
    pub fn by_path(&self, shown: String, path: &Path, named: Named) -> Result<Found<'h>, Refusal> {
        // Without `.`, which says nothing; `..` stays, as what it leads to is the kernel's to say.
        let path: PathBuf = path.components().collect();
        let text = open::read(&path, named, self.host)?;
        Ok(Found::File { shown, path, text, turn: None, named })
    }

    /// The first profile of this name, from the directory with this turn on, that is not `but`.
    pub fn by_name(&self, name: &str, from: usize, but: Option<(u64, u64)>) -> Result<Found<'h>, Refusal> {
        if !is_name(name) {
            return Err(Refusal::Missing);
        }
        let present = self.present.get_or_init(|| self.directories().iter().map(|path| path.exists()).collect());
        let directories = self.directories().iter().zip(present).enumerate().skip(from);
        for (turn, (directory, _)) in directories.filter(|(_, (_, present))| **present) {
            let path = directory.join(format!("{name}.toml"));
            match open::read(&path, Named::Word, self.host) {
                Ok(text) if Some(text.identity) == but => {}
                Ok(text) => {
                    let (shown, turn, named) = (path.display().to_string(), Some(turn), Named::Word);
                    return Ok(Found::File { shown, path, text, turn, named });
                }
                Err(Refusal::Missing) => {}
                // What follows on the search path may grant more than what was put before it.
                Err(unfit) => return Err(unfit),
            }
        }
        let known = self.built_in.iter().find(|built_in| built_in.name == name);
        known.filter(|_| from <= self.directories().len()).map(Found::BuiltIn).ok_or(Refusal::Missing)
    }

    /// What to do about a name that led nowhere.
    pub fn hint(&self, name: &str) -> String {
        if name == "-" {
            return "no profile is read from stdin: write it to a file, and name that by its path".into();
        }
        if !is_name(name) {
            return "names have letters, digits, `_`, `.` and `-`; a path contains `/` or ends in .toml".into();
        }
        let listed = self.directories().iter().flat_map(std::fs::read_dir).flatten().flatten();
        let listed = listed.filter_map(|file| file.file_name().to_str()?.strip_suffix(".toml").map(String::from));
        let known: Vec<String> = listed.chain(self.built_in.iter().map(|profile| profile.name.to_owned())).collect();
        if let Some(near) = nearest(name, known.iter().map(String::as_str).filter(|known| *known != name)) {
            return format!("did you mean `{near}`?");
        }
        let directories: Vec<String> = self.directories().iter().map(|path| path.display().to_string()).collect();
        let directories = directories.join(", ");
        format!("`sandbox profiles` lists those of {directories} and the built-in ones; a path contains `/`")
    }
}

/// Every directory in which a name may be looked up for this caller, whether `XDG_CONFIG_HOME` is set then or not.
pub fn everywhere(host: &Host) -> Vec<PathBuf> {
    let own = configured(host).into_iter().chain(by_default(host));
    let mut all: Vec<PathBuf> = own.chain(SHARED.map(PathBuf::from)).collect();
    all.dedup();
    all
}

fn configured(host: &Host) -> Option<PathBuf> {
    let config = host.env("XDG_CONFIG_HOME").map(PathBuf::from).filter(|config| config.is_absolute())?;
    Some(config.join("sandbox/profiles"))
}

fn by_default(host: &Host) -> Option<PathBuf> {
    let home = host.user_by_uid(host.uid())?.home;
    Some(home.join(".config/sandbox/profiles")).filter(|own| own.is_absolute())
}

/// Whether a profile is named by its path.
pub fn is_path(text: &str) -> bool {
    text.contains('/') || text.ends_with(".toml")
}

/// The name that a file has on a search path.
pub fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}
