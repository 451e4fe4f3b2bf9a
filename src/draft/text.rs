//! The draft as a commented profile: what is granted, and beside it what a person may want to grant.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::Findings;
use super::service::Service;
use super::unit::Arguments;
use crate::host::Host;
use crate::profile::{Overrides, escaped, is_name, load_text, quoted};
use crate::say::printable;

/// Whoever is linked to one of these is likely to talk to others.
const NETWORK: [&str; 7] = ["libcurl", "libssl", "libgnutls", "libssh", "libssh2", "libnghttp2", "libneon"];

/// Whoever is linked to one of these has windows.
const WINDOWS: [&str; 8] =
    ["libX11", "libwayland-client", "libgtk-3", "libgtk-4", "libQt5Gui", "libQt6Gui", "libSDL2-2", "libgtk-x11-2"];

/// What `--output` would be called, if it were left to us.
pub fn file_name(app: &str) -> String {
    format!("{}.toml", app.rsplit('/').next().unwrap_or(app))
}

pub fn text(found: &Findings, file: Option<&Path>, home: Option<&Path>, host: &Host) -> String {
    let mut out = String::new();
    let windows = found.desktop.as_ref().is_some_and(|desktop| !desktop.terminal) || linked(found, &WINDOWS).is_some();
    let base = match windows {
        true => "gui",
        false if found.service.is_some() => "service",
        false => "application",
    };
    // As docs/profile.md says: it lies beside the profiles.
    out.push_str("#:schema ./schema.json\n");
    head(&mut out, found, file, base, windows);
    process(&mut out, found, home);
    rootfs(&mut out, found, home, &hidden(base, host));
    if found.i386 {
        out.push_str("\n[seccomp]\n# It is a 32-bit program.\narchitectures = [\"native\", \"x86\"]\n");
    }
    out
}

fn head(out: &mut String, found: &Findings, file: Option<&Path>, base: &str, windows: bool) {
    let name = &found.name;
    let _ = writeln!(out, "# A start for {}, read and not run: it reaches what is not commented out.", line(name));
    out.push_str("#\n");
    let _ = writeln!(out, "# {}.", line(&found.what));
    if let Some(desktop) = &found.desktop {
        let _ = writeln!(out, "# {} describes it.", line(&desktop.path.display().to_string()));
    }
    if let Some(service) = &found.service {
        let _ = writeln!(out, "# {} starts it as", line(&service.unit.path.display().to_string()));
        let _ = writeln!(out, "#     {}", line(&service.unit.start));
        out.push_str("# Before it serves, fill in:\n");
        for what in service.to_fill_in() {
            let _ = writeln!(out, "# - {what}");
        }
    }
    for remark in &found.remarks {
        let _ = writeln!(out, "# Note: {}.", line(remark));
    }
    if windows {
        out.push_str(
            "# Note: the sockets of the desktop cannot be granted in this version yet (sockets in [rootfs]).\n",
        );
    }
    match &found.profiles[..] {
        [] => {}
        [one] => *out += &format!("# There is a profile for it already: sandbox profiles show {one}\n"),
        more => *out += &format!("# There are profiles for it already (sandbox profiles show): {}\n", more.join(", ")),
    }
    let stem = file.and_then(Path::file_stem).map_or_else(|| name.clone(), |stem| stem.to_string_lossy().into_owned());
    if !is_name(&stem) {
        let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(63).collect();
        let _ = writeln!(out, "name = {}", quoted(if plain.is_empty() { "program" } else { &plain }));
    }
    let comment = found.desktop.as_ref().and_then(|desktop| desktop.comment.clone());
    let description = comment.map_or_else(|| line(name), |comment| line(&format!("{name}: {comment}")));
    let _ = writeln!(out, "description = {}", quoted(&description));
    let _ = writeln!(out, "extends = {}", quoted(base));
    let _ = writeln!(out, "# {}", network(found));
    let _ = writeln!(out, "# extends = [{}, \"online\"]", quoted(base));
}

fn process(out: &mut String, found: &Findings, home: Option<&Path>) {
    let path = found.path.display().to_string();
    let command = match home.and_then(|home| found.path.strip_prefix(home).ok()) {
        Some(below) => escaped(&format!("${{HOME}}/{}", below.display().to_string().replace('$', "$$"))),
        None => quoted(&path),
    };
    let _ = writeln!(out, "\n[process]\ncommand = [{command}]");
    if let Some(service) = &found.service {
        server(out, service);
    }
    if !found.search.is_empty() {
        let mut search: Vec<String> = found.search.iter().map(|place| place.display().to_string()).collect();
        search.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(String::from));
        let _ = writeln!(out, "# Its first line has env(1) look for the interpreter there.");
        let _ = writeln!(out, "env = {{ PATH = {} }}", quoted(&search.join(":")));
    }
}

fn server(out: &mut String, service: &Service) {
    match &service.unit.arguments {
        Arguments::Words(words) if !words.is_empty() => {
            let _ = writeln!(out, "# As its unit does.\nargs = [{}]", list(words));
        }
        Arguments::Background(words) => {
            let _ = writeln!(out, "# As its unit does, in the background:\n# args = [{}]", list(words));
        }
        _ => {}
    }
    match &service.account {
        Some(user) if service.root => {
            let _ = writeln!(out, "user = {}", quoted(user));
        }
        Some(user) => {
            let _ = writeln!(out, "# As root, its own account:\n# user = {}", quoted(user));
        }
        None => out.push_str("# user = \"…\"\n"),
    }
    if let Some(first) = service.unit.state.first() {
        let _ = writeln!(out, "cwd = {}", quoted(first));
    }
}

fn list(entries: &[String]) -> String {
    entries.iter().map(|entry| quoted(entry)).collect::<Vec<_>>().join(", ")
}

fn rootfs(out: &mut String, found: &Findings, home: Option<&Path>, hidden: &[PathBuf]) {
    out.push_str("\n[rootfs]\n");
    match &found.service {
        Some(service) if !service.state.is_empty() || !service.scratch.is_empty() => {
            if !service.state.is_empty() {
                out.push_str("# Its data: kept under the sandbox's name from one run to the next.\n");
                let _ = writeln!(out, "persist = [{}]", list(&service.state));
            }
            if !service.scratch.is_empty() {
                out.push_str("# What it writes here is gone at the end.\n");
                let _ = writeln!(out, "tmpfs = [{}]", list(&service.scratch));
            }
        }
        _ => out.push_str(
            "# Its home is empty, and what it writes is gone at the end: files go in and out where they are granted\n\
             # here. `${PWD}` is the directory that it is called in.\n",
        ),
    }
    out.push_str("# Whatever it may read, and no more.\nread-only = [\n");
    out.push_str("    # \"${PWD}\",\n");
    for (place, why) in &found.grants {
        let _ = writeln!(out, "    {},  # {why}", entry(place, home));
    }
    for place in found.yours.iter().filter(|place| !place.writable) {
        let _ = writeln!(out, "    {},  # {}", entry(&place.path, home), place.what);
    }
    out.push_str("]\n# What it may also change and delete.\nread-write = [\n    # \"${PWD}\",\n");
    for place in found.yours.iter().filter(|place| place.writable) {
        let _ = writeln!(out, "    {},  # {}", entry(&place.path, home), place.what);
    }
    out.push_str("]\n");
    let covered: Vec<String> = found
        .yours
        .iter()
        .filter(|place| hidden.contains(&place.path))
        .map(|place| quoted(&format!("!{}", short(&place.path, home))))
        .collect();
    if !covered.is_empty() {
        let _ = writeln!(out, "# The base hides this from every program but its own.\nhide = [{}]", covered.join(", "));
    }
    if found.desktop.as_ref().is_some_and(super::Desktop::sound) {
        out.push_str("# For sound without a sound server.\n# devices = [\"alsa\"]\n");
    }
}

fn network(found: &Findings) -> String {
    const INSTEAD: &str = "With the host's network:";
    match (&found.desktop, linked(found, &NETWORK)) {
        (Some(desktop), _) if desktop.network() => {
            format!("Its categories are {}: it needs the network. {INSTEAD}", line(&desktop.categories.join(", ")))
        }
        (_, Some(library)) => format!("It is linked to {library}, and may want the network. {INSTEAD}"),
        _ => format!("It has no network but its own loopback. {INSTEAD}"),
    }
}

/// What a base covers in the home, whatever its children grant around it.
fn hidden(base: &str, host: &Host) -> Vec<PathBuf> {
    let text = format!("extends = {}\n", quoted(base));
    let loaded = load_text(&text, "draft.toml", &Overrides::default(), host);
    loaded.map(|loaded| loaded.profile.rootfs.hide.into_iter().map(|hide| hide.target).collect()).unwrap_or_default()
}

/// The first of these that it is linked to.
fn linked<'a>(found: &'a Findings, names: &[&str]) -> Option<&'a str> {
    let stem = |library: &'a str| library.split(".so").next().unwrap_or(library);
    found.libraries.iter().map(|library| stem(library)).find(|library| {
        names.iter().any(|name| library == name || library.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
    })
}

/// As an entry of a list of paths.
fn entry(path: &Path, home: Option<&Path>) -> String {
    let text = short(path, home);
    if text.contains(':') { format!("{{ source = {} }}", quoted(&text)) } else { quoted(&text) }
}

/// The home as `~`.
fn short(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

/// One line of a comment, whatever a file is called.
fn line(text: &str) -> String {
    printable(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
}
