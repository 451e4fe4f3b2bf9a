//! Any text where a duration, a signal or an errno belongs, in quotes and as it is.

#![no_main]

use sandbox_fuzz::quoted;

libfuzzer_sys::fuzz_target!(|text: &str| {
    for value in [quoted(text), text.to_owned()] {
        for key in ["timeout", "stop-timeout", "stop-signal"] {
            sandbox_fuzz::text(&format!("[process]\n{key} = {value}\n"), Vec::new());
        }
        sandbox_fuzz::text(&format!("[namespaces.time]\nboottime = {value}\nmonotonic = {value}\n"), Vec::new());
    }
    let action = quoted(&format!("errno:{text}"));
    sandbox_fuzz::text(&format!("[seccomp]\nrules = [{{ syscalls = [\"read\"], action = {action} }}]\n"), Vec::new());
});
