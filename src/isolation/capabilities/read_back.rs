//! Whether a process holds what the plan says, by the kernel's own word.

use super::Expected;
use crate::isolation::status::Status;
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::capabilities as sys;

/// Compares the calling thread with the plan: its sets, from its /proc/PID/status, and its securebits.
pub fn read_back(expected: &Expected, status: &str) -> Applied {
    verify(expected, status)?;
    let bits = sys::securebits().map_err(|errno| Fault::new(Operation::GetSecurebits, errno, ""))?;
    if bits != expected.securebits {
        let detail = format!("{bits:#x}, planned {:#x}", expected.securebits);
        return Err(Fault::mismatch(Operation::Securebits, detail));
    }
    Ok(())
}

/// Compares the sets of any process with the plan, by the text of its /proc/PID/status.
pub(super) fn verify(expected: &Expected, status: &str) -> Applied {
    match Status::parse(status) {
        Some(status) => verify_sets(expected, &status),
        None => Err(Fault::mismatch(Operation::Status, "a field is missing")),
    }
}

pub(super) fn verify_sets(expected: &Expected, status: &Status) -> Applied {
    for (name, set) in status.sets() {
        if set != expected.keep {
            return Err(Fault::mismatch(name, format!("{set:016x}, planned {:016x}", expected.keep)));
        }
    }
    Ok(())
}
