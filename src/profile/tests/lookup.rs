//! Which files a name leads to, and which of them may be read.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::World;
use crate::isolation::rootfs::{Base, Home};
use crate::profile::find::BuiltIn;

#[test]
fn circles_are_named() {
    let world = World::new(&[
        ("a.toml", "extends = 'b'\n"),
        ("b.toml", "extends = 'c'\n"),
        ("c.toml", "extends = './b.toml'\n"),
        ("self.toml", "extends = './self.toml'\n"),
    ]);
    let (b, c) = (world.path("b.toml"), world.path("c.toml"));
    let expected = format!("this profile extends itself: {} → {} → {}", b.display(), c.display(), b.display());
    assert_eq!(world.bad("a", &[]), [expected]);
    assert!(world.bad("self", &[])[0].starts_with("this profile extends itself: "));
}

#[test]
fn chains_have_an_end() {
    let mut files: Vec<(String, String)> =
        (0..17).map(|n| (format!("p{n}.toml"), format!("extends = 'p{}'\n", n + 1))).collect();
    files.push(("p17.toml".into(), String::new()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    let world = World::new(&files);
    assert_eq!(world.good("p2", &[]).sources.iter().count(), 16);
    assert_eq!(world.bad("p1", &[]), ["more than 16 profiles extend one another"]);
}

#[test]
fn ones_own_name_means_the_next_on_the_search_path() {
    let mut world = World::new(&[
        ("nginx.toml", "extends = 'nginx'\n[process]\nnice = 1\n"),
        ("here/nginx.toml", "extends = 'nginx'\n[process]\numask = '0007'\n"),
    ]);
    world.built_in.push(BuiltIn { name: "nginx", base: false, text: "[process]\nnice = 2\noom-score-adj = 3\n" });
    for (name, umask, texts) in [("nginx", 0o022, 2), ("here/nginx.toml", 0o007, 3)] {
        let loaded = world.good(name, &[]);
        let process = &loaded.profile.process;
        assert_eq!((process.nice, process.oom_score_adj, process.umask), (Some(1), Some(3), umask), "{name}");
        assert_eq!(loaded.sources.iter().count(), texts);
        assert_eq!(loaded.profile.name, "nginx");
    }
}

#[test]
fn missing_parents_are_named_and_optional_ones_skipped() {
    let world = World::new(&[
        ("a.toml", "extends = ['-nope', '-./nope.toml', 'b']\n[rootfs]\nbase = 'none'\n"),
        ("b.toml", "[rootfs]\nhome = 'read-only'\n"),
        (
            "c.toml",
            "extends = ['servce', './nope.toml', 5]\n[process]\nenv-pass = ['!inherited']\nargs = ['${theirs}']\n",
        ),
        ("service.toml", ""),
    ]);
    let rootfs = world.good("a", &[]).profile.rootfs;
    assert_eq!((rootfs.base, rootfs.home), (Base::None, Home::ReadOnly));
    let problems = world.load("c", &[]).map(|loaded| loaded.profile).unwrap_err();
    let messages: Vec<&str> = problems.list.iter().map(|problem| &*problem.message).collect();
    let expected = [
        "there is no profile named `servce`",
        "there is no file ./nope.toml",
        "`extends` takes names and paths, not a number",
    ];
    assert_eq!(messages, expected, "what a missing parent may hold is not complained about");
    assert_eq!(problems.list[0].hint.as_deref(), Some("did you mean `service`?"));
}

#[test]
fn an_error_in_a_parent_says_who_extends_it() {
    let world = World::new(&[("a.toml", "\nextends = ['b']\n"), ("b.toml", "[process]\nnice = 'x'\n")]);
    let problems = world.load("a", &[]).map(|loaded| loaded.profile).unwrap_err();
    let (a, b) = (world.path("a.toml"), world.path("b.toml"));
    let text = problems.text(false);
    assert!(text.contains(&format!("--> {}:2:8", b.display())), "{text}");
    assert!(text.contains(&format!("note: extended by {}:2:12", a.display())), "{text}");
    let json = problems.json();
    assert_eq!(json[0]["uri"], format!("file://{}", b.display()));
    assert_eq!(json[0]["diagnostics"][0]["relatedInformation"][0]["location"]["range"]["start"]["character"], 11);
}

#[test]
fn what_may_not_be_read_is_refused() {
    let world = World::new(&[("p.toml", ""), ("w.toml", ""), ("here/w.toml", ""), ("latin.toml", "")]);
    let set = |name: &str, mode| fs::set_permissions(world.path(name), fs::Permissions::from_mode(mode)).unwrap();
    let refused = |name: &str| world.bad(name, &[]).remove(0);
    set("w.toml", 0o666);
    assert!(refused("w").ends_with("w.toml: it is writable by everybody"));
    set("here/w.toml", 0o666);
    world.good("here/w.toml", &[]);
    set("w.toml", 0o664);
    // The user's own group in the made-up passwd has one member: files of another group are anybody's.
    let group = fs::metadata(world.path("w.toml")).map(|file| std::os::unix::fs::MetadataExt::gid(&file)).unwrap();
    if group == nix::unistd::getuid().as_raw() {
        world.good("w", &[]);
    } else {
        assert!(refused("w").ends_with("w.toml: it is writable by its group"));
    }
    fs::create_dir(world.path("d.toml")).unwrap();
    assert!(refused("d").ends_with("d.toml: it is a directory"));
    nix::unistd::mkfifo(&world.path("f.toml"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    assert!(refused("f").ends_with("f.toml: not a regular file"));
    world.write("big.toml", &"#".repeat(1024 * 1024 + 1));
    assert!(refused("big").ends_with("big.toml: larger than 1 MiB"));
    world.write("fits.toml", &"#".repeat(1024 * 1024));
    world.good("fits", &[]);
    fs::write(world.path("latin.toml"), b"a = 1\nb = \"\xe4\"\n").unwrap();
    assert_eq!(refused("latin"), "the file is not UTF-8 from here on");
    assert_eq!(refused("nope"), "there is no profile named `nope`");
    assert_eq!(refused("./nope.toml"), "there is no file ./nope.toml");
    assert_eq!(refused(""), "there is no profile named ``");
    assert_eq!(refused("a\0b"), "there is no profile named `a\0b`");
    assert!(refused("a\0b.toml").contains("a\0b.toml"));
}

/// Whoever is called by name is trusted, and so is all that it brings along.
#[test]
fn what_a_name_leads_to_may_not_extend_what_others_write() {
    let world = World::new(&[
        ("named.toml", "extends = './sub/w.toml'\n"),
        ("sub/w.toml", ""),
        ("here/own.toml", "extends = '../sub/w.toml'\n"),
    ]);
    let profiles = world.path("named.toml").parent().unwrap().to_owned();
    let place = profiles.join("sub/w.toml");
    fs::create_dir_all(profiles.join("sub")).unwrap();
    fs::copy(world.path("sub/w.toml"), &place).unwrap();
    let set = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&place, 0o644);
    world.good("named", &[]);
    set(&place, 0o666);
    let refused = world.bad("named", &[]);
    assert!(refused.len() == 1 && refused[0].ends_with("sub/w.toml: it is writable by everybody"), "{refused:?}");
    // Reached by a path that somebody chose, and once more by name.
    set(&world.path("sub/w.toml"), 0o666);
    let warnings = world.good("here/own.toml", &[]).warnings;
    assert!(!warnings.has_errors() && warnings.list.len() == 1, "{warnings}");
    assert!(warnings.list[0].message.ends_with("w.toml is writable by everybody, who thereby decide what it grants"));
    // Of a directory that others may write to, unless each may only rename what is theirs.
    let own = world.path("here/own.toml");
    let said = |mode| {
        set(own.parent().unwrap(), mode);
        let warnings = world.good("here/own.toml", &[]).warnings.list;
        warnings.iter().filter(|one| one.message.contains("own.toml may be replaced by everybody")).count()
    };
    assert_eq!([0o755, 0o777, 0o1777].map(said), [0, 1, 0]);
    set(&place, 0o644);
    set(&profiles.join("sub"), 0o777);
    assert!(world.bad("named", &[])[0].ends_with("sub/w.toml: its directory is writable by everybody"));
}

#[test]
fn foreign_files_are_refused_unless_sudo_tells_whose_they_are() {
    if !nix::unistd::getuid().is_root() {
        return;
    }
    let mut world = World::new(&[("p.toml", ""), ("here/p.toml", "")]);
    for name in ["p.toml", "here/p.toml"] {
        std::os::unix::fs::chown(world.path(name), Some(4711), None).unwrap();
    }
    assert!(world.bad("here/p.toml", &[])[0].ends_with("it belongs to user 4711"));
    world.env.insert("SUDO_UID".into(), "4711".into());
    world.good("here/p.toml", &[]);
    assert!(world.bad("p", &[])[0].ends_with("it belongs to user 4711"), "by name it must be root's or the user's own");
}
