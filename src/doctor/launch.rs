//! The last word: the default profile, launched whole.

use std::path::Path;
use std::time::{Duration, Instant};

use super::Feature;
use super::attempt::Refusal;
use crate::host::{Host, Node};
use crate::isolation::{Findings, Operation, Severity};
use crate::launch::{self, Options};
use crate::outcome::Outcome;
use crate::plan;
use crate::profile::{self, Overrides};
use crate::state;
use crate::sys::descriptor;

const NAME: &str = "launch";
const LOST: &str = "every profile that does not turn off what is missing";

pub fn examine(host: &Host) -> Feature {
    let programs = ["/usr/bin/true", "/bin/true", "/bin/sh"];
    let there = |program: &&&str| matches!(host.canonical(Path::new(program)).1, Node::File { .. });
    let Some(program) = programs.iter().find(there) else {
        return Feature::limited(NAME, "not tried: this machine has neither true nor sh").required();
    };
    let text = format!(
        "[process]\ncommand = [{program:?}]\n{}",
        if program.ends_with("sh") { "args = [\"-c\", \":\"]" } else { "" }
    );
    let loaded = match profile::load_text(&text, "doctor.toml", &Overrides::default(), host) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return Feature::no(NAME, diagnostics.to_string()).lost(LOST).required(),
    };
    let mut findings = Findings::default();
    let Some(plan) = plan::plan(&loaded.profile, host, &mut findings) else {
        return unplanned(&findings);
    };
    // Every launch does so first, and does not begin without.
    if let Err(errno) = descriptor::close_on_exec_from(3) {
        let refusal = Refusal::new(Operation::CloseRange, errno, "");
        return Feature::refused(NAME, &refusal, "see system-calls above").lost("every launch").required();
    }
    let began = Instant::now();
    let options = Options { timeout: Some(Duration::from_secs(10)), ..Options::default() };
    let record = match state::begin(&plan.name, &profile::resolved_text(&loaded), host) {
        Ok(record) => record,
        Err(error) => {
            let feature = Feature::no(NAME, crate::sys::errno::chain(&error)).lost(LOST).required();
            return match state::remedy(&error) {
                Some(hint) => feature.remedy(hint),
                None => feature,
            };
        }
    };
    let outcome = launch::launch(&plan, &options, record).outcome;
    judge(outcome, began.elapsed(), &findings)
}

fn unplanned(findings: &Findings) -> Feature {
    let errors: Vec<_> = findings.0.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let messages: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.section, error.message)).collect();
    let feature = Feature::no(NAME, messages.join("\n")).lost(LOST).required();
    match errors.iter().find_map(|error| error.hint.clone()) {
        Some(hint) => feature.remedy(hint),
        None => feature,
    }
}

fn judge(outcome: Outcome, took: Duration, findings: &Findings) -> Feature {
    let shortfalls: Vec<_> = findings
        .0
        .iter()
        .filter(|finding| finding.severity == Severity::Shortfall)
        .map(|finding| format!("{}: {}", finding.section, finding.message))
        .collect();
    match outcome {
        Outcome::Exited(0) if shortfalls.is_empty() => {
            let milliseconds = took.as_secs_f64() * 1000.0;
            Feature::ok(NAME, format!("the default profile, each layer read back, in {milliseconds:.1} ms")).required()
        }
        Outcome::Exited(0) => {
            Feature::limited(NAME, "the default profile, in part").lost(shortfalls.join("\n")).required()
        }
        Outcome::Exited(code) => Feature::no(NAME, format!("`true` ended with code {code}")).lost(LOST).required(),
        Outcome::Signaled(signal) | Outcome::CalledOff(signal) => {
            Feature::no(NAME, format!("signal {signal} ended it")).lost(LOST).required()
        }
        Outcome::Failed { message, hint, .. } => {
            let feature = Feature::no(NAME, message).lost(LOST).required();
            match hint {
                Some(hint) => feature.remedy(hint),
                None => feature,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::isolation::Section;

    #[test]
    fn a_launch_that_lacks_something_says_what() {
        let mut findings = Findings::default();
        assert_eq!(judge(Outcome::Exited(0), Duration::ZERO, &findings).state, State::Ok);
        findings.shortfall(Section::Landlock, "there is none", None, None);
        let limited = judge(Outcome::Exited(0), Duration::ZERO, &findings);
        assert_eq!((limited.state, limited.lost.as_deref()), (State::Limited, Some("landlock: there is none")));
        let failed = Outcome::Failed { code: 125, message: "clone3: no".into(), hint: Some("do".into()) };
        let no = judge(failed, Duration::ZERO, &findings);
        assert_eq!((no.state, no.remedy.as_deref()), (State::No, Some("do")));
    }

    #[test]
    fn what_cannot_be_planned_is_not_launched() {
        let mut findings = Findings::default();
        findings.error(Section::Namespaces, "none here", "raise it".to_owned(), None);
        let feature = unplanned(&findings);
        assert_eq!((feature.detail.as_str(), feature.remedy.as_deref()), ("namespaces: none here", Some("raise it")));
    }
}
