//! Calls without which no program starts or ends, and who refuses them.

use super::calls::{Arch, find};
use super::groups::resolve;
use super::policy::{By, Policy};
use super::{Name, Seccomp};
use crate::isolation::{Findings, Origin, Section};

/// What /bin/echo of Debian does not start or end without, each tried by denying it alone.
const VITAL: [(&str, &str); 10] = [
    ("arch_prctl", "no program with threads' own variables starts without it"),
    ("close", "the loader gives up where it cannot close a library"),
    ("exit_group", "programs end by it, and crash where they cannot"),
    ("mmap", "libraries and memory come by it"),
    ("mprotect", "the loader gives up where it cannot protect a library"),
    ("newfstatat", "the loader looks at libraries by it"),
    ("openat", "the loader opens libraries by it"),
    ("pread64", "the loader reads libraries by it"),
    ("read", "the loader reads libraries by it"),
    ("write", "all output goes by it"),
];

pub fn check(section: &Seccomp, policy: &Policy, findings: &mut Findings) {
    if section.deny.is_empty() && section.rules.is_empty() && section.allow.is_none() {
        // Every preset lets programs start.
        return;
    }
    if let Some(refusal) = refusal("execve", section, policy) {
        let message = format!("{} execve, by which the program itself is started", refusal.by);
        return findings.error(Section::Seccomp, message, refusal.hint("execve"), refusal.origin);
    }
    let mut left_out = Vec::new();
    for (name, why) in VITAL {
        let Some(refusal) = refusal(name, section, policy) else { continue };
        if refusal.name.is_none() {
            left_out.push(name);
        } else {
            findings.warning(
                Section::Seccomp,
                format!("{} {name}: {why}", refusal.by),
                refusal.hint(name),
                refusal.origin,
            );
        }
    }
    if !left_out.is_empty() {
        let calls = left_out.join(", ");
        let message = format!("{LEFT_OUT} {calls}: ordinary programs do not start or end without them");
        findings.warning(Section::Seccomp, message, "add them to allow", section.preset_origin.as_ref());
    }
}

const LEFT_OUT: &str = "the list of what is allowed leaves out";

/// Who refuses a call whatever its arguments.
struct Refusal<'a> {
    by: &'static str,
    /// What to take out; nothing where it is only not allowed.
    name: Option<&'a str>,
    origin: Option<&'a Origin>,
}

impl Refusal<'_> {
    fn hint(&self, call: &str) -> String {
        match self.name {
            Some(name) if name == call => format!("take \"{call}\" out"),
            Some(group) => format!("name what you mean of \"{group}\", without \"{call}\""),
            None => format!("add \"{call}\" to allow"),
        }
    }
}

fn refusal<'a>(call: &str, section: &'a Seccomp, policy: &Policy) -> Option<Refusal<'a>> {
    let number = usize::from(find(call)?.number(Arch::X86_64)?);
    let entry = policy.entry(Arch::X86_64, number as u32)?;
    if policy.chain(entry).can_pass() {
        return None;
    }
    let names = |name: &&Name| resolve(&name.name).is_some_and(|set| set.contains(Arch::X86_64, number));
    let (by, name, rule) = match entry.by {
        By::Deny => ("deny refuses", section.deny.iter().find(names), None),
        By::Rules => {
            let rule = section.rules.iter().find(|rule| rule.syscalls.iter().any(|name| names(&name)));
            ("rules refuse", rule.and_then(|rule| rule.syscalls.iter().find(names)), rule)
        }
        _ => (LEFT_OUT, None, None),
    };
    let origin = match (name, rule) {
        (_, Some(rule)) => rule.origin.as_ref(),
        (Some(name), None) => name.origin.as_ref(),
        (None, None) => section.preset_origin.as_ref(),
    };
    Some(Refusal { by, name: name.map(|name| name.name.as_str()), origin })
}
