//! `[network]`: whom the program can talk to.

use std::fmt;

use super::{Applied, Fault, Findings, Operation, Origin, Section};
use crate::sys;

/// The section as the author wrote it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Network {
    pub mode: Mode,
    pub mode_origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// An own network with nothing but a loopback interface.
    #[default]
    None,
    /// The host's network.
    Host,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The own network's `lo` comes into being down.
    LoopbackUp,
}

pub fn plan(section: &Network) -> Vec<Step> {
    match section.mode {
        Mode::None => vec![Step::LoopbackUp],
        Mode::Host => Vec::new(),
    }
}

/// What comes along with the host's network.
pub fn review(section: &Network, findings: &mut Findings) {
    if section.mode == Mode::Host {
        let message = "mode = \"host\": whatever listens on this machine's loopback answers the program too";
        let hint = "write \"none\" if it needs no network; else passwords for services there, and 127.0.0.1 for what it \
                    listens on itself";
        findings.warning(Section::Network, message, hint, section.mode_origin.as_ref());
    }
}

/// Capabilities over a network count in the user namespace that it belongs to.
pub fn review_power<'a>(
    section: &Network,
    kept: impl Iterator<Item = &'a str>,
    origin: Option<&Origin>,
    findings: &mut Findings,
) {
    let kept: Vec<&str> = kept.filter(|name| name.starts_with("net_")).collect();
    if section.mode == Mode::Host && !kept.is_empty() {
        let message = format!("mode = \"host\": {} does nothing on a network that is the host's", kept.join(", "));
        let hint = "take it out, or write mode = \"none\"; for root it counts with user = false in [namespaces]";
        findings.warning(Section::Network, message, hint, origin);
    }
}

impl Step {
    pub fn why(&self) -> &'static str {
        match self {
            Step::LoopbackUp => "programs expect 127.0.0.1 to answer; nothing else exists in the own network",
        }
    }

    pub fn apply(&self) -> Applied {
        match self {
            Step::LoopbackUp => {
                sys::network::loopback_up().map_err(|(call, errno)| Fault::new(call.into(), errno, "lo"))
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::LoopbackUp => f.write_str("bring the loopback interface up"),
        }
    }
}

/// The own network holds one interface, `lo`, and it is up; asked of the kernel once more.
pub fn read_back(section: &Network) -> Applied {
    if section.mode == Mode::Host {
        return Ok(());
    }
    match sys::network::interface_flags(c"lo") {
        Ok(flags) if flags & libc::IFF_UP as i16 != 0 => Ok(()),
        Ok(_) => Err(Fault::mismatch(Operation::LoopbackInterface, "lo is down")),
        Err(errno) => Err(Fault::new(Operation::GetInterfaceFlags, errno, "lo")),
    }
}
