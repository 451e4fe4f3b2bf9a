//! `--status-fd`: how it went, for programs: one JSON object a line.
//!
//! `{"event":"started","pid":N}` when the program has been executed, N being pid 1 of the sandbox as the host sees it;
//! then one of `{"event":"exited","code":N}`, `{"event":"signaled","signal":N,"code":N}`, or, where no program ran,
//! `{"event":"failed","code":N,"message":"…","hint":"…"}`; `signaled` alone where a signal came before the program ran. `code` is always the exit code of `sandbox` itself.
//! Where the kernel killed processes of the sandbox for lack of memory, the last line has
//! `"oom":{"killed":N,"limit":BYTES,"peak":BYTES}` too; `limit` is null where it was not the sandbox's own.

use std::os::fd::OwnedFd;

use serde_json::{Value, json};

use crate::isolation::cgroup::oom::OutOfMemory;
use crate::outcome::Outcome;

pub fn started(to: &OwnedFd, pid: i32) {
    write(to, &json!({ "event": "started", "pid": pid }));
}

pub fn ended(to: &OwnedFd, outcome: &Outcome, out_of_memory: Option<&OutOfMemory>) {
    let code = outcome.code();
    let mut line = match outcome {
        Outcome::Exited(_) => json!({ "event": "exited", "code": code }),
        Outcome::Signaled(signal) | Outcome::CalledOff(signal) => {
            json!({ "event": "signaled", "signal": signal, "code": code })
        }
        Outcome::Failed { message, hint, .. } => {
            json!({ "event": "failed", "code": code, "message": message, "hint": hint })
        }
    };
    if let Some(oom) = out_of_memory {
        line["oom"] = json!({ "killed": oom.killed, "limit": oom.limit, "peak": oom.peak });
    }
    write(to, &line);
}

/// Whoever asked for the report may have gone; the program's fate does not depend on it.
fn write(to: &OwnedFd, line: &Value) {
    let _ = nix::unistd::write(to, format!("{line}\n").as_bytes());
}
