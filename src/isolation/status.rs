//! What /proc/PID/status says of a process's privilege: the kernel's own word, read back before and after exec.

use std::fs::File;
use std::io::{self, Read};

use crate::isolation::Operation;

/// The fields of proc_pid_status(5) that isolation rests on. Parsing allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Status {
    /// Real, effective, saved, file system; as the reader's user namespace sees them.
    pub uids: [u32; 4],
    pub gids: [u32; 4],
    pub inheritable: u64,
    pub permitted: u64,
    pub effective: u64,
    pub bounding: u64,
    pub ambient: u64,
    pub no_new_privs: bool,
    /// 0 no filter, 1 strict mode, 2 filters, 3 killed by one.
    pub seccomp: u32,
    /// How many filters are stacked; `None` before Linux 5.9, which does not say.
    pub seccomp_filters: Option<u32>,
    /// `None` before Linux 4.7, which does not say.
    pub umask: Option<u32>,
}

/// The whole text of an open status file. The name in it is any bytes but NUL, cut to 15 wherever in a character that falls.
pub fn read(file: impl Into<File>) -> io::Result<String> {
    let mut text = Vec::with_capacity(4096);
    file.into().read_to_end(&mut text)?;
    Ok(match String::from_utf8(text) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The supplementary groups, as the reader's user namespace sees them.
pub fn groups(text: &str) -> Option<Vec<u32>> {
    let list = text.lines().find_map(|line| line.strip_prefix("Groups:"))?;
    list.split_ascii_whitespace().map(|group| group.parse().ok()).collect()
}

/// Whether the process of a proc_pid_stat(5) is ending, or has ended. Its name may hold blanks and parentheses.
pub fn is_exiting(stat: &str) -> bool {
    /// As in linux/sched.h.
    const PF_EXITING: u64 = 0x4;
    let flags =
        stat.rsplit_once(')').and_then(|(_, fields)| fields.split_ascii_whitespace().nth(6)?.parse::<u64>().ok());
    flags.is_some_and(|flags| flags & PF_EXITING != 0)
}

impl Status {
    /// The caller's own; `None` where /proc does not say.
    pub fn of_caller() -> Option<Status> {
        Status::parse(&read(File::open("/proc/self/status").ok()?).ok()?)
    }

    /// The capability sets, by what a fault of theirs is called.
    pub fn sets(&self) -> [(Operation, u64); 5] {
        [
            (Operation::BoundingSet, self.bounding),
            (Operation::PermittedSet, self.permitted),
            (Operation::EffectiveSet, self.effective),
            (Operation::InheritableSet, self.inheritable),
            (Operation::AmbientSet, self.ambient),
        ]
    }

    /// `None` where a field is missing or is no number: then nothing is proven. No process can forge a line, because
    /// the kernel escapes line ends in the one field a process chooses, its name.
    pub fn parse(text: &str) -> Option<Status> {
        let mut status = Status::default();
        let mut found = 0u32;
        for line in text.lines() {
            let Some((field, value)) = line.split_once(':') else { continue };
            let value = value.trim_ascii();
            let bit = match field {
                "Uid" => keep(&mut status.uids, ids(value), 0)?,
                "Gid" => keep(&mut status.gids, ids(value), 1)?,
                "CapInh" => keep(&mut status.inheritable, set(value), 2)?,
                "CapPrm" => keep(&mut status.permitted, set(value), 3)?,
                "CapEff" => keep(&mut status.effective, set(value), 4)?,
                "CapBnd" => keep(&mut status.bounding, set(value), 5)?,
                "CapAmb" => keep(&mut status.ambient, set(value), 6)?,
                "NoNewPrivs" => keep(&mut status.no_new_privs, flag(value), 7)?,
                "Seccomp" => keep(&mut status.seccomp, value.parse().ok(), 8)?,
                "Umask" => {
                    status.umask = Some(u32::from_str_radix(value, 8).ok()?);
                    continue;
                }
                "Seccomp_filters" => {
                    status.seccomp_filters = Some(value.parse().ok()?);
                    continue;
                }
                _ => continue,
            };
            found |= bit;
        }
        (found == 0b1_1111_1111).then_some(status)
    }
}

/// Stores a value, and answers with the bit that marks its field as found.
fn keep<T>(place: &mut T, value: Option<T>, bit: u32) -> Option<u32> {
    *place = value?;
    Some(1 << bit)
}

fn ids(value: &str) -> Option<[u32; 4]> {
    let mut numbers = value.split_ascii_whitespace();
    let mut ids = [0; 4];
    for id in &mut ids {
        *id = numbers.next()?.parse().ok()?;
    }
    numbers.next().is_none().then_some(ids)
}

fn set(value: &str) -> Option<u64> {
    // from_str_radix takes a sign, the kernel writes none.
    if value.starts_with('+') { None } else { u64::from_str_radix(value, 16).ok() }
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Name:\tsh\\nCapEff:\\tffffffffffffffff\nUmask:\t0022\nState:\tR (running)\nPid:\t9\n\
        Uid:\t1000\t1001\t1002\t1003\nGid:\t100\t101\t102\t103\nGroups:\t4 24 \nVmPeak:\t  3368 kB\n\
        CapInh:\t0000000000000001\nCapPrm:\t0000000000000002\nCapEff:\t0000000000000004\n\
        CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000010\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";

    #[test]
    fn each_field_is_read_from_its_own_line() {
        let expected = Status {
            uids: [1000, 1001, 1002, 1003],
            gids: [100, 101, 102, 103],
            inheritable: 1,
            permitted: 2,
            effective: 4,
            bounding: 0x1ff_ffff_ffff,
            ambient: 0x10,
            no_new_privs: true,
            seccomp: 2,
            seccomp_filters: Some(3),
            umask: Some(0o022),
        };
        assert_eq!(Status::parse(TEXT), Some(expected));
        assert_eq!(groups(TEXT), Some(vec![4, 24]));
    }

    #[test]
    fn a_name_that_is_no_text_hides_no_field() {
        let (ours, theirs) = nix::unistd::pipe().unwrap();
        let text = TEXT.replace("sh\\n", "\u{e4}");
        let cut: Vec<u8> = text.bytes().filter(|byte| *byte != 0xa4).collect();
        assert!(str::from_utf8(&cut).is_err());
        nix::unistd::write(&theirs, &cut).unwrap();
        drop(theirs);
        assert_eq!(Status::parse(&read(ours).unwrap()), Status::parse(TEXT));
    }

    #[test]
    fn who_is_ending_is_known_by_its_flags() {
        let stat =
            |name: &str, flags: u32| format!("9 ({name}) R 1 9 9 0 -1 {flags} 85 0 0 0 0 0 0 0 20 0 1 0 4 0 0\n");
        assert!(is_exiting(&stat("a) Z 1 (b", 0x0040_0104)) && !is_exiting(&stat("4) R 1 9 9 0 -1 4", 0x0040_0100)));
        assert!(!is_exiting("") && !is_exiting("9 (sh"));
    }

    #[test]
    fn a_missing_field_proves_nothing() {
        for field in ["Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"] {
            let without: String = TEXT
                .lines()
                .filter(|line| line.split(':').next() != Some(field))
                .map(|line| format!("{line}\n"))
                .collect();
            assert_eq!(Status::parse(&without), None, "{field}");
        }
        let old = TEXT.replace("Seccomp_filters:\t3\n", "");
        assert_eq!(Status::parse(&old).unwrap().seccomp_filters, None);
    }

    #[test]
    fn a_field_that_is_no_number_proves_nothing() {
        for (good, bad) in [
            ("CapEff:\t0000000000000004", "CapEff:\t"),
            ("CapEff:\t0000000000000004", "CapEff:\t+4"),
            ("CapEff:\t0000000000000004", "CapEff:\t10000000000000000"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t2"),
            ("Seccomp:\t2", "Seccomp:\t-1"),
            ("1000\t1001\t1002\t1003", "1000\t1001\t1002"),
            ("1000\t1001\t1002\t1003", "1000\t1001\t1002\t1003\t1004"),
        ] {
            assert_eq!(Status::parse(&TEXT.replace(good, bad)), None, "{bad}");
        }
        assert_eq!(Status::parse(""), None);
    }

    #[test]
    fn the_running_kernel_writes_what_is_read() {
        let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let status = Status::parse(&text).unwrap();
        assert_eq!(status.uids[0], nix::unistd::getuid().as_raw());
        assert_eq!(status.effective, crate::sys::capabilities::get().unwrap().effective);
    }
}
