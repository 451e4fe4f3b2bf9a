//! What is printed when nobody can read it: a full disk, a closed pipe.
//!
//! The standard library's macros of these names panic there, so that a message about a launch would end the launch, and
//! `sandbox rm a b | head -1` would remove `a` alone. These go on; what a result's reader missed is known at the end.

use std::fmt::{Arguments, Write as _};
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use crate::sys::process;

/// The first reason why a result could not be written.
static MISSED: OnceLock<std::io::Error> = OnceLock::new();

/// A result, to standard output.
pub fn result(text: Arguments) {
    if let Err(error) = open().and_then(|()| std::io::stdout().write_fmt(text)) {
        miss(error);
    }
}

/// Whether there is a standard output at all.
pub fn open() -> std::io::Result<()> {
    match process::output_was_closed() {
        true => Err(std::io::Error::from_raw_os_error(libc::EBADF)),
        false => Ok(()),
    }
}

/// A result could not be written.
pub fn miss(error: std::io::Error) {
    let _ = MISSED.set(error);
}

/// A message, to standard error, in one piece. Where it cannot be said it cannot be said that it cannot.
pub fn message(text: Arguments) {
    let _ = std::io::stderr().write_all(text.to_string().as_bytes());
}

/// Why a result is not whole. A reader that has gone had what it wanted.
pub fn missed() -> Option<&'static std::io::Error> {
    if let Err(error) = std::io::stdout().flush() {
        miss(error);
    }
    MISSED.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}

/// Text of others within a line, made harmless for a terminal: a line feed would let it forge the next one.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| print_char(&mut out, c));
    out
}

/// The same of a text whose lines are ours.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

pub fn print_char(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("    "),
        c if is_unprintable(c) => {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

/// Direction overrides would show a line other than the one that is there.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

macro_rules! print {
    ($($text:tt)*) => { $crate::say::result(format_args!($($text)*)) };
}

macro_rules! println {
    ($($text:tt)*) => { $crate::say::result(format_args!("{}\n", format_args!($($text)*))) };
}

macro_rules! eprint {
    ($($text:tt)*) => { $crate::say::message(format_args!($($text)*)) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::say::message(format_args!("{}\n", format_args!($($text)*))) };
}
