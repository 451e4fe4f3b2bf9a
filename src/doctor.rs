//! What this machine can do, each thing tried where trying is possible; why it cannot, and the exact remedy.

mod attempt;
mod cgroup;
mod devices;
mod facts;
mod filesystems;
mod identity;
mod kernel;
mod launch;
mod namespaces;
mod privilege;
mod report;
mod system;
mod trial;

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::host::Host;
use crate::isolation::namespaces::limits;
pub use facts::{ask, facts};
pub use report::Report;
pub use trial::Trial;

/// One thing that a machine can or cannot do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Feature {
    pub name: &'static str,
    pub state: State,
    /// The default profile cannot be launched without it.
    pub required: bool,
    /// What there is, or why it is not.
    pub detail: String,
    /// What cannot be had without it.
    pub lost: Option<String>,
    /// What to do, whole: it may be several lines.
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ok,
    Limited,
    No,
}

/// Every feature, in the order in which it is looked at.
pub const NAMES: [&str; 22] = [
    "kernel",
    "system-calls",
    "container",
    "init",
    "user-namespaces",
    "namespaces",
    "time-namespace",
    "proc",
    "sys",
    "terminals",
    "overlay",
    "overlay-on-disk",
    "landlock",
    "seccomp",
    "no-new-privileges",
    "groups",
    "cgroups",
    "id-ranges",
    "pasta",
    "tun",
    "fuse",
    "launch",
];

/// Looks at everything. The calling process must be single-threaded and ready for launching.
pub fn examine(host: &Host) -> Vec<Feature> {
    let system = system::System::look(host);
    let mut features = vec![kernel::version(host), kernel::system_calls(), system.container(), system.init()];
    features.extend(namespaces::examine(&system));
    features.extend(filesystems::examine(host));
    features.extend(privilege::examine(host));
    features.push(cgroup::examine(host));
    features.push(identity::examine(host));
    features.extend(devices::examine());
    features.push(launch::examine(host));
    if limits::nested(host).is_some() {
        features.iter_mut().for_each(inside_a_sandbox);
    }
    features
}

/// What the machine could be given is nothing that anybody could give it there.
fn inside_a_sandbox(feature: &mut Feature) {
    let remedy = match feature.name {
        "system-calls" | "seccomp" => limits::NESTED.to_owned(),
        "cgroups" => "in [cgroup] of the profile around: delegate = true, on cgroup v2".to_owned(),
        "tun" | "fuse" => format!("in [rootfs] of the profile around: devices = [\"{}\"]", feature.name),
        _ => return,
    };
    feature.remedy = feature.remedy.take().map(|_| remedy);
}

/// Whether everything is there that the default profile needs.
pub fn suffices(features: &[Feature]) -> bool {
    features.iter().all(|feature| !feature.required || feature.state != State::No)
}

/// One feature a line, what there is to say about it beneath.
pub fn text(features: &[Feature]) -> String {
    let mut text = String::new();
    for feature in features {
        let mut lines = feature.detail.lines();
        let state = match feature.state {
            State::Ok => "ok",
            State::Limited => "limited",
            State::No => "no",
        };
        let _ = writeln!(text, "{state:<8} {}: {}", feature.name, lines.next().unwrap_or_default());
        let mut indented = |label: &str, lines: &mut dyn Iterator<Item = &str>| {
            let mut label = label;
            for line in lines {
                let _ = writeln!(text, "{}", format!("         {label}{line}").trim_end());
                label = if label.is_empty() { "" } else { "  " };
            }
        };
        indented("", &mut lines);
        indented("lost: ", &mut feature.lost.iter().flat_map(|lost| lost.lines()));
        indented("hint: ", &mut feature.remedy.iter().flat_map(|remedy| remedy.lines()));
    }
    text
}

/// `{facts: {…}, features: [{name, state, required, detail, lost, remedy}]}`
pub fn json(host: &Host, features: &[Feature]) -> Value {
    json!({ "facts": facts(host), "features": features })
}

impl Feature {
    fn new(name: &'static str, state: State, detail: impl Into<String>) -> Feature {
        Feature { name, state, required: false, detail: detail.into(), lost: None, remedy: None }
    }

    fn ok(name: &'static str, detail: impl Into<String>) -> Feature {
        Feature::new(name, State::Ok, detail)
    }

    fn limited(name: &'static str, detail: impl Into<String>) -> Feature {
        Feature::new(name, State::Limited, detail)
    }

    fn no(name: &'static str, detail: impl Into<String>) -> Feature {
        Feature::new(name, State::No, detail)
    }

    /// What was tried and refused, or never got so far as to be tried.
    fn refused(name: &'static str, refusal: &attempt::Refusal, remedy: impl Into<String>) -> Feature {
        if refusal.before_trying {
            return Feature::no(name, "not tried: the namespaces it needs are refused").remedy("see above");
        }
        Feature::no(name, refusal.to_string()).remedy(remedy)
    }

    fn required(self) -> Feature {
        Feature { required: true, ..self }
    }

    fn lost(self, lost: impl Into<String>) -> Feature {
        Feature { lost: Some(lost.into()), ..self }
    }

    fn remedy(self, remedy: impl Into<String>) -> Feature {
        Feature { remedy: Some(remedy.into()), ..self }
    }
}

/// A remedy in the one line that a hint is.
fn remedy_line(remedy: &str) -> String {
    remedy.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_required_and_missing_fails() {
        let limited = Feature::limited("a", "").required();
        let optional = Feature::no("b", "");
        assert!(suffices(&[limited.clone(), optional.clone()]));
        assert!(!suffices(&[limited, optional.required()]));
    }

    #[test]
    fn a_feature_is_a_line_and_what_hangs_below_it() {
        let feature = Feature::no("x", "one\ntwo").lost("much").remedy("save:\n\n  y");
        let expected = "no       x: one\n         two\n         lost: much\n         hint: save:\n\n             y\n";
        assert_eq!(text(&[feature]), expected);
    }
}
