//! Subordinate ids: what /etc/subuid and /etc/subgid grant the caller.

use std::path::Path;

use crate::host::Host;
use crate::isolation::{Findings, IdRange, Origin, Section};

const ALL: u32 = 65536;

/// The caller keeps its own id, as `own.0`; the subordinate ids fill the rest of 0–65535.
pub fn range(
    host: &Host,
    file: &'static str,
    caller: u32,
    own: (u32, u32),
    findings: &mut Findings,
    origin: Option<&Origin>,
) -> Vec<IdRange> {
    let Some(start) = large(host, file, caller) else {
        let name = host.user_by_uid(caller).map(|user| user.name).unwrap_or_default();
        findings.error(
            Section::Namespaces,
            format!("id-map = \"range\": {file} grants the caller no 65536 ids"),
            format!("as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"),
            origin,
        );
        return Vec::new();
    };
    let (inside, outside) = own;
    if inside >= ALL {
        return vec![IdRange { inside: 0, outside: start, count: ALL - 1 }, IdRange { inside, outside, count: 1 }];
    }
    let after = ALL - 1 - inside;
    [
        IdRange { inside: 0, outside: start, count: inside },
        IdRange { inside, outside, count: 1 },
        IdRange { inside: inside + 1, outside: start.saturating_add(inside), count: after },
    ]
    .into_iter()
    .filter(|line| line.count > 0)
    .collect()
}

/// The first id of a grant that with the caller's own makes 65536.
pub fn large(host: &Host, file: &str, caller: u32) -> Option<u32> {
    let name = host.user_by_uid(caller).map(|user| user.name).unwrap_or_default();
    let enough = |(start, count): &(u32, u32)| *count >= ALL - 1 && start.checked_add(*count).is_some();
    granted(file, &name, caller, host).into_iter().find(enough).map(|(start, _)| start)
}

/// First id and count of what a file of subordinate ids grants: subuid(5).
fn granted(file: &str, name: &str, caller: u32, host: &Host) -> Vec<(u32, u32)> {
    let text = host.text(Path::new(file)).unwrap_or_default();
    let caller = caller.to_string();
    let parse = |line: &str| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let range = (fields.next()?.parse().ok()?, fields.next()?.trim().parse().ok()?);
        (!owner.is_empty() && (owner == name || owner == caller)).then_some(range)
    };
    text.lines().filter_map(parse).collect()
}

/// As newuidmap(1) and newgidmap(1) have it: the caller's own id by itself, else ids that its grants hold together.
pub fn check_granted(
    line: &IdRange,
    kind: &str,
    own: u32,
    host: &Host,
    findings: &mut Findings,
    origin: Option<&Origin>,
) {
    if line.count == 1 && line.outside == own {
        return;
    }
    let file = format!("/etc/sub{kind}");
    let name = host.user_by_uid(host.uid()).map(|user| user.name).unwrap_or_default();
    let grants = granted(&file, &name, host.uid(), host);
    let end = u64::from(line.outside) + u64::from(line.count);
    let mut at = u64::from(line.outside);
    while let Some(next) = grants
        .iter()
        .map(|(start, count)| (u64::from(*start), u64::from(*start) + u64::from(*count)))
        .find_map(|(start, end)| (start <= at && at < end).then_some(end))
    {
        at = next;
    }
    // The grants may also come from elsewhere: nsswitch.conf(5).
    let elsewhere = || {
        let text = host.text(Path::new("/etc/nsswitch.conf")).unwrap_or_default();
        let sources = text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == "subid");
        sources.is_some_and(|(_, sources)| sources.split_whitespace().any(|source| source != "files"))
    };
    if at >= end || !host.tells_of(Path::new(&file)) || elsewhere() {
        return;
    }
    let last = end - 1;
    let message = format!("id-map: {file} does not grant the caller the ids {} to {last}", line.outside);
    let ranges: Vec<String> = grants.iter().map(|(start, count)| format!("{count} from {start}")).collect();
    let has = match &ranges[..] {
        [] => "it grants none".to_owned(),
        ranges => format!("it grants {}", ranges.join(", ")),
    };
    let hint = format!("{has}; as root: usermod --add-sub{kind}s {}-{last} {name}", line.outside);
    findings.error(Section::Namespaces, message, hint, origin);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_keeps_the_callers_id_and_fills_the_rest() {
        let host = Host::known(crate::host::Facts {
            uid: Some(1000),
            texts: [("/etc/subuid".into(), Some("a:1:2\n1000:100000:65536\n".into()))].into(),
            ..Default::default()
        });
        let mut findings = Findings::default();
        let lines = range(&host, "/etc/subuid", 1000, (33, 1000), &mut findings, None);
        assert!(findings.0.is_empty());
        assert_eq!(lines.iter().map(|line| line.count).sum::<u32>(), ALL);
        assert_eq!(lines[1], IdRange { inside: 33, outside: 1000, count: 1 });
        assert_eq!(lines[2], IdRange { inside: 34, outside: 100033, count: ALL - 34 });
    }

    #[test]
    fn lines_are_held_against_the_grants() {
        let host = Host::known(crate::host::Facts {
            uid: Some(1000),
            gid: Some(100),
            texts: [
                ("/etc/passwd".into(), Some("a:x:1000:100::/:/bin/sh\n".into())),
                ("/etc/subuid".into(), Some("a:5000:10\n1000:5010:10\nb:6000:10\n".into())),
                ("/etc/subgid".into(), Some(String::new())),
            ]
            .into(),
            ..Default::default()
        });
        let said = |kind, own, outside, count| {
            let mut findings = Findings::default();
            check_granted(&IdRange { inside: 0, outside, count }, kind, own, &host, &mut findings, None);
            findings.0.into_iter().map(|finding| (finding.message, finding.hint.unwrap())).next()
        };
        for (outside, count) in [(1000, 1), (5000, 20), (5009, 2), (5015, 5)] {
            assert_eq!(said("uid", 1000, outside, count), None, "{outside} {count}");
        }
        for (outside, count) in [(1000, 2), (4999, 2), (5015, 6), (6000, 1), (u32::MAX, u32::MAX)] {
            assert!(said("uid", 1000, outside, count).is_some(), "{outside} {count}");
        }
        assert_eq!(said("gid", 100, 100, 1), None);
        let (message, hint) = said("gid", 100, 1000, 1).unwrap();
        assert_eq!(message, "id-map: /etc/subgid does not grant the caller the ids 1000 to 1000");
        assert_eq!(hint, "it grants none; as root: usermod --add-subgids 1000-1000 a");
    }

    #[test]
    fn a_large_grant_and_the_callers_own_id_are_65536() {
        let of = |text: &str| {
            let texts = [("/etc/subuid".into(), Some(text.to_owned()))].into();
            let host = Host::known(crate::host::Facts { uid: Some(1000), texts, ..Default::default() });
            large(&host, "/etc/subuid", 1000)
        };
        assert_eq!(of("1000:100000:65535\n"), Some(100_000));
        assert_eq!(of("nonsense\n1000:x:y\n1001:200000:65536\n1000:100000:65534\n1000:300000:65536\n"), Some(300_000));
        assert_eq!((of("1000:100000:65534\n"), of("1000:4294967295:65536\n"), of("")), (None, None, None));
    }

    #[test]
    fn no_grant_is_an_error_with_its_remedy() {
        let host = Host::known(crate::host::Facts { uid: Some(1000), ..Default::default() });
        let mut findings = Findings::default();
        range(&host, "/etc/subuid", 1000, (0, 1000), &mut findings, None);
        assert!(findings.0[0].hint.as_ref().unwrap().contains("usermod"));
    }
}
