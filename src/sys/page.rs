//! One page of memory that stays shared over a fork. Writing to it needs no system call, so it works under any filter.

use std::sync::atomic::AtomicU32;

use nix::errno::Errno;

use super::check;

/// The number of 32-bit words in it.
pub const WORDS: usize = 1024;

/// A shared page, zeroed, mapped until the process ends or executes another program.
#[derive(Clone, Copy, Debug)]
pub struct Page(&'static [AtomicU32; WORDS]);

impl Page {
    pub fn new() -> Result<Page, Errno> {
        // SAFETY: a new anonymous mapping, which overlaps nothing.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                WORDS * 4,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: the mapping is page-aligned, zeroed, `WORDS` words long and never unmapped; all access is atomic.
        Ok(Page(unsafe { &*address.cast::<[AtomicU32; WORDS]>() }))
    }

    pub fn words(self) -> &'static [AtomicU32; WORDS] {
        self.0
    }
}

/// Gives the pages of the program's own code back to the page cache; those still needed are read in again.
///
/// A process that waits for days needs little of what it needed to start. `waiting` are the functions that our processes
/// wait in: every one of them maps all of these, so that what each maps is shared with the others.
pub fn release_code(waiting: &[*const ()]) -> Result<(), Errno> {
    unsafe extern "C" {
        static __executable_start: u8;
        static etext: u8;
    }
    let page = 4096;
    let (start, end) = (&raw const __executable_start as usize, &raw const etext as usize);
    // SAFETY: the range is file-backed code that nobody has written to, so dropping the pages loses nothing.
    check(unsafe { libc::madvise((start & !(page - 1)) as *mut _, end - start, libc::MADV_DONTNEED) }.into())?;
    for function in waiting.iter().filter(|function| (start..end).contains(&function.addr())) {
        // SAFETY: a byte of our own code, which is readable.
        unsafe { function.cast::<u8>().read_volatile() };
    }
    Ok(())
}

/// Gives back what deeper calls have left of the stack; for the first thread of a process, on the stack that the kernel made.
pub fn release_stack() {
    const PAGE: usize = 4096;
    /// More than this function's own frame and that of the one that it calls.
    const OURS: usize = 1024;
    /// The kernel keeps other mappings further away than this: by the stack's limit, and a guard of 1 MiB (mmap_base).
    const DEEPEST: usize = 32 * PAGE;
    let here = 0u8;
    let end = ((&raw const here).addr() - OURS) & !(PAGE - 1);
    // SAFETY: below the frames of those that run nothing lives, and signals, which could, are blocked; what is not mapped
    // is passed over.
    unsafe { libc::madvise((end - DEEPEST) as *mut _, DEEPEST, libc::MADV_DONTNEED) };
}

/// Gives free memory of the heap back to the kernel.
pub fn release_heap() {
    // SAFETY: takes a number; no allocation is moved.
    unsafe { libc::malloc_trim(0) };
}
