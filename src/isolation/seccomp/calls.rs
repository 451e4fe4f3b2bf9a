//! The system calls of both architectures, by name and by number.

use super::text::{equal, number, order, token};

/// Past every number in the tables: sets of numbers have this many bits.
pub const LIMIT: usize = 512;

/// The two sets of numbers that an x86-64 kernel runs; x32 is always refused, so it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    X86_64,
    I386,
}

impl Arch {
    /// As in `seccomp_data.arch`; the filter's constants of linux/audit.h.
    pub fn audit(self) -> u32 {
        match self {
            Arch::X86_64 => 0xc000_003e,
            Arch::I386 => 0x4000_0003,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: &'static str,
    numbers: [u16; 2],
    /// One letter an argument, explained in `calls.tbl`.
    widths: &'static str,
}

const NONE: u16 = u16::MAX;

impl Call {
    pub const fn number(&self, arch: Arch) -> Option<u16> {
        match self.numbers[arch as usize] {
            NONE => None,
            number => Some(number),
        }
    }

    pub fn arguments(&self) -> usize {
        self.widths.trim_end_matches(['~', '-']).len()
    }

    /// How many bits of the argument the kernel reads; `None` past the last argument.
    pub fn width(&self, arch: Arch, index: u8) -> Option<u32> {
        match (self.widths.as_bytes().get(usize::from(index))?, arch) {
            (b'h', _) | (b'u', Arch::I386) => Some(16),
            (b'i' | b'u', _) | (b'l', Arch::I386) => Some(32),
            (b'l', Arch::X86_64) => Some(64),
            _ => None,
        }
    }

    /// The same argument index may hold something else on i386.
    pub fn differs_on_i386(&self) -> bool {
        self.widths.ends_with('~')
    }
}

/// Sorted by name.
pub static CALLS: [Call; COUNT] = parse();

pub fn find(name: &str) -> Option<&'static Call> {
    CALLS.binary_search_by(|call| call.name.cmp(name)).ok().map(|at| &CALLS[at])
}

pub fn named(arch: Arch, number: u32) -> Option<&'static Call> {
    let at = *BY_NUMBER[arch as usize].get(usize::try_from(number).ok()?)?;
    CALLS.get(usize::from(at))
}

const TEXT: &str = include_str!("calls.tbl");
const COUNT: usize = count();
static BY_NUMBER: [[u16; LIMIT]; 2] = by_number();

const fn count() -> usize {
    let (mut rows, mut at) = (0, 0);
    while let Some((_, end)) = token(TEXT, at) {
        (rows, at) = (rows + 1, end);
    }
    assert!(rows % 4 == 0, "a row of calls.tbl has name, two numbers, arguments");
    rows / 4
}

const fn parse() -> [Call; COUNT] {
    let mut table = [Call { name: "", numbers: [NONE; 2], widths: "" }; COUNT];
    let (mut row, mut at) = (0, 0);
    while row < COUNT {
        let mut words = [""; 4];
        let mut word = 0;
        while word < 4 {
            let Some((text, end)) = token(TEXT, at) else { panic!("calls.tbl ends within a row") };
            words[word] = text;
            (word, at) = (word + 1, end);
        }
        let mut numbers = [NONE; 2];
        let mut arch = 0;
        while arch < 2 {
            if !equal(words[arch + 1], "-") {
                let number = number(words[arch + 1]);
                assert!(number < LIMIT, "a number of calls.tbl is past LIMIT");
                numbers[arch] = number as u16;
            }
            arch += 1;
        }
        assert!(row == 0 || order(table[row - 1].name, words[0]) < 0, "calls.tbl is sorted by name");
        table[row] = Call { name: words[0], numbers, widths: words[3] };
        row += 1;
    }
    table
}

const fn by_number() -> [[u16; LIMIT]; 2] {
    let mut index = [[NONE; LIMIT]; 2];
    let mut row = 0;
    while row < COUNT {
        let mut arch = 0;
        while arch < 2 {
            let number = CALLS[row].numbers[arch];
            if number != NONE {
                assert!(index[arch][number as usize] == NONE, "two names of calls.tbl share a number");
                index[arch][number as usize] = row as u16;
            }
            arch += 1;
        }
        row += 1;
    }
    index
}

/// `find` for constants.
pub(super) const fn row(name: &str) -> Option<usize> {
    let (mut low, mut high) = (0, COUNT);
    while low < high {
        let middle = (low + high) / 2;
        let order = order(CALLS[middle].name, name);
        if order == 0 {
            return Some(middle);
        } else if order < 0 {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        for call in &CALLS {
            assert_eq!(find(call.name), Some(call));
            for arch in [Arch::X86_64, Arch::I386] {
                if let Some(number) = call.number(arch) {
                    assert_eq!(named(arch, u32::from(number)), Some(call));
                }
            }
        }
        assert_eq!(find("reed"), None);
        for number in [LIMIT as u32, 0x4000_0000, u32::MAX, 387] {
            assert_eq!(named(Arch::X86_64, number), None);
        }
    }

    /// The C library's headers are another copy of the kernel's numbers.
    #[test]
    fn numbers_are_those_of_the_c_library() {
        for (name, number) in [
            ("read", libc::SYS_read),
            ("clone", libc::SYS_clone),
            ("getppid", libc::SYS_getppid),
            ("uselib", libc::SYS_uselib),
            ("epoll_wait_old", libc::SYS_epoll_wait_old),
            ("newfstatat", libc::SYS_newfstatat),
            ("umount2", libc::SYS_umount2),
            ("userfaultfd", libc::SYS_userfaultfd),
            ("statx", libc::SYS_statx),
            ("rseq", libc::SYS_rseq),
            ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
            ("clone3", libc::SYS_clone3),
            ("fchmodat2", libc::SYS_fchmodat2),
            ("mseal", libc::SYS_mseal),
        ] {
            assert_eq!(find(name).and_then(|call| call.number(Arch::X86_64)).map(i64::from), Some(number), "{name}");
        }
        let count = |arch| CALLS.iter().filter(|call| call.number(arch).is_some()).count();
        assert_eq!((count(Arch::X86_64), count(Arch::I386)), (385, 461));
    }

    #[test]
    fn widths_are_what_the_kernel_reads() {
        let width = |name: &str, arch, index| find(name).and_then(|call| call.width(arch, index));
        assert_eq!(width("socket", Arch::X86_64, 0), Some(32));
        assert_eq!(width("ioctl", Arch::X86_64, 1), Some(32));
        assert_eq!(width("ioctl", Arch::X86_64, 2), Some(64));
        assert_eq!(width("ioctl", Arch::I386, 2), Some(32));
        assert_eq!(width("ioctl", Arch::X86_64, 3), None);
        assert_eq!(width("chmod", Arch::X86_64, 1), Some(16));
        assert_eq!(width("setuid", Arch::X86_64, 0), Some(32));
        assert_eq!(width("setuid", Arch::I386, 0), Some(16));
        assert_eq!(width("mmap", Arch::X86_64, 6), None);
        assert_eq!(width("getpid", Arch::X86_64, 0), None);
        assert_eq!(find("mmap").map(Call::arguments), Some(6));
        assert_eq!(find("getpid").map(Call::arguments), Some(0));
        assert!(find("mmap").is_some_and(Call::differs_on_i386));
        for call in &CALLS {
            let letters = call.widths.trim_end_matches('~');
            assert!(letters == "-" || letters.len() <= 6 && letters.bytes().all(|b| b"hilu".contains(&b)), "{call:?}");
        }
    }
}
