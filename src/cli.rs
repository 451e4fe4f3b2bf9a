//! The command line: what was typed, and which command it is.

pub mod check;
pub mod doctor;
pub mod new;
pub mod pause;
pub mod plan;
pub mod profiles;
pub mod ps;
pub mod rm;
pub mod run;
pub mod schema;
pub mod stats;
pub mod update;
pub mod usage;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::host::Host;
use crate::plan as planning;
use crate::profile::{self, Diagnostics, Loaded, Overrides};
use crate::state::{self, Entry, Root};

/// Runs a program with only what a TOML profile lets it see and use.
#[derive(Debug, Parser)]
#[command(name = "sandbox", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What was typed. Of `run`, which is typed before every launch, the words are held against its own options first, and
    /// the other commands are not built for it; whatever that does not take is told as ever.
    pub fn read(words: &[OsString]) -> Result<Cli, clap::Error> {
        if words.get(1).is_some_and(|word| word == "run") {
            let run = run::Run::augment_args(clap::Command::new("run")).try_get_matches_from(&words[1..]);
            if let Ok(run) = run.and_then(|matches| run::Run::from_arg_matches(&matches)) {
                return Ok(Cli { command: Command::Run(run) });
            }
        }
        Cli::try_parse_from(words)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a program as a profile says, and wait for it
    Run(run::Run),
    /// Print the steps that a launch would take
    Plan(plan::Plan),
    /// Print every error and warning of a profile, and what this machine lacks for it
    Check(check::Check),
    /// List sandboxes: those that run, and those that left something behind
    Ps(ps::Ps),
    /// Print what sandboxes use
    Stats(stats::Stats),
    /// Stop every process of a sandbox where it is
    Pause(pause::Pause),
    /// Let the processes of a paused sandbox go on
    Resume(pause::Pause),
    /// Change the limits of a running sandbox
    Update(update::Update),
    /// Remove what sandboxes that have ended left behind
    Rm(rm::Rm),
    /// Remove what every sandbox that has ended left behind
    Gc(rm::Gc),
    /// List profiles, and what each lets its program reach
    Profiles(profiles::Profiles),
    /// Write a starting profile for an installed program
    New(new::New),
    /// Say what this machine can do, and how it is made to do the rest
    Doctor(doctor::Doctor),
    /// Print the JSON schema of the profile language, for editors
    Schema(schema::Schema),
}

/// A profile, and what the command line changes of it.
#[derive(Debug, Args)]
pub struct Chosen {
    /// A path (it contains a slash or ends in .toml), or the name of a profile
    pub profile: String,
    /// Call the sandbox so, instead of after its profile
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Set a variable of [vars], or a key as section.key=TOML
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Arguments of the program; the command itself where the profile has none
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}

impl Chosen {
    /// Reads the profile; what is wrong with it is the error.
    pub fn load(&self, host: &Host) -> Result<Loaded, Diagnostics> {
        self.load_for(host, host)
    }

    /// Reads it `here`, as it is meant on `host`.
    pub fn load_for(&self, here: &Host, host: &Host) -> Result<Loaded, Diagnostics> {
        let overrides = Overrides {
            set: self.set.clone(),
            name: self.name.clone(),
            args: (!self.args.is_empty()).then(|| self.args.clone()),
        };
        profile::load_for(&self.profile, &overrides, here, host).map_err(|refused| planning::beside(refused, host))
    }
}

/// The one running sandbox of this caller that has this id, or this name.
fn running(id_or_name: &str) -> Result<Entry> {
    state::running(Root::open(&state::locate(&Host::live()))?.as_ref(), id_or_name)
}

fn without_cgroup(entry: &Entry, why: &str) -> anyhow::Error {
    let hint =
        "a limit in [cgroup] brings one; `sandbox doctor` says which this machine can set, and for whom".to_owned();
    state::Refused { message: format!("{} has no cgroup, and {why}", entry.id), hint }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_run_mean_what_they_mean_to_the_whole() {
        for line in [
            "run hello",
            "run run",
            "run ./a.toml -- -x --set y",
            "run hello --set a=1 --set b=\"2\" --name n",
            "run --timeout 1h30m --status-fd 3 --timings --stats hello",
            "run --timeout=-1 hello",
            "run",
            "run --help",
            "run -h",
            "run hello more",
            "run hello --name a --name b",
            "run --no-such hello",
            "run --",
            "--version",
            "plan hello --why",
        ] {
            let words: Vec<OsString> = std::iter::once("sandbox").chain(line.split(' ')).map(OsString::from).collect();
            let said =
                |read: Result<Cli, clap::Error>| read.map_or_else(|error| error.to_string(), |cli| format!("{cli:?}"));
            assert_eq!(said(Cli::read(&words)), said(Cli::try_parse_from(&words)), "{line}");
        }
    }
}
