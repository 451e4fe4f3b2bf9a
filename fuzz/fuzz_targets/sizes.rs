//! Any text where a size, a mode, a percentage or a list of numbers belongs, in quotes and as it is.

#![no_main]

use sandbox_fuzz::quoted;

libfuzzer_sys::fuzz_target!(|text: &str| {
    for value in [quoted(text), text.to_owned()] {
        for (section, key) in [
            ("cgroup", "memory-max"),
            ("cgroup", "cpu-max"),
            ("cgroup", "cpuset-cpus"),
            ("cgroup", "pids-max"),
            ("process", "umask"),
            ("process", "nice"),
            ("process", "user"),
            ("process", "rlimits.stack"),
            ("process", "rlimits.nofile"),
        ] {
            sandbox_fuzz::text(&format!("[{section}]\n{key} = {value}\n"), Vec::new());
        }
        sandbox_fuzz::text(&format!("[rootfs]\ntmpfs = [{{ target = \"/t\", size = {value} }}]\n"), Vec::new());
        sandbox_fuzz::text(&format!("[cgroup.hugetlb-max]\n{} = {value}\n", quoted(text)), Vec::new());
    }
});
