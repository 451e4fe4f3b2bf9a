//! What execve(2) makes of a file, by its first bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ask, elf};

/// Which of the kernel's own handlers takes a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `#!`, and the path as it stands there.
    Script { interpreter: String },
    /// ELF for this kind of machine.
    Program { loader: Option<String> },
    /// None does.
    Neither,
    /// The caller may not read it, or only the kernel knows.
    Unclear,
}

/// As much as the kernel looks at (linux/binfmts.h).
pub const BINPRM_BUF_SIZE: usize = 256;

/// How many scripts may interpret one another before the kernel gives up (fs/exec.c).
pub const INTERPRETERS: usize = 5;

pub fn of_file(path: &Path) -> Format {
    let regular = |file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file());
    let Some(file) = ask::open_of_others(path).filter(regular) else { return Format::Unclear };
    let mut start = [0; BINPRM_BUF_SIZE];
    let Ok(length) = file.read_at(&mut start, 0) else { return Format::Unclear };
    match of_start(&start[..length]) {
        Format::Unclear if start.starts_with(b"\x7fELF") => {
            elf::loader(&file).map_or(Format::Unclear, |loader| Format::Program { loader })
        }
        format => format,
    }
}

/// Of an ELF file the start does not tell everything.
pub fn of_start(bytes: &[u8]) -> Format {
    let mut start = [0; BINPRM_BUF_SIZE];
    let length = bytes.len().min(BINPRM_BUF_SIZE);
    start[..length].copy_from_slice(&bytes[..length]);
    if start.starts_with(b"#!") {
        return match interpreter(&start[..length]).map(std::str::from_utf8) {
            Some(Ok(name)) => Format::Script { interpreter: name.to_owned() },
            Some(Err(_)) => Format::Unclear,
            None => Format::Neither,
        };
    }
    // Class, byte order; ET_EXEC and ET_DYN; the machine, with the two numbers of i386, and x32.
    let number = |at: usize| u16::from_le_bytes([start[at], start[at + 1]]);
    match (start[4], start[5], number(16), number(18)) {
        (2, 1, 2 | 3, 62) | (1, 1, 2 | 3, 3 | 6 | 62) if start.starts_with(b"\x7fELF") => Format::Unclear,
        _ => Format::Neither,
    }
}

/// The interpreter that load_script() of the kernel finds in the start of a file, as it stands there: for whoever looks
/// before the launch, and for whoever looks inside.
pub fn interpreter(start: &[u8]) -> Option<&[u8]> {
    let start = &start[..start.len().min(BINPRM_BUF_SIZE)];
    let line = start.strip_prefix(b"#!")?;
    let end = line.iter().position(|byte| matches!(byte, b'\n' | 0));
    let whole = end.is_some() || start.len() < BINPRM_BUF_SIZE;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let line = &line[..end.unwrap_or(line.len())];
    let line = &line[line.iter().take_while(|byte| blank(byte)).count()..];
    let name = line.split(blank).next().unwrap_or_default();
    // One that reaches the end might go on.
    (!name.is_empty() && (whole || name.len() < line.len())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(interpreter: &str) -> Format {
        Format::Script { interpreter: interpreter.to_owned() }
    }

    #[test]
    fn first_lines_are_read_as_the_kernel_reads_them() {
        let long = "x".repeat(300);
        for (text, format) in [
            ("#!/bin/sh\nexit", script("/bin/sh")),
            ("#! \t/bin/sh -e -x \n", script("/bin/sh")),
            ("#!/bin/sh", script("/bin/sh")),
            ("#!python\n", script("python")),
            ("#!/bin/sh\r\n", script("/bin/sh\r")),
            ("#!\r/bin/sh\n", script("\r/bin/sh")),
            ("#!/bin/sh\0/x\n", script("/bin/sh")),
            ("#!", Format::Neither),
            ("#!  \n/bin/sh\n", Format::Neither),
            ("#!/bin/sh -c ${long}", script("/bin/sh")),
            ("#!${long}\n", Format::Neither),
            ("", Format::Neither),
            ("\u{7f}ELF", Format::Neither),
            ("echo\n", Format::Neither),
        ] {
            assert_eq!(of_start(text.replace("${long}", &long).as_bytes()), format, "{text:?}");
        }
    }

    #[test]
    fn programs_of_other_machines_are_told_apart() {
        let of = |class: u8, kind: u8, machine: u8| {
            let mut start = b"\x7fELF\0\x01\x01".to_vec();
            start[4] = class;
            start.resize(16, 0);
            start.extend([kind, 0, machine, 0]);
            of_start(&start)
        };
        for (class, kind, machine) in [(2, 2, 62), (2, 3, 62), (1, 2, 3), (1, 3, 62)] {
            assert_eq!(of(class, kind, machine), Format::Unclear, "{class} {kind} {machine}");
        }
        // For ARM, and an object file.
        assert_eq!((of(2, 3, 183), of(2, 1, 62)), (Format::Neither, Format::Neither));
    }
}
