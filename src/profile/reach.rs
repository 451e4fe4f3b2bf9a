//! What a profile lets its program reach, in a few words.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Profile;
use crate::host::{Host, Node};
use crate::isolation::capabilities::Keep;
use crate::isolation::namespaces::Nested;
use crate::isolation::network::Mode;
use crate::isolation::rootfs::{Base, Home};
use crate::isolation::seccomp::Preset;
use crate::isolation::{Access, Enforce};

/// Names of places that stand for their paths, the working directory first, and `~` for the home.
pub type Short = Vec<(PathBuf, &'static str)>;

/// More of one kind are counted, not listed.
const LISTED: usize = 3;

/// Everything beyond what an empty profile has; what is hidden or limited is left out, and so is what may be missing and
/// is.
pub fn text(profile: &Profile, short: &Short, host: &Host) -> String {
    let rootfs = &profile.rootfs;
    let mut words: Vec<String> = Vec::new();
    if profile.network.mode == Mode::Host {
        words.push("host network".into());
    }
    match rootfs.base {
        Base::System => {}
        Base::Host => words.push("reads the whole host".into()),
        Base::None => words.push("no system".into()),
    }
    match rootfs.home {
        Home::Empty => {}
        Home::ReadOnly => words.push("reads the home".into()),
        Home::ReadWrite => words.push("writes the home".into()),
    }
    let writes = there(profile, Access::ReadWrite, short, host);
    // What is read-only in a place that can be written to is no grant.
    let within = |path: &String| writes.iter().any(|place| Path::new(path).starts_with(place));
    let mut reads = there(profile, Access::ReadOnly, short, host);
    reads.retain(|path| !within(path));
    list(&mut words, "writes", writes);
    list(&mut words, "reads", reads);
    list(&mut words, "keeps", rootfs.persist.iter().map(|kept| shortened(&kept.target, short)).collect());
    list(&mut words, "devices", rootfs.devices.iter().map(|device| device.name.clone()).collect());
    match &profile.capabilities.keep {
        Keep::All => words.push("all capabilities".into()),
        Keep::Only(names) => list(&mut words, "capabilities", names.clone()),
    }
    if profile.namespaces.nested != Nested::No {
        words.push("nested sandboxes".into());
    }
    if profile.seccomp.preset == Preset::None {
        words.push("every system call".into());
    }
    if profile.landlock.enforce == Enforce::Off {
        words.push("no Landlock".into());
    }
    if words.is_empty() { "nothing".into() } else { words.join("; ") }
}

/// The same, whole.
pub fn json(profile: &Profile, short: &Short) -> Value {
    let rootfs = &profile.rootfs;
    let capabilities = match &profile.capabilities.keep {
        Keep::All => json!("all"),
        Keep::Only(names) => json!(names),
    };
    json!({
        "network": if profile.network.mode == Mode::Host { "host" } else { "none" },
        "base": match rootfs.base { Base::System => "system", Base::Host => "host", Base::None => "none" },
        "home": match rootfs.home { Home::Empty => "empty", Home::ReadOnly => "read-only", Home::ReadWrite => "read-write" },
        "writes": places(profile, Access::ReadWrite, short),
        "reads": places(profile, Access::ReadOnly, short),
        "keeps": rootfs.persist.iter().map(|kept| shortened(&kept.target, short)).collect::<Vec<_>>(),
        "devices": rootfs.devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>(),
        "capabilities": capabilities,
        "nested": profile.namespaces.nested != Nested::No,
        "filter": profile.seccomp.preset != Preset::None,
        "landlock": profile.landlock.enforce != Enforce::Off,
    })
}

fn places(profile: &Profile, access: Access, short: &Short) -> Vec<String> {
    let granted = profile.rootfs.binds.iter().filter(|bind| bind.access == access);
    granted.map(|bind| shortened(&bind.source, short)).collect()
}

/// What is there, one's own first.
fn there(profile: &Profile, access: Access, short: &Short, host: &Host) -> Vec<String> {
    let granted = profile.rootfs.binds.iter().filter(|bind| bind.access == access);
    let here = |path: &Path| short.first().is_some_and(|(here, _)| path.starts_with(here));
    let there = granted.filter(|bind| !bind.optional || here(&bind.source) || host.node(&bind.source) != Node::Missing);
    let mut places: Vec<String> = there.map(|bind| shortened(&bind.source, short)).collect();
    places.sort_by_key(|place| place.starts_with('/'));
    places
}

fn list(words: &mut Vec<String>, what: &str, items: Vec<String>) {
    let more = items.len().saturating_sub(LISTED);
    let listed = items[..items.len() - more].join(", ");
    match (items.is_empty(), more) {
        (true, _) => {}
        (_, 0) => words.push(format!("{what} {listed}")),
        _ => words.push(format!("{what} {listed} and {more} more")),
    }
}

fn shortened(path: &Path, short: &Short) -> String {
    for (place, name) in short {
        match path.strip_prefix(place) {
            Ok(rest) if rest.as_os_str().is_empty() => return (*name).to_owned(),
            Ok(rest) => return format!("{name}/{}", rest.display()),
            Err(_) => {}
        }
    }
    path.display().to_string()
}
