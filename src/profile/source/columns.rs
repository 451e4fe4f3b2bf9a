//! Columns: how far into its line an offset of a text is, in characters and in UTF-16 code units.

use std::cell::{Cell, OnceCell};

/// The last question about columns and its answer, as most are asked from left to right; and for leaps in a long line
/// how many units there are before each block of the text.
#[derive(Debug, Default)]
pub struct Columns {
    /// Offset, start of its line, column.
    last: Cell<(usize, usize, usize)>,
    blocks: OnceCell<Vec<usize>>,
}

pub const BLOCK: usize = 1024;

impl Columns {
    /// How far from the start of its line an offset is, in what `units` counts.
    pub fn at(&self, text: &str, line_start: usize, offset: usize, units: fn(&[u8]) -> usize) -> usize {
        let (from, column) = match self.last.get() {
            (at, start, column) if start == line_start && (line_start..=offset).contains(&at) => (at, column),
            _ => (line_start, 0),
        };
        let column = match text.as_bytes().get(from..offset) {
            None => column,
            Some(between) if between.len() <= 4 * BLOCK => column + units(between),
            Some(_) => self.before(text, offset, units) - self.before(text, line_start, units),
        };
        self.last.set((offset, line_start, column));
        column
    }

    /// How many units there are in all before an offset of the text.
    fn before(&self, text: &str, offset: usize, units: fn(&[u8]) -> usize) -> usize {
        let bytes = text.as_bytes();
        let blocks = self.blocks.get_or_init(|| {
            let sums = bytes.chunks(BLOCK).scan(0, |sum, block| {
                let before = *sum;
                *sum += units(block);
                Some(before)
            });
            sums.collect()
        });
        // The end of the text may be that of its last block.
        let block = (offset / BLOCK).min(blocks.len().saturating_sub(1));
        blocks.get(block).map_or(0, |sum| sum + units(&bytes[block * BLOCK..offset]))
    }

    /// The other way round, for columns that are characters; past the end of the text for one that it does not have.
    pub fn offset(&self, text: &str, line_start: usize, column: usize) -> Option<usize> {
        let (from, before) = match self.last.get() {
            (at, start, before) if start == line_start && before <= column => (at, before),
            _ => (line_start, 0),
        };
        let rest = text.get(from..)?;
        let Some((at, _)) = rest.char_indices().nth(column - before) else { return Some(text.len()) };
        self.last.set((from + at, line_start, column));
        Some(from + at)
    }
}

/// A character counts where it begins.
pub fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !matches!(byte, 0x80..0xc0)).count()
}

/// One of four bytes has two of them.
pub fn utf16_units(bytes: &[u8]) -> usize {
    characters(bytes) + bytes.iter().filter(|byte| **byte >= 0xf0).count()
}
