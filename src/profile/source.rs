//! The texts that a profile is made of, and places in them.

mod columns;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

use crate::isolation::Origin;
use columns::{Columns, characters, utf16_units};

/// A stretch of one text, in bytes. Every value, key and list entry remembers the one it was written at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Sources`].
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Place {
    pub fn new(file: u32, start: usize, end: usize) -> Place {
        // A text is at most 1 MiB, so the conversion cannot saturate.
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Place { file, start: narrow(start), end: narrow(end) }
    }
}

/// Where a text came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// A file, by its absolute path with symbolic links followed.
    File { path: PathBuf },
    /// Part of the program; `base` for one that is only there to be extended.
    BuiltIn { base: bool },
    /// One `--set`.
    CommandLine,
}

#[derive(Debug)]
pub struct Source {
    /// As a person would name it: the path as it was found, `(built-in) NAME` or `--set`.
    pub name: Rc<str>,
    pub text: String,
    pub provenance: Provenance,
    /// What relative paths in it are relative to; built-in profiles have none.
    pub directory: Option<PathBuf>,
    /// Which entry of `extends` brought it in.
    pub extended_by: Option<Place>,
    /// Its turn in the merge: parents come before those who extend them, the command line comes last.
    pub rank: u32,
    line_starts: OnceCell<Vec<u32>>,
    columns: Columns,
    utf16_columns: Columns,
}

impl Source {
    pub fn new(name: impl Into<Rc<str>>, text: String, provenance: Provenance, directory: Option<PathBuf>) -> Source {
        let name = name.into();
        Source {
            name,
            text,
            provenance,
            directory,
            extended_by: None,
            rank: 0,
            line_starts: OnceCell::new(),
            columns: Columns::default(),
            utf16_columns: Columns::default(),
        }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))).collect()
        })
    }

    /// Counted from 0: the line, and the offset at which it starts.
    pub fn line_of(&self, offset: u32) -> (usize, usize) {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).saturating_sub(1);
        (line, starts.get(line).map_or(0, |start| *start as usize))
    }

    /// The line that starts at this offset, without its end.
    pub fn line_text(&self, start: usize) -> &str {
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// The whole line around an offset.
    pub fn line_at(&self, offset: u32) -> &str {
        self.line_text(self.line_of(offset).1)
    }

    /// The part of a line that lies before an offset.
    pub fn line_text_before(&self, offset: u32) -> &str {
        self.text.get(self.line_of(offset).1..offset as usize).unwrap_or_default()
    }

    pub fn slice(&self, place: Place) -> &str {
        self.text.get(place.start as usize..place.end as usize).unwrap_or_default()
    }

    /// Counted from 1: line and column, the latter in characters.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let (line, start) = self.line_of(offset);
        let column = self.columns.at(&self.text, start, offset as usize, characters);
        (line as u32 + 1, column as u32 + 1)
    }

    /// As editors count: both from 0, columns as UTF-16 code units.
    pub fn utf16_position(&self, offset: u32) -> (usize, usize) {
        let (line, start) = self.line_of(offset);
        (line, self.utf16_columns.at(&self.text, start, offset as usize, utf16_units))
    }

    /// The offset of a line and column, both counted from 1.
    fn offset(&self, line: u32, column: u32) -> Option<u32> {
        let start = *self.line_starts().get(usize::try_from(line).ok()?.checked_sub(1)?)? as usize;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        u32::try_from(self.columns.offset(&self.text, start, column)?).ok()
    }
}

/// All texts of one load. The profile that was asked for comes first.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    pub fn add(&mut self, source: Source) -> u32 {
        self.0.push(source);
        self.0.len() as u32 - 1
    }

    pub fn get(&self, file: u32) -> &Source {
        &self.0[file as usize]
    }

    pub fn get_mut(&mut self, file: u32) -> &mut Source {
        &mut self.0[file as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    pub fn origin(&self, place: Place) -> Origin {
        let source = self.get(place.file);
        let (line, column) = source.position(place.start);
        Origin { file: source.name.clone(), line, column }
    }

    /// The other way round: which text an origin lies in, and at which offset.
    pub fn locate(&self, origin: &Origin) -> Option<(u32, u32)> {
        let file = self.0.iter().position(|source| source.name == origin.file)?;
        Some((u32::try_from(file).ok()?, self.0[file].offset(origin.line, origin.column)?))
    }

    /// The stretch within `place` that reads `part`, or `place` itself where an escape hides it.
    pub fn part_of(&self, place: Place, part: &str) -> Place {
        let text = self.get(place.file).slice(place);
        // Mostly it is all that the quotes hold, behind a mark at most.
        let at = [0, 1, 2].into_iter().find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(part)));
        match at.or_else(|| text.find(part)) {
            Some(at) if !part.is_empty() => {
                let start = place.start as usize + at;
                Place::new(place.file, start, start + part.len())
            }
            _ => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::columns::BLOCK;
    use super::*;

    #[test]
    fn origins_lead_back_to_their_place() {
        let mut sources = Sources::default();
        sources.add(Source::new("a", "x = 1\n".into(), Provenance::CommandLine, None));
        let file = sources.add(Source::new("b", "ä = 1\nöö = 'ü'\n".into(), Provenance::CommandLine, None));
        for offset in [0, 3, 7, 9, 14] {
            let origin = sources.origin(Place::new(file, offset, offset + 1));
            assert_eq!(sources.locate(&origin), Some((file, offset as u32)), "{origin}");
        }
        let elsewhere = Origin { file: "c".into(), line: 1, column: 1 };
        assert_eq!(sources.locate(&elsewhere), None);
    }

    #[test]
    fn positions_count_characters_and_survive_windows_line_ends() {
        let source = Source::new("x", "ä = 1\r\nbé = 2\r\n".into(), Provenance::CommandLine, None);
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (1, 3), "`ä` is two bytes and one column");
        assert_eq!(source.position(8), (2, 1));
        assert_eq!(source.line_text(8), "bé = 2");
        assert_eq!(source.position(9999).0, 3, "an offset past the end lies on the last line");
    }

    #[test]
    fn columns_of_a_long_line_are_counted_alike_from_wherever() {
        let text = format!("first\n{}", "aä€😀".repeat(3000));
        let offsets: Vec<u32> = text.char_indices().map(|(at, _)| at as u32).filter(|at| *at > 5).collect();
        let asked = |offsets: &mut dyn Iterator<Item = &u32>| {
            let source = Source::new("x", text.clone(), Provenance::CommandLine, None);
            for &offset in offsets {
                let before = &text[6..offset as usize];
                assert_eq!(source.position(offset), (2, before.chars().count() as u32 + 1), "{offset}");
                assert_eq!(source.utf16_position(offset), (1, before.encode_utf16().count()), "{offset}");
            }
        };
        asked(&mut offsets.iter().step_by(7));
        let whole = Source::new("x", "x".repeat(8 * BLOCK), Provenance::CommandLine, None);
        assert_eq!(whole.position(8 * BLOCK as u32), (1, 8 * BLOCK as u32 + 1), "where the text ends with a block");
        asked(&mut offsets.iter().rev().step_by(7));
        asked(&mut offsets.iter().step_by(101).zip(offsets.iter().rev().step_by(103)).flat_map(|(a, b)| [a, b]));
    }
}
