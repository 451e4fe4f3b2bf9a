//! Random sections, compiled, against a second way to decide that merges and compiles nothing.

use super::super::calls::{CALLS, Call, LIMIT, named};
use super::super::chain::Chain;
use super::super::groups::resolve;
use super::super::presets::{self, Base, MISSING};
use super::*;

/// Small and repeatable: xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Numbers that comparisons get wrong.
    fn value(&mut self) -> u64 {
        let small = self.below(4) as u64;
        self.pick(&[small, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32 | small, 1 << 63, u64::MAX - small])
    }

    fn section(&mut self) -> Seccomp {
        let some = |random: &mut Random, most| -> Vec<Name> {
            let groups = ["@timer", "@network-io", "@file-system", "@mount", "@process", "@aio", "@privileged"];
            (0..random.below(most))
                .map(|_| if random.below(3) == 0 { random.pick(&groups) } else { random.pick(&CALLS).name })
                .filter(|name| *name != "execve")
                .map(|name| names(&[name]).remove(0))
                .collect()
        };
        let rules = (0..self.below(8)).map(|_| {
            let call = self.pick(&CALLS);
            let args = (0..self.below(4) * call.arguments().min(1)).map(|_| {
                let (index, mask, value) = (self.below(call.arguments()) as u8, self.value(), self.value());
                let op = self.pick(&[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::MaskedEq(mask)]);
                (index, op, if let Op::MaskedEq(mask) = op { value & mask } else { value })
            });
            let args: Vec<_> = args.collect();
            let action = self.pick(&[Action::Allow, Action::Errno(7), Action::KillProcess, Action::Log]);
            rule(&[call.name], &args, action)
        });
        let rules: Vec<_> = rules.collect();
        Seccomp {
            preset: self.pick(&[Preset::Default, Preset::SystemService, Preset::Strict, Preset::Compat, Preset::None]),
            preset_origin: None,
            allow: if self.below(2) == 0 {
                None
            } else {
                Some(names(&["execve"]).into_iter().chain(some(self, 6)).collect())
            },
            deny: some(self, 4).into_iter().filter(|name| name.name != "@privileged").collect(),
            rules,
            architectures: if self.below(2) == 0 { both() } else { Vec::new() },
            on_deny: self.pick(&[OnDeny::Errno, OnDeny::Kill, OnDeny::Log]),
        }
    }
}

/// The section read line by line for one call: nothing merged, nothing compiled.
fn oracle(section: &Seccomp, arch: Arch, number: u32, args: &[u64; 6]) -> Action {
    if arch == Arch::I386 && !section.architectures.iter().any(|name| name.name == "x86") {
        return Action::KillProcess;
    }
    if arch == Arch::X86_64 && number & 0xc000_0000 == X32 {
        return if section.on_deny == OnDeny::Kill { Action::KillProcess } else { Action::Errno(38) };
    }
    let none = section.preset == Preset::None;
    let Some(call) = named(arch, number) else {
        return if none && section.allow.is_none() { Action::Allow } else { Action::Errno(38) };
    };
    let at = number as usize;
    let lists = |names: &[Name], group: bool| {
        let mut names = names.iter().filter(|name| name.name.starts_with('@') == group);
        names.any(|name| resolve(&name.name).is_some_and(|set| set.contains(arch, at)))
    };
    let refused = match (MISSING.contains(arch, at), section.on_deny) {
        (true, _) => Action::Errno(38),
        (_, OnDeny::Errno) => Action::Errno(1),
        (_, OnDeny::Kill) => Action::KillProcess,
        (_, OnDeny::Log) => Action::Log,
    };
    if lists(&section.deny, false) || lists(&section.deny, true) {
        return refused;
    }
    for rule in section.rules.iter().filter(|rule| lists(&rule.syscalls, false)) {
        if rule.args.iter().all(|condition| holds(condition, call, arch, args)) {
            return rule.action;
        }
    }
    let allow = section.allow.as_deref().unwrap_or_default();
    let decided = |chain: &Chain| {
        let mut clauses = chain.clauses.iter();
        let first = clauses.find(|clause| {
            clause.tests.iter().all(|test| {
                let (value, want) = (args[usize::from(test.index)] & 0xffff_ffff, test.value);
                match test.op {
                    Op::MaskedEq(mask) => value & mask == want,
                    _ => value == want,
                }
            })
        });
        first.map_or(chain.end, |clause| clause.action)
    };
    if lists(allow, false) {
        return Action::Allow;
    }
    let Some(table) = presets::table(section.preset) else {
        return if section.allow.is_none() || lists(allow, true) { Action::Allow } else { refused };
    };
    match table[arch as usize][at] {
        Base::Allowed => Action::Allow,
        Base::Missing => Action::Errno(38),
        Base::Checked(check) => decided(&check.chain(section.on_deny)),
        Base::Denied if lists(allow, true) => match presets::check(arch, at, section.preset == Preset::Compat) {
            Some(check) => decided(&check.chain(section.on_deny)),
            None => Action::Allow,
        },
        Base::Denied => refused,
    }
}

fn holds(condition: &Condition, call: &Call, arch: Arch, args: &[u64; 6]) -> bool {
    let width = call.width(arch, condition.index).expect("an argument of the call");
    // i386 has no wider registers; a wide value is only reached by what is sign-extended.
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    let negative = (condition.value as i64) < 0 && condition.value as i64 >= i64::from(i32::MIN);
    let value = args[usize::from(condition.index)] & mask;
    let want = if negative || width == 16 { condition.value & mask } else { condition.value };
    match condition.op {
        Op::Eq => value == want,
        Op::Ne => value != want,
        Op::Lt => value < want,
        Op::Le => value <= want,
        Op::Gt => value > want,
        Op::Ge => value >= want,
        Op::MaskedEq(bits) => value & bits == want & bits & if negative { mask } else { u64::MAX },
    }
}

#[test]
fn the_program_decides_as_the_section_reads() {
    let mut random = Random(0x5eed_cafe_f00d_0001);
    let (mut compiled, mut compared) = (0, 0u64);
    for _ in 0..600 {
        let section = random.section();
        let Some(Step::Filter(filter)) = plan(&section, Given::default(), &mut Findings::default()) else { continue };
        compiled += 1;
        check(filter.program());
        let ruled: Vec<u32> = section
            .rules
            .iter()
            .flat_map(|rule| &rule.syscalls)
            .filter_map(|name| find(&name.name))
            .flat_map(|call| [call.number(Arch::X86_64), call.number(Arch::I386)])
            .flatten()
            .flat_map(|number| [u32::from(number); 40])
            .collect();
        for arch in [Arch::X86_64, Arch::I386] {
            let ends = [512, X32 - 1, X32, X32 + 59, 0x7fff_ffff, 0x8000_0000, u32::MAX];
            for number in (0..LIMIT as u32).chain(ends).chain(ruled.iter().copied()) {
                let mut args = [0; 6].map(|_: u64| random.value());
                if arch == Arch::I386 {
                    args = args.map(|arg| arg & 0xffff_ffff);
                }
                let expected = oracle(&section, arch, number, &args);
                let found = run(filter.program(), &Data::new(arch, number, args)).name();
                assert_eq!(found, expected.to_string(), "{arch:?} {number} {args:x?}\n{section:#?}");
                if let Some(call) = named(arch, number).filter(|_| arch == Arch::X86_64) {
                    assert_eq!(filter.policy.lets(call.name, &args), ["allow", "log"].contains(&found.as_str()));
                }
                compared += 1;
            }
        }
    }
    assert!(compiled > 150, "only {compiled} of the random sections are valid");
    assert!(compared > 200_000);
}
