//! Several files that may extend one another, by `./p1.toml` or by `p1`: divided by a line of `---`.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What XDG_CONFIG_HOME names: a directory in memory, where a name is looked up too. `fuzz/run` makes and removes it.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let config = std::env::var_os("SANDBOX_FUZZ").expect("SANDBOX_FUZZ names a directory to write to").into();
    fs::create_dir_all(Path::new(&config).join("sandbox/profiles")).expect("writing to SANDBOX_FUZZ");
    config
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let place = PLACE.join("sandbox/profiles");
    let mut parts = text.split("\n---\n");
    for number in 0..5 {
        let path = place.join(format!("p{number}.toml"));
        match parts.next() {
            Some(part) => fs::write(path, part).expect("writing to SANDBOX_FUZZ"),
            None => drop(fs::remove_file(path)),
        }
    }
    sandbox_fuzz::file_in(&PLACE, &place.join("p0.toml"), text);
});
