//! Any bytes as the text of a profile.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    sandbox_fuzz::text(&String::from_utf8_lossy(data), Vec::new());
});
