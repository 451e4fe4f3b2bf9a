//! The section's words: names looked up, conditions held against the calls that they are for, all complaints at once.

use super::calls::{Arch, CALLS, LIMIT, named};
use super::compile::MAX_INSTRUCTIONS;
use super::groups::{GROUPS, Set, resolve};
use super::presets::{self, MOUNTS, NAMESPACES};
use super::{Action, Given, Name, OnDeny, Preset, Rule, Seccomp};
use crate::isolation::{Findings, Section, nearest};

/// The section with its names looked up.
pub struct Words<'a> {
    pub section: &'a Seccomp,
    /// `None` under the preset `none`.
    pub base: Option<&'static presets::Table>,
    pub denied: Set,
    /// Allowed by their own names.
    pub named: Set,
    /// Allowed by the names of groups.
    pub grouped: Set,
    pub nested: Set,
    pub given: Given,
    pub rules: Vec<(Set, &'a Rule)>,
    pub i386: bool,
}

impl<'a> Words<'a> {
    pub fn read(section: &'a Seccomp, given: Given, findings: &mut Findings) -> Words<'a> {
        let i386 = i386(section, findings);
        let (denied, denied_groups) = sets(&section.deny, findings);
        let (named, grouped) = sets(section.allow.as_deref().unwrap_or_default(), findings);
        let nested = match (given.namespaces, given.mounts) {
            (_, true) => NAMESPACES.or(MOUNTS),
            (true, false) => NAMESPACES,
            (false, false) => Set::EMPTY,
        };
        Words {
            section,
            base: presets::table(section.preset),
            denied: denied.or(denied_groups),
            named,
            grouped,
            nested,
            given,
            rules: rules(section, i386, findings),
            i386,
        }
    }
}

/// What the names stand for, alone and in groups.
fn sets(names: &[Name], findings: &mut Findings) -> (Set, Set) {
    let (mut calls, mut groups) = (Set::EMPTY, Set::EMPTY);
    for name in names {
        match resolve(&name.name) {
            Some(set) if name.name.starts_with('@') => groups = groups.or(set),
            Some(set) => calls = calls.or(set),
            None if name.optional => {}
            None => unknown(name, findings),
        }
    }
    (calls, groups)
}

fn unknown(name: &Name, findings: &mut Findings) {
    let (kind, near) = if name.name.starts_with('@') {
        ("group of system calls", nearest(&name.name, GROUPS.iter().map(|group| group.name)))
    } else {
        ("system call", nearest(&name.name, CALLS.iter().map(|call| call.name)))
    };
    let group = GROUPS.iter().map(|group| group.name).find(|group| group.strip_prefix('@') == Some(&*name.name));
    let hint = match group.or(near) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write \"-{}\" to skip it where it is unknown", name.name),
    };
    findings.error(Section::Seccomp, format!("unknown {kind} \"{}\"", name.name), hint, name.origin.as_ref());
}

fn rules<'a>(section: &'a Seccomp, i386: bool, findings: &mut Findings) -> Vec<(Set, &'a Rule)> {
    // Each becomes an instruction at least, and it is cheaper to say so now.
    if let Some(rule) = section.rules.get(MAX_INSTRUCTIONS) {
        let message =
            format!("there are {} rules, the kernel takes {MAX_INSTRUCTIONS} instructions", section.rules.len());
        findings.error(Section::Seccomp, message, "merge those that do the same, or use groups", rule.origin.as_ref());
        return Vec::new();
    }
    section
        .rules
        .iter()
        .map(|rule| {
            let (calls, groups) = sets(&rule.syscalls, findings);
            let set = calls.or(groups);
            if let Some(complaint) = complaint(rule, set, i386) {
                let hint = "correct the condition, or take the rule out";
                findings.error(Section::Seccomp, complaint, hint, rule.origin.as_ref());
            }
            (set, rule)
        })
        .collect()
}

fn complaint(rule: &Rule, set: Set, i386: bool) -> Option<String> {
    if rule.syscalls.is_empty() {
        return Some("the rule names no system call".into());
    }
    if let Action::Errno(errno) = rule.action
        && !(1..=MAX_ERRNO).contains(&errno)
    {
        return Some(format!("the errno {errno} is not one: they run from 1 to {MAX_ERRNO}"));
    }
    if rule.args.is_empty() {
        return None;
    }
    let among = |arch| {
        (0..LIMIT as u32).filter(move |&nr| set.contains(arch, nr as usize)).filter_map(move |nr| named(arch, nr))
    };
    let found = among(Arch::X86_64)
        .chain(among(Arch::I386))
        .find_map(|call| rule.args.iter().find_map(|condition| condition.complaint(call, Arch::X86_64)));
    found.or_else(|| {
        let mut calls = among(Arch::I386).filter(|_| i386);
        calls.find_map(|call| rule.args.iter().find_map(|condition| condition.complaint(call, Arch::I386)))
    })
}

/// As in linux/err.h: the kernel would cut a larger one.
const MAX_ERRNO: u16 = 4095;

/// Whether i386 is asked for; the others of systemd's words name nothing that runs here.
fn i386(section: &Seccomp, findings: &mut Findings) -> bool {
    let mut i386 = false;
    let mut native = section.architectures.is_empty();
    for name in &section.architectures {
        let origin = name.origin.as_ref();
        match name.name.as_str() {
            "native" | "x86-64" => native = true,
            "x86" => i386 = true,
            _ if name.optional => {}
            "x32" => findings.error(Section::Seccomp, "calls of x32 are always refused", "leave \"x32\" out", origin),
            word => {
                let hint = match nearest(word, ["native", "x86-64", "x86"]) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "write \"native\", or \"x86\" for programs of 32 bits".to_owned(),
                };
                findings.error(
                    Section::Seccomp,
                    format!("the architecture \"{word}\" does not run on x86-64"),
                    hint,
                    origin,
                );
            }
        }
    }
    if !native {
        let origin = section.architectures.first().and_then(|name| name.origin.as_ref());
        let hint = "add \"native\": the program itself is started by a native call".to_string();
        findings.error(Section::Seccomp, "the architectures leave out the native one", hint, origin);
    }
    i386
}

/// What weakens the filter more than its author may have meant.
pub fn warn(section: &Seccomp, namespaces: bool, findings: &mut Findings) {
    if section.on_deny == OnDeny::Log {
        let message = "on-deny = \"log\" refuses nothing: the filter only logs";
        findings.warning(Section::Seccomp, message, "write \"errno\" once the log is quiet", None);
    }
    if section.preset == Preset::None {
        return;
    }
    for name in section.allow.iter().flatten() {
        let (effect, hint) = match name.name.as_str() {
            "clone3" if namespaces => continue,
            "clone3" => ("hides from the filter which namespaces it makes", "libraries fall back to clone"),
            "io_uring_setup" => ("opens files and sockets that the filter does not see", "libraries fall back"),
            "socketcall" => ("opens sockets of every family unseen", "libraries fall back to socket"),
            "clone" if !namespaces => ("lifts the refusal of new namespaces", "@process keeps it"),
            "socket" | "socketpair" => ("lifts the choice of address families", "@network-io keeps it"),
            "chmod" | "fchmod" | "fchmodat" | "fchmodat2" | "creat" | "mknod" | "mknodat" | "open" | "openat"
            | "openat2"
                if section.preset != Preset::Compat =>
            {
                ("lets the program make setuid and setgid files", "without it they are refused")
            }
            "ioctl" => ("lets the program type into its terminal", "rules can allow single requests"),
            _ => continue,
        };
        let message = format!("allowing \"{}\" by its own name {effect}", name.name);
        findings.warning(Section::Seccomp, message, hint.to_string(), name.origin.as_ref());
    }
}
