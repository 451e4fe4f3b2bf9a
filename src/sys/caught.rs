//! What a terminal sends while a process is copied: neither side loses it.
//!
//! A blocked signal that comes just before the copy stays with the original alone, and nobody could tell it from one that
//! both have. Let through to a handler, it makes the kernel begin the clone again once it has been handled; one that is sent
//! to the whole foreground during the clone goes to the copy too (Linux 4.19). What was noted goes back into the queue.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::signal::{self, FROM_A_TERMINAL};

/// A bit for each signal. A copy that shares our memory shares them too: what it has taken we do not see again.
static BY_KERNEL: AtomicU32 = AtomicU32::new(0);
/// A signal that the kernel passes on to a copy has lost its sender, and is among these.
static BY_OTHERS: AtomicU32 = AtomicU32::new(0);

/// From here until `hold_back` those of a terminal are noted as they come; for the moment around a clone.
pub fn let_through() {
    extern "C" fn note(signal: libc::c_int, info: *const libc::siginfo_t, _: *const libc::c_void) {
        // SAFETY: with SA_SIGINFO the kernel passes an initialised siginfo_t.
        let by_kernel = unsafe { (*info).si_code } > 0;
        let noted = if by_kernel { &BY_KERNEL } else { &BY_OTHERS };
        noted.fetch_or(1 << signal, Relaxed);
    }
    // SAFETY: the action is initialised before it is used; the handler is async-signal-safe, it touches atomics alone.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = note as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigfillset(&raw mut action.sa_mask);
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in FROM_A_TERMINAL {
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
    }
}

/// Signals wait in the queue again, those that were noted among them. For both sides of a clone, but for a copy that shares
/// our memory.
pub fn hold_back() {
    close();
    queue(take(&BY_KERNEL), libc::SI_KERNEL);
    queue(take(&BY_OTHERS), libc::SI_USER);
}

/// The same for a copy that shares the original's memory, while that sleeps: it has what would end it. A stop it leaves to the
/// original, as if somebody had sent it there: who sleeps for one that is stopped passes no SIGCONT on to it.
pub fn hold_back_but_stops() {
    close();
    let noted = take(&BY_KERNEL) | take(&BY_OTHERS);
    let stop = noted & 1 << libc::SIGTSTP;
    queue(noted & !stop, libc::SI_KERNEL);
    if stop != 0 {
        BY_OTHERS.fetch_or(stop, Relaxed);
    }
}

fn close() {
    signal::block_all();
    FROM_A_TERMINAL.into_iter().for_each(signal::reset_disposition);
}

/// Written only where there is need: a page that neither side writes to is one for both.
fn take(noted: &AtomicU32) -> u32 {
    if noted.load(Relaxed) == 0 { 0 } else { noted.swap(0, Relaxed) }
}

fn queue(mut noted: u32, code: i32) {
    // Had it come before the stop, the kernel would have taken it out of the queue.
    if noted & 1 << libc::SIGTSTP != 0 && signal::pending().has(libc::SIGCONT) {
        noted &= !(1 << libc::SIGTSTP);
    }
    for signal in FROM_A_TERMINAL.into_iter().filter(|signal| noted & 1 << signal != 0) {
        let _ = signal::queue(signal, code);
    }
}
