//! What a profile takes out of a writable tree stays where it is, whatever the program does to the directories above it.

use std::path::{Path, PathBuf};

use crate::harness::{Sandbox, is_root};

/// A tree with something in it to be taken out, at `proj` in the sandbox's directory.
fn tree(sandbox: &Sandbox) -> String {
    for file in ["proj/git/hooks/run", "proj/sec/deep/key", "proj/dl/in/x", "proj/free/x"] {
        sandbox.file(file, "text");
    }
    sandbox.dir().join("proj").display().to_string()
}

const RENAMES: [&str; 4] = ["git", "sec", "sec/deep", "dl"];

/// `rename PROJ/NAME PROJ/NAME-moved` for each.
fn renames(at: &str) -> Vec<String> {
    RENAMES.iter().map(|name| format!("rename {at}/{name} {at}/{name}-moved")).collect()
}

#[test]
fn what_is_taken_out_of_a_writable_tree_cannot_be_moved_away() {
    let sandbox = Sandbox::new();
    let proj = tree(&sandbox);
    let sandbox = sandbox
        .with("rootfs", &format!("read-write = [\"{proj}\", {{ source = \"{proj}/dl/in\", exec = false }}]"))
        .with("rootfs", &format!("hide = [\"{proj}/sec/deep/key\"]"))
        .read_only(&format!("{proj}/git/hooks"));
    let kept = [
        format!("write {proj}/git/hooks/run x"),
        format!("create {proj}/git/hooks/new"),
        format!("read {proj}/sec/deep/key"),
    ];
    let allowed = [
        format!("create {proj}/git/new"),
        format!("mkdir {proj}/sec/deep/new"),
        format!("rename {proj}/git/new {proj}/git/newer"),
        format!("rename {proj}/free {proj}/freed"),
    ];
    // They are mounts of their own.
    let across = format!("rename {proj}/git/newer {proj}/newer");
    let words = [renames(&proj), kept.to_vec(), allowed.to_vec(), vec![across.clone()]].concat().join(" + ");
    let seen = sandbox.probe(&words).succeeds();
    for rename in &renames(&proj) {
        seen.refuses(rename, &["EBUSY"]);
    }
    for attempt in &kept {
        seen.refuses(attempt, &["EROFS", "EACCES"]);
    }
    for attempt in &allowed {
        seen.allows(attempt);
    }
    seen.refuses(&across, &["EXDEV"]);
    // The next launch finds all of it in its place.
    let again = sandbox.probe(&kept.join(" + ")).succeeds();
    for attempt in &kept {
        again.refuses(attempt, &["EROFS", "EACCES"]);
    }
    assert_eq!(std::fs::read_to_string(Path::new(&proj).join("git/hooks/run")).expect("still there"), "text");

    // Where nothing is taken out of it the tree is the program's.
    let sandbox = Sandbox::new();
    let proj = tree(&sandbox);
    let seen = sandbox.with("rootfs", &format!("read-write = [\"{proj}\"]")).probe(&renames(&proj).join(" + "));
    for name in ["git", "dl"] {
        seen.allows(&format!("rename {proj}/{name} {proj}/{name}-moved"));
    }
}

/// One that keeps `/keep`, and where what it keeps lies: as root in the machine's own place.
fn keeping() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new().with("rootfs", r#"persist = ["/keep"]"#);
    let data = sandbox.dir().join("data");
    let sandbox = sandbox.env("XDG_DATA_HOME", &data.display().to_string());
    let kept: PathBuf = if is_root() { "/var/lib/sandbox".into() } else { data.join("sandbox") };
    let kept = kept.join("persist").join(&sandbox.name);
    (sandbox, kept)
}

#[test]
fn nor_out_of_what_is_kept_nor_by_way_of_a_grant_in_a_grant() {
    let (sandbox, kept) = keeping();
    sandbox.probe("mkdir /keep/a + mkdir /keep/a/b + create /keep/a/b/key").succeeds().allows("create /keep/a/b/key");
    let sandbox = sandbox.with("rootfs", r#"hide = ["/keep/a/b/key"]"#);
    let seen = sandbox.probe("rename /keep/a /keep/z + rename /keep/a/b /keep/a/z + create /keep/a/b/new").succeeds();
    seen.refuses("rename /keep/a /keep/z", &["EBUSY"]).refuses("rename /keep/a/b /keep/a/z", &["EBUSY"]);
    seen.allows("create /keep/a/b/new");
    let _ = std::fs::remove_dir_all(kept);

    // The way to the inner grant is part of the way to what it holds.
    let sandbox = Sandbox::new();
    sandbox.file("proj/a/b/c/key", "text");
    let proj = sandbox.dir().join("proj").display().to_string();
    let sandbox =
        sandbox.with("rootfs", &format!("read-write = [\"{proj}\", \"{proj}/a/b\"]\nhide = [\"{proj}/a/b/c/key\"]"));
    let words =
        [("a", "z"), ("a/b", "a/z"), ("a/b/c", "a/b/z")].map(|(from, to)| format!("rename {proj}/{from} {proj}/{to}"));
    let seen = sandbox.probe(&words.join(" + ")).succeeds();
    for rename in &words {
        seen.refuses(rename, &["EBUSY"]);
    }
}

/// A link that the program left in a writable tree grants nothing to the next launch.
#[test]
fn a_link_in_a_writable_tree_leads_no_grant_out_of_it() {
    let sandbox = Sandbox::new();
    sandbox.file("proj/x", "text");
    sandbox.file("secret/key", "text");
    let (proj, secret) = (sandbox.dir().join("proj"), sandbox.dir().join("secret"));
    let (proj, secret) = (proj.display().to_string(), secret.display().to_string());
    let sandbox = sandbox
        .with("rootfs", &format!("read-write = [\"{proj}\"]"))
        .read_only(&format!("-{proj}/later"))
        .read_only(&format!("-{proj}/within/x:/srv/x"));
    // Within the tree it shows what the program has anyway.
    let words = format!("symlink {secret} {proj}/later + symlink . {proj}/within");
    let seen = sandbox.probe(&words).succeeds();
    seen.allows(&format!("symlink {secret} {proj}/later"));
    let words = ["a link to", &secret, "in a tree that the program may write to", "hint: "];
    sandbox.probe(&format!("read {secret}/key")).refused(125, &words);
    sandbox.ask("check", &[]).exits(1).says(&words);
    std::fs::remove_file(format!("{proj}/later")).expect("removing the link");
    sandbox.probe("read /srv/x").succeeds().allows("read /srv/x");
}

/// What is held is where a link leads; the link is the program's.
#[test]
fn check_names_links_that_the_program_may_exchange() {
    let sandbox = Sandbox::new();
    let proj = tree(&sandbox);
    std::os::unix::fs::symlink("git", sandbox.dir().join("proj/link")).expect("linking");
    let writing = |line: &str| {
        let rootfs = format!("read-write = [\"{proj}\"]\n{line}");
        let seen = Sandbox::new().with("rootfs", &rootfs).ask("check", &["/probe", "say"]).exits(0);
        let said = seen.stdout + &seen.stderr;
        said.contains(&format!("leads through the link {proj}/link, which the program may exchange"))
            && said.contains(&format!("write where it leads: {proj}/git"))
    };
    for (through, line) in [
        (true, format!("hide = [\"{proj}/link/hooks\"]")),
        (false, format!("hide = [\"{proj}/git/hooks\"]")),
        // Nobody inside can exchange that one.
        (false, format!("hide = [\"/data/sec/deep/key\"]\nsymlinks = {{ \"/data\" = \"{proj}\" }}")),
        (true, format!("tmpfs = [\"{proj}/link/hooks\"]")),
        (true, format!("files = {{ \"{proj}/link/hooks/run\" = \"\" }}")),
    ] {
        assert_eq!(writing(&line), through, "{line}");
    }
}

/// The next launch reads by the same names.
#[test]
fn what_is_read_only_in_a_writable_tree_has_no_other_name() {
    let sandbox = Sandbox::new();
    let proj = sandbox.dir().join("proj");
    let head = "[process]\ncommand = [\"/bin/true\"]\n[rootfs]\n";
    let at = proj.display();
    let profile = sandbox.file("proj/box.toml", &format!("{head}read-write = [\"{at}\"]\n"));
    let conf = sandbox.file("proj/conf", "");
    let outside = format!("{head}read-write = [\"{at}\"]\nread-only = [\"{}\"]\n", conf.display());
    let outside = sandbox.file("outside.toml", &outside);
    let alone = sandbox.file("alone.toml", &format!("{head}read-only = [\"{}\"]\n", conf.display()));
    for (profile, file) in [(&profile, &profile), (&outside, &conf)] {
        let profile = profile.display().to_string();
        let other = proj.join("other");
        // The controls: with one name, and where nothing is writable.
        sandbox.sandbox(&["run", &profile]).exits(0);
        std::fs::hard_link(file, &other).expect("linking");
        let names = format!("{} has 2 names", file.display());
        sandbox.sandbox(&["run", &profile]).refused(125, &["error: rootfs: ", &names, "hint: "]);
        sandbox.sandbox(&["check", &profile]).exits(1).says(&[&names]);
        sandbox.sandbox(&["run", &alone.display().to_string()]).exits(0);
        std::fs::remove_file(&other).expect("removing");
    }
}

#[test]
fn what_leads_to_a_profile_is_not_the_programs() {
    let sandbox = Sandbox::new();
    let proj = sandbox.dir().join("proj");
    let at = proj.display();
    let text =
        |more: &str| format!("{more}\n[process]\ncommand = [\"/bin/true\"]\n[rootfs]\nread-write = [\"{at}\"]\n");
    sandbox.file("proj/plain.toml", &text(""));
    sandbox.file("proj/optional.toml", &text("extends = \"-./more.toml\""));
    sandbox.file("proj/outside.toml", &text("extends = \"-../more.toml\""));
    sandbox.file("real.toml", &text(""));
    sandbox.file("real/p.toml", &text(""));
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, sandbox.dir().join(name)).expect("linking");
    link("../real.toml", "proj/link.toml");
    link("../real", "proj/dir");
    link("proj/plain.toml", "safe.toml");
    link("proj/link.toml", "chain.toml");
    for (name, why) in [
        ("proj/plain.toml", None),
        ("proj/outside.toml", None),
        ("safe.toml", None),
        ("proj/optional.toml", Some("proj/more.toml is missing, in a tree that the program may write to")),
        ("proj/link.toml", Some("proj/link.toml, in a tree that the program may write to")),
        ("proj/dir/p.toml", Some("proj/dir, in a tree that the program may write to")),
        ("chain.toml", Some("proj/link.toml, in a tree that the program may write to")),
    ] {
        let path = sandbox.dir().join(name).display().to_string();
        for (subcommand, code) in [("check", 1), ("run", 125)] {
            let seen = sandbox.sandbox(&[subcommand, &path]);
            match why {
                None => drop(seen.exits(0)),
                Some(why) => drop(seen.exits(code).says(&["error: rootfs: profile ", why, "hint: "])),
            }
        }
    }
    // Once there is a file it is read-only, as the profile itself.
    sandbox.file("proj/more.toml", "");
    let path = proj.join("optional.toml").display().to_string();
    let script = format!("echo > {at}/more.toml || mv {at}/more.toml {at}/x || echo kept");
    let seen = sandbox.sandbox(&["run", "--set", "process.command=[\"/bin/sh\", \"-c\"]", &path, "--", &script]);
    assert_eq!(seen.exits(0).stdout, "kept\n");
}

/// What is said ahead is what the program then can do.
#[test]
fn power_over_mounts_without_landlock_is_named() {
    let (off, none) = (("landlock", r#"enforce = "off""#), ("seccomp", r#"preset = "none""#));
    let sys_admin = ("capabilities", r#"keep = ["sys_admin"]"#);
    let mounts = ("namespaces", r#"nested = "mounts""#);
    for (undoes, lines) in [
        (true, &[sys_admin, off, none][..]),
        (true, &[sys_admin, off, ("seccomp", r#"allow = ["umount2"]"#)]),
        (false, &[sys_admin, off]),
        (false, &[sys_admin, none]),
        (false, &[mounts, off]),
        (false, &[off, none]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.file("tree/key", "text");
        let tree = sandbox.dir().join("tree").display().to_string();
        let sandbox = sandbox.read_only(&format!("{tree}:/data")).with("rootfs", r#"hide = ["/data/key"]"#);
        let sandbox = sandbox.with("process", r#"user = "root""#);
        let sandbox = lines.iter().fold(sandbox, |sandbox, (section, line)| sandbox.with(section, line));
        let seen = sandbox.ask("check", &["/probe", "say"]).exits(0);
        let said = seen.stdout + &seen.stderr;
        let warning = "warning: rootfs: sys_admin with calls that mount, and without Landlock, undoes hide, read-only";
        assert_eq!(said.contains(warning), undoes, "{lines:?}\n{said}");
        let on_this_machine = "and it is root on this machine";
        assert_eq!(said.contains(on_this_machine), undoes && is_root(), "{lines:?}\n{said}");
        let seen = sandbox.probe("umount /data/key + read /data/key").exits(0);
        assert_eq!(seen.answer("read /data/key") == "ok", undoes, "{lines:?}\n{seen}");
    }
}

/// A cover hides one place.
#[test]
fn check_names_what_another_grant_shows() {
    let sandbox = Sandbox::new();
    let proj = tree(&sandbox);
    let said = |line: &str| {
        let seen = Sandbox::bare().with("rootfs", line).ask("check", &["/bin/true"]).exits(0);
        seen.stdout + &seen.stderr
    };
    let twice = |hidden: &str| said(&format!("read-write = [\"{proj}\", \"{proj}:/srv/b\"]\nhide = [{hidden}]"));
    let warning = format!("read-write {proj} shows /srv/b/sec/deep, which is hidden as {proj}/sec/deep");
    assert!(twice(&format!("\"{proj}/sec/deep\"")).contains(&warning));
    let both = twice(&format!("\"{proj}/sec/deep\", \"/srv/b/sec/deep\""));
    assert!(!both.contains("which is hidden as"), "{both}");
    // What the base hides by default, too.
    let etc = said("read-only = [\"/etc:/srv/etc\"]");
    assert!(etc.contains("shows /srv/etc/shadow, which is hidden as /etc/shadow"), "{etc}");
    assert!(!said("read-only = [\"/usr/share:/srv/etc\"]").contains("which is hidden as"));
}

/// So does a read-only mount close one place.
#[test]
fn check_names_what_another_grant_shows_for_writing() {
    let sandbox = Sandbox::new();
    let proj = tree(&sandbox);
    let granted = |read_only: &str, read_write: &str| {
        let sandbox = Sandbox::new().with("rootfs", &format!("read-write = [{read_write}]")).read_only(read_only);
        let seen = sandbox.ask("check", &["/probe", "say"]).exits(0);
        (sandbox, seen.stdout + &seen.stderr)
    };
    let (git, other) = (format!("{proj}/git"), format!("\"{proj}:/srv/b\""));
    for (read_only, read_write, source, shown, at) in [
        (&git, &other, &proj, "/srv/b/git", &git),
        (&git, &format!("\"{git}:/srv/c\""), &git, "/srv/c", &git),
        (&format!("{git}:/srv/d"), &format!("\"{proj}\""), &proj, &*git, &"/srv/d".to_owned()),
        (&format!("{git}/hooks/run:/srv/e"), &other, &proj, "/srv/b/git/hooks/run", &"/srv/e".to_owned()),
    ] {
        let (sandbox, said) = granted(read_only, read_write);
        let warning = format!("read-write {source} shows {shown}, which is read-only as {at}, for writing");
        assert!(said.contains(&warning), "{warning}\n{said}");
        // What is said ahead is what the program then can do.
        let file = if shown.ends_with("run") { shown.to_owned() } else { format!("{shown}/hooks/run") };
        let words = format!("write {file} text");
        sandbox.probe(&words).succeeds().allows(&words);
    }
    for (read_only, read_write) in [
        (&git, &format!("\"{proj}\"")),
        (&git, &format!("\"{proj}/sec:/srv/b\"")),
        (&git, &format!("\"{proj}:/srv/b\"]\nhide = [\"/srv/b/git\"")),
        (&proj, &format!("\"{git}\"")),
    ] {
        let (_, said) = granted(read_only, read_write);
        assert!(!said.contains("for writing"), "{read_only} {read_write}\n{said}");
    }
}

/// And so does noexec.
#[test]
fn check_names_what_another_grant_shows_for_execution() {
    let own = Sandbox::new();
    let proj = tree(&own);
    let noexec = format!("{{ source = \"{proj}/git\", exec = false }}");
    let granted = |more: &str| Sandbox::new().with("rootfs", &format!("read-write = [{more}, {noexec}]"));
    let said = |sandbox: &Sandbox| {
        let seen = sandbox.ask("check", &["/probe", "say"]).exits(0);
        seen.stdout + &seen.stderr
    };
    let twice = granted(&format!("\"{proj}\", \"{proj}:/srv/b\""));
    let warning = format!("read-write {proj} shows /srv/b/git, which is exec = false as {proj}/git, for execution");
    assert!(said(&twice).contains(&warning), "{warning}\n{}", said(&twice));
    // What is said ahead is what the program then can do.
    let (open, closed) = ("map-exec /srv/b/git/hooks/run", format!("map-exec {proj}/git/hooks/run"));
    twice.probe(&format!("{open} + {closed}")).succeeds().allows(open).answers(&closed, "EPERM");
    for more in [format!("\"{proj}\""), format!("{{ source = \"{proj}\", target = \"/srv/b\", exec = false }}")] {
        let said = said(&granted(&more));
        assert!(!said.contains("for execution"), "{more}\n{said}");
    }
}

/// A program owns what is kept for it, and may close it.
#[test]
fn a_kept_directory_that_was_closed_comes_with_a_remedy() {
    let (sandbox, kept) = keeping();
    sandbox.probe("chmod 0 /keep").succeeds().allows("chmod 0 /keep");
    if is_root() {
        // Its launcher no mode stops.
        sandbox.probe("say").succeeds();
    } else {
        sandbox.probe("say").refused(125, &["hint: its mode, which the program may have changed", "chmod u+rwx"]);
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(kept.join("keep"), std::fs::Permissions::from_mode(0o700)).expect("its owner may");
        sandbox.probe("say").succeeds();
    }
    let _ = std::fs::remove_dir_all(kept);
}

/// Nobody inside puts a profile where a name is looked up, whether the directory is there or not.
#[test]
fn where_names_of_profiles_are_looked_up_is_not_the_programs() {
    let planted = "[process]\ncommand = [\"/bin/true\"]\n";
    for there in [true, false] {
        let sandbox = Sandbox::new().with("rootfs", r#"home = "read-write""#);
        let tree = sandbox.dir().join("tree");
        std::fs::create_dir_all(tree.join(if there { "config/sandbox/profiles" } else { "" })).expect("making it");
        let tree = tree.display().to_string();
        let sandbox = sandbox.env("XDG_CONFIG_HOME", &format!("{tree}/config"));
        let sandbox = sandbox.with("rootfs", &format!("read-write = [\"{tree}\", \"{tree}:/srv/again\"]"));
        let home = crate::harness::home().join(".config/sandbox/profiles");
        let ways = |tree: &str| [format!("{tree}/config"), format!("{tree}/config/sandbox")];
        let moved: Vec<String> = [ways(&tree), ways("/srv/again")].concat();
        let moved: Vec<String> = moved.iter().map(|way| format!("rename {way} {way}-moved")).collect();
        let profiles = format!("{tree}/config/sandbox/profiles");
        let put = [&*profiles, "/srv/again/config/sandbox/profiles", &home.display().to_string()];
        let put: Vec<String> = put.iter().map(|at| format!("create {at}/planted.toml")).collect();
        let removed = format!("rmdir {profiles}");
        let allowed = format!("create {tree}/config/new");
        let words = [moved.clone(), put.clone(), vec![removed.clone(), allowed.clone()]].concat();
        let seen = sandbox.probe(&words.join(" + ")).succeeds();
        for rename in &moved {
            seen.refuses(rename, &["EBUSY"]);
        }
        for attempt in &put {
            seen.refuses(attempt, &["EROFS", "EACCES"]);
        }
        seen.refuses(&removed, &["EBUSY"]).allows(&allowed);
        sandbox.sandbox(&["run", "planted"]).refused(125, &["there is no profile named `planted`"]);
        // It is given to whoever names it.
        let given = Sandbox::new().env("XDG_CONFIG_HOME", &format!("{tree}/config"));
        let given = given.with("rootfs", &format!("read-write = [\"{profiles}\"]"));
        let warning = "is where names of profiles are looked up: the program decides what later launches grant";
        given.ask("check", &["/probe", "say"]).exits(0).says(&[warning]);
        let put = format!("create {profiles}/planted.toml");
        given.probe(&put).succeeds().allows(&put);
        std::fs::write(format!("{profiles}/planted.toml"), planted).expect("writing the profile");
        sandbox.sandbox(&["run", "planted"]).exits(0);
    }
}

/// A mount stands on no link, and on what is no directory.
#[test]
fn nor_is_what_leads_there() {
    let sandbox = Sandbox::new();
    let tree = sandbox.dir().join("tree");
    std::fs::create_dir_all(tree.join("real/sandbox/profiles")).expect("making it");
    let (tree, outside) = (tree.display().to_string(), sandbox.dir().join("link").display().to_string());
    std::os::unix::fs::symlink(format!("{tree}/real"), &outside).expect("linking");
    std::os::unix::fs::symlink("real", format!("{tree}/config")).expect("linking");
    std::fs::write(format!("{tree}/file"), "").expect("writing");
    let with = |config: &str| {
        let sandbox = Sandbox::new().env("XDG_CONFIG_HOME", config);
        sandbox.with("rootfs", &format!("read-write = [\"{tree}\"]"))
    };
    // Only the link outside stays where it is.
    let put = format!("create {tree}/real/sandbox/profiles/planted.toml");
    with(&outside).probe(&put).succeeds().refuses(&put, &["EROFS"]);
    let by_link = with(&format!("{tree}/config")).with("rootfs", r#"home = "read-write""#);
    let words = ["profiles are looked up in", &format!("by the link {tree}/config"), "hint: make"];
    by_link.probe("say").refused(125, &words);
    by_link.ask("check", &["/probe", "say"]).exits(1).says(&words);
    let words = [format!("rename {tree}/file {tree}/x"), format!("write {tree}/file x")];
    let file = with(&format!("{tree}/file")).with("rootfs", r#"home = "read-write""#);
    let seen = file.probe(&words.join(" + ")).succeeds();
    seen.refuses(&words[0], &["EBUSY"]).refuses(&words[1], &["EROFS"]);
    // Elsewhere it is a file like others.
    let seen = with("/nonexistent").probe(&words.join(" + ")).succeeds();
    seen.allows(&words[0]);
}

/// What sandboxes keep, and their records, are no part of what a tree shows to another; but what is named is given.
#[test]
fn what_is_of_other_sandboxes_is_not_shown() {
    let (other, kept) = keeping();
    other.probe("create /keep/key").succeeds().allows("create /keep/key");
    let key = kept.join("keep/key").display().to_string();
    let data = kept.ancestors().nth(2).expect("below a root").to_owned();
    let records = if is_root() { "/run/sandbox".into() } else { other.runtime().join("sandbox") };
    let above = |path: &Path| path.parent().expect("below something").display().to_string();
    // The same caller: where it keeps things, its environment says.
    let caller = || {
        let home = data.parent().expect("below a root").display().to_string();
        let sandbox = Sandbox::new().env("XDG_DATA_HOME", &home);
        if is_root() { sandbox } else { sandbox.env("XDG_RUNTIME_DIR", &other.runtime().display().to_string()) }
    };
    let (data, records) = (data.display().to_string(), records.display().to_string());
    let (above_data, above_records) = (above(Path::new(&data)), above(Path::new(&records)));
    for (line, entries, key) in [
        ("", [above_data.clone(), above_records], key.clone()),
        (
            "base = \"host\"\npersist = [\"/own\"]",
            [format!("{above_data}:/srv/x"), "-/none".to_owned()],
            key.replace(&above_data, "/srv/x"),
        ),
    ] {
        let words = [format!("read {key}"), format!("list {records}")];
        let sandbox = entries.iter().fold(caller().with("rootfs", line), |sandbox, entry| sandbox.read_only(entry));
        let seen = sandbox.probe(&words.join(" + ")).succeeds();
        for word in &words {
            seen.refuses(word, &["ENOENT", "EACCES"]);
        }
        let _ = std::fs::remove_dir_all(format!("{data}/persist/{}", sandbox.name));
    }
    // Named, it is there, and nothing beside it.
    let sandbox = caller().read_only(&above_data).read_only(&kept.display().to_string());
    let words = format!("read {key}");
    sandbox.probe(&words).succeeds().allows(&words);
    let listed = sandbox.probe(&format!("ls {data}/persist")).succeeds();
    assert_eq!(listed.stdout.lines().count(), 1, "{listed}");
    assert!(listed.stdout.contains(&other.name), "{listed}");
    let words = format!("list {records}");
    caller().read_only(&records).probe(&words).succeeds().allows(&words);
    let _ = std::fs::remove_dir_all(kept);
}
