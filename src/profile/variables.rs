//! `${…}` in a profile's strings. Variables bind late: what a child's `[vars]` say reaches its parents' text.

mod caller;
mod find;
mod pieces;
mod undefined;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::diagnostic::{Diagnostic, Report};
use super::source::{Place, Sources};
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
}
