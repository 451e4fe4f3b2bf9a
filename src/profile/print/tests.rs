use std::collections::BTreeMap;

use super::*;
use crate::host::{Facts, Host};
use crate::isolation::Origin;
use crate::profile::load::load_text;
use crate::profile::{Overrides, keys};

fn host() -> Host {
    let mut facts = Facts { uid: Some(1000), cwd: Some("/work".into()), ..Facts::default() };
    facts.texts.insert("/etc/passwd".into(), Some("me:x:1000:1000::/home/me:/bin/sh\n".into()));
    Host::known(facts)
}

fn load(text: &str) -> Profile {
    let mut profile = load_text(text, "/profiles/p.toml", &Overrides::default(), &host())
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
        .profile;
    forget_origins(&mut profile);
    profile
}

/// Where something was written is no part of what was written.
fn forget_origins(profile: &mut Profile) {
    let nowhere = Origin { file: "".into(), line: 0, column: 0 };
    let Profile { process, namespaces, rootfs, cgroup, network, capabilities, seccomp, landlock, .. } = profile;
    for origin in [
        &mut process.command_origin,
        &mut namespaces.time_origin,
        &mut process.user_origin,
        &mut process.groups_origin,
        &mut process.cwd_origin,
        &mut process.nice_origin,
        &mut process.oom_score_adj_origin,
        &mut process.env_pass_origin,
        &mut namespaces.user_origin,
        &mut namespaces.id_map_origin,
        &mut namespaces.hostname_origin,
        &mut namespaces.nested_origin,
        &mut rootfs.base_origin,
        &mut rootfs.writes_origin,
        &mut rootfs.home_origin,
        &mut network.mode_origin,
        &mut capabilities.keep_origin,
        &mut seccomp.preset_origin,
        &mut landlock.enforce_origin,
        &mut landlock.min_abi_origin,
        &mut landlock.scope_origin,
    ] {
        *origin = None;
    }
    namespaces.sysctl.values_mut().for_each(|(_, origin)| *origin = nowhere.clone());
    process.rlimits.values_mut().for_each(|(_, origin)| *origin = nowhere.clone());
    rootfs.binds.iter_mut().for_each(|entry| entry.origin = None);
    rootfs.persist.iter_mut().for_each(|entry| entry.origin = None);
    rootfs.tmpfs.iter_mut().for_each(|entry| entry.origin = None);
    rootfs.hide.iter_mut().for_each(|entry| entry.origin = None);
    rootfs.files.iter_mut().for_each(|entry| entry.origin = None);
    rootfs.symlinks.iter_mut().for_each(|entry| entry.origin = None);
    rootfs.devices.iter_mut().for_each(|entry| entry.origin = None);
    let limits = [
        &mut cgroup.memory_max,
        &mut cgroup.memory_high,
        &mut cgroup.memory_low,
        &mut cgroup.memory_swap_max,
        &mut cgroup.cpu_max,
        &mut cgroup.pids_max,
    ];
    let limits = limits.into_iter().flatten().chain(cgroup.hugetlb_max.values_mut());
    limits.for_each(|asked| asked.origin = nowhere.clone());
    let weights = [&mut cgroup.cpu_weight, &mut cgroup.io_weight];
    weights.into_iter().flatten().for_each(|asked| asked.origin = nowhere.clone());
    let sets = [&mut cgroup.cpuset_cpus, &mut cgroup.cpuset_mems];
    sets.into_iter().flatten().for_each(|asked| asked.origin = nowhere.clone());
    let flags = [&mut cgroup.memory_oom_group, &mut cgroup.delegate];
    flags.into_iter().flatten().for_each(|asked| asked.origin = nowhere.clone());
    cgroup.io_max.iter_mut().for_each(|asked| asked.origin = nowhere.clone());
    seccomp.allow.iter_mut().flatten().for_each(|name| name.origin = None);
    let lists = [&mut seccomp.deny, &mut seccomp.architectures];
    lists.into_iter().flatten().for_each(|name| name.origin = None);
    for rule in &mut seccomp.rules {
        rule.origin = None;
        rule.syscalls.iter_mut().for_each(|name| name.origin = None);
    }
    // The order of binds with different access is not part of what they mean: a place is taken once.
    rootfs.binds.sort_by(|a, b| a.target.cmp(&b.target));
}

const EVERYTHING: &str = include_str!("../../../tests/profiles/everything.toml");

/// What cannot stand together with the above.
const REST: &str = r#"
[namespaces]
user = false
pid = false
uts = false
time = false
id-map = "auto"
[rootfs]
sys = "none"
[network]
mode = "host"
[capabilities]
keep = "all"
[seccomp]
preset = "compat"
deny = ["ptrace"]
rules = [
    { syscalls = ["socket", "-nope"], args = [{ index = 0, op = "eq", value = 16 }, { index = 1, op = "masked-eq", mask = 255, value = 18446744073709551615 }], action = "errno:EPERM" },
    { syscalls = ["open"], action = "allow" },
    { syscalls = ["open"], action = "errno:4000" },
]
on-deny = "log"
[landlock]
enforce = "best-effort"
min-abi = 3
scope = []
"#;

#[test]
fn every_key_reads_back() {
    let mut printed = String::new();
    for profile in [EVERYTHING, REST] {
        let first = load(profile);
        let again = text(&first);
        let mut second = load(&again);
        second.files.clone_from(&first.files);
        assert_eq!(first, second, "{again}");
        assert_eq!(again, text(&second));
        printed += &again;
    }
    // These say nothing that is not the default.
    let silent = ["restart"];
    for (section, keys) in keys::SECTIONS {
        for (key, _) in *keys {
            let built = !keys::not_yet(section, key, None) && !silent.contains(key);
            let within = printed.split("\n[").filter(|part| part.starts_with(&format!("{section}]")));
            let line = within.into_iter().any(|part| part.contains(&format!("\n{key} = ")));
            let there = line || printed.contains(&format!("[{section}.{key}]"));
            assert_eq!(there, built, "[{section}] {key}");
        }
    }
}

/// Random profiles out of valid pieces: whatever is accepted means the same once printed.
#[test]
fn what_is_accepted_reads_back() {
    let lines: Vec<(&str, Vec<&str>)> = [EVERYTHING, REST].iter().flat_map(|text| sections(text)).collect();
    let mut accepted = 0;
    for seed in 1..400u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut profile = BTreeMap::<&str, BTreeMap<&str, &str>>::new();
        for (section, keys) in &lines {
            for line in keys {
                if random.below(4) == 0 {
                    let key = line.split(' ').next().unwrap();
                    profile.entry(section).or_default().insert(key, line);
                }
            }
        }
        let text_of = |(section, keys): (&&str, &BTreeMap<&str, &str>)| {
            let lines: Vec<&str> = keys.values().copied().collect();
            format!("[{section}]\n{}\n", lines.join("\n"))
        };
        let written: String = profile.iter().map(text_of).collect();
        let Ok(loaded) = load_text(&written, "/profiles/p.toml", &Overrides::default(), &host()) else { continue };
        accepted += 1;
        let mut first = loaded.profile;
        forget_origins(&mut first);
        let printed = text(&first);
        let mut second = load(&printed);
        second.files.clone_from(&first.files);
        assert_eq!(first, second, "{written}\n---\n{printed}");
    }
    assert!(accepted > 50, "only {accepted} of the random profiles were accepted");
}

/// The keys of each section, one a line (continuation lines joined).
fn sections(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut sections = Vec::new();
    for part in text.split("\n[").skip(1) {
        let (name, body) = part.split_once("]\n").unwrap();
        let mut keys = Vec::new();
        let mut rest = body;
        while !rest.trim().is_empty() {
            let mut end = rest.find('\n').unwrap_or(rest.len());
            while rest[end..].starts_with("\n    ") || rest[end..].starts_with("\n]") {
                end += 1 + rest[end + 1..].find('\n').unwrap_or(rest.len() - end - 1);
            }
            keys.push(&rest[..end]);
            rest = &rest[(end + 1).min(rest.len())..];
        }
        sections.push((name, keys));
    }
    sections
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
