//! What the presets decide, number by number, against the tables that people reviewed.

use std::fmt::Write;

use super::super::calls::{LIMIT, named};
use super::super::interpret::Outcome;
use super::*;

/// A line a number: its name, what becomes of it with arguments of zero, and whether arguments matter.
fn golden(filter: &Filter, arch: Arch) -> String {
    let outcome = |number| run(filter.program(), &Data::new(arch, number, [0; 6]));
    let line = |outcome: Outcome| outcome.name() + if outcome.arguments { " arguments" } else { "" };
    let mut text = String::new();
    for number in 0..LIMIT as u32 {
        let name = named(arch, number).map_or("-", |call| call.name);
        writeln!(text, "{number} {name} {}", line(outcome(number))).expect("a string takes all");
    }
    let same = |mut numbers: std::ops::Range<u64>| {
        let first = line(outcome(numbers.start as u32));
        assert!(numbers.all(|number| line(outcome(number as u32)) == first), "{arch:?}");
        first
    };
    let past = same(LIMIT as u64..4096);
    assert_eq!(past, same(u64::from(X32) - 2048..u64::from(X32)));
    assert_eq!(past, same(1 << 31..(1 << 31) + 2048));
    assert_eq!(past, same((1 << 32) - 2048..1 << 32));
    let x32 = same(u64::from(X32)..u64::from(X32) + 4096);
    assert_eq!(x32, same((1 << 31) - 2048..1 << 31));
    text + &format!("newer - {past}\nx32 - {x32}\n")
}

#[test]
fn presets_decide_as_the_golden_tables_say() {
    let mut changed = Vec::new();
    for preset in PRESETS {
        let filter = filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() });
        for (arch, suffix) in [(Arch::X86_64, "x86_64"), (Arch::I386, "i386")] {
            let path = format!("{}/tests/golden/seccomp/{preset}.{suffix}.txt", env!("CARGO_MANIFEST_DIR"));
            let found = golden(&filter, arch);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&path, &found).expect("the golden table is writable");
            }
            if std::fs::read_to_string(&path).expect("a golden table") != found {
                changed.push(path);
            }
        }
    }
    assert!(changed.is_empty(), "differs from {changed:?}; UPDATE_GOLDEN=1 rewrites them, then read the diff");
}

#[test]
fn i386_is_killed_unless_asked_for_and_others_always() {
    for preset in PRESETS {
        let alone = filter(&Seccomp { preset, ..Seccomp::default() });
        let both = filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() });
        for number in (0..LIMIT as u32).chain([X32, X32 + 1, u32::MAX]) {
            assert_eq!(run(alone.program(), &Data::new(Arch::I386, number, [0; 6])).name(), "kill");
            for audit in [0, 0xc000_00b7, 0x4000_0028, 0x8000_003e, u32::MAX] {
                for filter in [&alone, &both] {
                    assert_eq!(run(filter.program(), &Data { number, arch: audit, args: [0; 6] }).name(), "kill");
                }
            }
            let data = Data::new(Arch::X86_64, number, [1, 2, 3, 4, 5, 6]);
            assert_eq!(run(alone.program(), &data).name(), run(both.program(), &data).name());
        }
        assert_eq!(alone.verdict(Arch::I386, 0), None);
        assert_eq!(ask(&both, Arch::I386, "socketcall", &[1]), "ENOSYS");
    }
}

#[test]
fn a_number_that_arguments_do_not_matter_for_is_decided_without_them() {
    for preset in PRESETS {
        let filter = filter(&Seccomp { preset, ..Seccomp::default() });
        let read: Vec<_> = (0..LIMIT as u32)
            .filter(|&number| run(filter.program(), &Data::new(Arch::X86_64, number, [0; 6])).arguments)
            .filter_map(|number| named(Arch::X86_64, number).map(|call| call.name))
            .collect();
        let expected: &[&str] = match preset {
            Preset::Strict => &[
                "open",
                "ioctl",
                "clone",
                "fcntl",
                "creat",
                "chmod",
                "fchmod",
                "setpriority",
                "ioprio_set",
                "openat",
                "fchmodat",
                "fchmodat2",
            ],
            Preset::Default | Preset::SystemService => &[
                "open",
                "ioctl",
                "socket",
                "socketpair",
                "clone",
                "fcntl",
                "creat",
                "chmod",
                "fchmod",
                "mknod",
                "personality",
                "setpriority",
                "ioprio_set",
                "openat",
                "mknodat",
                "fchmodat",
                "fchmodat2",
            ],
            _ => &["ioctl", "socket", "socketpair", "clone", "fcntl", "personality", "setpriority", "ioprio_set"],
        };
        assert_eq!(read, expected, "{preset}");
        assert!(filter.program().len() < 256, "{preset}: {}", filter.program().len());
        let most = (0..LIMIT as u32)
            .map(|number| run(filter.program(), &Data::new(Arch::X86_64, number, [0; 6])).instructions)
            .max();
        assert!(most <= Some(25), "{preset}: {most:?} instructions for one call");
    }
}
