//! Sets of system calls, and the groups that stand for them.

use super::calls::{Arch, CALLS, LIMIT, row};
use super::text::{equal, token};

/// System calls, as the numbers they have on each architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set([[u64; LIMIT / 64]; 2]);

impl Set {
    pub const EMPTY: Set = Set([[0; LIMIT / 64]; 2]);

    pub const fn contains(&self, arch: Arch, number: usize) -> bool {
        number < LIMIT && self.0[arch as usize][number / 64] >> (number % 64) & 1 == 1
    }

    /// The call with this row in the table of calls.
    pub const fn one(row: usize) -> Set {
        let mut set = Set::EMPTY;
        if let Some(number) = CALLS[row].number(Arch::X86_64) {
            set.0[Arch::X86_64 as usize][number as usize / 64] |= 1 << (number % 64);
        }
        if let Some(number) = CALLS[row].number(Arch::I386) {
            set.0[Arch::I386 as usize][number as usize / 64] |= 1 << (number % 64);
        }
        set
    }

    pub const fn and(self, other: Set) -> Set {
        self.combine(other, false, false)
    }

    pub const fn or(self, other: Set) -> Set {
        self.combine(other, true, false)
    }

    pub const fn without(self, other: Set) -> Set {
        self.combine(other, false, true)
    }

    const fn combine(mut self, other: Set, or: bool, invert: bool) -> Set {
        let mut at = 0;
        while at < LIMIT / 64 * 2 {
            let (arch, word) = (at % 2, at / 2);
            let theirs = if invert { !other.0[arch][word] } else { other.0[arch][word] };
            self.0[arch][word] = if or { self.0[arch][word] | theirs } else { self.0[arch][word] & theirs };
            at += 1;
        }
        self
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// With its `@`.
    pub name: &'static str,
    pub members: Set,
}

pub static GROUPS: [Group; GROUP_COUNT] = {
    let mut table = parse::<GROUP_COUNT>(GROUP_TEXT, &[]);
    table[GROUP_COUNT - 1] = Group { name: "@known", members: known() };
    table
};

/// A name or an `@group`, as a set; `None` if there is no such thing.
pub fn resolve(name: &str) -> Option<Set> {
    if name.starts_with('@') {
        return GROUPS.iter().find(|group| group.name == name).map(|group| group.members);
    }
    CALLS.binary_search_by(|call| call.name.cmp(name)).ok().map(Set::one)
}

const GROUP_TEXT: &str = include_str!("groups.tbl");
/// `@known` has no line: it is the whole table.
const GROUP_COUNT: usize = heads(GROUP_TEXT) + 1;

const fn known() -> Set {
    let (mut set, mut at) = (Set::EMPTY, 0);
    while at < CALLS.len() {
        set = set.or(Set::one(at));
        at += 1;
    }
    set
}

/// How many lines `name: …` a table has.
pub(super) const fn heads(text: &'static str) -> usize {
    let (mut count, mut at) = (0, 0);
    while let Some((word, end)) = token(text, at) {
        count += is_head(word) as usize;
        at = end;
    }
    count
}

/// `name: member member …`, where a member is a call, a group of `outer`, or a group that stands above; `-member` takes
/// away.
pub(super) const fn parse<const N: usize>(text: &'static str, outer: &[Group]) -> [Group; N] {
    let mut table = [Group { name: "", members: Set::EMPTY }; N];
    let (mut count, mut at) = (0, 0);
    while let Some((word, end)) = token(text, at) {
        at = end;
        if is_head(word) {
            table[count].name = word.split_at(word.len() - 1).0;
            count += 1;
            continue;
        }
        assert!(count > 0, "a table of groups begins with a group's name");
        let minus = word.as_bytes()[0] == b'-';
        let name = word.split_at(minus as usize).1;
        let members = match member(name, outer) {
            Some(members) => members,
            None => match member(name, &table) {
                Some(members) => members,
                None => panic!("a table of groups names an unknown call or group"),
            },
        };
        let group = &mut table[count - 1];
        group.members = if minus { group.members.without(members) } else { group.members.or(members) };
    }
    table
}

const fn member(name: &str, groups: &[Group]) -> Option<Set> {
    if let Some(row) = row(name) {
        return Some(Set::one(row));
    }
    let mut at = 0;
    while at < groups.len() {
        if equal(groups[at].name, name) {
            return Some(groups[at].members);
        }
        at += 1;
    }
    None
}

const fn is_head(word: &str) -> bool {
    word.as_bytes()[word.len() - 1] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::seccomp::calls::find;

    fn holds(group: &str, call: &str) -> bool {
        let set = resolve(group).expect("a group of this name");
        let call = find(call).expect("a call of this name");
        [Arch::X86_64, Arch::I386]
            .iter()
            .any(|&arch| call.number(arch).is_some_and(|number| set.contains(arch, usize::from(number))))
    }

    #[test]
    fn systemds_groups_are_all_here() {
        for name in
            "aio basic-io chown clock cpu-emulation debug default file-system io-event ipc keyring known memlock \
                     module mount network-io obsolete pkey privileged process raw-io reboot resources sandbox setuid \
                     signal swap sync system-service timer"
                .split_whitespace()
        {
            assert!(resolve(&format!("@{name}")).is_some_and(|set| set != Set::EMPTY), "@{name}");
        }
        assert_eq!(GROUPS.len(), 30);
        assert_eq!(resolve("@nothing"), None);
        assert_eq!(resolve("@"), None);
        assert_eq!(resolve(""), None);
    }

    #[test]
    fn groups_hold_groups() {
        assert!(holds("@system-service", "read"), "by @basic-io");
        assert!(holds("@system-service", "unshare"), "by @process");
        assert!(holds("@privileged", "init_module"), "by @module");
        assert!(!holds("@system-service", "mount"));
        assert!(holds("@mount", "umount"), "a name of i386 only");
        for call in &CALLS {
            assert!(holds("@known", call.name));
        }
    }
}
