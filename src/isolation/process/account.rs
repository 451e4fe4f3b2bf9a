//! Who the program is: a user by name or number, resolved on the host.

use std::path::{Path, PathBuf};

use super::Process;
use crate::host::{Host, Node, User};
use crate::isolation::{Account, Findings, Origin, Section};

/// The account a profile asks for; the caller's own where it asks for none.
///
/// A number means itself even without a passwd entry; a name must have one. Numbers are written as ids are printed:
/// `01`, `+1`, ` 1` are names, and nobody is called that.
pub fn account(section: &Process, one_id: bool, host: &Host, findings: &mut Findings) -> Account {
    let origin = section.user_origin.as_ref();
    let user = match &section.user {
        None => host.user_by_uid(host.uid()).unwrap_or_else(|| {
            let passwd = Path::new("/etc/passwd");
            if host.node(passwd) != Node::Missing && host.text(passwd).is_none() {
                let hint = format!("make it readable, or name the account by its number: user = \"{}\"", host.uid());
                findings.error(
                    Section::Process,
                    "/etc/passwd cannot be read: the caller's home is unknown",
                    hint,
                    None,
                );
            }
            unnamed(host.uid(), host.gid())
        }),
        Some(text) => match (id(text), host.user_by_name(text)) {
            (Some(uid), _) => host.user_by_uid(uid).unwrap_or_else(|| unnamed(uid, uid)),
            (None, Some(user)) => user,
            (None, None) => {
                findings.error(
                    Section::Process,
                    format!("user {text:?} does not exist on this machine"),
                    "a name from /etc/passwd, or a number from 0 to 4294967294".to_string(),
                    origin,
                );
                unnamed(host.uid(), host.gid())
            }
        },
    };
    let (gid, groups) = groups(section, &user, one_id, host, findings);
    Account { uid: user.uid, gid, groups, name: user.name, home: user.home, shell: user.shell }
}

/// The first group is the primary one; the rest are supplementary.
fn groups(section: &Process, user: &User, one_id: bool, host: &Host, findings: &mut Findings) -> (u32, Vec<u32>) {
    let origin = section.groups_origin.as_ref();
    let Some(names) = &section.groups else {
        let gid = if section.user.is_none() { host.gid() } else { user.gid };
        // The caller's own groups stay the caller's: the program is given those of its account.
        let groups = if one_id { Vec::new() } else { supplementary(host.groups_of(&user.name), gid) };
        return (gid, groups);
    };
    let mut gids = Vec::new();
    for name in names {
        match id(name).or_else(|| host.group_by_name(name).map(|group| group.gid)) {
            Some(gid) => gids.push(gid),
            None => no_such_group(name, findings, origin),
        }
    }
    let gid = gids.first().copied().unwrap_or(user.gid);
    let rest = supplementary(gids, gid);
    if one_id && !rest.is_empty() {
        findings.error(
            Section::Process,
            "groups: only one group exists inside where one id is mapped",
            "name one group, or set id-map = \"range\" in [namespaces]".to_string(),
            origin,
        );
    }
    (gid, rest)
}

fn no_such_group(name: &str, findings: &mut Findings, origin: Option<&Origin>) {
    let hint = "a name from /etc/group, or a number from 0 to 4294967294".to_string();
    findings.error(Section::Process, format!("group {name:?} does not exist on this machine"), hint, origin);
}

fn supplementary(mut gids: Vec<u32>, primary: u32) -> Vec<u32> {
    gids.retain(|gid| *gid != primary);
    gids.sort_unstable();
    gids.dedup();
    gids
}

/// A number in the one spelling that ids have; 4294967295 means "no id" to the kernel.
fn id(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text && number != u32::MAX).then_some(number)
}

fn unnamed(uid: u32, gid: u32) -> User {
    User { name: format!("user{uid}"), uid, gid, home: PathBuf::from("/"), shell: PathBuf::from("/bin/sh") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_numbers_are_ids() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("4294967294", Some(4294967294)),
            ("4294967295", None),
            ("4294967296", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1 ", None),
            ("1:2", None),
            ("0x1", None),
            ("root", None),
            ("", None),
        ] {
            assert_eq!(id(text), expected, "{text:?}");
        }
    }
}
