//! `sandbox` runs a program with only what a TOML profile lets it see and use.
//!
//! A profile says what the program may see and use; planning turns it into a list of steps, before anything is touched;
//! the launch carries the steps out and becomes the program. `docs/architecture.md` tells the whole of it.
//!
//! Arrows point one way: `cli → {doctor, draft, launch} → {state, plan} → profile → isolation → host → sys`.

#![deny(unsafe_code)]

// Before all that prints.
#[macro_use]
pub mod say;

pub mod cli;
pub mod doctor;
pub mod draft;
pub mod explain;
pub mod host;
pub mod isolation;
pub mod launch;
pub mod outcome;
pub mod plan;
pub mod profile;
pub mod state;
pub mod sys;
