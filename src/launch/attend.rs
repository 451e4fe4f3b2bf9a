//! What the supervisor does while the program runs: it waits, passes signals on, and keeps deadlines.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::wire::{Report, Wire};
use super::{Options, status};
use crate::isolation::Fault;
use crate::isolation::cgroup::control;
use crate::isolation::status::Status;
use crate::plan::{Plan, Stage};
use crate::state::Record;
use crate::sys::clone::Child;
use crate::sys::wait::Ended;
use crate::sys::{descriptor, page, pidfd, signal, wait};

/// `socket` is our end of the wire, where somebody is to be told when the program has been executed.
#[inline(never)]
pub fn until_the_end(
    plan: &Plan,
    options: &Options,
    wire: &Wire,
    mut socket: Option<OwnedFd>,
    child: &Child,
    record: &Record,
) -> Ended {
    if let Some(socket) = &socket {
        // The child's end closes at the exec, and a signal tells that.
        let _ = signal::announce(socket);
    }
    // It may be days: what only the start needed is given back.
    release_memory();
    // One past what the clock can say is none.
    let mut deadline = options.timeout.or(plan.supervision.timeout).and_then(|after| Instant::now().checked_add(after));
    let mut stopping = false;
    loop {
        let ended = ended(child);
        // Asked of the socket and not of the signal: the exec may be over before anybody could be told of it.
        if socket.take_if(|socket| descriptor::hung_up(socket.as_fd())).is_some()
            && matches!(wire.report(), Report::Running | Report::Ended(_))
        {
            if let Some(to) = &options.status {
                status::started(to, child.pid);
            }
            if ended.is_none() && !plan.supervision.init {
                verify(plan, child, wire);
            }
        }
        if let Some(ended) = ended {
            return ended;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // Before the queue: a program that resizes its terminal without end fills it with signals of the kernel's.
        if left == Some(Duration::ZERO) {
            // First as the profile has it, then without mercy.
            let how = if stopping { libc::SIGKILL } else { plan.supervision.stop_signal };
            let _ = pidfd::send_signal(child.pidfd.as_fd(), how);
            if stopping {
                // On cgroup v1 what is frozen dies only once it goes on.
                let _ = control::thaw(&record.cgroups());
            }
            let more = if stopping { Duration::from_secs(1) } else { plan.supervision.stop_timeout };
            deadline = Instant::now().checked_add(more);
            stopping = true;
        } else if let Some(received) = signal::next(left) {
            pass_on(received, child, wire);
        }
    }
}

/// What init does where there is one: the program is looked at once it has been executed.
fn verify(plan: &Plan, child: &Child, wire: &Wire) {
    let Some(privilege) = &plan.supervision.privilege else { return };
    let path = |errno| Fault::new("open", errno, "/proc");
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let verified = nix::fcntl::open("/proc", flags, Mode::empty()).map_err(path).and_then(|proc| {
        // Ours came over to the child.
        let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let filters = Status::parse(&own).and_then(|status| status.seccomp_filters).unwrap_or(0);
        privilege.verify_running(proc.as_fd(), child.pid, filters)
    });
    if let Err(fault) = verified {
        let _ = pidfd::send_signal(child.pidfd.as_fd(), libc::SIGKILL);
        wire.fault(Stage::Target, plan.target.len().saturating_sub(1), &fault);
    }
}

/// Gives back what only the start needed: done by the supervisor and by init alike.
pub fn release_memory() {
    let waiting = [until_the_end as *const (), super::init::attend as *const (), release_memory as *const ()];
    // Nothing depends on either but memory.
    page::release_heap();
    let _ = page::release_code(&waiting);
}

fn ended(child: &Child) -> Option<Ended> {
    // It cannot be waited for any more, so it has ended.
    wait::of_pidfd(child.pidfd.as_fd()).unwrap_or(Some(Ended::Signaled(libc::SIGKILL)))
}

/// A signal that a terminal sent has reached the program already; any other was meant for it.
fn pass_on(received: signal::Received, child: &Child, wire: &Wire) {
    match received.signal {
        libc::SIGCHLD => {}
        // Our own: the wire has been closed at the other end.
        libc::SIGIO if received.by_kernel => {}
        // A message of ours, or a word for --status-fd, that nobody reads any more.
        libc::SIGPIPE if received.by_ourselves => {}
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
            if !received.by_kernel {
                let _ = pidfd::send_signal(child.pidfd.as_fd(), received.signal);
            }
            // The shell that waits for us must see that its job has stopped.
            signal::stop_here();
        }
        // Until the program runs there is nobody else to take it: the launch itself is called off.
        libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT if matches!(wire.report(), Report::Silent) => {
            let _ = pidfd::send_signal(child.pidfd.as_fd(), libc::SIGKILL);
        }
        _ if received.by_kernel => {}
        signal => {
            let _ = pidfd::send_signal(child.pidfd.as_fd(), signal);
        }
    }
}
