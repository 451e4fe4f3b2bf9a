//! The compiled filter against tables that people reviewed, against a second way to decide, and against the kernel.

mod arguments;
mod errors;
mod golden;
mod kernel;
mod oracle;
mod others;
mod section;

use super::calls::find;
use super::interpret::{Data, check, run};
use super::*;

const PRESETS: [Preset; 4] = [Preset::Default, Preset::SystemService, Preset::Strict, Preset::Compat];
const X32: u32 = 0x4000_0000;

fn names(words: &[&str]) -> Vec<Name> {
    let name = |word: &&str| {
        let (optional, name) = word.strip_prefix('-').map_or((false, *word), |name| (true, name));
        Name { name: name.into(), optional, origin: None }
    };
    words.iter().map(name).collect()
}

fn rule(syscalls: &[&str], args: &[(u8, Op, u64)], action: Action) -> Rule {
    let args = args.iter().map(|&(index, op, value)| Condition { index, op, value }).collect();
    Rule { syscalls: names(syscalls), args, action, origin: None }
}

fn both() -> Vec<Name> {
    names(&["native", "x86"])
}

fn filter(section: &Seccomp) -> Filter {
    nested(section, false, false)
}

fn nested(section: &Seccomp, namespaces: bool, mounts: bool) -> Filter {
    among(section, Given { namespaces, mounts, scoped: true, ..Given::default() })
}

fn among(section: &Seccomp, given: Given) -> Filter {
    let mut findings = Findings::default();
    let step = plan(section, given, &mut findings);
    assert!(!findings.refuse(), "{findings:?}");
    let Some(Step::Filter(filter)) = step else { panic!("no filter") };
    check(filter.program());
    filter
}

fn errors(section: &Seccomp) -> Vec<(String, Option<String>)> {
    let mut findings = Findings::default();
    assert!(plan(section, Given::default(), &mut findings).is_none());
    findings.0.into_iter().map(|finding| (finding.message, finding.hint)).collect()
}

/// The verdict of the compiled program on a call of this name, with these first arguments.
fn ask(filter: &Filter, arch: Arch, name: &str, first: &[u64]) -> String {
    let number = find(name).and_then(|call| call.number(arch)).expect("a call of this architecture");
    let mut args = [0; 6];
    args[..first.len()].copy_from_slice(first);
    run(filter.program(), &Data::new(arch, number.into(), args)).name()
}

fn native(filter: &Filter, name: &str, first: &[u64]) -> String {
    ask(filter, Arch::X86_64, name, first)
}
