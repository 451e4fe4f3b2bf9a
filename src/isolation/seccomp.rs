//! `[seccomp]`: which system calls the program may make.

use super::Origin;

/// The section as the author wrote it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Seccomp {
    pub preset: Preset,
    pub preset_origin: Option<Origin>,
    /// Names of system calls or `@groups`.
    pub allow: Vec<Name>,
    pub deny: Vec<Name>,
    pub rules: Vec<Rule>,
    /// systemd's words: `native`, `x86-64`, `x86`, `x32`.
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
    pub syscalls: Vec<Name>,
    pub args: Vec<Condition>,
    pub action: Action,
    pub origin: Option<Origin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// 0–5.
    pub index: u8,
    pub op: Op,
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

/// What becomes of a refused call.
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
