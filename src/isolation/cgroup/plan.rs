//! From the section to directories, limits and who joins them when.

mod directories;

use super::directory::{Directory, Parts};
use super::exposed::exposed;
use super::given::Given;
use super::key::{Key, Wish, wishes};
use super::layout::{Home, Layout};
use super::settings::{Carried, Lack};
use super::{Cgroup, Delegated, Max, Membership, Name, Step, device, place, v1};
use crate::host::Host;
use crate::isolation::context::Slot;
use crate::isolation::{Access, Enforce, Findings, Origin, Section};

/// What `[cgroup]` asks of each stage, and what others need to know of it.
#[derive(Debug, Default, PartialEq)]
pub struct Planned {
    pub host_before: Vec<Step>,
    /// Before init enters its cgroup namespace.
    pub init: Vec<Step>,
    pub membership: Option<Membership>,
    /// The cgroup v2 directory that the sandbox is cloned into.
    pub clone_into: Option<Slot>,
    /// After it.
    pub inside: Vec<Step>,
    /// What the program can see of its directory on cgroup v2.
    pub access: Option<Access>,
    /// In bytes, whether it could be enforced or not.
    pub memory_max: Option<u64>,
    /// What RLIMIT_NPROC has to stand in for; `Max` where pids.max holds, or nothing is to hold.
    pub processes: Option<Max>,
}

struct Planner<'a> {
    given: Given<'a>,
    host: &'a Host,
    findings: &'a mut Findings,
    memory: Option<Max>,
    v2: Option<Directory>,
    v1: Vec<Directory>,
    /// The controllers that the program may divide.
    delegated: Option<Vec<Name>>,
    processes: Option<Max>,
}

pub fn plan(section: &Cgroup, given: Given<'_>, host: &Host, findings: &mut Findings) -> Planned {
    let mut wishes = wishes(section);
    let delegate = section.delegate.as_ref().filter(|asked| asked.value);
    let asked = !wishes.is_empty() || delegate.is_some();
    let by_default = (host.is_root() || given.counted_apart()) && section.pids_max.is_none() && !given.rlimit_binds();
    // Nothing is looked at, and nothing made, for a profile that limits nothing and whose processes are limited anyway.
    if !asked && !by_default && !given.mounts {
        return Planned::default();
    }
    let layout = Layout::probe(host);
    enough_memory(section, findings);
    enough_processes(section, given.init, findings);
    for (Lack { message, hint }, origin) in device::join(&mut wishes, host) {
        findings.error(Section::Cgroup, message, hint, Some(&origin));
    }
    let memory = section.memory_max.as_ref().map(|asked| asked.value);
    let mut planner = Planner { memory, ..Planner::new(given, host, findings) };
    let on_v2 = |name: &&'static str| layout.is_free(v1::controller(name));
    let mut needs: Vec<&'static str> = wishes.iter().map(|wish| wish.key.controller()).filter(on_v2).collect();
    // A delegated part is of little use without these.
    needs.extend(["memory", "pids"].into_iter().filter(|_| delegate.is_some()).filter(on_v2));
    needs.extend(Some("pids").filter(|_| by_default && !asked).filter(on_v2));
    let place = layout.v2().map(|own| place::choose(&own, &needs, host));
    let exposed = if given.mounts { exposed(&layout, &given, host) } else { Vec::new() };
    for wish in &wishes {
        let mut carried = planner.carry(&wish.key, &layout, place.as_ref());
        let stands_in = matches!(wish.key, Key::PidsMax(_)) && given.rlimit_binds();
        if let Key::PidsMax(max) = wish.key {
            // An rlimit beside it would be of no use, and could not be raised while the program runs.
            planner.processes = Some(if carried.is_ok() { Max::Max } else { max });
            if let Err(lack) = &mut carried
                && !wish.required
                && given.counted_apart()
            {
                lack.message += APART;
            }
        }
        if carried.is_err() && wish.key.asks_nothing() {
            continue;
        }
        planner.judge(wish.key.name(), &wish.origin, wish.required, stands_in, carried);
    }
    if let Some(asked) = delegate {
        let delegated = planner.delegate(&layout, place.as_ref());
        let required = asked.required && section.enforce == Enforce::Require;
        planner.judge("delegate", &asked.origin, required, false, delegated);
    }
    if by_default {
        let directory = |home: &Home| matches!(home, Home::V2(_));
        planner.limit_processes(&layout, place.as_ref(), asked || exposed.iter().any(directory));
    }
    // The default alone does not bring it along: a launch is to cost next to nothing more for that.
    if asked {
        planner.control(&layout, place.as_ref().and_then(|place| place.as_ref().ok()));
    }
    for home in &exposed {
        planner.keep_off(home, place.as_ref());
    }
    if exposed.iter().any(|home| matches!(home, Home::V1(_))) {
        let message = "the program can make cgroups without number in its part of cgroup v1: nothing limits the \
                       kernel's memory for these";
        planner.findings.note(
            Section::Cgroup,
            message,
            format!("choose another user in [process], or {}", v1::UNIFIED),
            None,
        );
    }
    planner.planned(&wishes)
}

/// Why a limit by itself cannot be set from here; `None` where it can, or something near it.
pub fn lack(key: &Key, given: Given<'_>, host: &Host) -> Option<Lack> {
    let layout = Layout::probe(host);
    let needs: &[_] = if layout.is_free(v1::controller(key.controller())) { &[key.controller()] } else { &[] };
    let place = layout.v2().map(|own| place::choose(&own, needs, host));
    Planner::new(given, host, &mut Findings::default()).carry(key, &layout, place.as_ref()).err()
}

const APART: &str = "; RLIMIT_NPROC holds each user that the program may become by itself";

/// What a launch takes by itself: with less its init is killed before the program exists. Measured, as the least for
/// `/bin/true`, by halving.
const LAUNCH: u64 = 192 << 10;
const PROGRAM: u64 = 384 << 10;

fn enough_memory(section: &Cgroup, findings: &mut Findings) {
    let Some(super::Asked { value: Max::Limit(limit), origin, .. }) = &section.memory_max else { return };
    let hint = "a small program takes \"1M\"; `sandbox run --stats` says what one has used";
    if *limit < LAUNCH {
        let message = format!("memory-max = {limit} is less than the launch itself takes, {LAUNCH}");
        findings.error_alone(Section::Cgroup, message, hint, Some(origin));
    } else if *limit < PROGRAM {
        let message = format!("memory-max = {limit} is less than the smallest ordinary program takes, {PROGRAM}");
        findings.warning(Section::Cgroup, message, hint, Some(origin));
    }
}

/// With one process less the launch ends in EAGAIN, where the limit can be set.
fn enough_processes(section: &Cgroup, init: bool, findings: &mut Findings) {
    if let Some(super::Asked { value: Max::Limit(1), origin, .. }) = &section.pids_max
        && init
    {
        let message = "pids-max = 1 leaves no room for the program: init counts too";
        let hint = "write 2 or more, or init = false in [process], which makes the program the only process";
        findings.error(Section::Cgroup, message, hint, Some(origin));
    }
}

impl<'a> Planner<'a> {
    fn new(given: Given<'a>, host: &'a Host, findings: &'a mut Findings) -> Planner<'a> {
        Planner { given, host, findings, memory: None, v2: None, v1: Vec::new(), delegated: None, processes: None }
    }

    /// What could not be had, or only nearly, is said; what the author wrote stops the launch.
    fn judge(&mut self, name: &str, origin: &Origin, required: bool, stands_in: bool, carried: Result<Carried, Lack>) {
        match carried {
            Ok(Carried { approximate: Some(how), .. }) => {
                self.findings.shortfall(Section::Cgroup, format!("{name}: {how}"), None, Some(origin));
            }
            Ok(_) => {}
            Err(Lack { message, hint }) if required => {
                let or = if stands_in { ", or limit processes by rlimits = { nproc = … } instead" } else { "" };
                let hint = format!("{hint}{or}, or set enforce = \"best-effort\"");
                self.findings.error(Section::Cgroup, format!("{name}: {message}"), hint, Some(origin));
            }
            Err(Lack { message, hint }) if stands_in => {
                self.findings.note(
                    Section::Cgroup,
                    format!("{name}: {message}; RLIMIT_NPROC stands in"),
                    hint,
                    Some(origin),
                );
            }
            Err(Lack { message, hint }) => {
                self.findings.shortfall(Section::Cgroup, format!("{name}: {message}"), hint, Some(origin));
            }
        }
    }

    fn planned(self, wishes: &[Wish]) -> Planned {
        let mut planned = Planned { processes: self.processes, ..Planned::default() };
        for wish in wishes {
            if let Key::MemoryMax(Max::Limit(limit)) = wish.key {
                planned.memory_max = Some(limit);
            }
        }
        let owner = self.host.is_root().then_some(self.given.program).filter(|ids| *ids != (0, 0));
        let delegated = self.delegated.map(|controllers| Delegated { controllers, owner });
        let parts = Parts { all: self.given.parts(self.host), delegated };
        for (number, directory) in (0u8..).zip(self.v2.into_iter().chain(self.v1)) {
            directory.steps(number, &parts, &mut planned);
        }
        if planned.access == Some(Access::ReadOnly) && !self.given.own_cgroup {
            planned.access = None;
        }
        planned
    }
}
