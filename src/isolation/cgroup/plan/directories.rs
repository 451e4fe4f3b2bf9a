//! Which directory a key, or another need, makes the sandbox have, and what goes into it.

use super::super::directory::Directory;
use super::super::key::Key;
use super::super::layout::{Hierarchy, Home, Layout};
use super::super::place::{self, Ground};
use super::super::refusal::{no_controller, not_there, not_writable};
use super::super::settings::{Carried, Lack, Setting};
use super::super::{Max, Name, Place, v1, v2};
use super::{APART, Planner};
use crate::isolation::{PROCESSES, Section};

const ANOTHER: &str = "choose another user in [process], or leave out namespaces.nested and sys_admin";

impl Planner<'_> {
    /// Finds the directory that a key belongs to, and puts its files there.
    pub fn carry(
        &mut self,
        key: &Key,
        layout: &Layout<'_>,
        place: Option<&Result<Ground, Lack>>,
    ) -> Result<Carried, Lack> {
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
    pub fn limit_processes(&mut self, layout: &Layout<'_>, place: Option<&Result<Ground, Lack>>, asked: bool) {
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
                self.findings.note(Section::Cgroup, message, hint.to_owned(), None);
            }
        }
    }

    /// Gives the program a part of its own to divide.
    pub fn delegate(&mut self, layout: &Layout<'_>, place: Option<&Result<Ground, Lack>>) -> Result<Carried, Lack> {
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

    /// Whoever is limited can also be frozen, counted and killed as one: cgroup v2 can do that without any controller.
    pub fn control(&mut self, layout: &Layout<'_>, place: Option<&Ground>) {
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
    pub fn keep_off(&mut self, home: &Home, place: Option<&Result<Ground, Lack>>) {
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
        self.findings.error(Section::Cgroup, message, ANOTHER.to_owned(), None);
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
}
