//! `--status-fd`: how it went, for programs: one JSON object a line.
//!
//! `{"event":"started","pid":N}` when the program has been executed, N being pid 1 of the sandbox as the host sees it;
//! then one of `{"event":"exited","code":N}`, `{"event":"signaled","signal":N,"code":N}`, or, where no program ran,
//! `{"event":"failed","code":N,"message":"…","hint":"…"}`. `code` is always the exit code of `sandbox` itself.

use std::os::fd::OwnedFd;

use serde_json::{Value, json};

use crate::outcome::Outcome;

pub fn started(to: &OwnedFd, pid: i32) {
    write(to, &json!({ "event": "started", "pid": pid }));
}

pub fn ended(to: &OwnedFd, outcome: &Outcome) {
    let code = outcome.code();
    write(
        to,
        &match outcome {
            Outcome::Exited(_) => json!({ "event": "exited", "code": code }),
            Outcome::Signaled(signal) => json!({ "event": "signaled", "signal": signal, "code": code }),
            Outcome::Failed { message, hint, .. } => {
                json!({ "event": "failed", "code": code, "message": message, "hint": hint })
            }
        },
    );
}

/// Whoever asked for the report may have gone; the program's fate does not depend on it.
fn write(to: &OwnedFd, line: &Value) {
    let _ = nix::unistd::write(to, format!("{line}\n").as_bytes());
}
