//! A profile as TOML that reads back as the same profile: everything resolved, defaults left out.

mod cgroup;
mod rootfs;
pub mod toml;

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

use toml::{fields, list, mode, names, path, quoted, spelled, spread, strings, table};

use super::names;
use super::units::show_duration;
use super::{Loaded, Profile};
use crate::isolation::Enforce;
use crate::isolation::capabilities::{Capabilities, Keep};
use crate::isolation::landlock::{Landlock, Scope};
use crate::isolation::namespaces::{ClockOffsets, IdMap, Namespaces, Nested};
use crate::isolation::network::Mode;
use crate::isolation::process::{Process, Tty};
use crate::isolation::seccomp::{Action, OnDeny, Op, Preset, Rule, Seccomp};

/// The profile with all it extends, its variables replaced and its paths absolute.
pub fn resolved_text(loaded: &Loaded) -> String {
    text(&loaded.profile)
}

pub fn text(profile: &Profile) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "name = {}", quoted(&profile.name));
    if let Some(description) = &profile.description {
        let _ = writeln!(out, "description = {}", quoted(description));
    }
    let plain = Profile::default();
    section(&mut out, "process", process(&profile.process, &plain.process));
    section(&mut out, "namespaces", namespaces(&profile.namespaces, &plain.namespaces));
    section(&mut out, "rootfs", rootfs::keys(&profile.rootfs));
    rootfs::tables(&mut out, &profile.rootfs);
    section(&mut out, "cgroup", cgroup::keys(&profile.cgroup));
    section(
        &mut out,
        "network",
        if profile.network.mode == Mode::Host { vec![("mode", quoted("host"))] } else { vec![] },
    );
    section(&mut out, "capabilities", capabilities(&profile.capabilities));
    section(&mut out, "seccomp", seccomp(&profile.seccomp));
    section(&mut out, "landlock", landlock(&profile.landlock, &plain.landlock));
    out
}

type Lines = Vec<(&'static str, String)>;

fn section(out: &mut String, name: &str, lines: Lines) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[{name}]");
    for (key, value) in lines {
        let _ = writeln!(out, "{key} = {value}");
    }
}

fn process(process: &Process, plain: &Process) -> Lines {
    let mut lines = Lines::new();
    let mut put = |is: bool, key, value: &dyn Fn() -> String| {
        if is {
            lines.push((key, value()));
        }
    };
    let words = |words: &[OsString]| list(words.iter().map(|word| quoted(&spelled(word))));
    put(!process.command.is_empty(), "command", &|| words(&process.command));
    put(!process.args.is_empty(), "args", &|| words(&process.args));
    put(process.user.is_some(), "user", &|| quoted(process.user.as_deref().unwrap_or_default()));
    put(process.groups.is_some(), "groups", &|| strings(process.groups.iter().flatten()));
    put(process.cwd.is_some(), "cwd", &|| path(process.cwd.as_deref().unwrap_or(Path::new("/"))));
    put(!process.env.is_empty(), "env", &|| table(&process.env, |value| quoted(value)));
    put(!process.env_pass.is_empty(), "env-pass", &|| strings(&process.env_pass));
    put(process.init != plain.init, "init", &|| process.init.to_string());
    put(process.tty == Tty::None, "tty", &|| quoted("none"));
    put(process.stop_signal != plain.stop_signal, "stop-signal", &|| quoted(&names::signal_name(process.stop_signal)));
    put(process.stop_timeout != plain.stop_timeout, "stop-timeout", &|| quoted(&show_duration(process.stop_timeout)));
    put(process.timeout.is_some(), "timeout", &|| quoted(&show_duration(process.timeout.unwrap_or_default())));
    let limit = |limit: &Option<u64>| limit.map_or_else(|| quoted("unlimited"), |limit| limit.to_string());
    put(!process.rlimits.is_empty(), "rlimits", &|| table(&process.rlimits, |(value, _)| limit(value)));
    put(process.umask != plain.umask, "umask", &|| mode(process.umask));
    put(process.nice.is_some(), "nice", &|| process.nice.unwrap_or_default().to_string());
    put(process.oom_score_adj.is_some(), "oom-score-adj", &|| process.oom_score_adj.unwrap_or_default().to_string());
    put(!process.no_new_privileges, "no-new-privileges", &|| "false".into());
    lines
}

fn namespaces(namespaces: &Namespaces, plain: &Namespaces) -> Lines {
    let mut lines = Lines::new();
    let switches = [
        ("user", namespaces.user),
        ("pid", namespaces.pid),
        ("ipc", namespaces.ipc),
        ("uts", namespaces.uts),
        ("cgroup", namespaces.cgroup),
    ];
    lines.extend(switches.into_iter().filter(|(_, on)| !on).map(|(key, _)| (key, "false".into())));
    match &namespaces.id_map {
        IdMap::Auto => {}
        IdMap::Range => lines.push(("id-map", quoted("range"))),
        IdMap::Lines(ranges) => {
            let range = ranges.iter().map(|range| {
                format!("{{ inside = {}, outside = {}, count = {} }}", range.inside, range.outside, range.count)
            });
            lines.push(("id-map", list(range)));
        }
    }
    match &namespaces.time {
        None => lines.push(("time", "false".into())),
        Some(offsets) if namespaces.time != plain.time => {
            let ClockOffsets { boottime, monotonic } = offsets;
            let (boottime, monotonic) = (quoted(&show_duration(*boottime)), quoted(&show_duration(*monotonic)));
            lines.push(("time", format!("{{ boottime = {boottime}, monotonic = {monotonic} }}")));
        }
        Some(_) => {}
    }
    if let Some(hostname) = &namespaces.hostname {
        lines.push(("hostname", quoted(hostname)));
    }
    match namespaces.nested {
        Nested::No => {}
        Nested::Namespaces => lines.push(("nested", quoted("namespaces"))),
        Nested::Mounts => lines.push(("nested", quoted("mounts"))),
    }
    if !namespaces.sysctl.is_empty() {
        lines.push(("sysctl", table(&namespaces.sysctl, |(value, _)| quoted(value))));
    }
    lines
}

fn capabilities(capabilities: &Capabilities) -> Lines {
    match &capabilities.keep {
        Keep::All => vec![("keep", quoted("all"))],
        Keep::Only(names) if names.is_empty() => Lines::new(),
        Keep::Only(names) => vec![("keep", strings(names))],
    }
}

fn seccomp(seccomp: &Seccomp) -> Lines {
    let mut lines = Lines::new();
    match seccomp.preset {
        Preset::Default => {}
        Preset::SystemService => lines.push(("preset", quoted("system-service"))),
        Preset::Strict => lines.push(("preset", quoted("strict"))),
        Preset::Compat => lines.push(("preset", quoted("compat"))),
        Preset::None => lines.push(("preset", quoted("none"))),
    }
    // An empty list of what is allowed is present all the same.
    let deny = Some(&seccomp.deny).filter(|deny| !deny.is_empty());
    for (key, calls) in [("allow", seccomp.allow.as_ref()), ("deny", deny)] {
        if let Some(calls) = calls {
            lines.push((key, names(calls)));
        }
    }
    if !seccomp.rules.is_empty() {
        lines.push(("rules", spread(&seccomp.rules.iter().map(rule).collect::<Vec<_>>())));
    }
    if !seccomp.architectures.is_empty() {
        lines.push(("architectures", names(&seccomp.architectures)));
    }
    match seccomp.on_deny {
        OnDeny::Errno => {}
        OnDeny::Kill => lines.push(("on-deny", quoted("kill"))),
        OnDeny::Log => lines.push(("on-deny", quoted("log"))),
    }
    lines
}

fn rule(rule: &Rule) -> String {
    let args = rule.args.iter().map(|condition| {
        let (op, mask) = match condition.op {
            Op::Eq => ("eq", None),
            Op::Ne => ("ne", None),
            Op::Lt => ("lt", None),
            Op::Le => ("le", None),
            Op::Gt => ("gt", None),
            Op::Ge => ("ge", None),
            Op::MaskedEq(mask) => ("masked-eq", Some(mask)),
        };
        fields([
            Some(("index", condition.index.to_string())),
            Some(("op", quoted(op))),
            mask.map(|mask| ("mask", mask.to_string())),
            Some(("value", condition.value.to_string())),
        ])
    });
    let action = match rule.action {
        Action::Allow => "allow".into(),
        Action::KillProcess => "kill".into(),
        Action::Log => "log".into(),
        Action::Errno(number) => match names::errno_name(number) {
            Some(name) => format!("errno:{name}"),
            None => format!("errno:{number}"),
        },
    };
    let args = (!rule.args.is_empty()).then(|| ("args", list(args)));
    fields([Some(("syscalls", names(&rule.syscalls))), args, Some(("action", quoted(&action)))])
}

fn landlock(landlock: &Landlock, plain: &Landlock) -> Lines {
    let mut lines = Lines::new();
    match landlock.enforce {
        Enforce::Require => {}
        Enforce::BestEffort => lines.push(("enforce", quoted("best-effort"))),
        Enforce::Off => lines.push(("enforce", quoted("off"))),
    }
    if landlock.min_abi != plain.min_abi {
        lines.push(("min-abi", landlock.min_abi.to_string()));
    }
    if let Some(scope) = &landlock.scope {
        let word = |scope: &Scope| match scope {
            Scope::Signal => quoted("signal"),
            Scope::AbstractUnix => quoted("abstract-unix"),
        };
        lines.push(("scope", list(scope.iter().map(word))));
    }
    lines
}

#[cfg(test)]
mod tests;
