//! What planning has to say besides the plan: to whoever wrote the profile, and about this machine.

use std::fmt;

use super::Origin;

/// What planning has to say besides the plan: in the order found, all of it at once.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub section: Section,
    /// Lowercase, without a final period.
    pub message: String,
    pub hint: Option<String>,
    pub origin: Option<Origin>,
    /// It follows from its own entry and this machine, whatever else the profile says.
    pub alone: bool,
    /// What to write instead depends on how the entry was written, which its text says.
    pub rewrite: Option<Rewrite>,
}

/// A table of the profile: its word is the first of every message about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Process,
    Namespaces,
    Rootfs,
    Cgroup,
    Network,
    Capabilities,
    Seccomp,
    Landlock,
    /// None: what `doctor` says of the machine itself.
    Doctor,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Section::Process => "process",
            Section::Namespaces => "namespaces",
            Section::Rootfs => "rootfs",
            Section::Cgroup => "cgroup",
            Section::Network => "network",
            Section::Capabilities => "capabilities",
            Section::Seccomp => "seccomp",
            Section::Landlock => "landlock",
            Section::Doctor => "doctor",
        })
    }
}

/// What an entry could say instead of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// That it is skipped where its source is missing.
    Optional,
    /// That, or that a missing directory is made.
    Created,
    /// That the source is another, to which the account may write.
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing starts.
    Error,
    /// This machine lacks something that only a default asked for; it is printed and recorded.
    Shortfall,
    /// The profile does what it says, and its author may not have meant that. Launches do not repeat it.
    Warning,
    /// What else covers something that this machine's kernel cannot do. Launches do not repeat it.
    Note,
}

impl Findings {
    /// Whoever is refused is told what to do.
    pub fn error(
        &mut self,
        section: Section,
        message: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Error, section, message.into(), Some(hint.into()), origin);
    }

    /// An error that one entry alone is to blame for: it holds though the rest of the profile is in error itself.
    pub fn error_alone(
        &mut self,
        section: Section,
        message: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        self.error(section, message, hint, origin);
        self.0.iter_mut().next_back().into_iter().for_each(|last| last.alone = true);
    }

    /// The hint of the last finding holds where nothing is known of the text; where it is, this says how to change it.
    pub fn rewritten(&mut self, rewrite: Rewrite) {
        self.0.iter_mut().next_back().into_iter().for_each(|last| last.rewrite = Some(rewrite));
    }

    pub fn shortfall(
        &mut self,
        section: Section,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Shortfall, section, message.into(), hint.into(), origin);
    }

    pub fn warning(
        &mut self,
        section: Section,
        message: impl Into<String>,
        hint: impl Into<String>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Warning, section, message.into(), Some(hint.into()), origin);
    }

    pub fn note(
        &mut self,
        section: Section,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
        origin: Option<&Origin>,
    ) {
        self.push(Severity::Note, section, message.into(), hint.into(), origin);
    }

    pub fn refuse(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Whether an error is of this section.
    pub fn refuse_of(&self, section: Section) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error && finding.section == section)
    }

    fn push(
        &mut self,
        severity: Severity,
        section: Section,
        message: String,
        hint: Option<String>,
        origin: Option<&Origin>,
    ) {
        self.0.push(Finding { severity, section, message, hint, origin: origin.cloned(), alone: false, rewrite: None });
    }
}
