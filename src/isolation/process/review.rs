//! What the program brings along from its caller.

use std::path::Path;

use super::Process;
use super::environment::{PATH, environment};
use super::groups::privileged;
use super::plan::directories;
use super::program::where_it_is_looked_for;
use super::sizes::LEAST_STACK;
use crate::host::Host;
use crate::isolation::{Account, Findings, Origin, Section, Unfit};

/// `granted` are the device groups that the profile asks for: who grants a device means its group.
pub fn review(section: &Process, one_id: bool, granted: &[&str], host: &Host, findings: &mut Findings) {
    limits(section, findings);
    tildes(section, findings);
    if one_id {
        groups(granted, host, findings);
    }
    if section.env_pass.iter().any(|pattern| pattern.bytes().all(|byte| byte == b'*')) {
        let message =
            "env-pass = [\"*\"] passes every variable of the caller, tokens and the sockets of agents included";
        let hint = "name those that the program needs, as in \"LC_*\"".to_owned();
        findings.warning(Section::Process, message, hint, section.env_pass_origin.as_ref());
    }
}

/// What the program is looked for in.
pub struct Surroundings<'a> {
    pub account: &'a Account,
    pub runtime: Option<&'a Path>,
    pub directory: &'a Path,
    pub executes: &'a dyn Fn(&Path) -> Result<(), Unfit>,
}

/// The launch itself finds it inside, and ends with 126 or 127 where it does not.
pub fn review_program(section: &Process, given: &Surroundings<'_>, host: &Host, findings: &mut Findings) {
    let Some(command) = section.command.first().or(section.args.first()) else { return };
    let name = Path::new(command).display();
    let origin = section.command_origin.as_ref();
    if command.is_empty() {
        return findings.error(
            Section::Process,
            "command: there is no program without a name",
            where_it_is_looked_for(b""),
            origin,
        );
    }
    if command.as_encoded_bytes().contains(&b'/') {
        let path = given.directory.join(command);
        let (message, hint) = match (given.executes)(&path) {
            Ok(()) => return,
            Err(Unfit::Missing) => {
                let hint = where_it_is_looked_for(command.as_encoded_bytes());
                let directory = given.directory.display();
                let within = match command.as_encoded_bytes().starts_with(b"/") {
                    true => String::new(),
                    false => format!(" in {directory},"),
                };
                (format!("{name} does not exist{within} inside"), hint)
            }
            Err(Unfit::Refused(why)) => (format!("{name} {why}, and cannot be executed"), REFUSED.to_owned()),
            Err(Unfit::Unusable { why, hint, certain }) => {
                return unusable(&path, &why, hint, certain, origin, findings);
            }
        };
        return findings.error(Section::Process, format!("command: {message}"), hint, origin);
    }
    let environment = environment(section, given.account, given.runtime, host);
    let path = environment.get("PATH").map_or(PATH, |path| path.as_str());
    let mut found = None;
    for directory in directories(path) {
        let path = Path::new(directory).join(command);
        match (given.executes)(&path) {
            Ok(()) => return,
            Err(Unfit::Missing) => {}
            // As execvp(3): what may be executed ends the search, whatever the kernel then says.
            Err(Unfit::Unusable { why, hint, certain }) => {
                return unusable(&path, &why, hint, certain, origin, findings);
            }
            Err(Unfit::Refused(why)) => {
                found = found.or(Some(format!("{} {why}, and cannot be executed", path.display())))
            }
        }
    }
    let missing = || match path.is_empty() {
        true => (
            format!("{name} is searched for nowhere: PATH is empty inside"),
            "set PATH in env, or write the whole path",
        ),
        false => {
            (format!("there is no {name} in {path} inside"), "grant its directory in [rootfs], or correct the name")
        }
    };
    let (message, hint) = found.map_or_else(missing, |message| (message, REFUSED));
    findings.error(Section::Process, format!("command: {message}"), hint, origin);
}

fn unusable(path: &Path, why: &str, hint: &str, certain: bool, origin: Option<&Origin>, findings: &mut Findings) {
    let message = format!("command: {} {why}", path.display());
    if certain {
        findings.error(Section::Process, message, hint, origin);
    } else {
        findings.warning(Section::Process, message, hint.to_owned(), origin);
    }
}

const REFUSED: &str = "name a file that the program's user may execute (chmod +x), on a mount with exec";

/// What looks like a path of the home, and is none to the program: only a shell replaces `~` and `$HOME`, and none is in
/// between.
fn tildes(section: &Process, findings: &mut Findings) {
    let mut say = |what: String, (home, below): (&str, &str), origin| {
        let message = format!("{what} is handed over as it is: no shell replaces `{home}` here");
        let hint = format!("write \"${{HOME}}{}\"", below.escape_debug());
        findings.warning(Section::Process, message, hint, origin);
    };
    let path = |word: &str| {
        let home = ["~", "$HOME"].into_iter().find(|home| word.starts_with(home) && word.len() <= LONGEST_PATH)?;
        let below = &word[home.len()..];
        (below.starts_with('/') || below.is_empty() && home == "$HOME").then(|| (home, below.to_owned()))
    };
    let words: Vec<&str> =
        section.command.iter().chain(&section.args).map(|word| word.to_str().unwrap_or("")).collect();
    for pair in words.windows(2) {
        // `sh -c` is a shell.
        let Some((home, below)) = path(pair[1]).filter(|(home, _)| *home == "~" || pair[0] != "-c") else { continue };
        say(format!("argument {:?}", pair[1]), (home, &below), section.command_origin.as_ref());
    }
    for (name, value) in &section.env {
        if let Some((home, below)) = path(value) {
            say(format!("env: {name} = {value:?}"), (home, &below), None);
        }
    }
}

/// PATH_MAX, the NUL at the end included.
const LONGEST_PATH: usize = 4095;

/// The least that /bin/true of Debian starts with, dynamically linked as most programs are.
const LEAST: [(&str, u64, &str, &str); 4] = [
    ("as", 3 << 20, "\"3M\"", "its library does not fit in"),
    ("data", 128 << 10, "\"128K\"", "its library's own variables do not fit in"),
    ("nofile", 4, "4", "0, 1 and 2 are taken, and it opens its libraries one by one"),
    ("stack", LEAST_STACK, "\"16K\"", "its arguments and its first calls do not fit in"),
];

/// The launch itself needs nothing of them: they are set last.
fn limits(section: &Process, findings: &mut Findings) {
    for (name, least, written, why) in LEAST {
        if let Some((Some(limit), origin)) = section.rlimits.get(name)
            && *limit < least
            && !findings.0.iter().any(|known| known.origin.as_ref() == Some(origin))
        {
            let message = format!("rlimits: with {name} = {limit} an ordinary program cannot start: {why}");
            findings.warning(Section::Process, message, format!("write at least {written}"), Some(origin));
        }
    }
}

/// An ordinary user cannot give groups up: setgroups(2) is denied where one id is mapped, so that nobody loses a group
/// that a file's mode denies something to.
fn groups(granted: &[&str], host: &Host, findings: &mut Findings) {
    let known: Vec<_> = privileged(host).into_iter().filter(|(name, _)| !granted.contains(name)).collect();
    if known.is_empty() {
        return;
    }
    let names: Vec<String> = known.iter().map(|(name, opens)| format!("{name} ({opens})")).collect();
    let (groups, stay) = if known.len() == 1 { ("group", "stays") } else { ("groups", "stay") };
    let message = format!("the caller's {groups} {} {stay} in effect inside", names.join(", "));
    let hint = "grant no file or socket of theirs; id-map = \"range\" in [namespaces] drops them".to_owned();
    findings.warning(Section::Process, message, hint, None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    fn said(groups: Vec<u32>, granted: &[&str], one_id: bool) -> Vec<String> {
        let mut facts = Facts { uid: Some(1000), gid: Some(1000), groups: Some(groups), ..Facts::default() };
        let text = "root:x:0:\nsudo:x:27:me\naudio:x:29:me\nkvm:x:106:me\nme:x:1000:\ndocker:x:999:me\n";
        facts.texts.insert("/etc/group".into(), Some(text.into()));
        let mut findings = Findings::default();
        review(&Process::default(), one_id, granted, &Host::known(facts), &mut findings);
        findings.0.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn limits_that_no_program_starts_with_are_named() {
        let origin = crate::isolation::Origin { file: "x".into(), line: 1, column: 1 };
        let said = |name: &str, limit| {
            let rlimits = [(name.to_owned(), (limit, origin.clone()))].into();
            let section = Process { rlimits, ..Process::default() };
            let mut findings = Findings::default();
            review(&section, false, &[], &Host::known(Facts::default()), &mut findings);
            findings.0.len()
        };
        for (name, least, ..) in LEAST {
            assert_eq!((said(name, Some(least - 1)), said(name, Some(least)), said(name, None)), (1, 0, 0), "{name}");
        }
        assert_eq!(said("core", Some(0)), 0);
    }

    #[test]
    fn privileged_groups_are_named_unless_they_are_given_up_or_meant() {
        assert_eq!(said(vec![1000, 29], &[], true), [""; 0]);
        assert_eq!(
            said(vec![999, 27, 29], &[], true),
            ["the caller's groups sudo (administration), docker (a daemon that is root) stay in effect inside"]
        );
        assert_eq!(said(vec![999], &[], false), [""; 0]);
        assert_eq!(said(vec![106], &[], true), ["the caller's group kvm (virtual machines) stays in effect inside"]);
        assert_eq!(said(vec![106], &["kvm"], true), [""; 0]);
    }
}
