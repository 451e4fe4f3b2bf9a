//! What a terminal sends while a process is copied: neither side loses it.
//!
//! A blocked signal that comes just before the copy stays with the original alone, and nobody could tell it from one that
//! both have. Let through to a handler, it makes the kernel begin the clone again once it has been handled; one that is sent
//! to the whole foreground during the clone goes to the copy too (Linux 4.19).

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::signal::{self, FROM_A_TERMINAL, Received};

/// A bit for each signal. A copy that shares our memory shares them too: what it has taken we do not see again.
static BY_KERNEL: AtomicU32 = AtomicU32::new(0);
static BY_OTHERS: AtomicU32 = AtomicU32::new(0);

/// Signals that have been handled by being noted.
#[derive(Debug, Default)]
pub struct Caught {
    by_kernel: u32,
    by_others: u32,
}

/// From here until `hold_back` those of a terminal are noted as they come; for the moment around a clone.
pub fn let_through() {
    extern "C" fn note(signal: libc::c_int, info: *const libc::siginfo_t, _: *const libc::c_void) {
        // SAFETY: with SA_SIGINFO the kernel passes an initialised siginfo_t.
        let by_kernel = unsafe { (*info).si_code } > 0;
        let caught = if by_kernel { &BY_KERNEL } else { &BY_OTHERS };
        caught.fetch_or(1 << signal, Relaxed);
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

/// Signals wait in the queue again. Those that were noted are the caller's to treat as if it took them from there.
pub fn hold_back() -> Caught {
    signal::block_all();
    // Written only where there is need: a page that neither side writes to is one for both.
    let take = |noted: &AtomicU32| if noted.load(Relaxed) == 0 { 0 } else { noted.swap(0, Relaxed) };
    Caught { by_kernel: take(&BY_KERNEL), by_others: take(&BY_OTHERS) }
}

impl Caught {
    /// The next of them; once each.
    pub fn pop(&mut self) -> Option<Received> {
        for (set, by_kernel) in [(&mut self.by_kernel, true), (&mut self.by_others, false)] {
            if *set != 0 {
                let signal = set.trailing_zeros();
                *set &= *set - 1;
                return Some(Received { signal: signal as i32, by_kernel, by_ourselves: false });
            }
        }
        None
    }

    /// For the copy, which nobody has sent them to: what `passed_on` makes of them is in its queue as if somebody had, and
    /// it has no handlers.
    pub fn take_over(mut self, passed_on: impl Fn(i32) -> i32) {
        FROM_A_TERMINAL.into_iter().for_each(signal::reset_disposition);
        while let Some(received) = self.pop() {
            let _ = signal::send(nix::unistd::getpid().as_raw(), passed_on(received.signal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_with_where_it_came_from() {
        let mut caught = Caught { by_kernel: 1 << libc::SIGINT | 1 << libc::SIGTSTP, by_others: 1 << libc::SIGINT };
        let received = |signal, by_kernel| Some(Received { signal, by_kernel, by_ourselves: false });
        assert_eq!(caught.pop(), received(libc::SIGINT, true));
        assert_eq!(caught.pop(), received(libc::SIGTSTP, true));
        assert_eq!(caught.pop(), received(libc::SIGINT, false));
        assert_eq!(caught.pop(), None);
    }
}
