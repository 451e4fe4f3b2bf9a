//! What a record says: lines of JSON, the header first, then what happened, each written whole or not at all.

use std::fs::File;
use std::io::{self, Write};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::is_name;
use super::started::Started;
use crate::host::Facts;
use crate::isolation::Trace;
use crate::sys::errno;

/// Of the format. A record of another version is shown as broken and left alone.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Header {
    pub version: u32,
    /// `NAME-xxxxxxxx`, the name of its record too.
    pub id: String,
    pub name: String,
    /// Nanoseconds on the boot-time clock.
    pub created: u64,
    /// Pid of the supervisor; that it lives is said by its lock.
    pub supervisor: i32,
}

/// Every other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event<P> {
    Planned(P),
    Trace(Trace),
    Started(Started),
    /// Limits that were changed while it ran, each as `--set` takes it.
    Updated(Vec<String>),
}

/// What the sandbox was planned from, for a person to read and for planning again.
#[derive(Debug, Serialize)]
pub struct Planned<'a> {
    /// The resolved profile, as TOML.
    pub profile: &'a str,
    pub facts: &'a Facts,
}

/// A record as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// `None` while it is being created, and for good if its creator was killed then: nothing else had been made.
    pub header: Option<Header>,
    pub started: Option<Started>,
    /// In the order made.
    pub traces: Vec<Trace>,
    /// Why it cannot be relied on; what is filled in above is what could be read nevertheless.
    pub broken: Option<String>,
}

/// Appends lines, all or none: what follows half of one would be no line either. Nobody else may append meanwhile.
pub fn append(mut file: &File, lines: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(lines).inspect_err(|_| {
        // Where that is refused too it is shown as broken.
        let _ = file.set_len(before);
    })
}

/// Never fails: what cannot be understood is said in `broken`. What was planned is skipped, being long.
pub fn read(bytes: &[u8], id: &str) -> Contents {
    let mut contents = Contents::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    match lines.next().map_or((&b""[..], false), whole_line) {
        (line, true) => match header(line, id) {
            Ok(header) => contents.header = Some(header),
            Err(error) => contents.broken = Some(format!("line 1: {}", errno::chain(&error))),
        },
        // Cut short while it was written; unless it never was a record's beginning.
        (torn, false) if has_form(id) && torn_header(torn, id) => {}
        _ => contents.broken = Some("line 1 is no header".to_owned()),
    }
    for (number, line) in lines.enumerate() {
        let (line, true) = whole_line(line) else { break };
        if line.starts_with(b"{\"planned\":") {
            continue;
        }
        match serde_json::from_slice::<Event<serde::de::IgnoredAny>>(line) {
            Ok(Event::Trace(trace)) => contents.traces.push(trace),
            Ok(Event::Started(started)) => contents.started = Some(started),
            Ok(Event::Planned(_) | Event::Updated(_)) => {}
            Err(error) => {
                contents.broken.get_or_insert_with(|| format!("line {}: {error}", number + 2));
            }
        }
    }
    contents
}

/// The line without its end, and whether it has one.
fn whole_line(line: &[u8]) -> (&[u8], bool) {
    match line.strip_suffix(b"\n") {
        Some(line) => (line, true),
        None => (line, false),
    }
}

fn header(line: &[u8], id: &str) -> Result<Header> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    // The version first: another one may have other fields.
    let Version { version } = serde_json::from_slice(line)?;
    if version != VERSION {
        bail!("a record of version {version}, this program knows version {VERSION}");
    }
    let header: Header = serde_json::from_slice(line)?;
    if header.id != id || !is_id(&header.id, &header.name) {
        bail!("the record of another sandbox");
    }
    Ok(header)
}

/// Whether these bytes are the beginning that every header with this id has, as far as they go.
fn torn_header(bytes: &[u8], id: &str) -> bool {
    let beginning = format!("{{\"version\":{VERSION},\"id\":\"{id}\",\"name\":\"").into_bytes();
    beginning.iter().zip(bytes).all(|(expected, found)| expected == found)
}

/// Whether it could be the id of a sandbox at all.
fn has_form(id: &str) -> bool {
    id.rsplit_once('-').is_some_and(|(name, _)| is_name(name) && is_id(id, name))
}

/// `NAME-` and eight hexadecimal digits.
pub fn is_id(id: &str, name: &str) -> bool {
    let digits = id.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    digits
        .is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Process;

    const ID: &str = "web-0123abcd";
    const HEADER: &str = "{\"version\":1,\"id\":\"web-0123abcd\",\"name\":\"web\",\"created\":5,\"supervisor\":9}\n";
    const TRACE: &str = "{\"trace\":{\"cgroup\":{\"path\":\"/c/web-0123abcd\"}}}\n";

    fn text(lines: &[&str]) -> Vec<u8> {
        lines.concat().into_bytes()
    }

    #[test]
    fn a_record_cut_anywhere_loses_only_its_last_line() {
        let started = "{\"started\":{\"boot\":\"b\",\"supervisor\":{\"pid\":9,\"start-time\":1},\
             \"init\":{\"pid\":10,\"start-time\":2}}}\n";
        let whole = text(&[HEADER, "{\"planned\":{\"profile\":\"\",\"facts\":{}}}\n", TRACE, TRACE, started]);
        let all = read(&whole, ID);
        assert_eq!((all.traces.len(), all.broken.is_none()), (2, true));
        assert_eq!(all.started.unwrap().init, Process { pid: 10, start_time: 2 });
        for cut in 0..whole.len() {
            let contents = read(&whole[..cut], ID);
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(contents.broken, None, "{cut}");
            assert_eq!(contents.header.is_some(), lines > 0);
            assert_eq!(contents.traces.len(), lines.saturating_sub(2).min(2));
        }
    }

    #[test]
    fn damage_is_named_and_what_is_left_is_read() {
        let broken = |bytes: &[u8]| read(bytes, ID).broken.unwrap_or_default();
        assert_eq!(broken(&[0; 200]), "line 1 is no header");
        assert!(broken(&text(&["\0\n", TRACE])).starts_with("line 1"));
        assert!(broken(&text(&[HEADER, "{\"trac\x01:\n", TRACE])).starts_with("line 2: "));
        assert_eq!(read(&text(&[HEADER, "x\n", TRACE]), ID).traces.len(), 1);
        assert_eq!(
            broken(HEADER.replace("n\":1", "n\":2").as_bytes()),
            "line 1: a record of version 2, this program knows version 1"
        );
        assert_eq!(read(HEADER.as_bytes(), "web-ffffffff").broken.unwrap(), "line 1: the record of another sandbox");
        assert!(broken(HEADER.replace("\"name\":\"web\"", "\"name\":\"we\"").as_bytes()).contains("another sandbox"));
        assert!(broken(HEADER.replace(":9", ":9,\"more\":1").as_bytes()).starts_with("line 1"));
    }

    #[test]
    fn every_flipped_bit_is_noticed_or_harmless() {
        let whole = text(&[HEADER, "{\"planned\":{\"profile\":\"\",\"facts\":{}}}\n", TRACE]);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let contents = read(&bytes, ID);
            assert!(contents.traces.len() <= 1);
            assert!(contents.header.is_none_or(|header| header.id == ID));
        }
    }

    #[test]
    fn what_was_planned_and_what_was_changed_break_no_record() {
        let line = Event::Planned(Planned { profile: "a = 1\nb = 2", facts: &Facts::default() });
        let planned = serde_json::to_string(&line).unwrap();
        assert!(planned.starts_with("{\"planned\":{\"profile\":\"a = 1\\nb = 2\",\"facts\":{"), "{planned}");
        let updated = serde_json::to_string(&Event::<Planned>::Updated(vec!["cgroup.pids-max=5".to_owned()])).unwrap();
        assert_eq!(updated, "{\"updated\":[\"cgroup.pids-max=5\"]}");
        let whole = text(&[HEADER, &planned, "\n", TRACE, &updated, "\n", TRACE, "{\"updated\":[\"torn"]);
        let contents = read(&whole, ID);
        assert_eq!((contents.broken, contents.traces.len()), (None, 2));
    }
}
