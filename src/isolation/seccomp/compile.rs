//! From a policy to the classic BPF program that the kernel runs at every system call.
//!
//! The kernel evaluates a filter once for every number when it is installed, and remembers the numbers that are allowed
//! whatever their arguments. So the program goes from the architecture straight into a binary search over ranges of
//! numbers, and reads arguments at its leaves only.

use libc::sock_filter;
use seccompiler::{BpfProgram, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use super::calls::{Arch, LIMIT};
use super::chain::{Chain, Test};
use super::policy::{Policy, X32_BIT};
use super::{Action, Op};

/// BPF_MAXINSNS of linux/bpf_common.h.
pub const MAX_INSTRUCTIONS: usize = 4096;

pub fn compile(policy: &Policy) -> Result<Vec<sock_filter>, seccompiler::Error> {
    let mut program = Program::new(policy.chains.len());
    let mut entry = program.statement(RET, libc::SECCOMP_RET_KILL_PROCESS);
    for (arch, _) in policy.tables.iter().rev() {
        let search = program.search(&ranges(policy, *arch), &policy.chains)?;
        let number = program.load(search, OFFSET_NUMBER);
        entry = program.branch(JEQ, arch.audit(), number, entry);
    }
    program.load(entry, OFFSET_ARCH);
    program.code.reverse();
    Ok(program.code)
}

/// Where a run of numbers with the same chain begins; it ends where the next begins, the last at the highest number.
fn ranges(policy: &Policy, arch: Arch) -> Vec<(u32, u16)> {
    let Some((_, table)) = policy.tables.iter().find(|(known, _)| *known == arch) else { return Vec::new() };
    let known = table.iter().zip(0u32..).map(|(entry, number)| (number, entry.chain));
    let unknown = policy.unknown.chain;
    let rest = match arch {
        Arch::X86_64 => [(LIMIT as u32, unknown), (X32_BIT, policy.x32.chain), (X32_BIT << 1, unknown)],
        Arch::I386 => [(LIMIT as u32, unknown); 3],
    };
    let mut ranges: Vec<(u32, u16)> = Vec::with_capacity(128);
    for (start, chain) in known.chain(rest) {
        if ranges.last().is_none_or(|&(_, last)| last != chain) {
            ranges.push((start, chain));
        }
    }
    ranges
}

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const RET: u16 = 0x06; // BPF_RET | BPF_K
const JA: u16 = 0x05; // BPF_JMP | BPF_JA
const JEQ: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JGE: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
/// In `struct seccomp_data`.
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCH: u32 = 4;

/// A program, written from its end to its beginning: BPF only jumps forward, so every target is known by then. A
/// position counts instructions from the end.
struct Program {
    code: Vec<sock_filter>,
    /// Where each chain was last written.
    leaves: Vec<Option<usize>>,
}

impl Program {
    fn new(chains: usize) -> Program {
        Program { code: Vec::with_capacity(512), leaves: vec![None; chains] }
    }

    /// A binary search for the number in the accumulator.
    fn search(&mut self, ranges: &[(u32, u16)], chains: &[Chain]) -> Result<usize, seccompiler::Error> {
        Ok(match ranges {
            [] => self.statement(RET, libc::SECCOMP_RET_KILL_PROCESS),
            [(_, chain)] => self.leaf(*chain, chains)?,
            // One number between two runs that are treated alike.
            [(_, before), (number, chain), (next, after)] if before == after && *next == number + 1 => {
                let (chain, other) = (self.leaf(*chain, chains)?, self.leaf(*before, chains)?);
                self.branch(JEQ, *number, chain, other)
            }
            _ => {
                let (low, high) = ranges.split_at(ranges.len() / 2);
                let start = high.first().map_or(0, |(start, _)| *start);
                let high = self.search(high, chains)?;
                let low = self.search(low, chains)?;
                self.branch(JGE, start, high, low)
            }
        })
    }

    fn leaf(&mut self, index: u16, chains: &[Chain]) -> Result<usize, seccompiler::Error> {
        let chain = &chains[usize::from(index)];
        if let Some(position) = self.leaves[usize::from(index)]
            // A single return is written again before it gets out of a conditional jump's reach.
            && (!chain.clauses.is_empty() || self.code.len() - position < 192)
        {
            return Ok(position);
        }
        let mut position = self.statement(RET, chain.end.value());
        for clause in chain.clauses.iter().rev() {
            self.statement(RET, clause.action.value());
            for instruction in fragment(&clause.tests)?.iter().rev() {
                let &seccompiler::sock_filter { code, jt, jf, k } = instruction;
                self.code.push(sock_filter { code, jt, jf, k });
            }
            position = self.code.len();
        }
        self.leaves[usize::from(index)] = Some(position);
        Ok(position)
    }

    fn statement(&mut self, code: u16, k: u32) -> usize {
        self.code.push(sock_filter { code, jt: 0, jf: 0, k });
        self.code.len()
    }

    /// Goes on at `target`, with a word of `seccomp_data` in the accumulator.
    fn load(&mut self, target: usize, offset: u32) -> usize {
        if target != self.code.len() {
            self.statement(JA, (self.code.len() - target) as u32);
        }
        self.statement(LOAD, offset)
    }

    fn branch(&mut self, code: u16, k: u32, mut yes: usize, mut no: usize) -> usize {
        // A conditional jump skips at most 255 instructions; one without condition goes as far as it must.
        loop {
            match (u8::try_from(self.code.len() - yes), u8::try_from(self.code.len() - no)) {
                (Ok(jt), Ok(jf)) => {
                    self.code.push(sock_filter { code, jt, jf, k });
                    return self.code.len();
                }
                (Err(_), _) => yes = self.statement(JA, (self.code.len() - yes) as u32),
                (_, Err(_)) => no = self.statement(JA, (self.code.len() - no) as u32),
            }
        }
    }
}

/// Goes on behind itself when every test holds, and one instruction further when one does not.
fn fragment(tests: &[Test]) -> Result<BpfProgram, seccompiler::Error> {
    let conditions: Result<_, _> = tests
        .iter()
        .map(|test| {
            let length = if test.wide { SeccompCmpArgLen::Qword } else { SeccompCmpArgLen::Dword };
            let op = match test.op {
                Op::Eq => SeccompCmpOp::Eq,
                Op::Ne => SeccompCmpOp::Ne,
                Op::Lt => SeccompCmpOp::Lt,
                Op::Le => SeccompCmpOp::Le,
                Op::Gt => SeccompCmpOp::Gt,
                Op::Ge => SeccompCmpOp::Ge,
                Op::MaskedEq(mask) => SeccompCmpOp::MaskedEq(mask),
            };
            SeccompCondition::new(test.index, length, op, test.value)
        })
        .collect();
    let mut program = BpfProgram::from(SeccompRule::new(conditions?)?);
    // The library begins a rule with a jump over a jump, for chains of its own.
    program.drain(..2);
    Ok(program)
}

impl Action {
    /// As in seccomp(2), "filter return values".
    fn value(self) -> u32 {
        match self {
            Action::Allow => libc::SECCOMP_RET_ALLOW,
            Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
            Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
            Action::Log => libc::SECCOMP_RET_LOG,
        }
    }
}
