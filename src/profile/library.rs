//! Every profile that has a name: where it was found, and what it says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::find::{self, SearchPath};
use super::load::{is_name, load};
use super::reach::{self, Short};
use super::{Loaded, Overrides, Profile};
use crate::host::Host;
use crate::say::printable;

/// One profile of the search path or of the program.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    /// `None`: it is part of the program.
    pub path: Option<PathBuf>,
    /// Only there to be extended.
    pub base: bool,
    /// A place that comes first has one of this name.
    pub hidden: bool,
    /// The first of its mistakes, if it has any.
    pub loaded: Result<Box<Loaded>, String>,
}

/// What the library holds, in the order of the search path, and how to shorten its paths.
#[derive(Debug)]
pub struct Library {
    pub profiles: Vec<Listed>,
    directories: Vec<PathBuf>,
    short: Short,
    host: Host,
}

const NO_NAME: &str = "no name leads to this file: letters, digits, `_`, `.` and `-` make one, at most 63";

/// Stands for the working directory: a listing is not about the place that it is called in.
const HERE: &str = "/<the working directory>";

pub fn library() -> Library {
    let host = Host::live_in(HERE.into());
    let search = SearchPath::new(&host, find::BUILT_IN);
    let mut profiles: Vec<Listed> = Vec::new();
    for directory in search.directories() {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|file| Some(file.file_name().to_string_lossy().strip_suffix(".toml")?.to_owned()))
            // Those are editors' own.
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        for name in names {
            let path = directory.join(format!("{name}.toml"));
            let hidden = profiles.iter().any(|known| known.name == name);
            // By its name where that leads to it: what is found so has to be nobody else's to write.
            let asked = if hidden { path.display().to_string() } else { name.clone() };
            let loaded = if is_name(&name) { read(&asked, &host) } else { Err(NO_NAME.to_owned()) };
            profiles.push(Listed { loaded, name, path: Some(path), base: false, hidden });
        }
    }
    for built_in in find::BUILT_IN {
        let hidden = profiles.iter().any(|known| known.name == built_in.name);
        let text = || super::load_text(built_in.text, built_in.name, &Overrides::default(), &host);
        let loaded = if hidden { outcome(text()) } else { read(built_in.name, &host) };
        profiles.push(Listed { name: built_in.name.into(), path: None, base: built_in.base, hidden, loaded });
    }
    let mut short: Short = vec![(HERE.into(), ".")];
    let home = host.user_by_uid(host.uid()).map(|user| user.home).filter(|home| home != Path::new("/"));
    short.extend(home.map(|home| (home, "~")));
    let directories = search.directories().to_vec();
    Library { profiles, directories, short, host }
}

fn read(name: &str, host: &Host) -> Result<Box<Loaded>, String> {
    outcome(load(name, &Overrides::default(), host))
}

fn outcome(loaded: Result<Loaded, super::Diagnostics>) -> Result<Box<Loaded>, String> {
    loaded
        .map(Box::new)
        .map_err(|problems| problems.list.first().map(|problem| problem.message.clone()).unwrap_or_default())
}

impl Library {
    /// A heading for each place, a line for each profile.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for directory in &self.directories {
            let found = self
                .profiles
                .iter()
                .filter(|listed| listed.path.as_ref().is_some_and(|path| path.starts_with(directory)));
            self.part(&mut out, &directory.display().to_string(), found.collect());
        }
        let built_in = |base| self.profiles.iter().filter(move |listed| listed.path.is_none() && listed.base == base);
        self.part(&mut out, "built-in", built_in(false).collect());
        self.part(&mut out, "built-in, to be extended", built_in(true).collect());
        out
    }

    /// Those that are there for one program: called after it, or with its file, or its name, as their whole command.
    pub fn starting(&self, path: &Path, name: &str) -> Vec<String> {
        let starts = |loaded: &Loaded| match &loaded.profile.process.command[..] {
            [command] => Path::new(command) == path || Path::new(command).file_name() == Some(name.as_ref()),
            _ => false,
        };
        let meant = |listed: &&Listed| {
            listed.name == name
                || listed.loaded.as_ref().is_ok_and(|loaded| starts(loaded) || is_for(&loaded.profile, name))
        };
        let there = self.profiles.iter().filter(|listed| !listed.base && !listed.hidden);
        there.filter(meant).map(|listed| listed.name.clone()).collect()
    }

    fn part(&self, out: &mut String, heading: &str, profiles: Vec<&Listed>) {
        if profiles.is_empty() {
            return;
        }
        let reaches: Vec<String> = profiles.iter().map(|listed| self.reach(listed)).collect();
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let names = width(&mut profiles.iter().map(|listed| listed.name.len()));
        // What few profiles need is not paid for by all lines.
        let column = width(&mut reaches.iter().map(|reach| reach.chars().count()).filter(|width| *width <= 44));
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!("{}\n", printable(heading)));
        for (listed, reach) in profiles.iter().zip(reaches) {
            let description = match &listed.loaded {
                Ok(loaded) => loaded.profile.description.as_deref().unwrap_or_default(),
                Err(_) => "",
            };
            // Somebody who runs it without is told so, too late.
            let process = listed.loaded.as_ref().ok().map(|loaded| &loaded.profile.process);
            let none = process.is_some_and(|process| process.command.is_empty() && process.args.is_empty());
            let wants = if none && !listed.base && !listed.hidden { "  (-- COMMAND)" } else { "" };
            let what = format!("{description}{wants}");
            let long = !what.is_empty() && reach.chars().count() > column;
            // The column holds: below a longer one, as options and what they do are printed.
            let between = if long { format!("\n{:indent$}", "", indent = names + column + 6) } else { "  ".into() };
            for line in format!("  {:names$}  {reach:column$}{between}{what}", listed.name).lines() {
                out.push_str(&format!("{}\n", printable(line.trim_end())));
            }
        }
    }

    fn reach(&self, listed: &Listed) -> String {
        match &listed.loaded {
            _ if listed.hidden => "hidden by the one above of this name".into(),
            Ok(loaded) => reach::text(&loaded.profile, &self.short, &self.host),
            Err(message) => format!("error: {message}"),
        }
    }

    /// `[{name, description, path, base, hidden, reach, error}]`
    pub fn json(&self) -> Value {
        let listed = |listed: &Listed| {
            let loaded = listed.loaded.as_ref().ok();
            json!({
                "name": listed.name,
                "description": loaded.and_then(|loaded| loaded.profile.description.clone()),
                "path": listed.path,
                "base": listed.base,
                "hidden": listed.hidden,
                "reach": loaded.map(|loaded| reach::json(&loaded.profile, &self.short)),
                "error": listed.loaded.as_ref().err(),
            })
        };
        self.profiles.iter().map(listed).collect()
    }
}

/// Whether a profile that wants a command is for this one: "tar, unzip, 7z and the like in one directory".
fn is_for(profile: &Profile, program: &str) -> bool {
    let named = profile.description.as_deref().and_then(|text| text.split_once(" and the like"));
    profile.process.command.is_empty() && named.is_some_and(|(named, _)| named.split(", ").any(|word| word == program))
}
