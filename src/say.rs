//! What is printed when nobody can read it: a full disk, a closed pipe.
//!
//! The standard library's macros of these names panic there, so that a message about a launch would end the launch, and
//! `sandbox rm a b | head -1` would remove `a` alone. These go on; what a result's reader missed is known at the end.

use std::fmt::Arguments;
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
