//! Runs a filter the way the kernel does, for tests: linux/filter.h, `seccomp_check_filter` and `bpf_check_classic`.

use libc::sock_filter;

use super::calls::Arch;

#[derive(Clone, Copy, Debug)]
pub struct Data {
    pub number: u32,
    pub arch: u32,
    pub args: [u64; 6],
}

impl Data {
    pub fn new(arch: Arch, number: u32, args: [u64; 6]) -> Data {
        Data { number, arch: arch.audit(), args }
    }

    /// As the kernel lays out `struct seccomp_data`, little-endian.
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.arch,
            8 | 12 => 0,
            16..=60 => {
                let value = self.args[(offset as usize - 16) / 8];
                if offset.is_multiple_of(8) { value as u32 } else { (value >> 32) as u32 }
            }
            _ => panic!("a load from outside of seccomp_data"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub value: u32,
    pub instructions: usize,
    /// An argument was read on the way, so that others may come out otherwise.
    pub arguments: bool,
}

impl Outcome {
    pub fn name(&self) -> String {
        let data = self.value & libc::SECCOMP_RET_DATA;
        match self.value & libc::SECCOMP_RET_ACTION_FULL {
            libc::SECCOMP_RET_ALLOW => "allow".into(),
            libc::SECCOMP_RET_ERRNO => format!("{:?}", nix::errno::Errno::from_raw(data as i32)),
            libc::SECCOMP_RET_KILL_PROCESS => "kill".into(),
            libc::SECCOMP_RET_LOG => "log".into(),
            other => panic!("an action nobody asked for: {other:#x}"),
        }
    }
}

/// What the kernel checks before it takes a filter; panics where it would refuse.
pub fn check(program: &[sock_filter]) {
    assert!(!program.is_empty() && program.len() <= 4096, "{} instructions", program.len());
    for (at, instruction) in program.iter().enumerate() {
        let left = program.len() - at - 1;
        let &sock_filter { code, jt, jf, k } = instruction;
        match code {
            0x20 => assert!(k.is_multiple_of(4) && k < 64, "load of {k} at {at}"),
            0x06 | 0x54 => {}
            0x05 => assert!((k as usize) < left, "jump past the end at {at}"),
            0x15 | 0x25 | 0x35 => {
                assert!(usize::from(jt) < left && usize::from(jf) < left, "jump past the end at {at}");
            }
            code => panic!("instruction {code:#x} at {at}"),
        }
    }
    assert_eq!(program.last().map(|last| last.code), Some(0x06), "a filter ends with a return");
}

pub fn run(program: &[sock_filter], data: &Data) -> Outcome {
    let (mut at, mut accumulator, mut instructions, mut arguments) = (0, 0u32, 0, false);
    loop {
        let &sock_filter { code, jt, jf, k } = &program[at];
        (at, instructions) = (at + 1, instructions + 1);
        let mut jump = |holds: bool| at += usize::from(if holds { jt } else { jf });
        match code {
            0x20 => (accumulator, arguments) = (data.word(k), arguments || k >= 16),
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => jump(accumulator == k),
            0x25 => jump(accumulator > k),
            0x35 => jump(accumulator >= k),
            0x06 => return Outcome { value: k, instructions, arguments },
            code => panic!("instruction {code:#x}"),
        }
    }
}
