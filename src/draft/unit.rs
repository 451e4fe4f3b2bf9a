//! The service manager's unit that starts a program: systemd.service(5).

use std::path::{Path, PathBuf};

use crate::host::{Host, Node};

/// What it says that a profile can use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unit {
    pub path: PathBuf,
    /// The whole command line.
    pub start: String,
    pub arguments: Arguments,
    pub user: Option<String>,
    /// Where it keeps data, below /var/lib.
    pub state: Vec<String>,
    /// What is made for it below /run.
    pub runtime: Vec<String>,
    /// Without one of these it is not started.
    conditions: Vec<PathBuf>,
}

impl Unit {
    /// What is missing for it to be started: nobody uses the program as a server here.
    pub fn lacks(&self, host: &Host) -> Option<&Path> {
        self.conditions.iter().map(PathBuf::as_path).find(|path| host.node(path) == Node::Missing)
    }
}

/// What the program is started with.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Arguments {
    Words(Vec<String>),
    /// The same, and it goes to the background: the sandbox would end there.
    Background(Vec<String>),
    /// They hold variables, specifiers of a template, or quotes in words.
    #[default]
    Unknown,
    /// Another program starts it, a shell or a wrapper.
    Elsewhere,
}

const PLACES: [&str; 4] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// The service that starts this very file, that of its name first and a template last; else the one that has it started.
pub fn find(program: &Path, host: &Host) -> Option<Unit> {
    let services = PLACES.iter().map(Path::new).flat_map(|place| {
        let services = host.list(place).into_iter().filter(|file| file.ends_with(".service"));
        services.map(|file| place.join(file)).collect::<Vec<_>>()
    });
    let units = services.filter_map(|path| {
        // Longer ones are something else.
        let size = std::fs::metadata(&path).ok().filter(|file| file.is_file())?.len();
        let text = if size < 1 << 20 { std::fs::read_to_string(&path).ok()? } else { return None };
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let unit = parse(&text, program, &name)?;
        let rank = (
            unit.lacks(host).is_some(),
            name.ends_with('@'),
            unit.arguments == Arguments::Elsewhere,
            !has_name_of(program, &name),
        );
        Some((rank, Unit { path, ..unit }))
    });
    units.min_by_key(|(rank, _)| *rank).map(|(_, unit)| unit)
}

fn parse(text: &str, program: &Path, name: &str) -> Option<Unit> {
    let text = text.replace("\\\n", " ");
    let values = |name: &'static str| {
        text.lines().filter_map(move |line| line.trim().split_once('=').filter(|(key, _)| key.trim() == name))
    };
    let words = |name| values(name).flat_map(|(_, value)| value.split_whitespace());
    // Before the program stand letters that say how it is started.
    let starts =
        || values("ExecStart").map(|(_, value)| value.trim().trim_start_matches(['@', '-', ':', '+', '!', '|']));
    let itself = starts().find(|start| start.split_whitespace().next().map(Path::new) == Some(program));
    let mentioned = |start: &&str| {
        let quoted = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '`' | '(' | ')');
        let wrapped = start.split_whitespace().next().is_some_and(is_wrapper);
        (wrapped && has_name_of(program, name)) || start.split(quoted).any(|word| Path::new(word) == program)
    };
    let background = values("Type").next_back().is_some_and(|(_, kind)| kind.trim() == "forking");
    let (start, arguments) = match itself {
        Some(start) => (start, arguments(start, background)),
        None => (starts().find(mentioned)?, Arguments::Elsewhere),
    };
    let directories =
        words("StateDirectory").map(|name| format!("/var/lib/{}", name.split(':').next().unwrap_or(name)));
    let runtime = words("RuntimeDirectory").filter(|name| !name.contains('%') && !name.contains(".."));
    let runtime = runtime.map(|name| format!("/run/{}", name.split(':').next().unwrap_or(name))).collect();
    let writable = words("ReadWritePaths").chain(words("ReadWriteDirectories"));
    let writable = writable.map(|path| path.trim_start_matches(['-', '+']).to_owned());
    let mut state: Vec<String> = directories.chain(writable).filter(|path| is_state(path)).collect();
    state.sort();
    state.dedup();
    let user = values("User").next_back().map(|(_, user)| user.trim().to_owned()).filter(|user| !user.contains('%'));
    let start = start.split_whitespace().collect::<Vec<_>>().join(" ");
    let user = user.filter(|user| !user.is_empty());
    // `!` asks for the contrary, `|` for one of several.
    let conditions = values("ConditionPathExists").map(|(_, path)| path.trim());
    let conditions =
        conditions.filter(|path| path.starts_with('/') && !path.contains('%')).map(PathBuf::from).collect();
    Some(Unit { path: PathBuf::new(), start, arguments, user, state, runtime, conditions })
}

/// What starts a service is a shell, or a script of its package; a program that people call by name is another program.
fn is_wrapper(first: &str) -> bool {
    let Some((directory, name)) = first.rsplit_once('/') else { return false };
    matches!(name, "sh" | "bash" | "dash" | "env") || !(directory.ends_with("/bin") || directory.ends_with("/sbin"))
}

fn has_name_of(program: &Path, name: &str) -> bool {
    program.file_name().is_some_and(|file| file == name)
}

/// What follows the program, as systemd would split it; quotes around whole words are understood.
fn arguments(start: &str, background: bool) -> Arguments {
    let mut rest = start.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim_start();
    let mut words = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => match rest[1..].split_once(first) {
                Some((word, after)) if after.is_empty() || after.starts_with(char::is_whitespace) => (word, after),
                _ => return Arguments::Unknown,
            },
            _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        let plain = matches!(first, '"' | '\'') || !word.contains(['"', '\'']);
        if !plain || word.contains(['$', '%', '\\']) {
            return Arguments::Unknown;
        }
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    if background { Arguments::Background(words) } else { Arguments::Words(words) }
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
        let parsed = |text: &str, program: &str| parse(text, Path::new(program), "unit");
        let unit = parsed(TEXT, "/usr/bin/served").expect("it starts this program");
        assert_eq!(unit.start, "/usr/bin/served /etc/served.conf");
        assert_eq!(unit.arguments, Arguments::Words(vec!["/etc/served.conf".into()]));
        assert_eq!(unit.user.as_deref(), Some("served"));
        assert_eq!(unit.state, ["/var/lib/extra", "/var/lib/served", "/var/lib/served/more"]);
        assert_eq!(parsed(TEXT, "/usr/bin/other"), None);
        assert_eq!(unit.lacks(&Host::live()), None);
        for (conditions, lacking) in [
            ("ConditionPathExists=/etc\nConditionPathExists=/no/such.conf\n", Some("/no/such.conf")),
            ("ConditionPathExists=/etc\nConditionPathExists=!/no\nConditionPathExists=|/no\n", None),
            ("ConditionPathExists=/no/%i\n", None),
        ] {
            let unit = parsed(&format!("[Unit]\n{conditions}{TEXT}"), "/usr/bin/served").expect("the same");
            assert_eq!(unit.lacks(&Host::live()), lacking.map(Path::new), "{conditions}");
        }
        let script = "[Service]\nExecStart=/bin/sh -c x-start\n";
        assert_eq!(parse(script, Path::new("/usr/sbin/x"), "x").map(|unit| unit.arguments), Some(Arguments::Elsewhere));
        let packaged = "[Service]\nExecStart=/usr/share/x/start-x /etc/x.conf\n";
        assert!(parse(packaged, Path::new("/usr/sbin/x"), "x").is_some());
        // As ssh.service, which starts sshd.
        assert_eq!(parse(TEXT, Path::new("/usr/sbin/x"), "x"), None);
        let shell = "[Service]\nExecStart=/bin/sh -c \"set -f; \\\n exec /usr/bin/served $X\"\n";
        let unit = parsed(shell, "/usr/bin/served").expect("it is mentioned");
        assert_eq!(
            (unit.arguments, &*unit.start),
            (Arguments::Elsewhere, "/bin/sh -c \"set -f; exec /usr/bin/served $X\"")
        );
    }

    #[test]
    fn arguments_are_those_that_systemd_would_pass() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let nginx = "/x -g 'daemon on; master_process on;'";
        assert_eq!(arguments(nginx, true), Arguments::Background(words(&["-g", "daemon on; master_process on;"])));
        assert_eq!(arguments("/x", false), Arguments::Words(Vec::new()));
        assert_eq!(arguments("/x  -D\t-f /c ", false), Arguments::Words(words(&["-D", "-f", "/c"])));
        for start in ["/x $OPTS", "/x %i", "/x 'never closed", "/x a'b'", "/x 'a'b", "/x a\\ b", "/x é\"ü\""] {
            assert_eq!(arguments(start, false), Arguments::Unknown, "{start}");
        }
    }
}
