//! What was asked for, where it is no profile.

use std::path::Path;

use super::Chain;
use crate::host::Node;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::find::is_path;
use crate::profile::load::is_name;
use crate::profile::open::Refusal;

impl Chain<'_> {
    pub(super) fn refuse_main(&self, name_or_path: &str, refusal: Refusal) {
        self.report.push(match refusal {
            Refusal::Unfit { message, hint } => Diagnostic::nowhere(message).hint(hint),
            Refusal::Missing if is_path(name_or_path) => {
                Diagnostic::nowhere(format!("there is no file {name_or_path}"))
                    .hint("check the path; `sandbox profiles` lists those that have a name")
            }
            Refusal::Missing => {
                let here = self.host.absolute(Path::new(&format!("{name_or_path}.toml")));
                let hint = match here.map(std::fs::metadata) {
                    Some(Ok(file)) if file.is_file() => {
                        format!("write ./{name_or_path}.toml for the file in this directory")
                    }
                    _ if is_name(name_or_path) && self.is_installed(name_or_path) => format!(
                        "for the installed program `sandbox new {name_or_path}` prints a profile to begin with; `sandbox \
                         profiles` lists those that are there"
                    ),
                    _ => self.search.hint(name_or_path),
                };
                Diagnostic::nowhere(format!("there is no profile named `{name_or_path}`")).hint(hint)
            }
        });
    }

    pub(super) fn refuse_program(&self, shown: &str) {
        let message = format!("{shown} is a program, and no profile");
        let hint = format!(
            "`sandbox run unknown -- {shown}` lets it read its directory; `sandbox new {shown}` prints a profile to begin with"
        );
        self.report.push(Diagnostic::nowhere(message).hint(hint));
    }

    fn is_installed(&self, program: &str) -> bool {
        let there = |directory: &str| {
            let place = Path::new(directory).join(program);
            directory.starts_with('/') && matches!(self.host.node(&place), Node::File { .. } | Node::Symlink { .. })
        };
        self.host.env("PATH").is_some_and(|path| path.split(':').any(there))
    }
}

/// What execve(2) knows it by. To a profile, such a line is a comment, and may name this program.
pub(super) fn is_program(shown: &str, text: &str) -> bool {
    let script = || text.lines().next().is_some_and(|line| line.starts_with("#!") && !line.contains("sandbox"));
    !shown.ends_with(".toml") && (text.starts_with("\x7fELF") || script())
}
