//! `[seccomp]`: which system calls the program may make.
//!
//! Section → `words` (its names, looked up) → `policy` (what becomes of every number, from the constants of `calls`,
//! `groups` and `presets` and the conditions of `checks`, as `chain`s) → `compile` (the program) → `step` (handed to the
//! kernel).

mod calls;
mod chain;
mod checks;
mod compile;
mod groups;
#[cfg(test)]
mod interpret;
mod outside;
mod policy;
mod presets;
mod step;
#[cfg(test)]
mod tests;
mod text;
mod vital;
mod words;

use std::fmt;

use super::{Findings, Origin, Section};

pub use calls::Arch;
pub use policy::By;
pub use step::{Filter, Step};

/// Every system call and, with its `@`, every group that a profile can name.
pub fn call_names() -> impl Iterator<Item = &'static str> {
    calls::CALLS.iter().map(|call| call.name)
}

pub fn group_names() -> impl Iterator<Item = &'static str> {
    groups::GROUPS.iter().map(|group| group.name)
}

#[cfg(not(target_arch = "x86_64"))]
compile_error!("the tables of system calls are those of x86-64 and i386 only");

/// The section as the author wrote it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Seccomp {
    pub preset: Preset,
    pub preset_origin: Option<Origin>,
    /// Names of system calls or `@groups`. A call's own name allows it whatever its arguments; a group keeps the
    /// preset's conditions on arguments and its ENOSYS. Under the preset `none`, a list that is present is all that is
    /// allowed.
    pub allow: Option<Vec<Name>>,
    pub deny: Vec<Name>,
    pub rules: Vec<Rule>,
    /// systemd's words: `native`, `x86-64`, `x86`; empty means `native`.
    pub architectures: Vec<Name>,
    pub on_deny: OnDeny,
}

/// A name as written, with its leading `-` (skip if unknown) taken off.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub name: String,
    pub optional: bool,
    pub origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preset {
    /// An allow-list for ordinary applications.
    #[default]
    Default,
    /// systemd's `@system-service`, with what it leaves open closed.
    SystemService,
    /// What a program that reads, writes and computes needs.
    Strict,
    /// A deny-list, for what breaks under the others.
    Compat,
    /// No filter.
    None,
}

/// All conditions must hold; of several rules for one call the first that holds decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Names of system calls or `@groups`.
    pub syscalls: Vec<Name>,
    pub args: Vec<Condition>,
    pub action: Action,
    pub origin: Option<Origin>,
}

/// Compared without sign, on as many bits of the argument as the kernel reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// 0–5.
    pub index: u8,
    pub op: Op,
    /// A negative number as two's complement, in 64 bits.
    pub value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// `argument & mask == value`.
    MaskedEq(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Allow,
    /// An errno by number.
    Errno(u16),
    KillProcess,
    Log,
}

/// What becomes of a refused call. What libraries fall back from (clone3, io_uring, the new mount calls, numbers newer
/// than our tables) gets ENOSYS whatever is asked here: so a trial run takes the same way as the real one, and nothing
/// is killed for trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnDeny {
    /// It fails with the errno that fits it.
    #[default]
    Errno,
    /// The program is killed.
    Kill,
    /// It succeeds and is logged: for finding out what a program needs, not for isolation.
    Log,
}

/// What other sections have decided that the filter depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Given {
    /// Whether the program may make namespaces, and mounts in them.
    pub namespaces: bool,
    pub mounts: bool,
    pub group: Group,
    /// Landlock refuses signals to processes outside.
    pub scoped: bool,
    /// Processes outside have pids inside.
    pub pids: bool,
}

/// Who is in the program's process group, which is one across pid namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Group {
    #[default]
    Own,
    /// Its own, and at a terminal the caller's.
    AtTerminals,
    /// The launcher, and with it the caller's pipeline.
    Shared,
}

/// Decides, and compiles.
pub fn plan(section: &Seccomp, given: Given, findings: &mut Findings) -> Option<Step> {
    let before = findings.0.len();
    let policy = policy::Policy::new(section, given, findings);
    outside::warn(section, policy.as_ref(), given, findings);
    let policy = policy?;
    words::warn(section, given.nests(), findings);
    let origin = section.preset_origin.as_ref();
    vital::check(section, &policy, findings);
    if findings.0[before..].iter().any(|finding| finding.severity == super::Severity::Error) {
        return None;
    }
    let program = match compile::compile(&policy) {
        Ok(program) => program,
        Err(error) => {
            findings.error(Section::Seccomp, format!("compiling the rules: {error}"), "leave some of them out", origin);
            return None;
        }
    };
    if program.len() > compile::MAX_INSTRUCTIONS {
        let (count, most) = (program.len(), compile::MAX_INSTRUCTIONS);
        let hint = "give rules for fewer calls, or with fewer conditions".to_string();
        findings.error(
            Section::Seccomp,
            format!("the filter has {count} instructions, the kernel takes {most}"),
            hint,
            origin,
        );
        return None;
    }
    let (preset, preset_origin) = (section.preset, section.preset_origin.clone());
    let (holds_kill, holds_pids) = (outside::holds_kill(&policy, given), outside::holds_pids(&policy, given));
    Some(Step::Filter(Filter { preset, preset_origin, policy, holds_kill, holds_pids, program }))
}

/// Whether one of these calls gets through, with some arguments.
pub fn admits(section: &Seccomp, namespaces: bool, calls: &[&str]) -> bool {
    let given = Given { namespaces, ..Given::default() };
    policy::Policy::new(section, given, &mut Findings::default()).is_none_or(|policy| policy.admits(calls))
}

/// Whether the program can use keys; what was planned is all that keeps it from them.
pub fn admits_keys(planned: Option<&Step>) -> bool {
    planned.is_none_or(|Step::Filter(filter)| filter.policy.admits(&["add_key", "keyctl", "request_key"]))
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Preset::Default => "default",
            Preset::SystemService => "system-service",
            Preset::Strict => "strict",
            Preset::Compat => "compat",
            Preset::None => "none",
        })
    }
}
