//! The steps of `[process]`, carried out.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, umask};

use super::Step;
use super::program::find;
use crate::isolation::context::{Context, Slot};
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::{descriptor, pidfd, process, signal};

impl Step {
    pub fn apply(&self, context: &mut Context) -> Applied {
        match self {
            Step::OpenSupervisor => {
                let own = pidfd::own().map_err(|errno| Fault::new(Operation::PidfdOpen, errno, "the supervisor"))?;
                context.fill(Slot::Supervisor, own);
                Ok(())
            }
            Step::Lifeline { kill } => lifeline(context, *kill),
            Step::AdoptOrphans => process::become_subreaper()
                .map_err(|errno| Fault::new(Operation::Prctl, errno, "PR_SET_CHILD_SUBREAPER")),
            Step::NewSession => {
                nix::unistd::setsid().map(drop).map_err(|errno| Fault::new(Operation::Setsid, errno, ""))
            }
            Step::Limit { name, resource, limit } => set_limit(name, *resource, *limit),
            Step::Nice(nice) => {
                process::set_nice(*nice).map_err(|errno| Fault::new(Operation::Setpriority, errno, nice.to_string()))
            }
            Step::OomScore(score) => set_oom_score(context, *score),
            Step::Groups(groups) => process::set_groups(groups)
                .map_err(|errno| Fault::new(Operation::Setgroups, errno, format!("{groups:?}"))),
            Step::Ids { uid, gid } => set_ids(*uid, *gid),
            Step::NewKeyring => match process::join_new_session_keyring() {
                // A kernel without keys, or a filter around us, which refuses the program too.
                Ok(()) | Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
                Err(errno) => Err(Fault::new(Operation::Keyctl, errno, "KEYCTL_JOIN_SESSION_KEYRING")),
            },
            Step::Directory(path) => enter(path),
            Step::Umask(mask) => {
                umask(Mode::from_bits_truncate(*mask));
                Ok(())
            }
            Step::FindProgram { command, path, interpreters } => {
                context.program = Some(find(command, path.as_deref(), *interpreters)?);
                Ok(())
            }
            Step::NoNewPrivileges => process::set_no_new_privileges()
                .map_err(|errno| Fault::new(Operation::Prctl, errno, "PR_SET_NO_NEW_PRIVS")),
            Step::UnblockSignals => {
                signal::unblock_all();
                Ok(())
            }
            Step::Execute { arguments, environment } => {
                let Some(program) = &context.program else {
                    return Err(Fault::new(Operation::FindProgram, Errno::ENOENT, ""));
                };
                let errno = process::execute(program, arguments, environment);
                // No words are put together here: the filter need not allow what getting memory takes.
                Err(Fault::new(Operation::ExecuteProgram, errno, ""))
            }
        }
    }
}

fn lifeline(context: &Context, kill: bool) -> Applied {
    let signal = if kill { libc::SIGKILL } else { libc::SIGTERM };
    process::set_parent_death_signal(signal)
        .map_err(|errno| Fault::new(Operation::Prctl, errno, "PR_SET_PDEATHSIG"))?;
    // Either may have died before we asked. In a new pid namespace getppid() is 0 and tells nothing.
    if context.parent.is_some_and(|parent| nix::unistd::getppid() != parent) {
        return Err(Fault::new(Operation::Lifeline, Errno::ESRCH, "init has died"));
    }
    match pidfd::has_ended(context.get(Slot::Supervisor)?) {
        Ok(false) => Ok(()),
        Ok(true) => Err(Fault::new(Operation::Lifeline, Errno::ESRCH, "the supervisor has died")),
        Err(errno) => Err(Fault::new(Operation::Poll, errno, "the supervisor's pidfd")),
    }
}

fn set_limit(name: &str, resource: u32, limit: Option<u64>) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, name);
    // Without CAP_SYS_RESOURCE a hard limit only goes down; one that is lower already holds.
    let hard = process::limits(resource).map_err(fault(Operation::Getrlimit))?.hard;
    if resource == libc::RLIMIT_NPROC && hard.is_some_and(|hard| limit.is_none_or(|limit| hard < limit)) {
        return process::set_limit(resource, hard).map_err(fault(Operation::Setrlimit));
    }
    process::set_limit(resource, limit).map_err(fault(Operation::Setrlimit))
}

fn set_oom_score(context: &Context, score: i32) -> Applied {
    let fault = |call| move |errno| Fault::new(call, errno, "oom_score_adj");
    let proc = context.get(Slot::Proc)?;
    let file = nix::fcntl::openat(proc, "self/oom_score_adj", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(fault(Operation::Open))?;
    nix::unistd::write(file, score.to_string().as_bytes()).map(drop).map_err(fault(Operation::Write))
}

fn set_ids(uid: u32, gid: u32) -> Applied {
    process::set_ids(uid, gid).map_err(|(call, errno)| Fault::new(call.into(), errno, format!("uid {uid}, gid {gid}")))
}

fn enter(path: &Path) -> Applied {
    let noun = path.display().to_string();
    let fault = |call| {
        let noun = noun.clone();
        move |errno| Fault::new(call, errno, noun)
    };
    // A link of /proc could lead to a directory outside (CVE-2024-21626).
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let directory = descriptor::openat2(descriptor::here(), path, flags, descriptor::NO_MAGICLINKS)
        .map_err(fault(Operation::Openat2))?;
    nix::unistd::fchdir(directory).map_err(fault(Operation::Fchdir))?;
    match nix::unistd::getcwd() {
        Ok(path) if path.is_absolute() => Ok(()),
        Ok(path) => {
            Err(Fault::mismatch(Operation::WorkingDirectory, format!("{noun} lies outside: {}", path.display())))
        }
        Err(errno) => Err(fault(Operation::Getcwd)(errno)),
    }
}
