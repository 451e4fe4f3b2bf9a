//! What crosses the fork: one shared page for words, and a socket for gates.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::Options;
use crate::isolation::context::Context;
use crate::isolation::{Fault, Operation};
use crate::outcome::Outcome;
use crate::plan::{Plan, Stage};
use crate::state::{self, Record};
use crate::sys::page::{Page, WORDS};

/// Words of the page. A text is stored four bytes a word.
const STATE: usize = 0;
const STAGE: usize = 1;
const INDEX: usize = 2;
const ERRNO: usize = 3;
const VALUE: usize = 4;
const OPERATION: usize = 5;
const DETAIL: Text = Text { length: 6, start: 16, words: 50 };
/// One word a step: microseconds since the launch began, plus one.
const TIMES: usize = 128;

/// States: a launch ends in a fault, or called off, or runs and then ends.
const FAULT: u32 = 1;
const RUNNING: u32 = 2;
const EXITED: u32 = 3;
const SIGNALED: u32 = 4;
const CALLED_OFF: u32 = 5;

struct Text {
    length: usize,
    start: usize,
    words: usize,
}

pub struct Wire {
    page: Page,
    /// By the one clock that no time namespace moves: init reads it in one of its own.
    began: Option<SystemTime>,
    socket: bool,
}

/// What the inside has said about itself.
pub enum Report {
    /// Nothing: it has not got as far as the program, or was killed on the way.
    Silent,
    Fault {
        stage: Stage,
        index: usize,
        fault: Fault,
    },
    /// The program has been executed.
    Running,
    Ended(Outcome),
    /// By this signal, before the program was executed.
    CalledOff(i32),
}

/// When a step was done.
pub struct Timing {
    pub stage: Stage,
    pub step: String,
    /// Since the launch began.
    pub microseconds: u32,
}

impl Wire {
    pub fn new(plan: &Plan, options: &Options) -> Result<Wire, Fault> {
        let page = Page::new().map_err(|errno| Fault::new(Operation::Mmap, errno, "the shared page"))?;
        Ok(Wire {
            page,
            began: options.timings.then(SystemTime::now),
            socket: !plan.host_after.is_empty() || options.status.is_some() || !plan.supervision.init,
        })
    }

    /// The two ends of the socket, ours and the child's, where the plan has gates.
    pub fn ends(&self) -> Result<(Option<OwnedFd>, Option<OwnedFd>), Fault> {
        if !self.socket {
            return Ok((None, None));
        }
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|errno| Fault::new(Operation::Socketpair, errno, "the wire"))?;
        Ok((Some(ours), Some(theirs)))
    }

    /// Applies the steps of a stage in order; the first failure ends it. What a step makes that outlives it is written
    /// down before it acts.
    pub fn carry_out(
        &self,
        plan: &Plan,
        stage: Stage,
        context: &mut Context,
        mut record: Option<&mut Record>,
    ) -> Result<(), (usize, Fault)> {
        for (index, step) in plan.steps(stage).iter().enumerate() {
            if let Some(record) = &mut record
                && let Some(trace) = step.trace(context)
            {
                record.trace(&trace).map_err(|error| (index, state::fault(&error)))?;
            }
            step.apply(context).map_err(|fault| (index, fault))?;
            self.done(plan, stage, index);
        }
        Ok(())
    }

    /// Tells the supervisor why it ends here. No system call and no memory is needed for it.
    pub fn fault(&self, stage: Stage, index: usize, fault: &Fault) {
        let words = self.page.words();
        words[STAGE].store(stage as u32, Relaxed);
        words[INDEX].store(index as u32, Relaxed);
        words[ERRNO].store(fault.errno as u32, Relaxed);
        words[OPERATION].store(fault.operation.number(), Relaxed);
        self.write(&DETAIL, &fault.detail);
        words[STATE].store(FAULT, Release);
    }

    pub fn running(&self) {
        self.page.words()[STATE].store(RUNNING, Release);
    }

    pub fn exited(&self, code: u8) {
        self.page.words()[VALUE].store(code.into(), Relaxed);
        self.page.words()[STATE].store(EXITED, Release);
    }

    pub fn signaled(&self, signal: i32) {
        self.page.words()[VALUE].store(signal as u32, Relaxed);
        self.page.words()[STATE].store(SIGNALED, Release);
    }

    /// A signal has ended the launch before the program ran.
    pub fn called_off(&self, signal: i32) {
        self.page.words()[VALUE].store(signal as u32, Relaxed);
        self.page.words()[STATE].store(CALLED_OFF, Release);
    }

    pub fn report(&self) -> Report {
        let words = self.page.words();
        let value = || words[VALUE].load(Relaxed);
        match words[STATE].load(Acquire) {
            FAULT => {
                let stage = Stage::ALL.get(words[STAGE].load(Relaxed) as usize).copied();
                let operation = Operation::of_number(words[OPERATION].load(Relaxed));
                let (Some(stage), Some(operation)) = (stage, operation) else { return Report::Silent };
                let fault = Fault {
                    operation,
                    errno: Errno::from_raw(words[ERRNO].load(Relaxed) as i32),
                    detail: self.read(&DETAIL),
                };
                Report::Fault { stage, index: words[INDEX].load(Relaxed) as usize, fault }
            }
            RUNNING => Report::Running,
            EXITED => Report::Ended(Outcome::Exited(value() as u8)),
            SIGNALED => Report::Ended(Outcome::Signaled(value() as i32)),
            CALLED_OFF => Report::CalledOff(value() as i32),
            _ => Report::Silent,
        }
    }

    /// What each step had been done by, in the order of the stages.
    pub fn timings(&self, plan: &Plan) -> Vec<Timing> {
        if self.began.is_none() {
            return Vec::new();
        }
        let steps = Stage::ALL.into_iter().flat_map(|stage| plan.steps(stage).iter().map(move |step| (stage, step)));
        let time = |at: usize| self.page.words().get(TIMES + at).map_or(0, |word| word.load(Relaxed));
        steps
            .enumerate()
            .filter_map(|(at, (stage, step))| {
                let microseconds = time(at).checked_sub(1)?;
                Some(Timing { stage, step: format!("{}: {step}", step.section()), microseconds })
            })
            .collect()
    }

    pub fn done(&self, plan: &Plan, stage: Stage, index: usize) {
        let Some(began) = self.began else { return };
        let before: usize = Stage::ALL.iter().take_while(|other| **other != stage).map(|s| plan.steps(*s).len()).sum();
        if let Some(word) = self.page.words().get(TIMES + before + index) {
            let micros = began.elapsed().unwrap_or_default().as_micros();
            word.store(u32::try_from(micros).unwrap_or(u32::MAX).saturating_add(1), Relaxed);
        }
    }

    fn write(&self, place: &Text, text: &str) {
        let mut length = text.len().min(place.words * 4);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let words = &self.page.words()[place.start..place.start + place.words];
        for (word, bytes) in words.iter().zip(text.as_bytes()[..length].chunks(4)) {
            let mut four = [0; 4];
            four[..bytes.len()].copy_from_slice(bytes);
            word.store(u32::from_ne_bytes(four), Relaxed);
        }
        self.page.words()[place.length].store(length as u32, Relaxed);
    }

    fn read(&self, place: &Text) -> String {
        let words = &self.page.words()[place.start..place.start + place.words];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        bytes.truncate(self.page.words()[place.length].load(Relaxed) as usize);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

const _: () = assert!(TIMES < WORDS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_crosses_whole_or_cut_at_a_character() {
        let wire = Wire { page: Page::new().unwrap(), began: None, socket: false };
        assert!(matches!(wire.report(), Report::Silent));
        wire.fault(Stage::Target, 7, &Fault::new(Operation::Openat2, Errno::ENOENT, "ä".repeat(150)));
        let Report::Fault { stage, index, fault } = wire.report() else { panic!("no fault") };
        assert_eq!((stage, index), (Stage::Target, 7));
        assert_eq!((fault.operation, fault.errno), (Operation::Openat2, Errno::ENOENT));
        assert_eq!(fault.detail, "ä".repeat(100));
    }
}
