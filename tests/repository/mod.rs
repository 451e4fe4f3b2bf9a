//! Where the repository is, and the profiles in it.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Name and text of each profile of a directory that is text, sorted.
pub fn profiles(directory: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut profiles: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), fs::read_to_string(&path).ok()?)))
        .collect();
    profiles.sort();
    assert!(!profiles.is_empty(), "there are profiles in {}", directory.display());
    profiles
}

/// A file, by its path from here.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// One of the machines that are made up.
pub fn machine<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&read(&format!("tests/golden/hosts/{name}.json"))).unwrap()
}

/// All of them.
pub const MACHINES: [&str; 3] = ["rich", "kernel-6.1", "no-user-namespaces"];
