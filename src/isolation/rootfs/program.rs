//! Whether a file can be the program, as far as it can be seen from outside.

use std::path::{Path, PathBuf};

use super::plan::Planned;
use super::review::Writer;
use super::tree::{Content, Found, Kind, Obstacle};
use crate::host::{Format, Host, INTERPRETERS, Node, of_start};
use crate::isolation::Unfit;

/// Where whoever taught the kernel another format has left its handler: binfmt_misc, if it is mounted.
pub const HANDLERS: &str = "/proc/sys/fs/binfmt_misc";

impl Planned {
    /// Fine too is what only the launch can find out: what the caller may not look at, or the facts do not tell. An
    /// interpreter without a slash at its start is looked for in `directory`, where the program starts.
    pub fn executes(&self, path: &Path, directory: &Path, writer: &Writer<'_>, host: &Host) -> Result<(), Unfit> {
        self.starts(path, directory, INTERPRETERS, writer, host)
    }

    fn starts(
        &self,
        path: &Path,
        directory: &Path,
        interpreters: usize,
        writer: &Writer<'_>,
        host: &Host,
    ) -> Result<(), Unfit> {
        let Some(file) = self.permits(path, writer, host)? else { return Ok(()) };
        let (noun, needed, found, hint) = match self.format(&file, host) {
            Format::Program { loader: None } | Format::Unclear => return Ok(()),
            Format::Neither => return Err(neither(host)),
            Format::Program { loader: Some(loader) } => {
                let found = self.permits(&directory.join(&loader), writer, host).and_then(|file| {
                    match file.map(|file| self.format(&file, host)) {
                        Some(Format::Script { .. } | Format::Neither) => Err(Unfit::Refused("is none".to_owned())),
                        _ => Ok(()),
                    }
                });
                let hint = "let it be seen inside, on a mount with exec, as base = \"system\" does";
                ("needs the loader", loader, found, hint)
            }
            Format::Script { .. } if interpreters == 0 => {
                let why = format!("is one of more than {INTERPRETERS} scripts that interpret one another");
                return Err(Unfit::Refused(why));
            }
            Format::Script { interpreter } => {
                let found = self.starts(&directory.join(&interpreter), directory, interpreters - 1, writer, host);
                let hint = "correct the first line, or grant the interpreter in [rootfs]";
                ("names the interpreter", interpreter, found, hint)
            }
        };
        let (why, hint, certain) = match found {
            Ok(()) => return Ok(()),
            Err(Unfit::Missing) => ("does not exist inside".to_owned(), hint, true),
            Err(Unfit::Refused(why)) => (why, hint, true),
            Err(Unfit::Unusable { why, hint, certain }) => (why, hint, certain),
        };
        Err(Unfit::Unusable { why: format!("{noun} {}, which {why}", needed.escape_debug()), hint, certain })
    }

    /// The regular file that stands there, free of links, where that can be known.
    fn permits(&self, path: &Path, writer: &Writer<'_>, host: &Host) -> Result<Option<PathBuf>, Unfit> {
        let refused = |why: &str| Err(Unfit::Refused(why.to_owned()));
        let (path, kind) = match self.tree.find(path, true, host) {
            Found::There { path, kind } => (path, kind),
            Found::Missing { directory, rest } => {
                let known = self.tree.source(&directory.join(rest)).is_none_or(|source| host.tells_of(&source));
                return if known { Err(Unfit::Missing) } else { Ok(None) };
            }
            Found::Nowhere { why: why @ Obstacle::Hidden, .. } => return refused(&why.to_string()),
            Found::Nowhere { .. } => return Ok(None),
        };
        match kind {
            Kind::Directory => return refused("is a directory"),
            Kind::Device { .. } => return refused("is a device"),
            Kind::File => {}
        }
        match self.tree.provider(&path).map(|(_, content)| content) {
            Some(Content::Hidden(_)) => return refused("is hidden"),
            Some(Content::File { mode, .. }) if mode & 0o111 == 0 => return refused(&format!("has mode {mode:04o}")),
            Some(Content::Bind { exec: false, .. }) => return refused("lies on a mount with exec = false"),
            Some(Content::Bind { .. }) => match self.tree.source(&path).map(|source| host.node(&source)) {
                Some(Node::Other) => return refused("is a socket or a FIFO"),
                Some(Node::File { uid, mode }) if !writer.executes(uid, mode) => {
                    return refused(&format!("has mode {:04o}", mode & 0o7777));
                }
                _ => {}
            },
            _ => {}
        }
        Ok(Some(path))
    }

    /// Of a file at a path that is free of links.
    fn format(&self, path: &Path, host: &Host) -> Format {
        match self.tree.provider(path) {
            Some((_, Content::File { text, .. })) => of_start(text.as_bytes()),
            _ => self.tree.source(path).map_or(Format::Unclear, |source| host.format(&source)),
        }
    }
}

fn neither(host: &Host) -> Unfit {
    let directory = Path::new(HANDLERS);
    let certain = match host.node(directory) {
        Node::Missing => host.tells_of(directory),
        _ => {
            let names = host.list(directory);
            !names.is_empty() && names.iter().all(|name| name == "register" || name == "status")
        }
    };
    let mut why = "is neither a program for this machine nor a script with an interpreter line (#!)".to_owned();
    if !certain {
        why.push_str(", unless binfmt_misc has a handler for it");
    }
    let hint = "name what interprets it in its first line, or in command before it";
    Unfit::Unusable { why, hint, certain }
}

impl Writer<'_> {
    /// Whether the permissions of a file may let it be executed; its group may be the program's.
    fn executes(&self, uid: u32, mode: u32) -> bool {
        let class = match self.uid == uid {
            _ if self.overrides => 0o111,
            true => 0o100,
            false => 0o011,
        };
        mode & class != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn only_who_sees_all_handlers_knows_that_there_is_none() {
        let certain = |names: Option<&[&str]>| {
            let mut facts = Facts::default();
            if let Some(names) = names {
                facts.paths.insert(HANDLERS.to_owned(), Node::Directory { uid: 0, mode: 0o755 });
                facts.directories.insert(HANDLERS.to_owned(), names.iter().map(|name| name.to_string()).collect());
            }
            matches!(neither(&Host::known(facts)), Unfit::Unusable { certain: true, .. })
        };
        assert!(certain(Some(&["register", "status"])));
        assert!(!certain(Some(&["qemu-aarch64", "register", "status"])));
        // It is not mounted, and the facts do not tell.
        assert!(!certain(Some(&[])) && !certain(None));
        let absent = Facts { paths: [(HANDLERS.to_owned(), Node::Missing)].into(), ..Facts::default() };
        assert!(matches!(neither(&Host::known(absent)), Unfit::Unusable { certain: true, .. }));
    }
}
