//! The supervisor's story: prepare, clone, attend, wait, clean up.

mod attend;
mod autogroup;
mod conclusion;
mod inherited;
mod init;
mod orphans;
mod prepare;
mod remedy;
mod status;
mod target;
mod terminal;
mod wire;

use std::time::Duration;

use crate::explain;
use crate::isolation::cgroup::oom::OutOfMemory;
use crate::isolation::cgroup::stats::{self, Usage};
use crate::isolation::context::Context;
use crate::isolation::{Fault, Operation, namespaces, rootfs};
use crate::outcome::Outcome;
use crate::plan::{Plan, Stage, Step, Supervision};
use crate::state::{self, Record};
use crate::sys::clone::{Side, clone3};
use crate::sys::namespace::Namespace;
use crate::sys::wait::Ended;
use crate::sys::{caught, errno, signal};
use attend::{Attended, apart};
use autogroup::Autogroup;
use conclusion::{conclude, failed};
use inherited::Inherited;
use orphans::Orphans;
use prepare::open_files;
use wire::{Report, Wire};

pub use prepare::prepare;
pub use status::Listener;
pub use wire::Timing;

/// What the command line adds to the plan.
#[derive(Debug, Default)]
pub struct Options {
    /// Where outcomes are reported as JSON, a line each.
    pub status: Option<Listener>,
    /// Overrides the profile's.
    pub timeout: Option<Duration>,
    pub timings: bool,
    /// Read at the end what the sandbox used.
    pub stats: bool,
}

impl Options {
    fn timeout_of(&self, supervision: &Supervision) -> Option<Duration> {
        self.timeout.or(supervision.timeout)
    }
}

/// Descriptors that are closed once the program runs, rather than while it waits: several times what a plan has without
/// long lists.
const KEPT: usize = 256;

/// What a launch came to.
pub struct Launched {
    pub outcome: Outcome,
    pub timings: Vec<Timing>,
    /// The kernel killed processes of the sandbox to get memory back, the program or others.
    pub out_of_memory: Option<OutOfMemory>,
    /// After this long it was asked to end.
    pub timed_out: Option<Duration>,
    /// What the sandbox used, where it was asked for.
    pub usage: Option<Usage>,
}

/// Carries the plan out, and returns when the program has ended and everything of it is gone, its record included.
pub fn launch(plan: &Plan, options: &Options, mut record: Record) -> Launched {
    let nothing = |fault: &Fault| Launched {
        outcome: failed(plan, None, fault),
        timings: Vec::new(),
        out_of_memory: None,
        timed_out: None,
        usage: None,
    };
    let wire = match Wire::new(plan, options) {
        Ok(wire) => wire,
        Err(fault) => return nothing(&fault),
    };
    let mut context = Context::default();
    context.opens_gates = true;
    let roomy = open_files().is_none_or(|limit| limit >= 2 * KEPT as u64);
    context.may_keep = if roomy { KEPT } else { 0 };
    context.id = record.id().to_owned();
    context.late = namespaces::Late::of_host();
    let Supervised { mut outcome, timed_out } = supervise(plan, options, &wire, &mut context, &mut record);
    if matches!(outcome, Outcome::Failed { .. } | Outcome::CalledOff(_)) {
        // While their locks are held: nobody else is about to use them.
        rootfs::take_back(&mut context);
    }
    let cgroups = record.cgroups();
    let out_of_memory = OutOfMemory::of(&cgroups);
    let usage = options.stats.then(|| stats::usage(&cgroups));
    if let Err(error) = record.finish() {
        explain::print_error(&errno::chain(&error), Some("sandbox gc tries it again"));
    }
    if let (Outcome::Failed { message, hint, .. }, Some(found)) = (&mut outcome, &out_of_memory) {
        *message = format!("{message}: {found}");
        *hint = Some(found.hint());
    }
    if let Some(to) = &options.status {
        to.ended(&outcome, out_of_memory.as_ref(), timed_out);
    }
    let timed_out = options.timeout_of(&plan.supervision).filter(|_| timed_out);
    Launched { outcome, timings: wire.timings(plan), out_of_memory, timed_out, usage }
}

struct Supervised {
    outcome: Outcome,
    /// Its timeout was over before it ended.
    timed_out: bool,
}

impl From<Outcome> for Supervised {
    fn from(outcome: Outcome) -> Supervised {
        Supervised { outcome, timed_out: false }
    }
}

fn supervise(plan: &Plan, options: &Options, wire: &Wire, context: &mut Context, record: &mut Record) -> Supervised {
    // One that outlived its supervisor may still be writing to what this one is about to take.
    if plan.host_before.iter().any(|step| matches!(step, Step::Rootfs(rootfs::Step::Create { lock: Some(_), .. }))) {
        record.namesakes().iter().for_each(|id| record.collect(id));
    }
    if let Err((index, fault)) = wire.carry_out(plan, Stage::HostBefore, context, Some(record)) {
        return failed(plan, Some((Stage::HostBefore, index)), &fault).into();
    }
    let inherited = Inherited::remember();
    let autogroup = (!apart(plan)).then(Autogroup::remember).flatten();
    // Should init be killed, its orphans come to us.
    let orphans = match plan.supervision.own_pid {
        true => None,
        false => match Orphans::adopt() {
            Ok(orphans) => orphans,
            Err(fault) => return failed(plan, None, &fault).into(),
        },
    };
    let (ours, theirs) = match wire.ends() {
        Ok(ends) => ends,
        Err(fault) => return failed(plan, None, &fault).into(),
    };
    caught::let_through();
    #[cfg(feature = "step-removal")]
    crate::plan::removal::hold_up();
    let cloned = clone_child(plan, context);
    caught::hold_back();
    let child = match cloned {
        Err(fault) => {
            let called_off = signal::pending().ending().map(Outcome::CalledOff);
            return called_off.unwrap_or_else(|| failed(plan, None, &fault)).into();
        }
        Ok(Side::Child) => {
            drop(ours);
            context.opens_gates = false;
            context.wire = theirs;
            init::run(plan, wire, context)
        }
        Ok(Side::Parent(child)) => child,
    };
    drop(theirs);
    context.wire = ours;
    context.child = Some(child.pid);
    #[cfg(feature = "step-removal")]
    crate::plan::removal::hold_up();
    let failure = match wire.carry_out(plan, Stage::HostAfter, context, Some(record)) {
        Err((index, fault)) => Some((Some((Stage::HostAfter, index)), fault)),
        // Init ends with its supervisor; what is no init of ours may ask not to, and is then found by its record alone.
        Ok(()) => {
            record.started(child.pid).err().filter(|_| !plan.supervision.init).map(|error| (None, state::fault(&error)))
        }
    };
    // A ^C ends a helper too.
    let called_off = failure.as_ref().and_then(|_| signal::pending().ending());
    let socket = context.wire.take().filter(|_| options.status.is_some() || !plan.supervision.init);
    #[cfg(feature = "step-removal")]
    crate::plan::removal::hold_up();
    let mut attended =
        Attended { plan, options, wire, child: &child, record, socket, called_off: None, timed_out: false };
    match (called_off, &failure) {
        (Some(signal), _) => attended.call_off(signal),
        // Without its gate the child waits for ever; with our end of the wire gone it gives up by itself, but a kill
        // is certain.
        (None, Some(_)) => attended.send(libc::SIGKILL),
        (None, None) => {}
    }
    let ended = attended.until_the_end();
    let Attended { called_off, timed_out, .. } = attended;
    if let Some(orphans) = orphans.filter(|orphans| !orphans.is_empty()) {
        // What is frozen would have to be waited for for ever.
        record.kill();
        orphans.end();
    }
    inherited.restore();
    autogroup.iter().for_each(Autogroup::restore);
    let outcome = match (failure, called_off) {
        (_, Some(signal)) if ended == Ended::Signaled(libc::SIGKILL) => Outcome::CalledOff(signal),
        // What was done to the child, or its gate, fails because it has ended, and only it knows why; unless it ended
        // because nobody opened its gate.
        (Some(_), _) if matches!(wire.report(), Report::Fault { stage, index, .. } if !is_gate(plan, stage, index)) => {
            conclude(plan, wire.report(), ended)
        }
        (Some((at, fault)), _) => failed(plan, at, &fault),
        (None, _) => conclude(plan, wire.report(), ended),
    };
    Supervised { outcome, timed_out }
}

fn is_gate(plan: &Plan, stage: Stage, index: usize) -> bool {
    matches!(plan.steps(stage).get(index), Some(Step::Gate(_)))
}

/// Born in all its namespaces, and in its cgroup: nothing has to be moved later.
fn clone_child(plan: &Plan, context: &Context) -> Result<Side, Fault> {
    let cgroup = plan.clone_into.map(|slot| context.get(slot)).transpose()?;
    clone3(&plan.namespaces, cgroup)
        .map_err(|errno| Fault::new(Operation::Clone3, errno, Namespace::nouns(&plan.namespaces).join(", ")))
}
