//! What the variables of the language say about who runs a profile.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use crate::host::{Host, Node, User};

/// Asked only for what a profile uses.
pub struct Caller<'h> {
    host: &'h Host,
    account: OnceCell<Option<User>>,
    directories: OnceCell<BTreeMap<String, String>>,
}

impl Caller<'_> {
    pub fn new(host: &Host) -> Caller<'_> {
        Caller { host, account: OnceCell::new(), directories: OnceCell::new() }
    }

    /// The passwd home: what `~` stands for.
    pub fn home(&self) -> Option<&str> {
        self.account()?.home.to_str().filter(|home| home.starts_with('/'))
    }

    fn account(&self) -> Option<&User> {
        self.account.get_or_init(|| self.host.user_by_uid(self.host.uid())).as_ref()
    }

    pub fn value(&self, name: &str) -> Option<String> {
        match name {
            "HOME" => self.home().map(String::from),
            "USER" => Some(self.account()?.name.clone()),
            "UID" => Some(self.host.uid().to_string()),
            "GID" => Some(self.host.gid().to_string()),
            "PWD" => self.host.cwd()?.to_str().map(String::from),
            "XDG_CONFIG_HOME" => self.xdg(name, ".config"),
            "XDG_DATA_HOME" => self.xdg(name, ".local/share"),
            "XDG_STATE_HOME" => self.xdg(name, ".local/state"),
            "XDG_CACHE_HOME" => self.xdg(name, ".cache"),
            "XDG_RUNTIME_DIR" => self.absolute_env(name).or_else(|| {
                let directory = format!("/run/user/{}", self.host.uid());
                matches!(self.host.node(Path::new(&directory)), Node::Directory { .. }).then_some(directory)
            }),
            _ if name.starts_with("XDG_") && name.ends_with("_DIR") => self.user_directory(name),
            _ => None,
        }
    }

    fn xdg(&self, name: &str, default: &str) -> Option<String> {
        self.absolute_env(name).or_else(|| Some(format!("{}/{default}", self.home()?)))
    }

    /// The base directory specification has relative values ignored.
    fn absolute_env(&self, name: &str) -> Option<String> {
        self.host.env(name).filter(|value| value.starts_with('/'))
    }

    /// One line of user-dirs.dirs, as `XDG_DOWNLOAD_DIR="$HOME/Downloads"`.
    fn user_directory(&self, name: &str) -> Option<String> {
        let directories = self.directories.get_or_init(|| {
            let Some(config) = self.xdg("XDG_CONFIG_HOME", ".config") else { return BTreeMap::new() };
            let text = self.host.text(&Path::new(&config).join("user-dirs.dirs")).unwrap_or_default();
            text.lines().filter_map(|line| self.parse_user_directory(line)).collect()
        });
        directories.get(name).cloned()
    }

    fn parse_user_directory(&self, line: &str) -> Option<(String, String)> {
        let (name, value) = line.trim().split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        let path = match value.strip_prefix("$HOME/") {
            // The home itself means that there is no such directory: it must not grant the whole home.
            Some("") => return None,
            Some(below) => format!("{}/{below}", self.home()?),
            None if value.starts_with('/') => value.to_owned(),
            None => return None,
        };
        let path = path.trim_end_matches('/');
        (!path.is_empty() && Some(path) != self.home()).then(|| (name.to_owned(), path.to_owned()))
    }
}
