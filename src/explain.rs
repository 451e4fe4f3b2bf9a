//! Renders plans and findings. It knows nothing of its own: every word is the steps'.

pub mod usage;

use std::ffi::OsString;
use std::fmt::Write;
use std::io::IsTerminal;

use serde_json::{Value, json};

use crate::isolation::context::Slot;
use crate::isolation::{Findings, Severity};
use crate::launch::Timing;
use crate::plan::{Plan, Stage};
use crate::profile::{Diagnostics, Loaded};
use crate::say::{printable, printable_lines};
use crate::sys::namespace::Namespace;

/// The plan as a person reads it; with `why`, each step's reason beneath it.
pub fn text(plan: &Plan, why: bool) -> String {
    let mut text = format!("{}\n", plan.name);
    for stage in Stage::ALL {
        if stage == Stage::HostAfter {
            let _ = writeln!(text, "\nclone3: new {} namespaces", Namespace::nouns(&plan.namespaces).join(", "));
        }
        let steps = plan.steps(stage);
        if steps.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{stage}");
        for step in steps {
            // What a step says in several lines stays below its own beginning.
            let _ =
                writeln!(text, "  {}: {}", step.section(), printable_lines(&step.to_string()).replace('\n', "\n    "));
            if why {
                let _ = writeln!(text, "      {}", step.why());
            }
        }
    }
    text
}

/// `{name, namespaces, stages: [{stage, steps: [{section, step, why, reads, fills}]}]}`; the last two are slots.
pub fn json(plan: &Plan) -> Value {
    let stages: Vec<Value> = Stage::ALL
        .into_iter()
        .map(|stage| {
            let steps: Vec<Value> = plan
                .steps(stage)
                .iter()
                .map(|step| {
                    let slots = step.slots();
                    let names = |slots: &[Slot]| slots.iter().map(Slot::to_string).collect::<Vec<_>>();
                    json!({
                        "section": step.section(),
                        "step": step.to_string(),
                        "why": step.why(),
                        "reads": names(&slots.reads),
                        "fills": names(&slots.fills),
                    })
                })
                .collect();
            json!({ "stage": stage.name(), "steps": steps })
        })
        .collect();
    json!({ "name": plan.name, "namespaces": Namespace::nouns(&plan.namespaces), "stages": stages })
}

/// What a launch has to say of its plan, to stderr: a line for whatever this machine lacks, and errors with the lines of
/// the profile that they are about. The rest is for `check`.
pub fn print_obstacles(loaded: &Loaded, findings: &Findings) {
    for finding in findings.0.iter().filter(|finding| finding.severity == Severity::Shortfall) {
        let place = finding.origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
        let message = format!("{place}not on this machine: {}: {}", finding.section, finding.message);
        print_error(&message, finding.hint.as_deref());
    }
    print_diagnostics(&loaded.errors(findings));
}

/// What is wrong with a profile, with the lines it is about.
pub fn print_diagnostics(diagnostics: &Diagnostics) {
    let colour = std::io::stderr().is_terminal() && colourful(|name| std::env::var_os(name));
    eprint!("{}", diagnostics.text(colour));
}

/// Whether a terminal is to be written to in colour: no-color.org, and terminals that have none.
fn colourful(env: impl Fn(&str) -> Option<OsString>) -> bool {
    let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && env("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Names of files, of accounts and what the kernel says are others' text, which is not to move a cursor.
pub fn print_error(message: &str, hint: Option<&str>) {
    eprintln!("sandbox: {}", printable(message));
    if let Some(hint) = hint {
        eprintln!("hint: {}", printable(hint));
    }
}

/// Microseconds since the launch began, and what each step took itself.
pub fn print_timings(timings: &[Timing]) {
    let mut last = 0;
    for timing in timings {
        let own = timing.microseconds.saturating_sub(last);
        last = timing.microseconds;
        let step = printable_lines(&timing.step);
        eprintln!("{:>8} µs {own:>6} µs  {}: {step}", timing.microseconds, timing.stage);
    }
}

#[cfg(test)]
mod tests {
    use super::colourful;

    #[test]
    fn whoever_wants_no_colour_gets_none() {
        for (no_color, term, wanted) in [
            (None, Some("xterm"), true),
            (Some(""), Some("xterm"), true),
            (Some("0"), Some("xterm"), false),
            (None, Some("dumb"), false),
            (None, None, false),
        ] {
            let env = |name: &str| if name == "NO_COLOR" { no_color } else { term }.map(Into::into);
            assert_eq!(colourful(env), wanted, "{no_color:?} {term:?}");
        }
    }
}
