//! Whether the kernel takes what is handed to the program, measured as execve(2) does.

use std::ffi::{CString, OsStr};

use super::Process;
use crate::host::Host;
use crate::isolation::{Findings, Section};

/// What is handed to the program.
pub struct Sizes<'a> {
    pub words: &'a [&'a OsStr],
    pub environment: &'a [CString],
    /// The longest of those that are searched.
    pub directory: usize,
    pub section: &'a Process,
    pub host: &'a Host,
}

/// MAX_ARG_STRLEN of linux/binfmts.h: 32 pages, the NUL at the end included.
const LONGEST: usize = 32 * 4096;

/// What an ordinary program needs of its stack to start, a short environment included.
pub const LEAST_STACK: u64 = 16 << 10;

impl Sizes<'_> {
    pub fn check(&self, findings: &mut Findings) {
        let origin = self.section.command_origin.as_ref();
        let mut long = |what: String, length: usize, hint: &str| {
            let message = format!("{what} is {length} bytes long, and the kernel takes {}", LONGEST - 1);
            findings.error(Section::Process, message, hint, origin);
        };
        for (number, word) in self.words.iter().enumerate().filter(|(_, word)| word.len() >= LONGEST) {
            long(format!("argument {number}"), word.len(), "hand it over in a file, or on standard input");
        }
        for variable in self.environment.iter().filter(|variable| variable.as_bytes().len() >= LONGEST) {
            let name = variable.to_string_lossy().split('=').next().unwrap_or_default().to_owned();
            let length = variable.as_bytes().len();
            long(format!("the variable {name}"), length, "hand it over in a file, or do not pass it");
        }
        // The path that was found comes besides.
        let path = self.words.first().map_or(0, |command| command.len()) + self.directory;
        let strings = [path].into_iter().chain(self.words.iter().map(|word| word.len()));
        let strings = strings.chain(self.environment.iter().map(|variable| variable.as_bytes().len()));
        // Each has a NUL, and all but the path a pointer.
        let total = (strings.map(|length| length + 9).sum::<usize>() - 8) as u64;
        if self.fit_into_stack(total, findings) {
            return;
        }
        if total > LONGEST as u64 && total > self.most() {
            let message = format!(
                "arguments and environment take {total} bytes, and the kernel gives them {} (a quarter of the stack)",
                self.most()
            );
            findings.error(Section::Process, message, "raise stack in rlimits, or hand them over in a file", origin);
        }
    }

    /// execve(2) takes no more than the limit holds, whatever a quarter of it comes to; with little more the program is
    /// killed before its first instruction. Whether that was said.
    fn fit_into_stack(&self, total: u64, findings: &mut Findings) -> bool {
        let Some((Some(stack), origin)) = self.section.rlimits.get("stack") else { return false };
        let pointers = 8 * (self.words.len() + self.environment.len()) as u64;
        // A pointer's room at the top, in whole pages; the first is there whatever the limit.
        let pages = (total - pointers + 8).next_multiple_of(4096);
        let too_long = pages > 4096 && pages > *stack;
        let hint = || format!("write at least \"{}K\"", (total + LEAST_STACK).div_ceil(1024));
        let say = |what: &str| format!("rlimits: stack = {stack} {what}: arguments and environment take {total} bytes");
        if too_long {
            findings.error(Section::Process, say("cannot hold what the program is handed"), hint(), Some(origin));
        } else if *stack >= LEAST_STACK && total + LEAST_STACK - 1024 > *stack {
            findings.warning(
                Section::Process,
                say("leaves an ordinary program no room to start"),
                hint(),
                Some(origin),
            );
        }
        too_long
    }

    /// As bprm_stack_limits() of the kernel has it.
    fn most(&self) -> u64 {
        let stack = match self.section.rlimits.get("stack") {
            Some((limit, _)) => *limit,
            None => self.host.limit("stack").soft,
        };
        stack.map_or(u64::MAX, |stack| stack / 4).clamp(LONGEST as u64, 6 << 20)
    }
}
