//! `${…}` in a profile's strings. Variables bind late: what a child's `[vars]` say reaches its parents' text.

mod caller;
mod pieces;
mod undefined;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use super::diagnostic::{Diagnostic, Report};
use super::source::{Place, Provenance, Sources};
use crate::host::Host;
use caller::Caller;
pub use pieces::{Piece, closing_brace, name_and_default, pieces};

/// Those that every profile can use; the user's own directories (`XDG_DOWNLOAD_DIR`, …) come on top.
pub const BUILT_IN: [&str; 12] = [
    "HOME",
    "USER",
    "UID",
    "GID",
    "PWD",
    "NAME",
    "PROFILE_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
];

/// The kernel takes no longer argument or variable (MAX_ARG_STRLEN), and `a = "${b}${b}"` grows fast.
const LONGEST: usize = 128 * 1024;

/// How deep values and defaults may lie in one another: more is no text of a person's, and the stack has an end.
const DEEPEST: u32 = 64;

pub struct Variables<'a> {
    host: &'a Host,
    sources: &'a Sources,
    report: &'a Report,
    /// `[vars]` of all files, and `--set`.
    declared: BTreeMap<String, (String, Place)>,
    /// A parent could not be read, so what is missing may stand there.
    pub incomplete: bool,
    name: OnceCell<String>,
    caller: Caller<'a>,
    /// `None`: it failed, and that was reported.
    expanded: RefCell<BTreeMap<String, Option<Value>>>,
    open: RefCell<Vec<String>>,
    /// How many texts are being expanded, each for the one before.
    depth: Cell<u32>,
    /// Those of the command line that were used.
    asked: RefCell<BTreeSet<String>>,
}

/// What a variable comes to, and whether it begins with plain text of the command line: `--set variable=value`.
type Value = (Rc<str>, bool);

enum Found {
    Value(Value),
    Missing,
    /// Reported already.
    Failed,
}

impl<'a> Variables<'a> {
    pub fn new(
        host: &'a Host,
        sources: &'a Sources,
        report: &'a Report,
        declared: BTreeMap<String, (String, Place)>,
        incomplete: bool,
    ) -> Variables<'a> {
        Variables {
            host,
            sources,
            report,
            declared,
            incomplete,
            name: OnceCell::new(),
            caller: Caller::new(host),
            expanded: RefCell::default(),
            open: RefCell::default(),
            depth: Cell::new(0),
            asked: RefCell::default(),
        }
    }

    /// The machine that the profile is meant for.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Whether `[vars]` have it, or `--set`.
    pub fn declares(&self, name: &str) -> bool {
        self.declared.contains_key(name)
    }

    /// What `${NAME}` stands for from now on.
    pub fn set_name(&self, name: &str) {
        let _ = self.name.set(name.to_owned());
    }

    /// The text with every `${…}` replaced; nothing after an error, which is reported.
    pub fn expand<'t>(&self, text: &'t str, place: Place) -> Option<Cow<'t, str>> {
        self.expand_marked(text, place).map(|(text, _)| text)
    }

    /// The same, and whether it begins with plain text of the command line, in which no sign means anything.
    pub fn expand_marked<'t>(&self, text: &'t str, place: Place) -> Option<(Cow<'t, str>, bool)> {
        if !text.contains('$') {
            return Some((Cow::Borrowed(text), false));
        }
        if self.depth.get() == DEEPEST {
            let message = format!("variables lie in one another more than {DEEPEST} deep");
            self.report.push(Diagnostic::error(place, message).hint("write out some of them"));
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let expanded = self.expand_parts(text, place);
        self.depth.set(self.depth.get() - 1);
        expanded.map(|(text, plain)| (Cow::Owned(text), plain))
    }

    fn expand_parts(&self, text: &str, place: Place) -> Option<(String, bool)> {
        let mut out = String::with_capacity(text.len());
        let mut begins_plain = false;
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Dollar | Piece::Bare(_) => out.push('$'),
                Piece::Variable(inner) => {
                    let (value, plain) = self.replace(inner, place)?;
                    begins_plain |= plain && out.is_empty();
                    out.push_str(&value);
                }
                Piece::Unclosed(rest) => {
                    let part = self.sources.part_of(place, rest);
                    self.report.push(
                        Diagnostic::error(part, "`${` is never closed")
                            .hint("close it with `}`, or write `$$` for a dollar"),
                    );
                    return None;
                }
            }
            if out.len() > LONGEST {
                self.report.push(
                    Diagnostic::error(place, format!("this grows to more than {} KiB", LONGEST / 1024))
                        .hint("look for variables that contain one another"),
                );
                return None;
            }
        }
        Some((out, begins_plain))
    }

    /// The passwd home of the account that runs the profile: what `~` stands for.
    pub fn home(&self) -> Option<&str> {
        self.caller.home()
    }

    /// Every declared variable and the place of its value.
    pub fn declared(&self) -> impl Iterator<Item = (&str, Place)> {
        self.declared.iter().map(|(name, (_, place))| (name.as_str(), *place))
    }

    /// Reports what is wrong with those that no text contains: a mistake does not wait for its first use. Whatever a
    /// child declares counts, as it does where they are used.
    pub fn check_unused(&self) {
        for (name, (text, place)) in self.declared.iter().filter(|(_, (text, _))| text.contains('$')) {
            self.find_declared(name, text, *place);
        }
    }

    /// Some text contained it.
    pub fn was_asked(&self, name: &str) -> bool {
        self.asked.borrow().contains(name)
    }

    /// `NAME` or `NAME:-DEFAULT`.
    fn replace(&self, inner: &str, place: Place) -> Option<Value> {
        let (name, default) = name_and_default(inner);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            let part = self.sources.part_of(place, &format!("${{{inner}}}"));
            let message = match name {
                "" => "a variable without a name".to_owned(),
                _ => format!("`{name}` cannot be the name of a variable"),
            };
            self.report.push(
                Diagnostic::error(part, message).hint("write ${name} or ${name:-default}; $${ stands for a literal ${"),
            );
            return None;
        }
        match self.find(name, place) {
            Found::Value(value) if !value.0.is_empty() || default.is_none() => Some(value),
            Found::Value(_) => self.value(default?, place),
            Found::Missing => match default {
                Some(default) => self.value(default, place),
                None => {
                    self.undefined(name, inner, place);
                    None
                }
            },
            Found::Failed => None,
        }
    }

    fn value(&self, text: &str, place: Place) -> Option<Value> {
        self.expand_marked(text, place).map(|(text, plain)| (text.into(), plain))
    }

    fn find(&self, name: &str, place: Place) -> Found {
        let found = |value: Option<String>| value.map_or(Found::Missing, |value| Found::Value((value.into(), false)));
        if let Some(variable) = name.strip_prefix("env.") {
            return found(self.host.env(variable));
        }
        if let Some((text, declared_at)) = self.declared.get(name) {
            if self.sources.get(declared_at.file).provenance == Provenance::CommandLine {
                self.asked.borrow_mut().insert(name.to_owned());
            }
            return self.find_declared(name, text, *declared_at);
        }
        found(self.built_in(name, place))
    }

    fn find_declared(&self, name: &str, text: &str, declared_at: Place) -> Found {
        if let Some(known) = self.expanded.borrow().get(name) {
            return known.clone().map_or(Found::Failed, Found::Value);
        }
        if self.open.borrow().iter().any(|open| open == name) {
            let circle = self.open.borrow().iter().skip_while(|open| *open != name).cloned().collect::<Vec<_>>();
            let message = format!("`{name}` is defined by itself: {} → {name}", circle.join(" → "));
            self.report.push(Diagnostic::error(declared_at, message).hint("give one of them a value of its own"));
            return Found::Failed;
        }
        self.open.borrow_mut().push(name.to_owned());
        let mut value = self.value(text, declared_at);
        if let Some((value, plain)) = &mut value {
            *plain |= !value.is_empty() && self.is_plain(declared_at);
        }
        self.open.borrow_mut().pop();
        self.expanded.borrow_mut().insert(name.to_owned(), value.clone());
        value.map_or(Found::Failed, Found::Value)
    }

    /// Whether it is the value of `--set variable=value`, and not that of a key of `[vars]`.
    fn is_plain(&self, place: Place) -> bool {
        let source = self.sources.get(place.file);
        let name = source.text.split('=').next().unwrap_or_default();
        source.provenance == Provenance::CommandLine && !name.contains('.')
    }

    fn built_in(&self, name: &str, place: Place) -> Option<String> {
        match name {
            "NAME" => self.name.get().cloned(),
            "PROFILE_DIR" => self.directory(place)?.to_str().map(String::from),
            _ => self.caller.value(name),
        }
    }

    /// What `${PROFILE_DIR}` means: on the command line that of the profile that was asked for.
    fn directory(&self, place: Place) -> Option<&Path> {
        let own = self.sources.get(place.file);
        let on_command_line = own.provenance == Provenance::CommandLine;
        let source = if on_command_line { self.sources.get(0) } else { own };
        source.directory.as_deref()
    }
}
