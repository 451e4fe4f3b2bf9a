//! Values as D-Bus marshals them: each aligned to its size, strings with their length before and a zero behind.

use std::io;

use super::malformed;

/// Arguments in the order of their signature.
#[derive(Default)]
pub struct Body {
    pub(super) signature: String,
    pub(super) bytes: Vec<u8>,
}

impl Body {
    pub fn string(mut self, text: &str) -> Body {
        self.signature.push('s');
        self.text(text);
        self
    }

    /// An array of structures of name and variant, of type `a(sv)`.
    pub fn properties(mut self, properties: &[(&str, Value<'_>)]) -> Body {
        self.signature.push_str("a(sv)");
        let array = self.open_array();
        self.align(8);
        let from = self.bytes.len();
        for (name, value) in properties {
            self.align(8);
            self.text(name);
            match value {
                Value::Text(text) => {
                    self.signature("s");
                    self.text(text);
                }
                Value::Bool(value) => {
                    self.signature("b");
                    self.number((*value).into());
                }
                Value::Numbers(numbers) => {
                    self.signature("au");
                    let array = self.open_array();
                    let from = self.bytes.len();
                    numbers.iter().for_each(|number| self.number(*number));
                    self.set_length(array, from);
                }
            }
        }
        self.set_length(array, from);
        self
    }

    /// An array without elements, of structures of this signature.
    pub fn nothing(mut self, signature: &str) -> Body {
        self.signature.push_str(signature);
        self.number(0);
        self.align(8);
        self
    }

    pub(super) fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    pub(super) fn number(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    pub(super) fn signature(&mut self, signature: &str) {
        self.bytes.push(signature.len() as u8);
        self.bytes.extend(signature.as_bytes());
        self.bytes.push(0);
    }

    /// Where the array's length belongs; the padding before its first element does not count.
    pub(super) fn open_array(&mut self) -> usize {
        self.number(0);
        self.bytes.len() - 4
    }

    pub(super) fn set_length(&mut self, at: usize, from: usize) {
        let length = (self.bytes.len() - from) as u32;
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// The values that we send in variants.
pub enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Numbers(&'a [u32]),
}

/// Takes values apart, each where its alignment puts it.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) big_endian: bool,
}

impl Reader<'_> {
    pub(super) fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        let taken = self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end));
        self.at = self.at.saturating_add(length);
        taken.ok_or_else(|| malformed("length"))
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self) -> io::Result<u32> {
        self.align(4);
        let big_endian = self.big_endian;
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(super) fn text(&mut self) -> io::Result<String> {
        let length = self.number()? as usize;
        self.ended_by_zero(length)
    }

    pub(super) fn short_text(&mut self) -> io::Result<String> {
        let length = self.byte()?.into();
        self.ended_by_zero(length)
    }

    fn ended_by_zero(&mut self, length: usize) -> io::Result<String> {
        let text = String::from_utf8(self.take(length)?.to_vec()).map_err(|_| malformed("text"))?;
        if self.byte()? == 0 { Ok(text) } else { Err(malformed("text")) }
    }
}
