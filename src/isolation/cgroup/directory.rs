//! A directory of the sandbox, from all that has to be done before it can be made to those who enter it.

use super::place::Ground;
use super::plan::Planned;
use super::{Membership, Place, Setting, Step};
use crate::isolation::Access;
use crate::isolation::context::Slot;

/// A directory to be made, in one hierarchy.
#[derive(Debug)]
pub struct Directory {
    pub place: Place,
    /// Of cgroup v2.
    pub ground: Option<Ground>,
    /// Printed, and for v2 what the place must give its children.
    pub controllers: Vec<&'static str>,
    pub settings: Vec<Setting>,
}

/// The slot of the delegated part, after those of all hierarchies.
const DELEGATED: u8 = u8::MAX;

impl Directory {
    pub fn add(&mut self, controller: &'static str, settings: &[Setting]) {
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

    /// `delegated` are the controllers of a part for the program, whose ids are `owner` if it has to be given to it.
    pub fn steps(
        self,
        number: u8,
        delegated: Option<&[&'static str]>,
        owner: Option<(u32, u32)>,
        planned: &mut Planned,
    ) {
        let Directory { place, ground, controllers, settings } = self;
        let before = &mut planned.host_before;
        let create = |before: &mut Vec<Step>| {
            before.push(Step::Create { number, place: place.clone(), controllers: controllers.clone() });
            before.extend(settings.into_iter().map(|setting| Step::Limit { number, setting }));
        };
        let members = &mut planned.membership.get_or_insert_with(|| Membership(Vec::new())).0;
        let Some(ground) = ground else {
            create(before);
            members.push(controllers.first().copied().unwrap_or_default());
            return planned.init.push(Step::Join { number, controllers });
        };
        members.push("");
        before.extend(ground.scope.map(|manager| Step::Scope { manager }));
        if ground.leave {
            before.push(Step::Leave { place: place.clone() });
        }
        let given = |name: &&'static str| ground.given.iter().any(|given| given == name);
        let missing: Vec<_> = controllers.iter().copied().filter(|name| !given(name)).collect();
        if !missing.is_empty() {
            before.push(Step::Distribute { place: place.clone(), controllers: missing });
        }
        create(before);
        planned.clone_into = Some(Slot::Cgroup(number));
        planned.access = Some(Access::ReadOnly);
        if let Some(controllers) = delegated {
            before.push(Step::Delegate { number: DELEGATED, place, controllers: controllers.to_vec(), owner });
            planned.inside.push(Step::MakeWay { number: DELEGATED });
            planned.clone_into = Some(Slot::Cgroup(DELEGATED));
            planned.access = Some(Access::ReadWrite);
        }
    }
}
