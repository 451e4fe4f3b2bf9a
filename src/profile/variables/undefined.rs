//! What to write instead of a variable that has no value.

use super::{BUILT_IN, Variables};
use crate::isolation::nearest;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::source::Place;

impl Variables<'_> {
    /// `inner` is what stands between the braces.
    pub(super) fn undefined(&self, name: &str, inner: &str, place: Place) {
        if self.incomplete {
            return;
        }
        let part = self.sources.part_of(place, &format!("${{{inner}}}"));
        let names = self.declared.keys().map(String::as_str).chain(BUILT_IN);
        let hint = if name == "HOME" || name == "USER" || name.starts_with("XDG_") && self.home().is_none() {
            format!("user {} has no home in /etc/passwd; write a path, or use ${{env.HOME}}", self.host.uid())
        } else if name == "PROFILE_DIR" {
            match self.directory(place) {
                Some(directory) => format!("the name of {directory:?} is not UTF-8; write an absolute path"),
                None => "a built-in profile has no directory; write an absolute path".into(),
            }
        } else if name == "PWD" {
            match self.host.cwd() {
                Some(directory) => format!("the name of {directory:?} is not UTF-8; call it in another directory"),
                None => "the working directory has been removed: cd to one that exists".into(),
            }
        } else if name == "NAME" {
            "`name` cannot contain itself: write it out".into()
        } else if name.starts_with("XDG_") && name.ends_with("_DIR") {
            format!("this user has no such directory; give a default: ${{{name}:-~/…}}")
        } else if let Some(near) = nearest(name, names) {
            format!("did you mean ${{{near}}}?")
        } else if name.starts_with("env.") {
            format!("the variable is not set here; give a default: ${{{name}:-…}}")
        } else if self.host.env(name).is_some() {
            format!("write ${{env.{name}}} for the caller's variable")
        } else {
            let default = name.split('-').next().unwrap_or(name);
            format!("declare it in [vars], or give a default: ${{{default}:-…}}")
        };
        self.report.push(Diagnostic::error(part, format!("${{{name}}} is not defined")).hint(hint));
    }
}
