//! Pid 1 inside: it assembles the root, starts the target, and stays to reap orphans and forward signals.
//!
//! It is a copy of the supervisor, made by clone3 into all the new namespaces, and ends with the target; when it ends,
//! the kernel ends every process of the pid namespace. It holds capabilities that the program lacks, so the program
//! must never be able to trace it.

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpid, getppid};

use super::attend::{Release, apart, passed_on};
use super::orphans::Orphans;
use super::target;
use super::wire::{Report, Wire};
use crate::isolation::context::{Context, Slot};
use crate::isolation::{self, Applied, Fault, Operation, namespaces};
use crate::outcome;
use crate::plan::{Plan, Stage, Step};
use crate::sys::wait::Ended;
use crate::sys::{caught, clone, descriptor, process, signal, wait};

pub fn run(plan: &Plan, wire: &Wire, context: &mut Context) -> ! {
    // 0 where the pid namespace is our own.
    let supervisor = getppid();
    // The supervisor's holds paths of the host, and what `--set` was given: inside anybody may read it.
    process::show_as(&format!("{} {}", namespaces::limits::INIT, plan.name));
    // Every mode is given in full; the caller's umask has no say in what is made.
    nix::sys::stat::umask(Mode::empty());
    if let Err((index, fault)) = wire.carry_out(plan, Stage::Init, context, None) {
        wire.fault(Stage::Init, index, &fault);
        process::exit_now(outcome::FAILED.into());
    }
    if !plan.supervision.init {
        target::become_program(plan, wire, context);
        process::exit_now(outcome::FAILED.into());
    }
    let orphans = match orphans(plan, context) {
        Ok(orphans) => orphans,
        Err((index, fault)) => {
            wire.fault(Stage::Init, index, &fault);
            process::exit_now(outcome::FAILED.into());
        }
    };
    context.parent = (!plan.supervision.own_pid).then(getpid);
    caught::let_through();
    #[cfg(feature = "step-removal")]
    crate::plan::removal::hold_up();
    let cloned = clone::vfork(|| {
        // Until its exec it ends of them.
        caught::hold_back_but_stops();
        target::become_program(plan, wire, context);
        outcome::FAILED.into()
    });
    caught::hold_back();
    let program = match cloned {
        Ok(pid) => pid,
        Err(errno) => {
            wire.fault(Stage::Target, 0, &Fault::new(Operation::Clone, errno, "the target"));
            process::exit_now(outcome::FAILED.into());
        }
    };
    #[cfg(feature = "step-removal")]
    crate::plan::removal::hold_up();
    // The target has executed its program or has failed: vfork returns at the exec. That our end closes tells it.
    context.wire = None;
    let last = plan.target.len().saturating_sub(1);
    match wire.report() {
        Report::Fault { .. } => process::exit_now(outcome::FAILED.into()),
        // It has not come as far as the exec.
        Report::Silent => {
            match wait::until_ended(program) {
                Ok(Ended::Signaled(signal)) if signal::ENDING.contains(&signal) => wire.called_off(signal),
                ended => wire.fault(
                    Stage::Target,
                    last,
                    &Fault::mismatch(Operation::Target, format!("it ended early: {ended:?}")),
                ),
            }
            process::exit_now(outcome::FAILED.into());
        }
        _ => {}
    }
    if let Err(fault) = verify(plan, context, program) {
        let _ = kill(Pid::from_raw(program), Signal::SIGKILL);
        wire.fault(Stage::Target, last, &fault);
        // It may have forked before we came to look, and lacks what its children then lack too.
        orphans.iter().for_each(Orphans::end);
        process::exit_now(outcome::FAILED.into());
    }
    // Pid 1 lives as long as the program: it holds nothing open that the caller, or the program, waits to see closed.
    let _ = descriptor::close_all_but(orphans.as_ref().map(Orphans::descriptor));
    attend(wire, program, last, supervisor, orphans, apart(plan))
}

/// Without a pid namespace we are who ends what the program leaves running.
fn orphans(plan: &Plan, context: &Context) -> Result<Option<Orphans>, (usize, Fault)> {
    let adopt = |step: &Step| matches!(step, Step::Process(isolation::process::Step::AdoptOrphans));
    let Some(index) = plan.init.iter().position(adopt) else { return Ok(None) };
    let opened = context.get(Slot::Proc).and_then(Orphans::of_caller);
    opened.map(Some).map_err(|fault| (index, fault))
}

/// What the program is after its exec, by the private procfs, which no process inside can have changed.
fn verify(plan: &Plan, context: &Context, program: i32) -> Applied {
    let Some(privilege) = &plan.supervision.privilege else { return Ok(()) };
    privilege.verify_running(context.get(Slot::Proc)?, program, context.filters)
}

/// Reaps and forwards until the program ends. `apart`, it has a session of its own.
#[inline(never)]
pub fn attend(wire: &Wire, program: i32, last: usize, supervisor: Pid, orphans: Option<Orphans>, apart: bool) -> ! {
    let mut release = Release::later();
    loop {
        loop {
            match wait::any() {
                Ok(None) => break,
                Ok(Some((pid, Ended::Exited(code)))) if pid == program => wire.exited(code),
                Ok(Some((pid, Ended::Signaled(signal)))) if pid == program => wire.signaled(signal),
                Ok(Some(_)) => continue,
                // A filter around us forbids it: we would never learn that the program has ended.
                Err(errno) => wire.fault(Stage::Target, last, &Fault::new(Operation::Wait4, errno, "the program")),
            }
            orphans.iter().for_each(Orphans::end);
            process::exit_now(0);
        }
        release.when_due();
        let received = signal::next(release.within(None));
        // With a pid namespace we would be dead by now, and everybody with us.
        if let Some(orphans) = &orphans
            && getppid() != supervisor
        {
            let _ = signal::send(program, libc::SIGKILL);
            orphans.end();
            process::exit_now(0);
        }
        let Some(received) = received else { continue };
        // A terminal's signal has reached the whole process group: the program too, if it is in ours.
        let meant = !received.by_kernel || apart && signal::FROM_A_TERMINAL.contains(&received.signal);
        if meant && received.signal != libc::SIGCHLD {
            let _ = signal::send(program, passed_on(received.signal, apart));
        }
    }
}
