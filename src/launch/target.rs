//! The process that becomes the program: the last steps, then exec.
//!
//! It borrows init's memory until the exec (vfork), or is init itself where the profile wants none.

use super::wire::Wire;
use crate::isolation::context::Context;
use crate::isolation::process;
use crate::plan::{Plan, Stage, Step};
use crate::sys::signal;

/// Returns only when it failed or was called off, with the reason on the page.
pub fn become_program(plan: &Plan, wire: &Wire, context: &mut Context) {
    let Some((execute, before)) = plan.target.split_last() else { return };
    for (index, step) in before.iter().enumerate() {
        // A pid 1 without a handler ignores a signal once it is let through, a ^C too; any other process ends of it.
        if !plan.supervision.init
            && matches!(step, Step::Process(process::Step::UnblockSignals))
            && let Some(signal) = signal::pending().ending()
        {
            return wire.called_off(signal);
        }
        if let Err(fault) = step.apply(context) {
            return wire.fault(Stage::Target, index, &fault);
        }
        wire.done(plan, Stage::Target, index);
    }
    // From here on a signal is the program's to take: to wait for the exec would let one fall between the two.
    wire.running();
    if let Err(mut fault) = execute.apply(context) {
        // Filled by a step before; only now is it known to be worth a word.
        if let Some(program) = context.program.take() {
            fault.detail = String::from_utf8(program.into_bytes()).unwrap_or_default();
        }
        wire.fault(Stage::Target, before.len(), &fault);
    }
}
