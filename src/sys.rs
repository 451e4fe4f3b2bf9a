//! The kernel's interfaces that no well-kept library covers. The only code with `unsafe`; it knows nothing of
//! sandboxes.

#![allow(unsafe_code)]

pub mod landlock;
