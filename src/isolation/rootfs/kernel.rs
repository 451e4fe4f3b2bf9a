//! What of /proc and /sys is covered or made read-only: the whole machine's state, not the program's.

/// Covered where the kernel has them.
pub const PROC_HIDDEN: [&str; 19] = [
    "acpi",
    "asound",
    "interrupts",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "sched_debug",
    "scsi",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
    "vmallocinfo",
];

pub const PROC_READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sys"];

pub const SYS_HIDDEN: [&str; 8] = [
    "firmware",
    "devices/virtual/powercap",
    "fs/bpf",
    "fs/pstore",
    "fs/selinux",
    "kernel/debug",
    "kernel/tracing",
    "kernel/security",
];
