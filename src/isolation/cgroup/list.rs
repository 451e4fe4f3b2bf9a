//! The kernel's lists of CPUs and memory nodes: `0-3,6`.

use std::collections::BTreeSet;
use std::path::Path;

use super::settings::Lack;
use crate::host::Host;

/// What is counted, in words, and where the machine says which are there.
pub type Kind = (&'static str, &'static str);
pub const CPUS: Kind = ("CPUs", "/sys/devices/system/cpu/online");
pub const MEMS: Kind = ("memory nodes", "/sys/devices/system/node/online");

pub fn parse(text: &str) -> Option<BTreeSet<u16>> {
    let mut set = BTreeSet::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        set.extend(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?);
    }
    Some(set)
}

/// Refuses what lies outside of what we may use ourselves: cgroup v2 would take it, and silently give something else.
pub fn check(asked: &str, own: &Path, (noun, online): Kind, host: &Host) -> Result<(), Lack> {
    let text = host.text(own).or_else(|| host.text(Path::new(online))).unwrap_or_default();
    let own = parse(text.trim_end()).unwrap_or_default();
    match parse(asked) {
        Some(asked) if !asked.is_empty() && asked.is_subset(&own) => Ok(()),
        _ => Err(Lack::new(format!("the {noun} that we may use are {}", text.trim_end()), "name some of these")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn lists_are_sets() {
        assert_eq!(parse("0-2,6"), Some([0, 1, 2, 6].into()));
        assert_eq!(parse(""), Some([].into()));
        assert_eq!(parse("3-1"), Some([].into()));
        for nonsense in ["a", "1-", "-1", "1-2-3", "99999", "0x1"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn only_what_we_may_use_ourselves() {
        let facts = Facts { texts: [(CPUS.1.to_owned(), Some("0-3\n".to_owned()))].into(), ..Facts::default() };
        let host = Host::known(facts);
        let own = Path::new("/sys/fs/cgroup/cpuset.cpus.effective");
        assert_eq!(check("0,3", own, CPUS, &host), Ok(()));
        let lack = check("2-4", own, CPUS, &host).unwrap_err();
        assert_eq!(lack.message, "the CPUs that we may use are 0-3");
        assert!(check("3-1", own, CPUS, &host).is_err());
    }
}
