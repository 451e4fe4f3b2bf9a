//! Any texts as entries of lists of paths: their marks, their colon, where they lead.

#![no_main]

use sandbox_fuzz::quoted;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let lines: Vec<String> = text.split('\n').take(16).map(quoted).collect();
    let all = lines.join(", ");
    for key in ["read-only", "read-write", "tmpfs", "persist", "hide", "devices"] {
        sandbox_fuzz::text(&format!("[rootfs]\n{key} = [{all}]\n"), Vec::new());
    }
    let half = lines.len() / 2;
    let (sources, targets) = lines.split_at(half);
    let mut profile = format!("[process]\ncwd = {}\n[rootfs]\nwrites = \"discard\"\n", lines[0]);
    profile += &format!("hide = [{}]\ntmpfs = [{}]\nread-only = [\n", sources.join(", "), targets.join(", "));
    for (source, target) in sources.iter().zip(targets) {
        profile += &format!("{{ source = {source}, target = {target}, optional = true }},\n");
    }
    profile += "]\n[rootfs.files]\n";
    for (path, text) in sources.iter().zip(targets) {
        profile += &format!("{path} = {text}\n");
    }
    profile += "[rootfs.symlinks]\n";
    for (path, text) in targets.iter().zip(sources) {
        profile += &format!("{path} = {text}\n");
    }
    // Paths that a parent wrote, to be taken away again.
    let set = targets.iter().map(|line| format!("rootfs.hide=[{line}]")).collect();
    sandbox_fuzz::text(&profile, set);
});
