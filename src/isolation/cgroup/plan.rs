//! From the section to directories, limits and who joins them when.

use super::directory::{Directory, Parts};
use super::exposed::exposed;
use super::key::{Key, Wish, wishes};
use super::layout::{Hierarchy, Home, Layout};
use super::place::{self, Ground};
use super::refusal::{no_controller, not_there, not_writable};
use super::settings::{Carried, Lack, Setting};
use super::{Cgroup, Delegated, Max, Membership, Name, Place, Step, device, v1, v2};
use crate::host::Host;
use crate::isolation::context::Slot;
use crate::isolation::{Access, Enforce, Findings, IdRange, Origin, PROCESSES};

/// What other sections have decided.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// RLIMIT_NPROC counts for the sandbox alone.
    pub own_user: bool,
    pub own_cgroup: bool,
    /// The program's ids as the host sees them.
    pub program: (u32, u32),
    /// Which of the host's users exist inside; `None`: all.
    pub users: Option<&'a [IdRange]>,
    /// The program holds some capability in its user namespace.
    pub keeps: bool,
    /// It may become any of the users that exist inside.
    pub changes_user: bool,
    /// It can mount cgroup file systems.
    pub mounts: bool,
}

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
    for (Lack { message, hint }, origin) in device::join(&mut wishes, host) {
        findings.error("cgroup", message, hint, Some(&origin));
    }
    let memory = section.memory_max.as_ref().map(|asked| asked.value);
    let mut planner =
        Planner { given, host, findings, memory, v2: None, v1: Vec::new(), delegated: None, processes: None };
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
    planner.planned(&wishes)
}

/// What `check` adds: no cgroup namespace keeps a program off that holds the host's own power.
pub fn review(mounts_anything: bool, origin: Option<&Origin>, findings: &mut Findings) {
    if mounts_anything {
        let message = "sys_admin without a user namespace mounts all cgroups of the host: no limit holds, of this \
                       sandbox or another";
        findings.warning("cgroup", message, "leave out sys_admin, or user = false", origin);
    }
}

const ANOTHER: &str = "choose another user in [process], or leave out namespaces.nested and sys_admin";

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
        findings.error_alone("cgroup", message, hint, Some(origin));
    } else if *limit < PROGRAM {
        let message = format!("memory-max = {limit} is less than the smallest ordinary program takes, {PROGRAM}");
        findings.warning("cgroup", message, hint, Some(origin));
    }
}

impl Given<'_> {
    /// copy_process() exempts the host's root from RLIMIT_NPROC, in whatever user namespace; and it counts all processes
    /// of a user in the host's.
    fn rlimit_binds(&self) -> bool {
        self.own_user && self.program.0 != 0 && !self.counted_apart()
    }

    /// RLIMIT_NPROC counts for each of several users by itself.
    fn counted_apart(&self) -> bool {
        let several = |users: &[IdRange]| users.iter().fold(0, |sum: u32, line| sum.saturating_add(line.count)) > 1;
        self.changes_user && self.users.is_some_and(several)
    }
}

impl Planner<'_> {
    /// Finds the directory that a key belongs to, and puts its files there.
    fn carry(&mut self, key: &Key, layout: &Layout<'_>, place: Option<&Result<Ground, Lack>>) -> Result<Carried, Lack> {
        let controller = key.controller();
        let old = v1::controller(controller);
        match layout.home(old) {
            Home::V1(hierarchy) => {
                if !self.host.writable(&hierarchy.directory) {
                    return Err(not_writable(&hierarchy.directory, key, self.host));
                }
                if matches!(key, Key::IoMax(_)) && self.given.parts(self.host) {
                    let message = "on cgroup v1 a disk is limited for a single cgroup, and the program could mount it";
                    return Err(Lack::new(message, format!("{ANOTHER}, or {}", v1::UNIFIED)));
                }
                let carried = v1::carry(key, self.memory, &hierarchy.directory, self.host)?;
                if !carried.settings.is_empty() {
                    let directory = self.on_v1(&hierarchy);
                    directory.add(old, &carried.settings);
                }
                Ok(carried)
            }
            Home::V2(own) => {
                let place = match place {
                    Some(Ok(place)) => place,
                    Some(Err(lack)) => return Err(lack.clone()),
                    None => return Err(no_controller(controller, &own, self.host)),
                };
                if !place.controllers.iter().any(|known| known == controller) {
                    return Err(no_controller(controller, &place.directory, self.host));
                }
                let carried = v2::carry(key, &place.directory, self.host)?;
                if !carried.settings.is_empty() {
                    self.on_v2(place).add(controller, &carried.settings);
                }
                Ok(carried)
            }
            home => Err(not_there(controller, &home, layout.has_v1())),
        }
    }

    /// The limit of processes that nobody wrote down, where it costs no more than a directory: a launcher that had to be
    /// moved first would wait for every processor of the machine.
    fn limit_processes(&mut self, layout: &Layout<'_>, place: Option<&Result<Ground, Lack>>, asked: bool) {
        let indirect = |ground: &Ground| !asked && (ground.leave || ground.scope.is_some());
        let carried = match place {
            Some(Ok(ground)) if indirect(ground) && layout.is_free("pids") => {
                Err(Lack::new("the launcher would have to leave its cgroup", String::new()))
            }
            place => self.carry(&Key::PidsMax(Max::Limit(PROCESSES)), layout, place),
        };
        match carried {
            Ok(_) => self.processes = Some(Max::Max),
            Err(Lack { message, .. }) => {
                let (rest, hint) = match self.host.is_root() {
                    true => (
                        "; nothing stops a fork bomb of root's",
                        "set pids-max, or another user in [process]: rlimits do not count root's processes",
                    ),
                    false => (APART, "leave out setuid, or all but one id of id-map"),
                };
                let message = format!("no more than {PROCESSES} processes: {message}{rest}");
                self.findings.note("cgroup", message, hint.to_owned(), None);
            }
        }
    }

    /// Gives the program a part of its own to divide.
    fn delegate(&mut self, layout: &Layout<'_>, place: Option<&Result<Ground, Lack>>) -> Result<Carried, Lack> {
        if !self.given.own_cgroup {
            let message = "without a cgroup namespace the program would be shown the host's cgroups";
            return Err(Lack::new(message, "leave namespaces.cgroup on"));
        }
        let place = match place {
            Some(place) => place.as_ref().map_err(Lack::clone)?,
            None if layout.has_v1() => return Err(Lack::new("cgroup v1 cannot be delegated safely", v1::UNIFIED)),
            None => return Err(not_there("memory", &layout.home("memory"), false)),
        };
        if self.given.program.0 != self.host.uid() && !self.host.is_root() {
            let message = "the program's user is not the caller, and only root can give it a cgroup";
            return Err(Lack::new(message, "leave process.user out, or run it as root"));
        }
        const DIVIDED: [&str; 6] = ["cpu", "cpuset", "hugetlb", "io", "memory", "pids"];
        let unified = layout.is_free("memory");
        let there = |name: &&str| unified && place.controllers.iter().any(|known| known == name);
        let there: Vec<Name> = DIVIDED.into_iter().filter(there).map(Name::from).collect();
        let directory = self.on_v2(place);
        for controller in &there {
            directory.add(controller.clone(), &[]);
        }
        let carried = Carried::default();
        self.delegated = Some(there);
        Ok(if !unified {
            carried.approximately(
                "this machine's controllers belong to cgroup v1: inside, processes can be grouped, frozen and counted, \
                 but not limited",
            )
        } else {
            carried
        })
    }

    /// What could not be had, or only nearly, is said; what the author wrote stops the launch.
    fn judge(&mut self, name: &str, origin: &Origin, required: bool, stands_in: bool, carried: Result<Carried, Lack>) {
        match carried {
            Ok(Carried { approximate: Some(how), .. }) => {
                self.findings.shortfall("cgroup", format!("{name}: {how}"), None, Some(origin));
            }
            Ok(_) => {}
            Err(Lack { message, hint }) if required => {
                let or = if stands_in { ", or limit processes by rlimits = { nproc = … } instead" } else { "" };
                let hint = format!("{hint}{or}, or set enforce = \"best-effort\"");
                self.findings.error("cgroup", format!("{name}: {message}"), hint, Some(origin));
            }
            Err(Lack { message, hint }) if stands_in => {
                self.findings.note("cgroup", format!("{name}: {message}; RLIMIT_NPROC stands in"), hint, Some(origin));
            }
            Err(Lack { message, hint }) => {
                self.findings.shortfall("cgroup", format!("{name}: {message}"), hint, Some(origin));
            }
        }
    }

    /// Whoever is limited can also be frozen, counted and killed as one: cgroup v2 can do that without any controller.
    fn control(&mut self, layout: &Layout<'_>, place: Option<&Ground>) {
        if self.v2.is_some() || self.v1.is_empty() {
            return;
        }
        if let Some(place) = place {
            self.on_v2(place);
            return;
        }
        for controller in ["freezer", "cpuacct"] {
            if let Home::V1(hierarchy) = layout.home(controller)
                && self.host.writable(&hierarchy.directory)
            {
                self.on_v1(&hierarchy).add(controller, &[]);
            }
        }
    }

    /// Has a directory of the sandbox's own, where otherwise the launcher's would be within the program's reach.
    fn keep_off(&mut self, home: &Home, place: Option<&Result<Ground, Lack>>) {
        let missing = match home {
            Home::V1(hierarchy) if !self.host.writable(&hierarchy.directory) => {
                format!("{} is read-only", hierarchy.directory.display())
            }
            Home::V1(hierarchy) => {
                let directory = self.on_v1(hierarchy);
                if directory.controllers.is_empty() {
                    directory.add(hierarchy.controllers[0].clone(), &[]);
                }
                return;
            }
            Home::V2(own) => {
                let ground = match place {
                    Some(Ok(ground)) => Ok(ground.clone()),
                    _ => place::choose(own, &[], self.host),
                };
                match ground {
                    Ok(ground) => {
                        self.on_v2(&ground);
                        return;
                    }
                    Err(Lack { message, .. }) => message,
                }
            }
            Home::NotMounted(names) => format!("that of {names} is not mounted here"),
            Home::Outside(mount, _) => format!("{} lies outside of this cgroup namespace", mount.display()),
            Home::Nowhere => "no cgroup file system is mounted here".to_owned(),
        };
        let message = format!("the program could mount the launcher's own cgroup, and lift limits there: {missing}");
        self.findings.error("cgroup", message, ANOTHER.to_owned(), None);
    }

    fn on_v1(&mut self, hierarchy: &Hierarchy) -> &mut Directory {
        let known = self.v1.iter().position(|directory| directory.place == Place::At(hierarchy.directory.clone()));
        let index = known.unwrap_or_else(|| {
            let mut settings = Vec::new();
            if hierarchy.has("cpuset") {
                // A new cpuset is empty, and nobody can join an empty one.
                for file in ["cpuset.cpus", "cpuset.mems"] {
                    let own = self.host.text(&hierarchy.directory.join(file)).unwrap_or_default();
                    settings.push(Setting::new(file, own.trim_end().to_owned()));
                }
            }
            let place = Place::At(hierarchy.directory.clone());
            self.v1.push(Directory { place, ground: None, controllers: Vec::new(), settings });
            self.v1.len() - 1
        });
        &mut self.v1[index]
    }

    fn on_v2(&mut self, ground: &Ground) -> &mut Directory {
        self.v2.get_or_insert_with(|| Directory {
            place: if ground.scope.is_some() { Place::Scope } else { Place::At(ground.directory.clone()) },
            ground: Some(ground.clone()),
            controllers: Vec::new(),
            settings: Vec::new(),
        })
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
