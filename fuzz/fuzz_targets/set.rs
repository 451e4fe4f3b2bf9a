//! Any texts as `--set`, divided by NUL, over a profile that says something for them to meet.

#![no_main]

const PROFILE: &str = include_str!("../../tests/profiles/everything.toml");
const SMALL: &str = "[vars]\nport = \"1\"\n[process]\ncommand = [\"/bin/${port}\"]\nenv = { A = \"${b:-x}\" }\n\
                     [rootfs]\nread-only = [\"/a\", \"/b:/c\"]\n[seccomp]\nallow = [\"@debug\"]\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let set: Vec<String> = text.split('\0').take(8).map(String::from).collect();
    sandbox_fuzz::text(SMALL, set.clone());
    sandbox_fuzz::text(PROFILE, set);
});
