//! What one `${…}` comes to: the environment's, a declared variable, or one that every profile has.

use std::path::Path;

use super::{Value, Variables, name_and_default};
use crate::profile::diagnostic::Diagnostic;
use crate::profile::source::{Place, Provenance};

pub(super) enum Found {
    Value(Value),
    Missing,
    /// Reported already.
    Failed,
}

impl Variables<'_> {
    /// `NAME` or `NAME:-DEFAULT`.
    pub(super) fn replace(&self, inner: &str, place: Place) -> Option<Value> {
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

    pub(super) fn find_declared(&self, name: &str, text: &str, declared_at: Place) -> Found {
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
    pub(super) fn directory(&self, place: Place) -> Option<&Path> {
        let own = self.sources.get(place.file);
        let on_command_line = own.provenance == Provenance::CommandLine;
        let source = if on_command_line { self.sources.get(0) } else { own };
        source.directory.as_deref()
    }
}
