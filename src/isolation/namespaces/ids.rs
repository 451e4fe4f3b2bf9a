//! Maps of ids: which of the host's users and groups exist inside, and as whom.

mod granted;

use std::fmt;
use std::path::Path;

use super::super::{Account, Applied, Fault, Findings, IdMaps, IdRange, Operation, Section};
use super::{IdMap, Namespaces};
use crate::host::Host;
pub use granted::large as large_grant;
use granted::{check_granted, range};

/// Who has the privilege to write the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    Init,
    Supervisor,
    Helper,
}

/// The maps of a profile on this host, and who writes them.
pub fn maps(section: &Namespaces, account: &Account, host: &Host, findings: &mut Findings) -> (IdMaps, Writer) {
    let one = |inside, outside| vec![IdRange { inside, outside, count: 1 }];
    let own_id = IdMaps { users: one(account.uid, host.uid()), groups: one(account.gid, host.gid()) };
    match (&section.id_map, host.is_root()) {
        (IdMap::Auto, false) => (own_id, Writer::Init),
        (IdMap::Auto, true) => {
            let identity = |file| {
                let mine = parse(&host.text(Path::new(file)).unwrap_or_default());
                mine.into_iter().map(|line| IdRange { outside: line.inside, ..line }).collect()
            };
            (
                IdMaps { users: identity("/proc/self/uid_map"), groups: identity("/proc/self/gid_map") },
                Writer::Supervisor,
            )
        }
        (IdMap::Range, true) => {
            findings.error(
                Section::Namespaces,
                "id-map = \"range\" as root needs idmapped layers, which are not available in this version yet",
                "leave id-map out: as root every id maps onto itself".to_string(),
                section.id_map_origin.as_ref(),
            );
            (IdMaps::default(), Writer::Supervisor)
        }
        (IdMap::Range, false) => {
            let origin = section.id_map_origin.as_ref();
            let users = range(host, "/etc/subuid", host.uid(), (account.uid, host.uid()), findings, origin);
            let groups = range(host, "/etc/subgid", host.uid(), (account.gid, host.gid()), findings, origin);
            (IdMaps { users, groups }, Writer::Helper)
        }
        (IdMap::Lines(lines), root) => {
            let maps = IdMaps { users: lines.clone(), groups: lines.clone() };
            let only_self = |lines: &[IdRange], id| matches!(lines, [line] if line.count == 1 && line.outside == id);
            if only_self(lines, host.uid()) && host.uid() == host.gid() && !root {
                return (maps, Writer::Init);
            }
            if root {
                return (maps, Writer::Supervisor);
            }
            let origin = section.id_map_origin.as_ref();
            for (kind, own) in [("uid", host.uid()), ("gid", host.gid())] {
                lines.iter().for_each(|line| check_granted(line, kind, own, host, findings, origin));
            }
            (maps, Writer::Helper)
        }
    }
}

/// Who the program is outside; an id that is not mapped belongs to nobody there.
pub fn of_program(maps: &IdMaps, account: &Account) -> (u32, u32) {
    maps.outside(account.uid, account.gid)
}

/// Who init is inside: the caller, through the maps.
pub fn of_init(maps: &IdMaps, host: &Host) -> (u32, u32) {
    let inside = |ranges: &[IdRange], id: u32| {
        let range = ranges.iter().find(|range| id.checked_sub(range.outside).is_some_and(|at| at < range.count));
        range.map_or(u32::MAX, |range| range.inside + (id - range.outside))
    };
    (inside(&maps.users, host.uid()), inside(&maps.groups, host.gid()))
}

/// Init is the account it is meant to be: without a map it would be nobody.
pub fn verify_ids((uid, gid): (u32, u32)) -> Applied {
    let is = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    if is == (uid, gid) {
        Ok(())
    } else {
        Err(Fault::mismatch(Operation::Ids, format!("init is uid {}, gid {}", is.0, is.1)))
    }
}

/// The lines of a map as the kernel shows it.
pub fn parse(text: &str) -> Vec<IdRange> {
    text.lines()
        .filter_map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(|word| word.parse().ok());
            Some(IdRange { inside: numbers.next()??, outside: numbers.next()??, count: numbers.next()?? })
        })
        .collect()
}

/// As uid_map wants it written.
pub fn lines(ranges: &[IdRange]) -> String {
    ranges.iter().map(|range| format!("{} {} {}\n", range.inside, range.outside, range.count)).collect()
}

impl fmt::Display for IdMaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |ranges: &[IdRange]| {
            let texts: Vec<String> = ranges
                .iter()
                .map(|range| match range.count {
                    1 => format!("{} → {}", range.inside, range.outside),
                    count => format!("{}+{count} → {}", range.inside, range.outside),
                })
                .collect();
            texts.join(", ")
        };
        write!(f, "users {}; groups {}", show(&self.users), show(&self.groups))
    }
}
