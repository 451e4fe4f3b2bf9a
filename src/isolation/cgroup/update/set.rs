//! The files are written, and written back where one of them is refused.

use std::fs;
use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;

use super::super::apply;
use super::super::oom::number;
use super::super::settings::{Lack, Setting};
use super::super::v1::SOCKETS;
use super::Change;
use crate::isolation::{Fault, Operation, size};
use crate::sys::errno::words;

pub fn set(changes: &[Change<'_>]) -> Result<(), Lack> {
    let mut done: Vec<(&Change<'_>, Setting)> = Vec::new();
    for change in changes {
        let Change { key, directory, setting } = change;
        let before = fs::read_to_string(directory.path.join(&setting.file));
        let result = match &before {
            // Not every kernel has the files of what it cannot do anyway.
            Err(error) if setting.optional && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(read_fault(error, &setting.file)),
            Ok(_) => apply::limit(directory.opened.as_fd(), setting),
        };
        if let Ok(before) = &before {
            // Even where it failed: the value may have been taken, and only its confirmation be missing.
            done.push((change, earlier(setting, before)));
        }
        if let Err(fault) = result {
            let busy = matches!(fault.errno, Errno::EBUSY) && setting.file.starts_with("memory.");
            let usage =
                if setting.file == SOCKETS { "memory.kmem.tcp.usage_in_bytes" } else { "memory.usage_in_bytes" };
            let used = number(&directory.path, usage).filter(|_| busy);
            let lack = match used {
                Some(used) => in_use(used),
                None => Lack::new(said(&fault), "nothing was changed"),
            };
            return Err(undo(&done, Lack { message: format!("{key}: {}", lack.message), ..lack }));
        }
    }
    Ok(())
}

/// The last one first, so that each is allowed by those around it.
fn undo(done: &[(&Change<'_>, Setting)], mut lack: Lack) -> Lack {
    let mut left = Vec::new();
    for (change, before) in done.iter().rev() {
        if let Err(fault) = apply::limit(change.directory.opened.as_fd(), before) {
            left.push(format!("{} could not be set back to {}: {}", change.key, before.value, said(&fault)));
        }
    }
    if !left.is_empty() {
        lack.message = format!("{}; {}", lack.message, left.join("; "));
        lack.hint = "set the limits again".to_owned();
    }
    lack
}

/// What the file is written to be as it was.
fn earlier(setting: &Setting, text: &str) -> Setting {
    let none = match setting.file.as_str() {
        "io.max" => "rbps=max wbps=max riops=max wiops=max",
        file if file.starts_with("blkio.throttle.") => "0",
        "io.weight" | "io.bfq.weight" => {
            let usual = text.lines().next().unwrap_or_default();
            let usual = if setting.file == "io.weight" { usual } else { usual.trim_start_matches("default ") };
            return Setting { value: usual.to_owned(), ..setting.clone() };
        }
        _ => return Setting { value: text.trim_end().to_owned(), ..setting.clone() },
    };
    let device = setting.value.split(' ').next().unwrap_or_default();
    let value = line_of(text, device).map_or_else(|| format!("{device} {none}"), str::to_owned);
    Setting { value, ..setting.clone() }
}

pub fn line_of<'a>(text: &'a str, device: &str) -> Option<&'a str> {
    text.lines().find(|line| line.strip_prefix(device).is_some_and(|rest| rest.starts_with(' ')))
}

pub fn in_use(used: u64) -> Lack {
    let message = format!("{} are in use, and cannot be taken back", size(used));
    Lack::new(message, "allow it more than that, or stop some of what runs in it")
}

pub fn said(fault: &Fault) -> String {
    match fault.errno {
        Errno::UnknownErrno => format!("{}: {}", fault.operation, fault.detail),
        errno => format!("{}: {}: {}", fault.operation, fault.detail, words(errno)),
    }
}

fn read_fault(error: &io::Error, file: &str) -> Fault {
    Fault::of_io(Operation::Read, error, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_held_can_be_written_to_it() {
        let earlier = |file: &str, value: &str, text: &str| earlier(&Setting::new(file, value.into()), text).value;
        assert_eq!(earlier("memory.max", "4096", "max\n"), "max");
        assert_eq!(earlier("cpu.max", "50000 100000", "max 100000\n"), "max 100000");
        assert_eq!(earlier("cpuset.cpus", "0", "0-1\n"), "0-1");
        assert_eq!(earlier("io.weight", "default 50", "default 100\n8:0 70\n"), "default 100");
        assert_eq!(earlier("io.bfq.weight", "50", "default 100\n"), "100");
        let own = "8:0 rbps=1 wbps=max riops=max wiops=max";
        assert_eq!(earlier("io.max", "8:0 rbps=9", &format!("8:01 rbps=7\n{own}\n")), own);
        assert_eq!(earlier("io.max", "8:0 rbps=9", ""), "8:0 rbps=max wbps=max riops=max wiops=max");
        assert_eq!(earlier("blkio.throttle.read_bps_device", "8:0 9", "8:16 5\n"), "8:0 0");
    }
}
