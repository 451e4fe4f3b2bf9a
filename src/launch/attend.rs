//! What the supervisor does while the program runs: it waits, passes signals on, and keeps deadlines.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::Options;
use super::wire::{Report, Wire};
use crate::isolation::process::Step::NewSession;
use crate::isolation::status::Status;
use crate::isolation::{Fault, Operation};
use crate::plan::{Plan, Stage, Step};
use crate::state::Record;
use crate::sys::clone::Child;
use crate::sys::wait::Ended;
use crate::sys::{descriptor, page, signal, wait};

const UNANNOUNCED: Duration = Duration::from_millis(5);

/// How often it is looked whether there is room again for --status-fd.
const UNREAD: Duration = Duration::from_millis(100);

/// A sandbox that has been cloned.
pub struct Attended<'a> {
    pub plan: &'a Plan,
    pub options: &'a Options,
    pub wire: &'a Wire,
    pub child: &'a Child,
    pub record: &'a Record,
    /// Our end of the wire, where somebody is to be told when the program has been executed; gone once that is done.
    pub socket: Option<OwnedFd>,
    /// The signal that ended the launch before the program ran.
    pub called_off: Option<i32>,
    /// The program was asked to end because its time was over.
    pub timed_out: bool,
}

impl Attended<'_> {
    #[inline(never)]
    pub fn until_the_end(&mut self) -> Ended {
        // The child's end closes at the exec, and a signal tells that. Where none can be had, it is asked for again and again.
        let announced = self.socket.as_ref().is_none_or(|socket| signal::announce(socket).is_ok());
        // One past what the clock can say is none.
        let timeout = self.options.timeout_of(&self.plan.supervision);
        let mut deadline = timeout.and_then(|after| Instant::now().checked_add(after));
        let mut stopping = false;
        let mut others = Some(self.record.others());
        // What is given back while init is at work, init need not copy.
        let mut release = Release::at_once();
        loop {
            let ended = self.ended();
            if self.look_once_executed(ended.is_none()) {
                release = Release::later();
            }
            if let Some(ended) = ended {
                return ended;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // Before the queue: a program that resizes its terminal without end fills it with signals of the kernel's.
            if left == Some(Duration::ZERO) {
                // Who was asked to end by somebody has no timeout any more.
                self.timed_out |= !stopping;
                // First as the profile has it, then without mercy.
                self.send(if stopping { libc::SIGKILL } else { self.plan.supervision.stop_signal });
                if stopping {
                    self.record.kill();
                }
                let more = if stopping { Duration::from_secs(1) } else { self.plan.supervision.stop_timeout };
                deadline = Instant::now().checked_add(more);
                stopping = true;
                continue;
            }
            let behind = self.options.status.as_ref().filter(|status| status.is_behind());
            let wait = match (&others, &self.socket) {
                (Some(_), _) => Some(Duration::ZERO),
                (None, Some(_)) if !announced => Some(left.unwrap_or(UNANNOUNCED).min(UNANNOUNCED)),
                _ if behind.is_some() => Some(left.unwrap_or(UNREAD).min(UNREAD)),
                _ => release.within(left),
            };
            if let Some(status) = behind {
                status.go_on(Duration::ZERO);
            }
            if let Some(received) = signal::next(wait) {
                self.pass_on(received);
                // Asked again, it gets no more time.
                if self.asks_to_stop(received) && !stopping {
                    deadline = Instant::now().checked_add(self.plan.supervision.stop_timeout);
                    stopping = true;
                }
            } else if let Some(left) = &mut others {
                // The program is on its way, so this is nobody's waiting time; but it may take long, and signals go first.
                match left.pop() {
                    Some(id) => self.record.collect(&id),
                    None => others = None,
                }
            }
            if others.is_none() {
                release.when_due();
            }
        }
    }

    /// Tells of the exec whoever asked, and without an init looks at the program; true once, where there was somebody to tell.
    fn look_once_executed(&mut self, runs: bool) -> bool {
        // Asked of the socket and not of the signal: the exec may be over before anybody could be told of it.
        if self.socket.take_if(|socket| descriptor::hung_up(socket.as_fd())).is_none()
            || !matches!(self.wire.report(), Report::Running | Report::Ended(_))
        {
            return false;
        }
        if let Some(to) = &self.options.status {
            to.started(self.child.pid);
        }
        if runs && !self.plan.supervision.init {
            self.verify();
        }
        true
    }

    /// What init does where there is one: the program is looked at once it has been executed.
    fn verify(&self) {
        let Some(privilege) = &self.plan.supervision.privilege else { return };
        let path = |errno| Fault::new(Operation::Open, errno, "/proc");
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let verified = nix::fcntl::open("/proc", flags, Mode::empty()).map_err(path).and_then(|proc| {
            // Ours came over to the child.
            let filters = Status::of_caller().and_then(|status| status.seccomp_filters).unwrap_or(0);
            privilege.verify_running(proc.as_fd(), self.child.pid, filters)
        });
        if let Err(fault) = verified {
            self.send(libc::SIGKILL);
            self.fault(&fault);
        }
    }

    fn pass_on(&mut self, received: signal::Received) {
        // Where there is an init, it has what a terminal sent, and passes it on.
        let meant = !received.by_kernel
            || !self.plan.supervision.init && apart(self.plan) && signal::FROM_A_TERMINAL.contains(&received.signal);
        match received.signal {
            libc::SIGCHLD => {}
            // Our own: the wire has been closed at the other end.
            libc::SIGIO if received.by_kernel => {}
            // A message of ours, or a word for --status-fd, that nobody reads any more.
            libc::SIGPIPE if received.by_ourselves => {}
            signal if signal::ENDING.contains(&signal) && !self.program_takes_signals() => self.call_off(signal),
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
                if meant {
                    // Init, where there is one, has the same said to the program.
                    self.send(passed_on(received.signal, apart(self.plan) && !self.plan.supervision.init));
                }
                // The shell that waits for us must see that its job has stopped.
                signal::stop_here();
            }
            signal if meant => self.send(signal),
            _ => {}
        }
    }

    /// Whether somebody wants the program to end. Init passes that on, but it may be frozen or stopped, and the program
    /// may take no notice: the time is kept here. What a person types at a terminal has reached whom it was meant for.
    fn asks_to_stop(&self, received: signal::Received) -> bool {
        received.signal == self.plan.supervision.stop_signal && !received.by_kernel && !received.by_ourselves
    }

    /// Until then there is nobody but us to take one.
    fn program_takes_signals(&self) -> bool {
        match self.plan.supervision.init {
            true => !matches!(self.wire.report(), Report::Silent),
            // A pid 1 that has not been executed has no handler, and ignores them.
            false => self.socket.as_ref().is_none_or(|socket| descriptor::hung_up(socket.as_fd())),
        }
    }

    /// The launch itself is what a signal ends while no program runs.
    pub fn call_off(&mut self, signal: i32) {
        self.called_off.get_or_insert(signal);
        self.send(libc::SIGKILL);
    }

    fn ended(&self) -> Option<Ended> {
        wait::of_pidfd(self.child.pidfd.as_fd()).unwrap_or_else(|errno| {
            // Who cannot be waited for any more has ended. Any other refusal is of a filter around us: nobody would learn
            // how it went.
            if errno != Errno::ECHILD {
                self.send(libc::SIGKILL);
                self.fault(&Fault::new(Operation::Waitid, errno, "the program"));
            }
            Some(Ended::Signaled(libc::SIGKILL))
        })
    }

    fn fault(&self, fault: &Fault) {
        self.wire.fault(Stage::Target, self.plan.target.len().saturating_sub(1), fault);
    }

    pub fn send(&self, signal: i32) {
        // One that has ended meanwhile needs none. Nobody has waited for it, so the number is nobody else's.
        let _ = signal::send(self.child.pid, signal);
    }
}

/// Whether the program has a session of its own. Otherwise it has whatever a terminal sends, as we do: passed on, it would
/// come twice.
pub fn apart(plan: &Plan) -> bool {
    plan.target.iter().any(|step| matches!(step, Step::Process(NewSession)))
}

/// What the program is sent for a signal. In a session of its own no shell could continue it, so the kernel would stop it
/// for a terminal's sake by no other signal.
pub fn passed_on(signal: i32, apart: bool) -> i32 {
    match signal {
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU if apart => libc::SIGSTOP,
        _ => signal,
    }
}

/// When what only the start needed is given back: the program may run for days.
pub struct Release(Option<Instant>);

impl Release {
    const LATER: Duration = Duration::from_millis(20);

    /// By who has nothing to do for now.
    pub fn at_once() -> Release {
        Release(Some(Instant::now()))
    }

    /// A program that ends at once would pay for it, and for the same pages being read in again.
    pub fn later() -> Release {
        Release(Instant::now().checked_add(Release::LATER))
    }

    /// The time left until then, or `limit` if that is shorter; `None` is no end.
    pub fn within(&self, limit: Option<Duration>) -> Option<Duration> {
        let left = self.0.map(|due| due.saturating_duration_since(Instant::now()));
        left.into_iter().chain(limit).min()
    }

    pub fn when_due(&mut self) {
        if self.0.take_if(|due| *due <= Instant::now()).is_some() {
            release_memory();
        }
    }
}

/// Gives back what only the start needed: done by the supervisor and by init alike, and by the same instructions, so that
/// both come back to the same pages of code.
#[inline(never)]
fn release_memory() {
    let waiting = [Attended::until_the_end as *const (), super::init::attend as *const (), release_memory as *const ()];
    // Nothing depends on any of it but memory.
    page::release_heap();
    page::release_stack();
    let _ = page::release_code(&waiting);
}
