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

/// What group(5) calls a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
}

impl Host {
    pub fn user_by_name(&self, name: &str) -> Option<User> {
        self.user(|user| user.name == name)
    }

    pub fn user_by_uid(&self, uid: u32) -> Option<User> {
        self.user(|user| user.uid == uid)
    }

    pub fn group_by_name(&self, name: &str) -> Option<Group> {
        self.group(|group| group.name == name)
    }

    pub fn group_by_gid(&self, gid: u32) -> Option<Group> {
        self.group(|group| group.gid == gid)
    }

    /// The ids of all groups that list this user as a member.
    pub fn groups_of(&self, user: &str) -> Vec<u32> {
        let text = self.text(Path::new("/etc/group")).unwrap_or_default();
        // Most groups list nobody.
        let listing = text.lines().filter(|line| !line.ends_with(':')).filter_map(GroupLine::parse);
        let lists = |group: &GroupLine| group.members.split(',').any(|member| member == user && !member.is_empty());
        listing.filter(lists).map(|group| group.gid).collect()
    }

    fn user(&self, wanted: impl Fn(&UserLine) -> bool) -> Option<User> {
        let text = self.text(Path::new("/etc/passwd"))?;
        let UserLine { name, uid, gid, home, shell } = text.lines().filter_map(UserLine::parse).find(wanted)?;
        Some(User { name: name.into(), uid, gid, home: home.into(), shell: shell.into() })
    }

    fn group(&self, wanted: impl Fn(&GroupLine) -> bool) -> Option<Group> {
        let text = self.text(Path::new("/etc/group"))?;
        let GroupLine { name, gid, .. } = text.lines().filter_map(GroupLine::parse).find(wanted)?;
        Some(Group { name: name.into(), gid })
    }
}

struct UserLine<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
    shell: &'a str,
}

impl<'a> UserLine<'a> {
    fn parse(line: &'a str) -> Option<UserLine<'a>> {
        let [name, _, uid, gid, _, home, shell] = fields(line)?;
        Some(UserLine { name, uid: uid.parse().ok()?, gid: gid.parse().ok()?, home, shell })
    }
}

struct GroupLine<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl<'a> GroupLine<'a> {
    fn parse(line: &'a str) -> Option<GroupLine<'a>> {
        let [name, _, gid, members] = fields(line)?;
        Some(GroupLine { name, gid: gid.parse().ok()?, members })
    }
}

/// Of a line that has just so many.
fn fields<const COUNT: usize>(line: &str) -> Option<[&str; COUNT]> {
    let mut left = line.split(':');
    let mut fields = [""; COUNT];
    for field in &mut fields {
        *field = left.next()?;
    }
    left.next().is_none().then_some(fields)
}
