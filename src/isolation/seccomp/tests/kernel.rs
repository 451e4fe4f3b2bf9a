//! The same filters, run by this machine's kernel instead of our interpreter.

use super::super::calls::{LIMIT, named};
use super::super::chain::Chain;
use super::super::compile;
use super::*;
use crate::sys::seccomp::kernel::{Entry, answers};

/// An errno that no call returns: where it comes back, the filter would have allowed the call.
const WOULD_ALLOW: u16 = 4000;
/// What a thread of the test needs until it ends; all but `exit` do no harm with arguments of zero.
const NEEDED: [&str; 12] = [
    "brk",
    "exit",
    "futex",
    "gettid",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "rt_sigprocmask",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
];

#[test]
fn the_kernel_decides_as_the_interpreter_does() {
    for preset in PRESETS {
        let mut policy = filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() }).policy;
        for chain in &mut policy.chains {
            for action in chain.clauses.iter_mut().map(|clause| &mut clause.action).chain([&mut chain.end]) {
                if *action == Action::Allow {
                    *action = Action::Errno(WOULD_ALLOW);
                }
            }
        }
        policy.chains.push(Chain { clauses: Vec::new(), end: Action::Allow });
        let open = policy.chains.len() as u16 - 1;
        for name in NEEDED {
            let number = find(name).and_then(|call| call.number(Arch::X86_64)).expect("a call of x86-64");
            policy.tables[0].1[usize::from(number)].chain = open;
        }
        let program = compile::compile(&policy).expect("a sound policy");
        // Otherwise the thread could not end.
        for name in NEEDED {
            let number = find(name).and_then(|call| call.number(Arch::X86_64)).map_or(0, u32::from);
            assert_eq!(
                run(&program, &Data::new(Arch::X86_64, number, [0; 6])).value,
                libc::SECCOMP_RET_ALLOW,
                "{name}"
            );
        }
        let native = (0..LIMIT as u32).filter(|&number| {
            // The kernel runs a trampoline's calls unfiltered, and kills who makes them elsewhere.
            named(Arch::X86_64, number).is_none_or(|call| !["exit", "uretprobe", "uprobe"].contains(&call.name))
        });
        let x32 = [0, 1, 16, 59, 512, 520, 547].map(|number| number | X32);
        let mut asked: Vec<(Entry, u32, [u64; 3])> = native.chain(x32).map(|nr| (Entry::Syscall, nr, [0; 3])).collect();
        // Where the kernel runs no i386 calls, their instruction is a fault, with a filter or without.
        let i386 = std::path::Path::new("/proc/sys/abi/vsyscall32").exists();
        asked.extend((0..LIMIT as u32).filter(|_| i386).map(|nr| (Entry::Int80, nr, [0; 3])));
        for (number, args) in [
            (16, [0, 0x5412 | 1 << 32, 0]),
            (16, [0, 0x5413, 0]),
            (41, [38, 5, 0]),
            (41, [1 << 32 | 1, 1, 0]),
            (41, [16, 3, 9]),
            (53, [2, 1, 0]),
            (56, [0x1000_0000, 0, 0]),
            (56, [0x11, 0, 0]),
            (135, [0x4_0000, 0, 0]),
            (135, [0xffff_ffff, 0, 0]),
        ] {
            asked.push((Entry::Syscall, number, args));
        }
        let found = answers(program.clone(), &asked).expect("the kernel takes the filter");
        assert_eq!(found.len(), asked.len());
        let mut compared = 0;
        for (&(entry, number, args), found) in asked.iter().zip(found) {
            let arch = if entry == Entry::Syscall { Arch::X86_64 } else { Arch::I386 };
            let mut all = [0; 6];
            all[..3].copy_from_slice(&args);
            let value = run(&program, &Data::new(arch, number, all)).value;
            if value == libc::SECCOMP_RET_ALLOW {
                continue;
            }
            assert_eq!(value & libc::SECCOMP_RET_ACTION_FULL, libc::SECCOMP_RET_ERRNO);
            assert_eq!(found, -i64::from(value & libc::SECCOMP_RET_DATA), "{preset}: {arch:?} {number} {args:x?}");
            compared += 1;
        }
        assert!(compared > if i386 { 1000 } else { 490 }, "{compared}");
    }
}
