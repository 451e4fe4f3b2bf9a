//! What an ELF file says that its loader needs: elf(5). Nothing in it is trusted.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Far more than any program has.
const HEADERS: u64 = 256;
const DYNAMIC: u64 = 1 << 20;
const LONGEST: usize = 4096;

/// One program or library.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Elf {
    pub interpreter: Option<String>,
    pub needed: Vec<String>,
    pub rpath: Option<String>,
    pub runpath: Option<String>,
    pub i386: bool,
}

/// Where the loader finds a part of the file.
#[derive(Clone, Copy)]
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

const LOAD: u32 = 1;
const DYNAMIC_SEGMENT: u32 = 2;
const INTERPRETER: u32 = 3;

/// What the kernel starts with the program; `None` where the headers are not as they usually are.
pub fn loader(file: &File) -> Option<Option<String>> {
    let mut ident = [0; 20];
    file.read_exact_at(&mut ident, 0).ok()?;
    let segments = segments(file, wide(&ident)?)?;
    let interpreter = segments.iter().find(|segment| segment.kind == INTERPRETER);
    interpreter.map_or(Some(None), |segment| string(file, segment.offset).map(Some))
}

/// Of 64 bits; `None`: it is for another kind of machine.
fn wide(ident: &[u8; 20]) -> Option<bool> {
    match (ident[4], ident[5], u16::from_le_bytes([ident[18], ident[19]])) {
        (2, 1, 62) => Some(true),
        (1, 1, 3) => Some(false),
        _ => None,
    }
}

/// `None`: it is something else.
pub fn read(file: &File) -> Result<Option<Elf>, &'static str> {
    let mut ident = [0; 20];
    if file.read_exact_at(&mut ident, 0).is_err() || !ident.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let wide = wide(&ident).ok_or("it is built for another kind of machine")?;
    parse(file, wide).map(Some).ok_or("it is damaged: its headers lead nowhere")
}

fn parse(file: &File, wide: bool) -> Option<Elf> {
    let segments = segments(file, wide)?;
    let mut elf = Elf { i386: !wide, ..Elf::default() };
    if let Some(segment) = segments.iter().find(|segment| segment.kind == INTERPRETER) {
        elf.interpreter = Some(string(file, segment.offset)?);
    }
    let Some(dynamic) = segments.iter().find(|segment| segment.kind == DYNAMIC_SEGMENT) else { return Some(elf) };
    let mut bytes = vec![0; usize::try_from(dynamic.size.min(DYNAMIC)).ok()?];
    file.read_exact_at(&mut bytes, dynamic.offset).ok()?;
    let size = if wide { 16 } else { 8 };
    let entries: Vec<(u64, u64)> = bytes
        .chunks_exact(size)
        .filter_map(|entry| Some((word(entry, 0, wide)?, word(entry, size / 2, wide)?)))
        .take_while(|(tag, _)| *tag != 0)
        .collect();
    // DT_STRTAB is an address in memory.
    let table = entries.iter().find(|(tag, _)| *tag == 5).and_then(|(_, address)| offset(&segments, *address));
    let text = |at: u64| string(file, table?.checked_add(at)?);
    for (tag, value) in entries {
        match tag {
            1 => elf.needed.push(text(value)?),
            15 => elf.rpath = Some(text(value)?),
            29 => elf.runpath = Some(text(value)?),
            _ => {}
        }
    }
    Some(elf)
}

fn segments(file: &File, wide: bool) -> Option<Vec<Segment>> {
    let mut header = [0; 64];
    let length = if wide { 64 } else { 52 };
    file.read_exact_at(&mut header[..length], 0).ok()?;
    let (start, size, count) = match wide {
        true => (word(&header, 32, true)?, half(&header, 54)?, half(&header, 56)?),
        false => (word(&header, 28, false)?, half(&header, 42)?, half(&header, 44)?),
    };
    let mut segments = Vec::new();
    for number in 0..u64::from(count).min(HEADERS) {
        let at = start.checked_add(number.checked_mul(size.into())?)?;
        let mut entry = [0; 56];
        file.read_exact_at(&mut entry[..if wide { 56 } else { 32 }], at).ok()?;
        let kind = u32::from_le_bytes(entry[..4].try_into().ok()?);
        let (offset, address, size) = match wide {
            true => (word(&entry, 8, true)?, word(&entry, 16, true)?, word(&entry, 32, true)?),
            false => (word(&entry, 4, false)?, word(&entry, 8, false)?, word(&entry, 16, false)?),
        };
        segments.push(Segment { kind, offset, address, size });
    }
    Some(segments)
}

/// Where in the file an address lies.
fn offset(segments: &[Segment], address: u64) -> Option<u64> {
    let load = segments.iter().filter(|segment| segment.kind == LOAD);
    let holds = |segment: &&Segment| address.checked_sub(segment.address).is_some_and(|within| within < segment.size);
    let segment = load.clone().find(holds)?;
    segment.offset.checked_add(address - segment.address)
}

/// Ends at NUL.
fn string(file: &File, at: u64) -> Option<String> {
    let mut bytes = [0; LONGEST];
    let read = file.read_at(&mut bytes, at).ok()?;
    let end = bytes[..read].iter().position(|byte| *byte == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize, wide: bool) -> Option<u64> {
    match wide {
        true => Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)),
        false => Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Headers, a dynamic section and its strings, at an address of their own.
    fn program(runpath: &str) -> Vec<u8> {
        const ADDRESS: u64 = 0x40_0000;
        let strings = format!("\0libx.so.1\0{runpath}\0");
        let interpreter = b"/lib64/ld.so\0";
        let (headers, dynamic) = (64, 64 + 3 * 56);
        let (table, end) = (dynamic + 4 * 16, dynamic + 4 * 16 + strings.len() as u64);
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
        bytes.extend([0u64, headers, 0].map(u64::to_le_bytes).concat());
        bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        for (kind, offset, size) in [(1u32, 0, 4096), (2, dynamic, 64), (3, end, interpreter.len() as u64)] {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(5u32.to_le_bytes());
            bytes.extend([offset, ADDRESS + offset, 0, size, size, 8].map(u64::to_le_bytes).concat());
        }
        let entries = [(1u64, 1u64), (29, 11), (5, ADDRESS + table), (0, 0)];
        entries.iter().for_each(|(tag, value)| bytes.extend([*tag, *value].map(u64::to_le_bytes).concat()));
        bytes.extend(strings.bytes());
        bytes.extend(interpreter);
        bytes
    }

    fn look(bytes: &[u8]) -> Result<Option<Elf>, &'static str> {
        let path =
            std::env::temp_dir().join(format!("sandbox-elf-{}-{:?}", std::process::id(), std::thread::current().id()));
        File::create(&path).unwrap().write_all(bytes).unwrap();
        let read = read(&File::open(&path).unwrap());
        std::fs::remove_file(path).unwrap();
        read
    }

    #[test]
    fn a_program_says_what_it_needs() {
        let elf = look(&program("$ORIGIN/lib")).unwrap().unwrap();
        assert_eq!((elf.needed, elf.runpath.as_deref()), (vec!["libx.so.1".to_owned()], Some("$ORIGIN/lib")));
        assert_eq!((elf.interpreter.as_deref(), elf.i386), (Some("/lib64/ld.so"), false));
        let own = read(&File::open("/proc/self/exe").unwrap()).unwrap().unwrap();
        assert!(!own.i386);
    }

    #[test]
    fn nothing_in_it_is_trusted() {
        let whole = program("x");
        assert_eq!(look(b"#!/bin/sh\n"), Ok(None));
        assert_eq!(look(b""), Ok(None));
        for length in 0..whole.len() {
            let _ = look(&whole[..length]);
        }
        for at in 16..whole.len() {
            for byte in [0, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[at] = byte;
                let _ = look(&broken);
            }
        }
        let mut foreign = whole.clone();
        foreign[18] = 183;
        assert_eq!(look(&foreign), Err("it is built for another kind of machine"));
    }
}
