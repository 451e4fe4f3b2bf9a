//! What a launch came to, in the words that a person reads.

use nix::errno::Errno;

use super::remedy;
use super::wire::Report;
use crate::isolation::{Fault, Operation};
use crate::outcome::{self, Outcome};
use crate::plan::{Plan, Stage};
use crate::say::printable;
use crate::sys::errno::words;
use crate::sys::wait::Ended;

/// What became of it: the shared page speaks for init, the wait status for the kernel.
pub fn conclude(plan: &Plan, report: Report, ended: Ended) -> Outcome {
    match (report, ended) {
        (Report::Fault { stage, index, fault }, _) => failed(plan, Some((stage, index)), &fault),
        (Report::Ended(outcome), _) => outcome,
        (Report::CalledOff(signal), _) => Outcome::CalledOff(signal),
        // Without init the program's own end is what we waited for.
        (Report::Running, Ended::Exited(code)) if !plan.supervision.init => Outcome::Exited(code),
        (Report::Running, Ended::Signaled(signal)) => Outcome::Signaled(signal),
        (_, Ended::Signaled(signal)) => Outcome::Failed {
            code: outcome::FAILED,
            message: format!("the sandbox was killed during set-up, by signal {signal}"),
            hint: None,
        },
        (_, Ended::Exited(code)) => Outcome::Failed {
            code: outcome::FAILED,
            message: format!("init ended with code {code} and no word of why"),
            hint: None,
        },
    }
}

/// The message names the step in the words that `plan` prints.
pub fn failed(plan: &Plan, at: Option<(Stage, usize)>, fault: &Fault) -> Outcome {
    let step = at.and_then(|(stage, index)| plan.steps(stage).get(index));
    let (code, mut message) = match (fault.operation, step) {
        (Operation::FindProgram, _) => (outcome::NOT_FOUND, "process: cannot find the program ".to_string()),
        (Operation::ExecuteProgram, _) => (outcome::NOT_EXECUTABLE, "process: cannot execute the program ".to_string()),
        (operation, Some(step)) => (outcome::FAILED, format!("{}: {step}: {operation}: ", step.section())),
        (operation, None) => (outcome::FAILED, format!("{operation}: ")),
    };
    if !fault.detail.is_empty() {
        message.push_str(&printable(&fault.detail));
        message.push_str(": ");
    } else if fault.operation == Operation::FindProgram {
        message.push_str("\"\": ");
    }
    match fault.errno {
        Errno::UnknownErrno => message.push_str("not as planned"),
        errno => message.push_str(&words(errno)),
    }
    Outcome::Failed { code, message, hint: remedy::remedy(step, fault) }
}
