//! Any texts as variables that may contain one another, and in every kind of string.

#![no_main]

use sandbox_fuzz::quoted;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let lines: Vec<String> = text.split('\n').take(12).map(quoted).collect();
    let mut profile = String::from("[vars]\n");
    for (name, value) in ["a", "b", "c", "d"].iter().zip(&lines) {
        profile += &format!("{name} = {value}\n");
    }
    profile += &format!("[process]\ncommand = [\"/bin/true\"]\nargs = [{}]\n", lines.join(", "));
    profile += &format!("env = {{ A = {} }}\n", lines[lines.len() - 1]);
    let set = lines.get(4).map(|line| format!("a={}", line.trim_matches('"'))).into_iter().collect();
    sandbox_fuzz::text(&profile, set);
    sandbox_fuzz::plain(text);
    profile += &format!("cwd = {0}\n[rootfs]\nread-only = [{0}]\n", lines[0]);
    sandbox_fuzz::text(&profile, Vec::new());
});
