//! SYS: every number of every ABI answers as the golden table says.

use std::collections::BTreeMap;

use crate::harness::{Sandbox, Seen, outside};

/// Beyond every table: a newer kernel's calls.
const LAST: u32 = 520;

/// Number to what the scan said of it.
fn calls(seen: &Seen) -> BTreeMap<u32, String> {
    let entry = |value: &str| {
        let (number, answer) = value.split_once(' ')?;
        Some((number.parse().ok()?, answer.to_owned()))
    };
    let calls: BTreeMap<u32, String> = seen.values("call").filter_map(entry).collect();
    assert_eq!(calls.len(), LAST as usize + 1, "{seen}");
    calls
}

fn golden(file: &str) -> BTreeMap<u32, (String, String)> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.parse().ok()?, (words.next()?.to_owned(), words.collect::<Vec<_>>().join(" "))))
        })
        .collect()
}

/// The scan calls with all arguments -1: what the filter makes of these is argued here, one by one.
fn argued(name: &str) -> Option<&'static str> {
    Some(match name {
        // The setuid bit is set, and of flags O_CREAT.
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" | "creat" | "mknod" | "mknodat" | "open" | "openat" => "EPERM",
        // Every CLONE_NEW* bit is set.
        "clone" => "EPERM",
        // No such address family.
        "socket" | "socketpair" => "EAFNOSUPPORT",
        _ => return None,
    })
}

fn scan(preset: &str, abi: &str) -> Seen {
    let architectures = if abi == "i386" { r#"architectures = ["native", "x86"]"# } else { "" };
    let sandbox = Sandbox::new().with("seccomp", &format!("preset = {preset:?}")).with("seccomp", architectures);
    sandbox
        .start_probe(&format!("scan {abi} 0 {LAST}"))
        .with_patience(std::time::Duration::from_secs(60))
        .ends()
        .exits(0)
}

fn compare(abi: &str, preset: &str, table: &str, open: &BTreeMap<u32, String>) {
    let golden = golden(table);
    assert!(golden.len() > 300, "the golden table is whole");
    let filtered = calls(&scan(preset, abi));
    let mut wrong = Vec::new();
    for (number, answer) in &filtered {
        let natural = &open[number];
        let (name, expected) = match golden.get(number) {
            Some((name, verdict)) if verdict.starts_with("allow") => {
                // Not refused: the answer is the one that the kernel gives without a filter.
                let expected = argued(name).filter(|_| verdict.contains("arguments"));
                (name.as_str(), expected.unwrap_or(natural.as_str()))
            }
            Some((name, verdict)) => (name.as_str(), verdict.split(' ').next().unwrap_or_default()),
            None => ("a number nobody knows", "ENOSYS"),
        };
        if answer != expected {
            wrong.push(format!("{number} {name}: {answer}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{abi}, preset {preset}:\n{}", wrong.join("\n"));
    let refused = filtered.iter().filter(|(number, answer)| **answer != open[number]).count();
    assert!(refused > 20, "{preset} refuses something: {refused}");
}

#[test]
fn every_number_answers_as_the_golden_table_says() {
    let tables = [
        ("x86-64", "default", include_str!("../golden/seccomp/default.x86_64.txt")),
        ("x86-64", "system-service", include_str!("../golden/seccomp/system-service.x86_64.txt")),
        ("x86-64", "strict", include_str!("../golden/seccomp/strict.x86_64.txt")),
        ("x86-64", "compat", include_str!("../golden/seccomp/compat.x86_64.txt")),
        ("i386", "default", include_str!("../golden/seccomp/default.i386.txt")),
        ("i386", "strict", include_str!("../golden/seccomp/strict.i386.txt")),
    ];
    for abi in ["x86-64", "i386"] {
        // The control, and the measure of what an allowed call answers: the same sandbox without a filter.
        let open = calls(&scan("none", abi));
        for (_, preset, table) in tables.iter().filter(|(other, ..)| *other == abi) {
            compare(abi, preset, table, &open);
        }
    }
}

#[test]
fn a_foreign_abi_is_deadly() {
    let seen = Sandbox::new().probe("scan i386 0 450").exits(0);
    assert_eq!(seen.values("call").count(), 451);
    assert!(seen.values("call").all(|call| call.ends_with("SIGSYS")), "{seen}");
    // Outside it is answered.
    outside("scan i386 20 20").has_value("call", "20 ok");
}

#[test]
fn x32_numbers_are_refused() {
    let seen = Sandbox::new().probe(&format!("scan x32 0 {LAST}")).exits(0);
    let refused = |call: &str| ["ENOSYS", "EPERM", "SIGSYS"].contains(&call.rsplit(' ').next().unwrap_or_default());
    assert!(seen.values("call").all(refused), "{seen}");
    // The filter's own doing, where it is told to kill: a kernel without x32 would say ENOSYS.
    let deadly = Sandbox::new().with("seccomp", r#"on-deny = "kill""#).probe("scan x32 0 10").exits(0);
    let answers: Vec<&str> = deadly.values("call").collect();
    assert!(answers.iter().all(|call| call.ends_with("SIGSYS") || call.ends_with("ENOSYS")), "{deadly}");
}

#[test]
fn it_is_the_programs_and_its_childrens() {
    let seen = Sandbox::new().probe("cat /proc/self/status").succeeds();
    seen.has_value("Seccomp", "2").has_value("Seccomp_filters", "1");
    let sandbox = Sandbox::bare().with("process", r#"user = "root""#);
    let seen = sandbox.run(&["sh", "-c", "sh -c 'grep Seccomp: /proc/self/status; unshare -U true'"]);
    assert!(seen.stdout.contains("Seccomp:\t2"), "{seen}");
    assert_ne!(seen.status.code(), Some(0));
    Sandbox::new().with("seccomp", r#"preset = "none""#).probe("privilege").exits(0).has_value("seccomp", "0");
}

#[test]
fn what_a_profile_adds_and_takes_away() {
    // 160 is setrlimit, 101 ptrace, 83 mkdir; deny, then rules, then allow, then the preset.
    let words = "syscall 101 0 0 0 0 + syscall 83 0 0";
    let seen = Sandbox::new().probe(words).succeeds();
    seen.answers("syscall 101 0 0 0 0", "EPERM").answers("syscall 83 0 0", "EFAULT");
    let seen =
        Sandbox::new().with("seccomp", r#"allow = ["ptrace"]"#).with("seccomp", r#"deny = ["mkdir"]"#).probe(words);
    seen.exits(0).allows("syscall 101 0 0 0 0").answers("syscall 83 0 0", "EPERM");
    let both =
        Sandbox::new().with("seccomp", r#"allow = ["mkdir"]"#).with("seccomp", r#"deny = ["mkdir"]"#).probe(words);
    both.exits(0).answers("syscall 83 0 0", "EPERM");
    let rule =
        r#"rules = [{ syscalls = ["mkdir"], args = [{ index = 1, op = "eq", value = 7 }], action = "errno:ENXIO" }]"#;
    let seen = Sandbox::new().with("seccomp", rule).probe("syscall 83 0 7 + syscall 83 0 8").succeeds();
    seen.answers("syscall 83 0 7", "ENXIO").answers("syscall 83 0 8", "EFAULT");
}

#[test]
fn a_refused_call_kills_where_the_profile_says_so() {
    let sandbox = Sandbox::new().with("seccomp", r#"on-deny = "kill""#);
    sandbox.probe("syscall 101 0 0 0 0").succeeds().answers("syscall 101 0 0 0 0", "SIGSYS");
    sandbox.probe("say well").succeeds().prints("well\n");
    // Of its first call too, while the supervisor still looks at it.
    for _ in 0..40 {
        sandbox.run(&["unshare", "--user", "true"]).exits(128 + libc::SIGSYS);
    }
}

#[test]
fn names_that_nobody_knows_are_refused_and_optional_ones_are_not() {
    Sandbox::new().with("seccomp", r#"deny = ["ptrcae"]"#).probe("say").refused(125, &["ptrcae", "ptrace"]);
    Sandbox::new().with("seccomp", r#"deny = ["-ptrcae"]"#).probe("say").succeeds();
    Sandbox::new().with("seccomp", r#"allow = ["@no-such-group"]"#).probe("say").refused(125, &["@no-such-group"]);
}

#[test]
fn an_empty_allow_list_allows_nothing() {
    // Without a preset the list is all there is; an empty one is not taken for "no list", which would filter nothing.
    let seen =
        Sandbox::new().with("seccomp", r#"preset = "none""#).with("seccomp", "allow = []").probe("say well + exit 7");
    assert_ne!(seen.status.code(), Some(7), "{seen}");
    // Without the list there is no filter; with the preset's calls on it the program works.
    Sandbox::new().with("seccomp", r#"preset = "none""#).probe("say well + exit 7").exits(7);
    let listed = Sandbox::new().with("seccomp", r#"preset = "none""#).with("seccomp", r#"allow = ["@known"]"#);
    listed.probe("say well + exit 7").exits(7);
}

/// What a program leaves in a file that it may write is run by others, outside: not as root, and not as its caller.
#[test]
fn no_setuid_or_setgid_file_is_left_behind() {
    use std::os::unix::fs::PermissionsExt;
    let ways = [
        "chmod",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "creat",
        "open",
        "openat",
        "openat2",
        "mknod",
        "mknodat",
        "tmpfile",
    ];
    // fchmodat2 is of Linux 6.6.
    let known = |way: &str| {
        way != "fchmodat2" || outside("set-id fchmodat2 /none").answer("set-id fchmodat2 /none") == "ENOENT"
    };
    let words: Vec<String> = ways
        .iter()
        .filter(|way| known(way))
        .map(|way| format!("set-id {way} /w/{}", if *way == "tmpfile" { "" } else { way }))
        .collect();
    for (preset, allow, refused) in [
        ("default", "", true),
        ("system-service", "", true),
        ("strict", r#"allow = ["@file-system"]"#, true),
        // The controls.
        ("compat", "", false),
        (
            "default",
            r#"allow = ["chmod", "fchmod", "fchmodat", "fchmodat2", "creat", "open", "openat", "openat2", "mknod", "mknodat"]"#,
            false,
        ),
    ] {
        let sandbox = Sandbox::new();
        let granted = sandbox.dir().join("granted");
        std::fs::create_dir(&granted).expect("making a directory");
        for way in ways.iter().filter(|way| way.contains("chmod")) {
            std::fs::write(granted.join(way), "text").expect("writing");
        }
        let sandbox = sandbox
            .with("rootfs", &format!("read-write = [\"{}:/w\"]", granted.display()))
            .with("seccomp", &format!("preset = {preset:?}\n{allow}"));
        let seen = sandbox.probe(&words.join(" + ")).exits(0);
        for words in &words {
            match refused {
                true if words.contains("openat2") => seen.answers(words, "ENOSYS"),
                true => seen.answers(words, "EPERM"),
                false => seen.allows(words),
            };
        }
        let set_id = |path: &std::path::Path| path.metadata().is_ok_and(|data| data.permissions().mode() & 0o6000 != 0);
        for way in ways.iter().filter(|way| known(way) && **way != "tmpfile") {
            assert_eq!(set_id(&granted.join(way)), !refused, "{preset} {way}\n{seen}");
        }
        // The file that output goes to lies outside of everything granted; a later write would take the bits away.
        let bare = Sandbox::bare().with("seccomp", &format!("preset = {preset:?}\n{allow}"));
        let output = bare.dir().join("output");
        let file = std::fs::File::create(&output).expect("creating");
        let changed = bare
            .command("run", &["chmod", "6755", "/dev/stdout"])
            .stdout(file)
            .stderr(std::process::Stdio::null())
            .status()
            .expect("starting");
        // Its mode is put back at the end, whatever the filter lets through meanwhile.
        assert_eq!((changed.success(), set_id(&output)), (!refused, false), "{preset}");
    }
    // The other bits are free.
    Sandbox::new()
        .probe("mkdir /tmp/d + chmod 01777 /tmp/d + chmod 02755 /tmp/d")
        .succeeds()
        .allows("chmod 01777 /tmp/d");
}
