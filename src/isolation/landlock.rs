//! `[landlock]`: what the mounts grant, enforced once more on every path by the kernel's own access control.

use super::{Enforce, Origin};

/// The section as the author wrote it. Its rules are derived from `[rootfs]` and `[network]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Landlock {
    pub enforce: Enforce,
    pub enforce_origin: Option<Origin>,
    pub min_abi: u32,
    pub min_abi_origin: Option<Origin>,
    /// `None`: as the namespaces leave it necessary.
    pub scope: Option<Vec<Scope>>,
    pub scope_origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Signal,
    AbstractUnix,
}

impl Default for Landlock {
    fn default() -> Landlock {
        Landlock {
            enforce: Enforce::Require,
            enforce_origin: None,
            min_abi: 1,
            min_abi_origin: None,
            scope: None,
            scope_origin: None,
        }
    }
}
