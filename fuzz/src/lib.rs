//! What the targets share.

use std::path::Path;
use std::sync::LazyLock;

use sandbox::host::{Facts, Host};
use sandbox::profile::{self, Overrides};

#[path = "../../tests/reads_back/mod.rs"]
pub mod reads_back;

/// The made-up machine, with this process's user: files that a target writes must be its own.
pub static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    let mut facts = reads_back::facts();
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("there is a /proc"));
    if let Some(Some(passwd)) = facts.texts.get_mut("/etc/passwd") {
        passwd.insert_str(0, &format!("fuzz:x:{own}:{own}::/home/ada:/bin/sh\n"));
    }
    facts.uid = Some(own);
    facts
});

/// A text as the file `/profiles/p.toml`, with `--set` for each of these.
pub fn text(text: &str, set: Vec<String>) {
    let overrides = Overrides { set, ..Overrides::default() };
    let read = profile::load_text(text, "/profiles/p.toml", &overrides, &Host::known(FACTS.clone()));
    reads_back::judge(read, &FACTS, &format!("{text}\n{:?}", overrides.set));
}

/// What the command line gives to a variable is plain text, whatever it is.
pub fn plain(value: &str) {
    let overrides = Overrides { set: vec![format!("a={value}")], ..Overrides::default() };
    let text = "[vars]\na = \"\"\nb = \"${a}\"\n[process]\ncommand = [\"/bin/true\", \"${a}\", \"${b}\"]\n";
    if let Ok(read) = profile::load_text(text, "/profiles/p.toml", &overrides, &Host::known(FACTS.clone())) {
        assert!(read.profile.process.command[1..].iter().all(|word| word == value), "{value:?}");
    }
}

/// A file, where `config` is the directory that XDG_CONFIG_HOME names.
pub fn file_in(config: &Path, path: &Path, shown: &str) {
    let mut facts = FACTS.clone();
    facts.env.get_or_insert_default().insert("XDG_CONFIG_HOME".into(), config.to_string_lossy().into_owned());
    let read = profile::load(&path.to_string_lossy(), &Overrides::default(), &Host::known(facts.clone()));
    reads_back::judge(read, &facts, shown);
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
