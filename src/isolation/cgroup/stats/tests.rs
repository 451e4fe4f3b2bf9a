//! Counters of both versions, made of ordinary files.

use std::fs;

use super::*;

fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("sandbox-stats-{}-{name}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    for (name, text) in files {
        fs::write(directory.join(name), text).unwrap();
    }
    directory
}

#[test]
fn unified() {
    let files = [
        ("cpu.stat", "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 1\nthrottled_usec 7\n"),
        ("memory.current", "10000\n"),
        ("memory.stat", "anon 6000\ninactive_file 4000\nactive_file 0\n"),
        ("memory.peak", "12000\n"),
        ("memory.swap.current", "0\n"),
        ("pids.current", "3\n"),
        ("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 rbytes=10 wbytes=20 rios=30 wios=40\n"),
        ("cpu.pressure", "some avg10=1.05 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 total=9\n"),
    ];
    let directory = directory("v2", &files);
    // No directory but a cgroup's is on that file system.
    let mut opened = Directory::open(&directory).unwrap();
    opened.is_v2 = true;
    let usage = read(&[opened], true);
    fs::remove_dir_all(directory).unwrap();
    assert_eq!(usage.cpu, Some(Cpu { usage: 300, user: Some(200), system: Some(100), throttled: Some(7) }));
    assert_eq!(usage.memory, Some(Memory { used: 6000, charged: 10000, peak: Some(12000), swap: Some(0) }));
    assert_eq!(usage.pids, Some(Pids { current: 3 }));
    assert_eq!(usage.io, Some(Io { read_bytes: 11, written_bytes: 22, reads: 33, writes: 44 }));
    assert_eq!(usage.pressure.cpu, Some(Stall { last_10s: 105, total: 123 }));
    assert_eq!(usage.pressure.memory, None);
}

#[test]
fn v1_in_a_directory_a_controller() {
    let cpu = directory("cpu", &[("cpu.stat", "nr_periods 4\nnr_throttled 2\nthrottled_time 5000\n")]);
    let account = directory(
        "cpuacct",
        &[("cpuacct.usage", "900000\n"), ("cpuacct.usage_user", "600000\n"), ("cpuacct.usage_sys", "300000\n")],
    );
    let memory = directory(
        "memory",
        &[
            ("memory.usage_in_bytes", "10000\n"),
            ("memory.max_usage_in_bytes", "11000\n"),
            ("memory.stat", "inactive_file 1\ntotal_inactive_file 2000\ntotal_swap 500\n"),
        ],
    );
    let blkio = directory(
        "blkio",
        &[
            (
                "blkio.throttle.io_service_bytes_recursive",
                "8:0 Read 5\n8:0 Write 6\n8:0 Total 11\n9:0 Read 1\nTotal 12\n",
            ),
            ("blkio.throttle.io_serviced_recursive", "8:0 Read 2\n8:0 Write 3\nTotal 5\n"),
        ],
    );
    let all = [cpu, account, memory, blkio];
    let usage = usage(&all);
    all.iter().for_each(|directory| fs::remove_dir_all(directory).unwrap());
    assert_eq!(usage.cpu, Some(Cpu { usage: 900, user: Some(600), system: Some(300), throttled: Some(5) }));
    assert_eq!(usage.memory, Some(Memory { used: 8000, charged: 10000, peak: Some(11000), swap: Some(500) }));
    assert_eq!(usage.io, Some(Io { read_bytes: 6, written_bytes: 6, reads: 2, writes: 3 }));
    assert_eq!((usage.pids, usage.pressure), (None, Pressure::default()));
}

#[test]
fn nothing_counts_for_a_sandbox_without_cgroups() {
    assert_eq!(usage(&[]), Usage::default());
    assert_eq!(serde_json::to_string(&usage(&["/nowhere".into()])).unwrap(), "{}");
}
