//! /etc/passwd and /etc/group, read as text: a static program loads no NSS modules.

use std::path::{Path, PathBuf};

use super::Host;

/// A line of passwd(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
    pub shell: PathBuf,
}

/// A line of group(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

impl Host {
    pub fn user_by_name(&self, name: &str) -> Option<User> {
        self.users(|user| user.name == name)
    }

    pub fn user_by_uid(&self, uid: u32) -> Option<User> {
        self.users(|user| user.uid == uid)
    }

    pub fn group_by_name(&self, name: &str) -> Option<Group> {
        self.each_group().into_iter().find(|group| group.name == name)
    }

    pub fn group_by_gid(&self, gid: u32) -> Option<Group> {
        self.each_group().into_iter().find(|group| group.gid == gid)
    }

    /// The ids of all groups that list this user as a member.
    pub fn groups_of(&self, user: &str) -> Vec<u32> {
        self.each_group()
            .iter()
            .filter(|group| group.members.iter().any(|member| member == user))
            .map(|group| group.gid)
            .collect()
    }

    fn users(&self, wanted: impl Fn(&User) -> bool) -> Option<User> {
        let text = self.text(Path::new("/etc/passwd"))?;
        text.lines().filter_map(parse_user).find(wanted)
    }

    fn each_group(&self) -> Vec<Group> {
        self.text(Path::new("/etc/group")).unwrap_or_default().lines().filter_map(parse_group).collect()
    }
}

fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
    Some(User {
        name: name.into(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: home.into(),
        shell: shell.into(),
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    let members = members.split(',').filter(|member| !member.is_empty()).map(String::from).collect();
    Some(Group { name: name.into(), gid: gid.parse().ok()?, members })
}
