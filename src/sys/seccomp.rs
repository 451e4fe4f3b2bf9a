//! seccomp(2): only the installation of a filter.

use nix::errno::Errno;

/// The filter holds from the return of this call, for this thread and what it starts. EACCES without no-new-privs and
/// without CAP_SYS_ADMIN; EINVAL for a program that the kernel finds unsound.
pub fn install(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: `program` describes a live slice of `len` instructions, which the kernel copies and does not write to.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    Errno::result(answer).map(drop)
}

/// Calls by number, in a thread of their own under a filter: what a test of a filter asks the kernel.
#[cfg(test)]
pub mod kernel {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Entry {
        /// x86-64, and x32 by a bit of the number.
        Syscall,
        /// i386.
        Int80,
    }

    /// What the kernel returns for each call; the filter must allow what the thread needs, and no call may end it.
    pub fn answers(program: Vec<libc::sock_filter>, calls: &[(Entry, u32, [u64; 3])]) -> Result<Vec<i64>, Errno> {
        let thread = |program: Vec<libc::sock_filter>| {
            nix::sys::prctl::set_no_new_privs()?;
            // Allocated before the filter holds.
            let mut answers = Vec::with_capacity(calls.len());
            install(&program)?;
            for &(entry, number, args) in calls {
                answers.push(match entry {
                    Entry::Syscall => syscall(number, args),
                    Entry::Int80 => int80(number, args),
                });
            }
            Ok(answers)
        };
        std::thread::scope(|scope| scope.spawn(|| thread(program)).join().expect("the thread ends"))
    }

    fn syscall(number: u32, args: [u64; 3]) -> i64 {
        let answer: i64;
        // SAFETY: the filter refuses the call, or allows it with arguments that refer to no memory.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") u64::from(number) => answer,
                in("rdi") args[0], in("rsi") args[1], in("rdx") args[2], in("r10") 0, in("r8") 0, in("r9") 0,
                lateout("rcx") _, lateout("r11") _,
            );
        }
        answer
    }

    fn int80(number: u32, args: [u64; 3]) -> i64 {
        let answer: u64;
        // SAFETY: as above. rbx, the first argument's register, is the compiler's own: it is put back at once.
        unsafe {
            std::arch::asm!(
                "xchg rbx, r12",
                "push rbp",
                "xor ebp, ebp",
                "int 0x80",
                "pop rbp",
                "xchg rbx, r12",
                inlateout("rax") u64::from(number) => answer,
                inlateout("r12") args[0] => _, inlateout("rcx") args[1] => _, inlateout("rdx") args[2] => _,
                inlateout("rsi") 0u64 => _, inlateout("rdi") 0u64 => _,
                lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
            );
        }
        i64::from(answer as i32)
    }
}
