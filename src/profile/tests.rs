//! Whole profiles: what several files, variables and the command line add up to.

mod lookup;
mod merging;
mod origins;
mod variables;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::find::BuiltIn;
use super::load::load_with;
use super::{Diagnostics, Loaded, Overrides};
use crate::host::{Facts, Host};

/// A directory of profiles that is removed afterwards, and a machine whose user's configuration it is.
struct World {
    root: PathBuf,
    env: BTreeMap<String, String>,
    built_in: Vec<BuiltIn>,
}

impl World {
    fn new(files: &[(&str, &str)]) -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("sandbox-profile-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(unique);
        fs::create_dir_all(root.join("config/sandbox/profiles")).unwrap();
        let root = root.canonicalize().unwrap();
        let env = BTreeMap::from([("XDG_CONFIG_HOME".into(), root.join("config").to_str().unwrap().to_owned())]);
        let world = World { root, env, built_in: Vec::new() };
        files.iter().for_each(|(name, text)| world.write(name, text));
        world
    }

    /// `name` without a slash is on the search path.
    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.contains('/') { self.root.join(name) } else { self.root.join("config/sandbox/profiles").join(name) }
    }

    fn host(&self) -> Host {
        let uid = nix::unistd::getuid().as_raw();
        let mut facts = Facts { uid: Some(uid), gid: Some(uid), env: Some(self.env.clone()), ..Facts::default() };
        facts.cwd = Some(self.root.clone());
        let passwd = format!("me:x:{uid}:{uid}::/home/me:/bin/sh\n");
        facts.texts.insert("/etc/passwd".into(), Some(passwd));
        facts.texts.insert(
            self.root.join("config/user-dirs.dirs").to_string_lossy().into_owned(),
            Some("XDG_DOWNLOAD_DIR=\"$HOME/Down\"\nXDG_MUSIC_DIR=\"$HOME/\"\n# x\n".into()),
        );
        Host::known(facts)
    }

    fn load(&self, name: &str, set: &[&str]) -> Result<Loaded, Diagnostics> {
        let overrides = Overrides { set: set.iter().map(|set| (*set).to_owned()).collect(), ..Overrides::default() };
        load_with(name, &overrides, &self.host(), &self.host(), &self.built_in)
    }

    fn good(&self, name: &str, set: &[&str]) -> Loaded {
        self.load(name, set).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// The messages alone.
    fn bad(&self, name: &str, set: &[&str]) -> Vec<String> {
        let problems = self.load(name, set).map(|loaded| loaded.profile).unwrap_err();
        problems.list.into_iter().map(|problem| problem.message).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn strings(list: &[std::ffi::OsString]) -> Vec<&str> {
    list.iter().map(|word| word.to_str().unwrap()).collect()
}
