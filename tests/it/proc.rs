//! PROC and PROP: the program's own /proc, with the whole machine's state covered; and mounts that do not cross.

use crate::harness::{Sandbox, is_root, outside};

/// All that docs/security.md's layer of mounts covers below /proc, where the kernel has it.
const HIDDEN: [&str; 24] = [
    "/proc/acpi",
    "/proc/allocinfo",
    "/proc/asound",
    "/proc/dynamic_debug",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/key-users",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/kpagecgroup",
    "/proc/kpagecount",
    "/proc/kpageflags",
    "/proc/latency_stats",
    "/proc/page_owner",
    "/proc/pagetypeinfo",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/slabinfo",
    "/proc/sysrq-trigger",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/vmallocinfo",
    "/proc/vmcore",
];
const SETTINGS: [&str; 11] = [
    "/proc/sysrq-trigger",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/irq/default_smp_affinity",
    "/proc/mtrr",
    "/proc/pressure/cpu",
    "/proc/pressure/memory",
];

#[test]
fn only_its_own_processes_are_in_it() {
    let seen = Sandbox::new().probe("ls /proc + cat /proc/self/status").succeeds();
    let numbers: Vec<u32> = seen.values("entry").filter_map(|name| name.parse().ok()).collect();
    assert!(numbers.iter().all(|pid| *pid < 10) && numbers.len() == 2, "{seen}");
}

#[test]
fn the_machines_state_cannot_be_read() {
    let words: Vec<String> = HIDDEN.iter().map(|path| format!("cat {path}")).collect();
    let seen = Sandbox::new().with("process", r#"user = "root""#).probe(&words.join(" + ")).succeeds();
    // Covered by an empty file, unreadable, or not there: whichever, no line of it is seen.
    let told = |line: &&str| {
        !(line.starts_with("cat /proc/") && ["EACCES", "EPERM", "ENOENT"].iter().any(|errno| line.ends_with(errno)))
    };
    assert_eq!(seen.stdout.lines().find(told), None, "{seen}");
    if is_root() {
        let open = outside("cat /proc/kallsyms + cat /proc/timer_list");
        assert!(open.stdout.lines().count() > 100, "outside they can be read");
    }
}

/// By Landlock and by the mounts: with the one off, and a capability that no file's mode stops, the other still holds.
#[test]
fn the_machines_state_can_be_neither_opened_nor_written() {
    let words: Vec<String> = HIDDEN
        .iter()
        .flat_map(|path| {
            ["read", "write", "list", "create"].map(|verb| match verb {
                "create" => format!("create {path}/x"),
                _ => format!("{verb} {path}"),
            })
        })
        .collect();
    let there: Vec<&&str> = HIDDEN.iter().filter(|path| std::path::Path::new(path).exists()).collect();
    for user in ["root", "nobody"] {
        let sandbox = Sandbox::new().with("process", &format!("user = {user:?}"));
        let seen = sandbox.probe(&words.join(" + ")).succeeds();
        for words in &words {
            seen.refuses(words, &["EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "EROFS"]);
        }
        let bare = sandbox
            .with("landlock", r#"enforce = "off""#)
            .with("capabilities", r#"keep = ["dac_override"]"#)
            .probe(&words.join(" + "))
            .exits(0);
        for path in &there {
            // Opened for reading it is empty: what it shows is `the_machines_state_cannot_be_read`'s.
            bare.refuses(&format!("write {path}"), &["EROFS", "EISDIR", "EACCES"]);
            bare.refuses(&format!("create {path}/x"), &["EROFS", "ENOTDIR", "EACCES"]);
        }
        let words: Vec<String> = there.iter().map(|path| format!("cat {path}")).collect();
        let bare = Sandbox::new()
            .with("process", &format!("user = {user:?}"))
            .with("landlock", r#"enforce = "off""#)
            .with("capabilities", r#"keep = ["dac_override"]"#)
            .probe(&words.join(" + "))
            .exits(0);
        let told = |line: &&str| !line.starts_with("cat /proc/");
        assert_eq!(bare.stdout.lines().find(told), None, "{bare}");
    }
    // The control: outside anybody reads some, and root writes to one.
    let open = outside("read /proc/interrupts + read /proc/keys + read /proc/key-users + write /proc/sysrq-trigger");
    open.allows("read /proc/interrupts").allows("read /proc/key-users");
    if is_root() && there.contains(&&"/proc/sysrq-trigger") {
        open.allows("write /proc/sysrq-trigger");
    }
}

#[test]
fn the_machines_settings_cannot_be_changed() {
    let words: Vec<String> = SETTINGS.iter().map(|path| format!("write {path}")).collect();
    for user in ["root", "nobody"] {
        let sandbox = Sandbox::new().with("process", &format!("user = {user:?}"));
        let seen = sandbox.probe(&words.join(" + ")).succeeds();
        for words in &words {
            seen.refuses(words, &["EROFS", "EACCES", "EPERM", "ENOENT"]);
        }
    }
    if is_root() {
        outside("write /proc/sys/vm/drop_caches").allows("write /proc/sys/vm/drop_caches");
    }
    let pressure = "write /proc/pressure/memory";
    if std::path::Path::new("/proc/pressure/memory").exists() {
        outside(pressure).allows(pressure);
        Sandbox::new().probe("read /proc/pressure/memory").succeeds().allows("read /proc/pressure/memory");
    }
}

#[test]
fn no_cover_can_be_taken_away() {
    let words = "umount /proc/kallsyms + umount /proc + umount /proc/sys + remount /proc/sys + move /proc /tmp \
                 + mount-setattr /proc/sys + bind /tmp /proc/sys + mount proc proc /tmp + open-tree /proc + fsopen proc \
                 + chroot /tmp + pivot-root /tmp";
    let attempts: Vec<&str> = words.split(" + ").map(str::trim).collect();
    let default = Sandbox::new().with("process", r#"user = "root""#).probe(words).succeeds();
    for attempt in &attempts {
        default.refuses(attempt, &["EPERM", "ENOSYS"]);
    }
    // Not only the filter refuses: neither do the kernel's own rules allow it to somebody without capabilities.
    let sandbox = Sandbox::new().with("process", r#"user = "root""#).with("seccomp", r#"preset = "none""#);
    let seen = sandbox.probe(words).succeeds();
    for attempt in &attempts {
        seen.refuses(attempt, &["EPERM"]);
    }
    // With the capability, and with Landlock, it still does not mount.
    let sandbox = Sandbox::new()
        .with("process", r#"user = "root""#)
        .with("seccomp", r#"preset = "none""#)
        .with("capabilities", r#"keep = ["sys_admin", "sys_chroot"]"#);
    let seen = sandbox.probe("umount /proc/sys + move /proc /tmp + mount tmpfs x /tmp + remount /proc/sys").succeeds();
    for attempt in ["umount /proc/sys", "move /proc /tmp", "mount tmpfs x /tmp", "remount /proc/sys"] {
        seen.refuses(attempt, &["EPERM"]);
    }
    // The control: with all three off, one may mount in what is one's own.
    let sandbox = sandbox.with("landlock", r#"enforce = "off""#);
    sandbox.probe("mount tmpfs x /tmp").exits(0).allows("mount tmpfs x /tmp");
}

#[test]
fn what_is_covered_differs_from_the_hosts_device() {
    let seen = Sandbox::new().probe("stat /proc/kcore + stat /proc/keys").succeeds();
    for path in ["/proc/kcore", "/proc/keys"] {
        let value = seen.value(&format!("stat {path}"));
        assert!(value == "ENOENT" || value.starts_with("c ") || value.starts_with("- "), "{seen}");
    }
}

/// A shell in a mount namespace whose root is shared, as systemd makes the host's.
fn on_a_shared_root(script: &str, arguments: &[&std::ffi::OsStr], env: &[(String, String)]) -> String {
    let mut command = std::process::Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--mount", "--propagation", "shared", "sh", "-c", script, "sh"]).args(arguments);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").envs(env.iter().cloned()).current_dir("/");
    let output = command.output().expect("starting");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn no_mount_crosses_either_way() {
    let sandbox = Sandbox::new();
    let shared = sandbox.dir().join("shared");
    std::fs::create_dir_all(shared.join("point")).expect("making a directory");
    let runtime = sandbox.runtime().display().to_string();
    let sandbox = sandbox.read_only(&format!("{}:/shared", shared.display()));
    let words = ["/probe", "say", "started", "+", "cat", "+", "cat", "/proc/self/mountinfo"];
    let launch = sandbox.command("run", &words);
    // The program looks at its mounts only after the host has mounted below what it was granted.
    let script = format!(
        "mkfifo {0}/in {0}/out; cat /proc/self/mountinfo > {0}/before; \"$@\" < {0}/in > {0}/out & \
         exec 7>{0}/in 8<{0}/out; read -r line <&8; cat /proc/self/mountinfo > {0}/during; \
         mount -t tmpfs crossing {0}/shared/point; exec 7>&-; cat <&8; umount {0}/shared/point; wait; \
         cat /proc/self/mountinfo > {0}/after",
        sandbox.dir().display()
    );
    let mut arguments = vec![launch.get_program()];
    arguments.extend(launch.get_args());
    let inside = on_a_shared_root(&script, &arguments, &[("XDG_RUNTIME_DIR".into(), runtime)]);
    assert!(inside.contains(" /shared "), "{inside}");
    assert!(!inside.contains("crossing"), "a mount of the host came in:\n{inside}");
    assert!(!inside.contains("shared:") && !inside.contains("master:"), "propagation is left on:\n{inside}");
    let read = |name: &str| std::fs::read_to_string(sandbox.dir().join(name)).expect("written by the script");
    assert!(read("before").contains(" shared:"), "the control: the root is shared");
    assert_eq!(read("before"), read("during"), "mounts of the launch came out");
    assert_eq!(read("before"), read("after"));
}

/// The launcher's holds paths of the host and what `--set` was given; its own process keeps it.
#[test]
fn the_launchers_command_line_is_not_inits() {
    let words = "cat /proc/1/cmdline + cat /proc/1/comm + say done + hang";
    for secret in ["confidential".to_owned(), "confidential".repeat(1000)] {
        let sandbox = Sandbox::new().option("--set").option(&format!("process.env.KEY={secret:?}"));
        let mut running = sandbox.start_probe(words);
        running.line("done");
        let line = std::fs::read_to_string(format!("/proc/{}/cmdline", running.pid())).expect("the launcher's");
        assert!(line.contains(&secret) && line.contains("run"), "the control: {line}");
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid()));
        let init = children.expect("one child").trim().to_owned();
        let outside = std::fs::read_to_string(format!("/proc/{init}/cmdline")).expect("init's");
        running.signal(nix::sys::signal::Signal::SIGTERM);
        let seen = running.ends().exits(143);
        let title = format!("sandbox-init {}\0", sandbox.name);
        assert_eq!(seen.stdout.lines().take(2).collect::<Vec<_>>(), [&*title, "sandbox-init"], "{seen}");
        assert_eq!(outside, title);
    }
}

/// However little room there is, what lies behind it, the caller's variables, is not written over.
#[test]
fn a_short_command_line_is_not_overrun() {
    use std::os::unix::process::CommandExt;
    let sandbox = Sandbox::new().with("process", r#"command = ["/probe", "cat", "/proc/1/cmdline"]"#);
    let launch = sandbox.command("run", &[]);
    let profile = launch.get_args().nth(1).expect("the profile");
    std::fs::copy(profile, sandbox.dir().join("p.toml")).expect("copying");
    let mut command = std::process::Command::new(launch.get_program());
    command.arg0("s").args(["run", "p.toml"]).current_dir(sandbox.dir());
    let output = command.env_clear().env("XDG_RUNTIME_DIR", sandbox.runtime()).output().expect("starting");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "sandbox-ini\0\n", "{output:?}");
}
