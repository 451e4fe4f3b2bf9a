//! Which limits stop the launch where this host cannot set them; docs/decisions/0009-limits-of-bases.md says why a list
//! can name them.

use std::collections::BTreeMap;

use super::Cgroup;
use super::key::each;

impl Cgroup {
    /// Every key that is set, and whether it must hold; a list or table must hold if any of it must.
    pub fn required(&self) -> BTreeMap<&'static str, bool> {
        let mut keys: BTreeMap<_, _> = self.delegate.iter().map(|asked| ("delegate", asked.required)).collect();
        each(&mut self.clone(), &mut |key, _, required| *keys.entry(key.name()).or_default() |= *required);
        keys
    }

    /// Exactly these must hold.
    pub fn require(&mut self, keys: &[&str]) {
        if let Some(asked) = &mut self.delegate {
            asked.required = keys.contains(&"delegate");
        }
        each(self, &mut |key, _, required| *required = keys.contains(&key.name()));
    }
}
