//! What becomes of a call by its arguments: tests, clauses of them, and the chain in which they decide.

use std::fmt;

use super::{Action, Op};

/// One comparison, on as many bits of the argument as the kernel reads: a comparison of more bits is evaded by setting
/// one that the kernel ignores (CVE-2019-10063).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    pub index: u8,
    /// All 64 bits, or the lower 32.
    pub wide: bool,
    pub op: Op,
    pub value: u64,
}

/// When every test holds, the action decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    pub tests: Vec<Test>,
    pub action: Action,
}

/// What becomes of a call: the first clause that holds decides, else `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub clauses: Vec<Clause>,
    pub end: Action,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for clause in &self.clauses {
            write!(f, "{} if ", clause.action)?;
            for (at, test) in clause.tests.iter().enumerate() {
                write!(f, "{}{test}", if at == 0 { "" } else { " and " })?;
            }
            f.write_str(", ")?;
        }
        if !self.clauses.is_empty() {
            f.write_str("else ")?;
        }
        self.end.fmt(f)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.op {
            Op::Eq => "==",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::MaskedEq(mask) => return write!(f, "argument {} & {mask:#x} == {:#x}", self.index, self.value),
        };
        write!(f, "argument {} {sign} {:#x}", self.index, self.value)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Allow => f.write_str("allow"),
            Action::Errno(errno) => write!(f, "{:?}", nix::errno::Errno::from_raw(i32::from(*errno))),
            Action::KillProcess => f.write_str("kill"),
            Action::Log => f.write_str("log"),
        }
    }
}
