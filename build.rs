//! Puts every profile under `profiles/` into the program, so that a new file there needs no other change.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=profiles");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let mut profiles = read(&Path::new(&root).join("profiles"), false);
    profiles.extend(read(&Path::new(&root).join("profiles/base"), true));
    profiles.sort();
    let twice = profiles.windows(2).find(|pair| pair[0].0 == pair[1].0);
    assert!(twice.is_none(), "two profiles have one name: {twice:?}");
    let mut table = String::from("&[\n");
    for (name, base, path) in profiles {
        let _ = writeln!(table, "BuiltIn {{ name: {name:?}, base: {base}, text: include_str!({path:?}) }},");
    }
    table.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("profiles.rs"), table).expect("OUT_DIR is writable");
}

/// Name, whether it is a base, and absolute path.
fn read(directory: &Path, base: bool) -> Vec<(String, bool, String)> {
    // Watched one by one: a directory's own time changes only when names come or go.
    println!("cargo:rerun-if-changed={}", directory.display());
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let profiles = entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    profiles
        .map(|path| {
            println!("cargo:rerun-if-changed={}", path.display());
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("profile names are UTF-8");
            (name.to_owned(), base, path.to_str().expect("paths are UTF-8").to_owned())
        })
        .collect()
}
