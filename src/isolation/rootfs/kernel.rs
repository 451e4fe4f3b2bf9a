//! What of /proc and /sys is covered or made read-only: the whole machine's state, not the program's.

/// Covered where the kernel has them.
pub const PROC_HIDDEN: [&str; 24] = [
    "acpi",
    "allocinfo",
    "asound",
    "dynamic_debug",
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
    "page_owner",
    "pagetypeinfo",
    "sched_debug",
    "scsi",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
    "vmallocinfo",
    "vmcore",
];

/// Programs read in them: of pressure, what the machine is short of; of driver, which version is loaded.
pub const PROC_READ_ONLY: [&str; 7] = ["bus", "driver", "fs", "irq", "mtrr", "pressure", "sys"];

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
