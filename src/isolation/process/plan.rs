//! The program's own steps, in the groups in which the order of the stages needs them.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::environment::{PATH, environment};
use super::sizes::Sizes;
use super::{Process, Step, Tty, limits};
use crate::host::Host;
use crate::isolation::{Account, Findings, Max, Section, Unfit};
use crate::sys::process::Strings;

/// What `[process]` asks of each stage.
#[derive(Debug, Default)]
pub struct Planned {
    pub host_before: Vec<Step>,
    /// Before anything else in init, or in the program itself without one.
    pub lifeline: Vec<Step>,
    pub session: Vec<Step>,
    pub limits: Vec<Step>,
    pub score: Vec<Step>,
    /// Limits that take no privilege to set: last, so that they bite the program and not what readies it.
    pub lowered: Vec<Step>,
    pub ids: Vec<Step>,
    /// What the supplementary groups then are, sorted; `None` where nobody may set them.
    pub groups: Option<Vec<u32>>,
    /// Of the target, after the ids, because a change of credentials clears it.
    pub lifeline_again: Vec<Step>,
    pub surroundings: Vec<Step>,
    pub no_new_privileges: Vec<Step>,
    pub signals: Vec<Step>,
    pub execute: Vec<Step>,
}

/// What other sections have decided that the program's own steps depend on.
pub struct Given<'a> {
    pub account: &'a Account,
    /// setgroups is denied, and init has the program's id already.
    pub one_id: bool,
    pub own_user: bool,
    pub own_pid: bool,
    /// What the sandbox's cgroup limits processes to, or would.
    pub processes: Option<Max>,
    /// `$XDG_RUNTIME_DIR`, inside.
    pub runtime: Option<&'a Path>,
    /// Nothing but set-up itself keeps a script from naming a link of /proc as its interpreter.
    pub interpreters: bool,
    /// Whether a path is a directory inside that the program may start in.
    pub enters: &'a Enters<'a>,
}

pub type Enters<'a> = dyn Fn(&Path) -> Result<(), Unfit> + 'a;

pub fn plan(section: &Process, given: &Given<'_>, host: &Host, findings: &mut Findings) -> Planned {
    let account = given.account;
    let mut planned = Planned {
        host_before: vec![Step::OpenSupervisor],
        lifeline: vec![Step::Lifeline { kill: given.own_pid || !section.init }],
        signals: vec![Step::UnblockSignals],
        ..Planned::default()
    };
    if !given.own_pid {
        if section.init {
            planned.lifeline.push(Step::AdoptOrphans);
        } else {
            findings.error(
                Section::Process,
                "init = false with pid = false leaves nobody who could end what the program starts",
                "leave out one of the two".to_string(),
                None,
            );
        }
    }
    if section.tty == Tty::None || !host.terminals().contains(&true) {
        planned.session.push(Step::NewSession);
    }
    let (raised, lowered) = limits::limits(section, given, host, findings);
    planned.limits = raised;
    limits::priority(section, given, host, findings);
    planned.limits.extend(section.nice.map(Step::Nice));
    planned.score.extend(section.oom_score_adj.map(Step::OomScore));
    planned.lowered = lowered;
    if !given.one_id {
        planned.ids.push(Step::Groups(account.groups.clone()));
        let mut groups = account.groups.clone();
        groups.sort_unstable();
        planned.groups = Some(groups);
        if (account.uid, account.gid) != (0, 0) {
            planned.ids.push(Step::Ids { uid: account.uid, gid: account.gid });
        }
    }
    // Without a pid namespace init's death ends nobody.
    if !given.own_pid || !section.init && !planned.ids.is_empty() {
        planned.lifeline_again.push(Step::Lifeline { kill: true });
    }
    let directory = directory(section, account, given.enters, host);
    check_directory(section, &directory, given, host, findings);
    planned.surroundings = vec![Step::Directory(directory), Step::Umask(section.umask)];
    if section.no_new_privileges {
        planned.no_new_privileges.push(Step::NoNewPrivileges);
    }
    execute(section, given, host, findings, &mut planned);
    planned
}

/// Where the program starts.
pub fn directory(section: &Process, account: &Account, enters: &Enters<'_>, host: &Host) -> PathBuf {
    let choices = || host.cwd().into_iter().chain([account.home.clone()]);
    let written = section.cwd.clone();
    written.or_else(|| choices().find(|path| enters(path).is_ok())).unwrap_or_else(|| PathBuf::from("/"))
}

fn check_directory(section: &Process, directory: &Path, given: &Given<'_>, host: &Host, findings: &mut Findings) {
    let directory = directory.display();
    match &section.cwd {
        Some(cwd) => {
            let (message, hint) = match (given.enters)(cwd) {
                Ok(()) => return,
                Err(Unfit::Missing) => {
                    ("is no directory inside".to_owned(), "grant it in [rootfs], or name one that exists there")
                }
                Err(Unfit::Refused(why) | Unfit::Unusable { why, .. }) => {
                    (why, "name a directory that the program's user may enter")
                }
            };
            findings.error(Section::Process, format!("cwd: {directory} {message}"), hint, section.cwd_origin.as_ref());
        }
        None if host.cwd().is_none() => {
            let message = format!("the caller's working directory has been removed; the program starts in {directory}");
            let hint = "cd to a directory that exists, or set cwd in [process]".to_string();
            findings.shortfall(Section::Process, message, hint, None);
        }
        _ => {}
    }
}

/// What is searched: a relative directory in PATH would be the working directory's choice, not the profile's.
pub fn directories(path: &str) -> impl Iterator<Item = &str> {
    path.split(':').filter(|entry| entry.starts_with('/'))
}

fn execute(section: &Process, given: &Given<'_>, host: &Host, findings: &mut Findings, planned: &mut Planned) {
    let words: Vec<&OsStr> = section.command.iter().chain(&section.args).map(|word| word.as_os_str()).collect();
    let Some(command) = words.first() else {
        let hint = "set command in [process], or give one after --".to_string();
        return findings.error(Section::Process, "there is no command to run", hint, section.command_origin.as_ref());
    };
    let mut nul = |what: &str| {
        let message = format!("{what} holds a NUL byte, which no argument can");
        findings.error(
            Section::Process,
            message,
            "take it out: the kernel's strings end at NUL",
            section.command_origin.as_ref(),
        );
    };
    let environment = environment(section, given.account, given.runtime, host);
    let path = environment.get("PATH").map_or(PATH, |path| path.as_str());
    let search = |path| -> Vec<CString> { directories(path).filter_map(|entry| CString::new(entry).ok()).collect() };
    let searched = !command.is_empty() && !command.as_bytes().contains(&b'/');
    let path = searched.then(|| search(path));
    let Ok(program) = CString::new(command.as_bytes()) else { return nul("command") };
    let Ok(arguments) = words.iter().map(|word| CString::new(word.as_bytes())).collect::<Result<_, _>>() else {
        return nul("an argument");
    };
    let variables = environment.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
    let Ok(environment) = variables.collect::<Result<Vec<_>, _>>() else { return nul("the environment") };
    let directory = path.iter().flatten().map(|directory| directory.as_bytes().len()).max().unwrap_or_default();
    let sizes = Sizes { words: &words, environment: &environment, directory, section, host };
    sizes.check(findings);
    planned.surroundings.push(Step::FindProgram { command: program, path, interpreters: given.interpreters });
    let (arguments, environment) = (Rc::new(Strings::new(arguments)), Rc::new(Strings::new(environment)));
    planned.execute.push(Step::Execute { arguments, environment });
}
