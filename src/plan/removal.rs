//! The negative control of every step: a test build runs a plan without one of them.
//!
//! `SANDBOX_REMOVE=init:12` leaves out step 12 of init, `SANDBOX_REMOVE=read-back` all read-backs, both separated by a
//! comma. `late` holds both sides up around a clone: a gate's absence shows every time, and what falls between two looks. A
//! step whose absence no check notices proves nothing; the suite fails for it.

use super::{Plan, Stage, Step};

#[cfg(not(debug_assertions))]
compile_error!("the feature step-removal weakens the sandbox on request: it is for test builds alone");

const LATE: &str = "late";

/// Lets the child run ahead of its supervisor, the program of init; before a clone it is the moment that a person meets.
pub fn hold_up() {
    let wanted = std::env::var("SANDBOX_REMOVE").unwrap_or_default();
    if wanted.split(',').any(|word| word == LATE) {
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
}

pub fn remove(plan: &mut Plan) -> Result<(), String> {
    let wanted = std::env::var("SANDBOX_REMOVE").unwrap_or_default();
    let mut read_backs = true;
    let wanted: Vec<&str> = wanted.split(',').filter(|word| !word.is_empty() && *word != LATE).collect();
    for word in wanted {
        if word == "read-back" {
            read_backs = false;
            continue;
        }
        let place = word.split_once(':').and_then(|(stage, index)| {
            let stage = Stage::ALL.into_iter().find(|known| known.name() == stage)?;
            Some((stage, index.parse::<usize>().ok()?))
        });
        let steps = place.map(|(stage, index)| (plan.steps_mut(stage), index));
        match steps {
            Some((steps, index)) if index < steps.len() => drop(steps.remove(index)),
            _ => return Err(format!("SANDBOX_REMOVE: there is no step {word}")),
        }
    }
    if !read_backs {
        for stage in Stage::ALL {
            plan.steps_mut(stage).retain(|step| !matches!(step, Step::Verify(_)));
        }
        plan.supervision.privilege = None;
    }
    Ok(())
}
