//! What holds for every text: reading it never panics, what is refused says why, and what is accepted means the same
//! once it is printed and read again. The tests of this directory and the targets in fuzz/ share it.

#![allow(dead_code, reason = "each test uses its part")]

use std::fmt::Write;

use sandbox::explain;
use sandbox::host::{Facts, Host};
use sandbox::isolation::Findings;
use sandbox::plan;
use sandbox::profile::{self, Diagnostics, Loaded, Overrides};

/// A machine with everything, that exists nowhere.
pub fn facts() -> Facts {
    serde_json::from_str(include_str!("../golden/hosts/rich.json")).expect("the made-up host is sound")
}

/// True if it was accepted.
pub fn judge(read: Result<Loaded, Diagnostics>, facts: &Facts, text: &str) -> bool {
    let loaded = match read {
        Ok(loaded) => loaded,
        Err(problems) => {
            assert!(problems.has_errors(), "refused without an error\n{text}");
            assert!(problems.list.iter().all(|problem| problem.hint.is_some()), "no remedy\n{problems}\n{text}");
            assert!(!problems.text(true).is_empty() && problems.json().is_array(), "{text}");
            return false;
        }
    };
    let _ = (loaded.warnings.text(true), loaded.warnings.json());
    let printed = profile::resolved_text(&loaded);
    let host = Host::known(facts.clone());
    let again = match profile::load_text(&printed, "/profiles/p.toml", &Overrides::default(), &host) {
        Ok(again) => again,
        Err(problems) => panic!("printed, it is refused\n{problems}\n{text}\n---\n{printed}"),
    };
    assert_eq!(printed, profile::resolved_text(&again), "printed twice\n{text}");
    let (planned, planned_again) = (planned(&loaded, facts), planned(&again, facts));
    assert_eq!(planned, planned_again, "planned twice\n{text}\n---\n{printed}");
    true
}

/// The plan, and what planning found. Reasons name places in a text, which printing changes.
pub fn planned(loaded: &Loaded, facts: &Facts) -> String {
    let mut findings = Findings::default();
    let plan = plan::plan(&loaded.profile, &Host::known(facts.clone()), &mut findings);
    let mut said = plan.as_ref().map(|plan| explain::text(plan, false)).unwrap_or_default();
    for finding in &findings.0 {
        let _ = writeln!(said, "{:?}: {}: {} ({:?})", finding.severity, finding.section, finding.message, finding.hint);
    }
    said
}
