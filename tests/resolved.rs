//! What is accepted, printed resolved and read again gives the same plan: for every profile that comes along, and for
//! profiles put together from every key. `COMBINATIONS=100000 cargo test --test resolved` looks longer.

mod random;
mod reads_back;
mod repository;
mod samples;

use std::collections::BTreeMap;

use sandbox::host::{Facts, Host};
use sandbox::profile::{self, Overrides};

use random::Random;
use repository::{MACHINES, machine};

#[test]
fn every_profile_means_the_same_once_it_is_printed() {
    for facts in machines() {
        for built_in in profile::BUILT_IN {
            let overrides = Overrides { args: Some(vec!["./program".into()]), ..Overrides::default() };
            let read = profile::load(built_in.name, &overrides, &Host::known(facts.clone()));
            assert!(reads_back::judge(read, &facts, built_in.name), "{} is refused", built_in.name);
        }
    }
}

/// What a built-in base asks for is no duty; printed without its base, it must not become one.
#[test]
fn a_limit_of_a_base_beside_one_of_the_authors_stays_best_effort() {
    let text = "extends = \"strict\"\n[process]\ncommand = [\"/bin/true\"]\n[cgroup]\nmemory-max = \"1G\"\n";
    for facts in machines() {
        assert!(reads_back::judge(read(text, &facts), &facts, text));
    }
    let loaded = read(text, &reads_back::facts()).unwrap();
    assert!(profile::resolved_text(&loaded).contains("enforce = [\"memory-max\"]\n"));
}

#[test]
fn there_are_samples_of_every_key() {
    let sampled: Vec<_> = samples::GOOD.iter().map(|(section, key, _)| (*section, *key)).collect();
    let keys: Vec<_> =
        profile::keys().filter(|(.., refused)| !refused).map(|(section, key, _)| (section, key)).collect();
    assert_eq!(sampled, keys);
}

#[test]
fn every_sample_alone_is_accepted_and_means_the_same() {
    let facts = reads_back::facts();
    for (section, key, values) in samples::GOOD {
        for value in *values {
            let mut text = format!("[{section}]\n{key} = {value}\n");
            // What cannot stand without another key.
            text += match (*key, *value) {
                ("no-new-privileges", "false") => "[seccomp]\npreset = \"none\"\n[landlock]\nenforce = \"off\"\n",
                ("nested", "\"mounts\"") => "[landlock]\nenforce = \"off\"\n",
                ("keep", "[\"sys_resource\"]") => "[namespaces]\nnested = \"namespaces\"\n",
                _ => "",
            };
            assert!(
                reads_back::judge(read(&text, &facts), &facts, &text),
                "{text}{}",
                read(&text, &facts).unwrap_err()
            );
        }
    }
}

/// Parent, child and command line, each with some keys.
#[test]
fn combinations_mean_the_same_once_they_are_printed() {
    let count = std::env::var("COMBINATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(1500);
    let machines = machines();
    let bases = ["", "strict", "service", "project", "converter"];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut accepted = 0;
    for turn in 0..count {
        let base = random.pick(&bases);
        let mut text = if base.is_empty() { String::new() } else { format!("extends = \"{base}\"\n") };
        let mut sections: BTreeMap<&str, String> = BTreeMap::new();
        for _ in 0..=random.below(12) {
            let (section, key, values) = random.pick(samples::GOOD);
            let body = sections.entry(section).or_default();
            if !body.contains(&format!("{key} = ")) {
                *body += &format!("{key} = {}\n", random.pick(values));
            }
        }
        for (section, body) in &sections {
            text += &format!("[{section}]\n{body}");
        }
        let mut set = Vec::new();
        for _ in 0..random.below(4) {
            let (section, key, values) = random.pick(samples::GOOD);
            set.push(format!("{section}.{key}={}", random.pick(values)));
        }
        let facts = &machines[turn % machines.len()];
        let overrides = Overrides { set, args: Some(vec!["./x".into()]), ..Overrides::default() };
        let read = profile::load_text(&text, "/profiles/p.toml", &overrides, &Host::known(facts.clone()));
        accepted += usize::from(reads_back::judge(read, facts, &format!("{text}{:?}", overrides.set)));
    }
    assert!(accepted > count / 4, "only {accepted} of {count} were accepted");
}

fn read(text: &str, facts: &Facts) -> Result<profile::Loaded, profile::Diagnostics> {
    profile::load_text(text, "/profiles/p.toml", &Overrides::default(), &Host::known(facts.clone()))
}

/// Made up, and each with root logged in too.
fn machines() -> Vec<Facts> {
    let users = MACHINES.map(machine::<Facts>);
    let root = users.clone().map(|facts| Facts { uid: Some(0), gid: Some(0), groups: Some(vec![0]), ..facts });
    users.into_iter().chain(root).collect()
}
