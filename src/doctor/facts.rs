//! The facts that `check --host` plans with on another machine.

use std::path::Path;

use crate::host::{Facts, Host};
use crate::isolation::{Findings, rootfs};
use crate::plan;
use crate::profile::{self, Overrides, Profile};

/// Profiles that together ask about what ordinary profiles ask about; their findings do not matter here.
const QUESTIONS: [&str; 6] = [
    "[process]\ncommand = [\"true\"]\nenv-pass = [\"*\"]\n",
    "[process]\ncommand = [\"true\"]\n[rootfs]\nbase = \"host\"\nhome = \"read-write\"\nwrites = \"discard\"\n",
    "[process]\ncommand = [\"true\"]\n[rootfs]\nbase = \"none\"\nsys = \"read-only\"\ndevices = [\"-gpu\", \"-alsa\", \
     \"-camera\", \"-fuse\", \"-tun\", \"-kvm\", \"-input\"]\n",
    "[process]\ncommand = [\"true\"]\n[capabilities]\nkeep = [\"kill\"]\n[network]\nmode = \"host\"\n",
    "[process]\ncommand = [\"true\"]\n[namespaces]\nid-map = \"range\"\n",
    "[process]\ncommand = [\"true\"]\nenv = { A = \"${XDG_DOWNLOAD_DIR:-} ${XDG_CONFIG_HOME:-} ${XDG_DATA_HOME:-} \
     ${XDG_STATE_HOME:-} ${XDG_CACHE_HOME:-} ${XDG_RUNTIME_DIR:-} ${HOME:-} ${USER:-} ${PWD:-}\" }\n",
];

/// Where profiles look most: what stands there, and at the names in it.
const USUAL: [&str; 9] = ["/", "/home", "/media", "/mnt", "/opt", "/srv", "/usr/local", "/var", "/var/lib"];

/// Of the caller's environment only these leave the machine: the rest may hold what nobody else is to know.
const ENVIRONMENT: [&str; 9] = ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "USER", "WAYLAND_DISPLAY"];

/// Everything that planning asks, on top of what was asked already.
pub fn facts(host: &Host) -> Facts {
    for text in QUESTIONS {
        if let Ok(loaded) = profile::load_text(text, "doctor.toml", &Overrides::default(), host) {
            ask(&loaded.profile, host);
        }
    }
    for built_in in profile::BUILT_IN {
        if let Ok(loaded) = profile::load(built_in.name, &Overrides::default(), host) {
            ask(&loaded.profile, host);
        }
    }
    for directory in USUAL {
        let directory = Path::new(directory);
        host.canonical(directory);
        for name in host.list(directory) {
            host.canonical(&directory.join(name));
        }
    }
    host.groups();
    host.limit("nofile");
    host.raises_limits();
    host.nice();
    host.capabilities();
    host.text(Path::new("/proc/self/oom_score_adj"));
    host.uptime();
    host.text(Path::new("/proc/sys/fs/nr_open"));
    host.text(Path::new("/etc/nsswitch.conf"));
    // Who else executes files.
    host.canonical(Path::new(rootfs::HANDLERS));
    host.list(Path::new(rootfs::HANDLERS));
    let mut facts = host.facts();
    if let Some(environment) = &mut facts.env {
        let known = |name: &str| ENVIRONMENT.contains(&name) || name.starts_with("XDG_") || name.starts_with("LC_");
        environment.retain(|name, _| known(name));
    }
    facts
}

/// Has a profile planned: what that asks, the host remembers.
pub fn ask(profile: &Profile, host: &Host) {
    plan::review(profile, host, &mut Findings::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_a_profile() {
        for text in QUESTIONS {
            let loaded = profile::load_text(text, "doctor.toml", &Overrides::default(), &Host::live());
            assert!(loaded.is_ok(), "{text}: {}", loaded.unwrap_err());
        }
    }

    #[test]
    fn what_was_planned_here_is_planned_alike_from_the_facts() {
        let here = Host::live();
        let there = Host::known(facts(&here));
        for text in QUESTIONS.into_iter().filter(|text| !text.contains("env-pass")) {
            let steps = |host: &Host| {
                let loaded = profile::load_text(text, "doctor.toml", &Overrides::default(), host).unwrap();
                let mut findings = Findings::default();
                let plan = plan::plan(&loaded.profile, host, &mut findings);
                (plan.map(|plan| crate::explain::text(&plan, false)), findings.0)
            };
            assert_eq!(steps(&here), steps(&there), "{text}");
        }
        assert_eq!(there.unknown(), Vec::<String>::new());
    }

    #[test]
    fn secrets_of_the_environment_stay_here() {
        let host = Host::known(Facts {
            env: Some([("TOKEN".to_owned(), "x".to_owned()), ("XDG_DATA_HOME".to_owned(), "/d".to_owned())].into()),
            ..Facts::default()
        });
        let environment = facts(&host).env.unwrap();
        assert_eq!(environment.keys().collect::<Vec<_>>(), ["XDG_DATA_HOME"]);
    }
}
