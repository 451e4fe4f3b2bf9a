//! A directory of the sandbox, from all that has to be done before it can be made to those who enter it.

use super::place::Ground;
use super::plan::Planned;
use super::{Delegated, Membership, Name, Place, Setting, Step};
use crate::isolation::Access;
use crate::isolation::context::Slot;

/// A directory to be made, in one hierarchy.
#[derive(Debug)]
pub struct Directory {
    pub place: Place,
    /// Of cgroup v2.
    pub ground: Option<Ground>,
    /// Printed, and for v2 what the place must give its children.
    pub controllers: Vec<Name>,
    pub settings: Vec<Setting>,
}

/// Which of a sandbox's directories are in reach of the program's own mounts, so that it gets a part of them instead.
#[derive(Debug, Default)]
pub struct Parts {
    /// Every one.
    pub all: bool,
    /// That on cgroup v2, to be divided.
    pub delegated: Option<Delegated>,
}

impl Directory {
    pub fn add(&mut self, controller: impl Into<Name>, settings: &[Setting]) {
        let controller = controller.into();
        if !self.controllers.contains(&controller) {
            self.controllers.push(controller);
        }
        self.add_settings(settings);
    }

    pub fn add_settings(&mut self, settings: &[Setting]) {
        for setting in settings {
            // What is inherited yields to what is asked for.
            let same = |known: &&mut Setting| known.file == setting.file && setting.file.starts_with("cpuset.");
            match self.settings.iter_mut().find(same) {
                Some(known) => *known = setting.clone(),
                None => self.settings.push(setting.clone()),
            }
        }
    }

    pub fn steps(mut self, number: u8, parts: &Parts, planned: &mut Planned) {
        let delegated = parts.delegated.as_ref().filter(|_| self.ground.is_some());
        let apart = parts.all || delegated.is_some();
        if apart && self.ground.is_some() {
            // Each costs the kernel memory that is not the sandbox's.
            let setting = |file, value: u64| Setting::new(file, value.to_string());
            self.add_settings(&[setting("cgroup.max.descendants", 1000), setting("cgroup.max.depth", 16)]);
        }
        let Directory { place, ground, controllers, settings } = self;
        let before = &mut planned.host_before;
        let create = |before: &mut Vec<Step>| {
            before.push(Step::Create { number, place: place.clone(), controllers: controllers.clone() });
            // On cgroup v1 nobody can join an empty set.
            let sets = |setting: &&Setting| matches!(&*setting.file, "cpuset.cpus" | "cpuset.mems");
            let sets: Vec<_> = settings.iter().filter(sets).filter(|_| apart && ground.is_none()).cloned().collect();
            before.extend(settings.into_iter().map(|setting| Step::Limit { number, setting }));
            if apart {
                before.push(Step::Part { number, place: place.clone(), delegated: delegated.cloned() });
                before.extend(sets.into_iter().map(|setting| Step::Limit { number, setting }));
            }
        };
        let members = &mut planned.membership.get_or_insert_with(|| Membership(Vec::new())).0;
        let Some(ground) = &ground else {
            create(before);
            members.push(controllers.first().cloned().unwrap_or_default());
            return planned.init.push(Step::Join { number, controllers });
        };
        members.push("".into());
        before.extend(ground.scope.clone().map(|manager| Step::Scope { manager }));
        if ground.leave {
            before.push(Step::Leave { place: place.clone() });
        }
        let given = |name: &&Name| ground.given.iter().any(|given| given == *name);
        let missing: Vec<_> = controllers.iter().filter(|name| !given(name)).cloned().collect();
        if !missing.is_empty() {
            before.push(Step::Distribute { place: place.clone(), controllers: missing });
        }
        create(before);
        planned.clone_into = Some(Slot::Cgroup(number));
        planned.access = Some(Access::ReadOnly);
        if delegated.is_some() {
            planned.inside.push(Step::MakeWay { number });
            planned.access = Some(Access::ReadWrite);
        }
    }
}
