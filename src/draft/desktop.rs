//! The .desktop file of a program: the desktop entry specification.

use std::path::{Path, PathBuf};

use crate::host::Host;

/// What it says that a profile can use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Desktop {
    pub path: PathBuf,
    pub comment: Option<String>,
    pub categories: Vec<String>,
    pub terminal: bool,
    /// Its command line has a place for files.
    pub files: bool,
}

/// The categories of programs that talk to others.
const NETWORK: [&str; 9] =
    ["Network", "WebBrowser", "Email", "Chat", "InstantMessaging", "FileTransfer", "P2P", "RemoteAccess", "News"];

impl Desktop {
    pub fn network(&self) -> bool {
        self.categories.iter().any(|category| NETWORK.contains(&category.as_str()))
    }

    pub fn sound(&self) -> bool {
        self.categories.iter().any(|category| matches!(category.as_str(), "Audio" | "Video" | "AudioVideo" | "Game"))
    }
}

/// The entry called as the program is, else the first that starts it.
pub fn find(name: &str, host: &Host) -> Option<Desktop> {
    let own = host.env("XDG_DATA_HOME").filter(|path| path.starts_with('/')).map(PathBuf::from);
    let own = own.or_else(|| Some(host.user_by_uid(host.uid())?.home.join(".local/share")));
    let shared = host.env("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let shared = shared.split(':').filter(|path| path.starts_with('/')).map(PathBuf::from);
    let places: Vec<PathBuf> = own.into_iter().chain(shared).map(|place| place.join("applications")).collect();
    let called = format!("{name}.desktop");
    if let Some(found) = places.iter().find_map(|place| read(&place.join(&called), None)) {
        return Some(found);
    }
    let entries = places.iter().flat_map(|place| host.list(place).into_iter().map(|file| place.join(file)));
    entries.filter(|path| path.extension() == Some("desktop".as_ref())).find_map(|path| read(&path, Some(name)))
}

fn read(path: &Path, name: Option<&str>) -> Option<Desktop> {
    // Longer ones are something else.
    let size = std::fs::metadata(path).ok().filter(|file| file.is_file())?.len();
    let text = if size < 1 << 20 { std::fs::read_to_string(path).ok()? } else { return None };
    let (desktop, program) = parse(&text);
    let starts = name.is_none_or(|name| Path::new(&program).file_name() == Some(name.as_ref()));
    starts.then_some(Desktop { path: path.to_owned(), ..desktop })
}

/// Only its first group is about the program as a whole. Also the first word of its command line.
fn parse(text: &str) -> (Desktop, String) {
    let mut desktop = Desktop::default();
    let mut program = String::new();
    let group = text.lines().skip_while(|line| line.trim() != "[Desktop Entry]").skip(1);
    for line in group.take_while(|line| !line.starts_with('[')) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match key.trim() {
            "Comment" => desktop.comment = Some(value.to_owned()),
            "Categories" => {
                desktop.categories = value.split(';').map(String::from).filter(|word| !word.is_empty()).collect()
            }
            "Terminal" => desktop.terminal = value == "true",
            "Exec" => {
                desktop.files = ["%f", "%F", "%u", "%U"].iter().any(|field| value.contains(field));
                program = command(value).to_owned();
            }
            _ => {}
        }
    }
    (desktop, program)
}

/// The program of an Exec line, past `env NAME=VALUE`.
fn command(exec: &str) -> &str {
    let mut words = exec.split_whitespace().map(|word| word.trim_matches('"'));
    words.find(|word| *word != "env" && *word != "/usr/bin/env" && !word.contains('=')).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_what_kind_of_program_it_is() {
        let text = "#\n[Desktop Entry]\nName=Web\nComment=Browse\nExec=env A=b \"/usr/bin/web\" --new %U\n\
                    Terminal=false\nCategories=Network;WebBrowser;\n[Desktop Action x]\nExec=other\nTerminal=true\n";
        let (desktop, program) = parse(text);
        assert_eq!(program, "/usr/bin/web");
        assert!(desktop.network() && !desktop.sound() && !desktop.terminal && desktop.files);
        assert_eq!(desktop.comment.as_deref(), Some("Browse"));
        assert_eq!(parse("Exec=x\n"), (Desktop::default(), String::new()));
        let (desktop, program) = parse("[Desktop Entry]\nExec=htop\nTerminal=true\nCategories=System\n=\n");
        assert!(desktop.terminal && !desktop.network() && !desktop.files && program == "htop");
    }
}
