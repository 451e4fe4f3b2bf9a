//! The service manager's unit that starts a program: systemd.service(5).

use std::path::{Path, PathBuf};

use crate::host::Host;

/// What it says that a profile can use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unit {
    pub path: PathBuf,
    /// The whole command line.
    pub start: String,
    pub user: Option<String>,
    /// Where it keeps data, below /var/lib.
    pub state: Vec<String>,
}

const PLACES: [&str; 4] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// The first service that starts this very file.
pub fn find(program: &Path, host: &Host) -> Option<Unit> {
    let services = PLACES.iter().map(Path::new).flat_map(|place| {
        let services = host.list(place).into_iter().filter(|file| file.ends_with(".service"));
        services.map(|file| place.join(file)).collect::<Vec<_>>()
    });
    services.into_iter().find_map(|path| {
        // Longer ones are something else.
        let size = std::fs::metadata(&path).ok().filter(|file| file.is_file())?.len();
        let text = if size < 1 << 20 { std::fs::read_to_string(&path).ok()? } else { return None };
        parse(&text, program).map(|unit| Unit { path, ..unit })
    })
}

fn parse(text: &str, program: &Path) -> Option<Unit> {
    let values = |name: &'static str| {
        text.lines().filter_map(move |line| line.trim().split_once('=').filter(|(key, _)| key.trim() == name))
    };
    let words = |name| values(name).flat_map(|(_, value)| value.split_whitespace());
    // Before the program stand letters that say how it is started.
    let start = values("ExecStart").map(|(_, value)| value.trim().trim_start_matches(['@', '-', ':', '+', '!', '|']));
    let start = start.into_iter().find(|start| start.split_whitespace().next().map(Path::new) == Some(program))?;
    let directories =
        words("StateDirectory").map(|name| format!("/var/lib/{}", name.split(':').next().unwrap_or(name)));
    let writable = words("ReadWritePaths").chain(words("ReadWriteDirectories"));
    let writable = writable.map(|path| path.trim_start_matches(['-', '+']).to_owned());
    let mut state: Vec<String> = directories.chain(writable).filter(|path| is_state(path)).collect();
    state.sort();
    state.dedup();
    let user = values("User").next_back().map(|(_, user)| user.trim().to_owned()).filter(|user| !user.contains('%'));
    Some(Unit { path: PathBuf::new(), start: start.to_owned(), user: user.filter(|user| !user.is_empty()), state })
}

/// Specifiers of systemd (`%S`) mean nothing to us.
fn is_state(path: &str) -> bool {
    let below = path.strip_prefix("/var/lib/").unwrap_or_default();
    !below.is_empty() && !path.contains('%') && below.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[Service]\nExecStartPre=/usr/bin/other\nExecStart=-/usr/bin/served /etc/served.conf\n\
        User=served\nStateDirectory=served served/more\nReadWritePaths=-/var/lib/extra /var/log/served\n\
        ReadWriteDirectories=/var/lib/../etc /var/lib/%i\n";

    #[test]
    fn a_unit_tells_where_its_program_keeps_data() {
        let unit = parse(TEXT, Path::new("/usr/bin/served")).expect("it starts this program");
        assert_eq!(unit.start, "/usr/bin/served /etc/served.conf");
        assert_eq!(unit.user.as_deref(), Some("served"));
        assert_eq!(unit.state, ["/var/lib/extra", "/var/lib/served", "/var/lib/served/more"]);
        assert_eq!(parse(TEXT, Path::new("/usr/bin/other")), None);
    }
}
