//! The programs that tests start: the one under test, the probe that is started inside, the caller that starts both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub fn sandbox() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| match prepared() {
        Some(directory) => directory.join("sandbox"),
        None => PathBuf::from(env!("CARGO_BIN_EXE_sandbox")),
    })
}

/// The same, built to leave out the steps that `SANDBOX_REMOVE` names.
pub fn step_removal() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        if let Some(directory) = prepared() {
            return directory.join("sandbox-step-removal");
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("step-removal");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--features", "step-removal", "--target-dir"]).arg(&target);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().expect("starting cargo").success(), "{cargo:?}");
        // .cargo/config.toml names the target, so its name stands between.
        let place = sandbox().parent().and_then(|profile| profile.parent()).and_then(Path::file_name);
        let with_triple = target.join(place.unwrap_or_default()).join("debug/sandbox");
        if with_triple.exists() { with_triple } else { target.join("debug/sandbox") }
    })
}

pub fn probe() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| built("probe"))
}

pub fn caller() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| built("caller"))
}

fn prepared() -> Option<PathBuf> {
    std::env::var_os("SANDBOX_TEST_PROGRAMS").map(PathBuf::from)
}

/// From `tests/NAME/*.c`.
fn built(name: &str) -> PathBuf {
    if let Some(directory) = prepared() {
        return directory.join(name);
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let sources = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name));
    let sources = sources.expect("listing the sources").map(|entry| entry.expect("listing the sources").path());
    // Several tests may be at this at once, in several processes; a rename puts only a whole program there.
    let fresh = place.with_extension(std::process::id().to_string());
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-static", "-o"]).arg(&fresh);
    cc.args(sources.filter(|path| path.extension().is_some_and(|extension| extension == "c")));
    assert!(cc.status().expect("starting cc (hint: apt-get install gcc libc6-dev)").success(), "{cc:?}");
    std::fs::rename(&fresh, &place).expect("putting the program in its place");
    place
}
