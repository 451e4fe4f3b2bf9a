//! `[capabilities]`: which parts of root's power the program holds.

use super::Origin;

/// The section as the author wrote it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Capabilities {
    pub keep: Keep,
    pub keep_origin: Option<Origin>,
}

/// What the program holds after exec: bounding, permitted, effective, inheritable and ambient sets alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Names in lower case without the `cap_` prefix, as in capabilities(7): `net_bind_service`.
    Only(Vec<String>),
    All,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep::Only(Vec::new())
    }
}
