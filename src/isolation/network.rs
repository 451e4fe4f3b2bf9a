//! `[network]`: whom the program can talk to.

use super::Origin;

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
