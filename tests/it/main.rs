//! The built program, driven from outside and looked at from inside: one binary, a module a section.
//!
//! `SANDBOX_TEST_PROGRAMS` names a directory that holds `sandbox`, `probe` and `caller`, as `tests/run` makes it for a
//! user who cannot reach the build; without it the two C programs are built on first use.

mod foretold;
mod harness;
mod oracle;
#[path = "../random/mod.rs"]
mod random;

mod arguments;
mod bad_input;
mod capabilities;
mod cgroup;
mod check;
mod descriptors;
mod devices;
mod doctor;
mod environment;
mod faults;
mod held;
mod identity;
mod ignorant_kernel;
mod job_control;
mod keys;
mod kill;
mod landlock;
mod library;
mod namespaces;
mod network;
mod new;
mod pages;
mod paths;
mod plan;
mod policy;
mod proc;
mod process;
mod profiles;
mod profiles_library;
mod removal;
mod resources;
mod rootfs;
mod seccomp;
mod signals;
mod sources;
mod state;
mod stats;
mod terminal;
mod update;
