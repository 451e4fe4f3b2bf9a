//! What becomes of every system call: the profile's words, put together with the preset's constants.

use super::calls::{Arch, Call, LIMIT, find, named};
use super::chain::{Chain, Clause, Test};
use super::checks::Check;
use super::presets::{self, Base, KNOWN, MISSING};
use super::words::Words;
use super::{Action, Given, OnDeny, Op, Preset, Rule, Seccomp};
use crate::isolation::Findings;

/// Who decided over a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Preset,
    Deny,
    /// The profile's rules, and what decides when none of them matches.
    Rules,
    Allow,
    /// `[namespaces] nested`.
    Nested,
    /// The number is newer than the tables.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// One entry a number, `LIMIT` of them, for each architecture that may run: x86-64 first.
    pub tables: Vec<(Arch, Vec<Entry>)>,
    /// Numbers past the tables.
    pub unknown: Entry,
    /// Numbers with the bit that stands for x32.
    pub x32: Entry,
    pub chains: Vec<Chain>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Into `chains`; equal chains have one place.
    pub chain: u16,
    pub by: By,
}

/// Set in the number of a call that is made through the x32 ABI (arch/x86/include/uapi/asm/unistd.h).
pub const X32_BIT: u32 = 0x4000_0000;

impl Policy {
    /// `None` when the section asks for no filter. What is wrong with it goes to the findings.
    pub fn new(section: &Seccomp, given: Given, findings: &mut Findings) -> Option<Policy> {
        let words = Words::read(section, given, findings);
        let none = section.preset == Preset::None;
        if none && section.allow.is_none() && section.deny.is_empty() && section.rules.is_empty() {
            return None;
        }
        let mut chains = Vec::with_capacity(16);
        let missing = intern(&mut chains, plain(Action::Errno(libc::ENOSYS as u16)));
        let open = words.base.is_none() && section.allow.is_none();
        let unknown = if open { intern(&mut chains, plain(Action::Allow)) } else { missing };
        let x32 = match section.on_deny {
            OnDeny::Kill => intern(&mut chains, plain(Action::KillProcess)),
            _ => missing,
        };
        let archs: &[Arch] = if words.i386 { &[Arch::X86_64, Arch::I386] } else { &[Arch::X86_64] };
        let unknown = Entry { chain: unknown, by: By::Unknown };
        let tables = archs.iter().map(|&arch| (arch, words.table(arch, unknown, &mut chains))).collect();
        Some(Policy { tables, unknown, x32: Entry { chain: x32, by: By::Unknown }, chains })
    }

    /// What becomes of a number of this architecture; `None` where every call kills.
    pub fn entry(&self, arch: Arch, number: u32) -> Option<Entry> {
        let (_, table) = self.tables.iter().find(|(known, _)| *known == arch)?;
        if arch == Arch::X86_64 && (X32_BIT..X32_BIT << 1).contains(&number) {
            return Some(self.x32);
        }
        Some(usize::try_from(number).ok().and_then(|number| table.get(number)).copied().unwrap_or(self.unknown))
    }

    pub fn chain(&self, entry: Entry) -> &Chain {
        &self.chains[usize::from(entry.chain)]
    }

    /// Whether one of these calls gets through in some architecture, with some arguments.
    pub fn admits(&self, calls: &[&str]) -> bool {
        let calls = || calls.iter().filter_map(|name| find(name));
        self.tables.iter().any(|(arch, _)| {
            let entries = calls().filter_map(|call| self.entry(*arch, call.number(*arch)?.into()));
            entries.map(|entry| self.chain(entry)).any(Chain::can_pass)
        })
    }

    /// Whether a native call gets through with these first arguments.
    pub fn lets(&self, name: &str, args: &[u64]) -> bool {
        let number = find(name).and_then(|call| call.number(Arch::X86_64));
        number.and_then(|number| self.entry(Arch::X86_64, number.into())).is_some_and(|entry| {
            let chain = self.chain(entry);
            let decides = |clause: &&Clause| clause.tests.iter().all(|test| test.holds(args));
            let action = chain.clauses.iter().find(decides).map_or(chain.end, |clause| clause.action);
            matches!(action, Action::Allow | Action::Log)
        })
    }
}

impl Words<'_> {
    fn table(&self, arch: Arch, unknown: Entry, chains: &mut Vec<Chain>) -> Vec<Entry> {
        let ready = Ready::new(self.section.on_deny, chains);
        (0..LIMIT)
            .map(|number| match KNOWN.contains(arch, number) {
                true => self.entry(arch, number, &ready, chains),
                false => unknown,
            })
            .collect()
    }

    /// Deny, then rules, then allow, then the preset.
    fn entry(&self, arch: Arch, number: usize, ready: &Ready, chains: &mut Vec<Chain>) -> Entry {
        let refused = if MISSING.contains(arch, number) { ready.missing } else { ready.denied };
        if self.denied.contains(arch, number) {
            return Entry { chain: refused, by: By::Deny };
        }
        let (base, by) = self.base(arch, number);
        let chain = match base {
            Base::Allowed => ready.allowed,
            Base::Denied => ready.denied,
            Base::Missing => ready.missing,
            Base::Checked(check) => intern(chains, check.chain(self.section.on_deny)),
        };
        let mut rules = self.rules.iter().filter(|(set, _)| set.contains(arch, number)).peekable();
        let Some(call) = rules.peek().and_then(|_| named(arch, number as u32)) else {
            return Entry { chain, by };
        };
        let mut clauses: Vec<Clause> = rules.map(|(_, rule)| rule.clause(call, arch)).collect();
        let rest = chains[usize::from(chain)].clone();
        clauses.extend(rest.clauses);
        Entry { chain: intern(chains, Chain { clauses, end: rest.end }.shortened()), by: By::Rules }
    }

    fn base(&self, arch: Arch, number: usize) -> (Base, By) {
        let Some(table) = self.base else {
            return match self.section.allow {
                Some(_) if !self.named.contains(arch, number) && !self.grouped.contains(arch, number) => {
                    let refused = if MISSING.contains(arch, number) { Base::Missing } else { Base::Denied };
                    (refused, By::Preset)
                }
                Some(_) => (Base::Allowed, By::Allow),
                None => (Base::Allowed, By::Preset),
            };
        };
        let base = table[arch as usize][number];
        match base {
            _ if self.named.contains(arch, number) => (Base::Allowed, By::Allow),
            _ if self.nested.contains(arch, number) => (Base::Allowed, By::Nested),
            Base::Checked(Check::Clone) if self.given.nests() => (Base::Allowed, By::Nested),
            // A group lifts neither the conditions on arguments nor the refusal of calls that would get round them.
            Base::Denied if self.grouped.contains(arch, number) => {
                let check = presets::check(arch, number, self.section.preset == Preset::Compat);
                let check = self.given.check(arch, number).or(check);
                (check.map_or(Base::Allowed, Base::Checked), By::Allow)
            }
            Base::Allowed | Base::Checked(_) => {
                (self.given.check(arch, number).map_or(base, Base::Checked), By::Preset)
            }
            base => (base, By::Preset),
        }
    }
}

/// The chains that most numbers share.
struct Ready {
    allowed: u16,
    denied: u16,
    missing: u16,
}

impl Ready {
    fn new(on_deny: OnDeny, chains: &mut Vec<Chain>) -> Ready {
        Ready {
            allowed: intern(chains, plain(Action::Allow)),
            denied: intern(chains, plain(on_deny.refusal(libc::EPERM))),
            missing: intern(chains, plain(Action::Errno(libc::ENOSYS as u16))),
        }
    }
}

fn plain(end: Action) -> Chain {
    Chain { clauses: Vec::new(), end }
}

fn intern(chains: &mut Vec<Chain>, chain: Chain) -> u16 {
    let at = chains.iter().position(|known| *known == chain).unwrap_or_else(|| {
        chains.push(chain);
        chains.len() - 1
    });
    // At most one chain a number of each architecture, and three more.
    at as u16
}

impl Rule {
    fn clause(&self, call: &Call, arch: Arch) -> Clause {
        let tests = self.args.iter().map(|condition| condition.test(call, arch)).collect();
        Clause { tests, action: self.action }
    }
}

impl Test {
    /// Arguments that are left out are 0.
    fn holds(&self, args: &[u64]) -> bool {
        let value = args.get(usize::from(self.index)).copied().unwrap_or_default();
        let value = if self.wide { value } else { value & u64::from(u32::MAX) };
        match self.op {
            Op::Eq => value == self.value,
            Op::Ne => value != self.value,
            Op::Lt => value < self.value,
            Op::Le => value <= self.value,
            Op::Gt => value > self.value,
            Op::Ge => value >= self.value,
            Op::MaskedEq(mask) => value & mask == self.value,
        }
    }
}

impl Chain {
    /// Whether some arguments get the call through.
    pub fn can_pass(&self) -> bool {
        let mut actions = self.clauses.iter().map(|clause| clause.action).chain([self.end]);
        actions.any(|action| matches!(action, Action::Allow | Action::Log))
    }

    /// Nothing after a clause without conditions is ever reached.
    fn shortened(mut self) -> Chain {
        if let Some(at) = self.clauses.iter().position(|clause| clause.tests.is_empty()) {
            self.end = self.clauses[at].action;
            self.clauses.truncate(at);
        }
        self
    }
}
