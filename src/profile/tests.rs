//! Whole profiles: what several files, variables and the command line add up to.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::find::BuiltIn;
use super::load::load_with;
use super::{Diagnostics, Loaded, Overrides};
use crate::host::{Facts, Host};
use crate::isolation::Access;
use crate::isolation::capabilities::Keep;
use crate::isolation::rootfs::{Base, Home};

/// A directory of profiles that is removed afterwards, and a machine whose user's configuration it is.
struct World {
    root: PathBuf,
    env: BTreeMap<String, String>,
    built_in: Vec<BuiltIn>,
}

impl World {
    fn new(files: &[(&str, &str)]) -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("sandbox-profile-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(unique);
        fs::create_dir_all(root.join("config/sandbox/profiles")).unwrap();
        let root = root.canonicalize().unwrap();
        let env = BTreeMap::from([("XDG_CONFIG_HOME".into(), root.join("config").to_str().unwrap().to_owned())]);
        let world = World { root, env, built_in: Vec::new() };
        files.iter().for_each(|(name, text)| world.write(name, text));
        world
    }

    /// `name` without a slash is on the search path.
    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.contains('/') { self.root.join(name) } else { self.root.join("config/sandbox/profiles").join(name) }
    }

    fn host(&self) -> Host {
        let uid = nix::unistd::getuid().as_raw();
        let mut facts = Facts { uid: Some(uid), gid: Some(uid), env: Some(self.env.clone()), ..Facts::default() };
        facts.cwd = Some(self.root.clone());
        let passwd = format!("me:x:{uid}:{uid}::/home/me:/bin/sh\n");
        facts.texts.insert("/etc/passwd".into(), Some(passwd));
        facts.texts.insert(
            self.root.join("config/user-dirs.dirs").to_string_lossy().into_owned(),
            Some("XDG_DOWNLOAD_DIR=\"$HOME/Down\"\nXDG_MUSIC_DIR=\"$HOME/\"\n# x\n".into()),
        );
        Host::known(facts)
    }

    fn load(&self, name: &str, set: &[&str]) -> Result<Loaded, Diagnostics> {
        let overrides = Overrides { set: set.iter().map(|set| (*set).to_owned()).collect(), ..Overrides::default() };
        load_with(name, &overrides, &self.host(), &self.host(), &self.built_in)
    }

    fn good(&self, name: &str, set: &[&str]) -> Loaded {
        self.load(name, set).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// The messages alone.
    fn bad(&self, name: &str, set: &[&str]) -> Vec<String> {
        let problems = self.load(name, set).map(|loaded| loaded.profile).unwrap_err();
        problems.list.into_iter().map(|problem| problem.message).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn strings(list: &[std::ffi::OsString]) -> Vec<&str> {
    list.iter().map(|word| word.to_str().unwrap()).collect()
}

#[test]
fn parents_come_first_and_each_counts_once() {
    let world = World::new(&[
        ("a.toml", "extends = ['b', 'c']\n[process]\nnice = 1\n"),
        ("b.toml", "extends = 'd'\n[process]\nnice = 2\numask = '0002'\nenv-pass = ['B']\n"),
        ("c.toml", "extends = './d.toml'\n[process]\numask = '0003'\nenv-pass = ['C']\n"),
        ("d.toml", "name = 'other'\n[process]\nnice = 4\noom-score-adj = 4\nenv-pass = ['D']\n"),
    ]);
    let loaded = world.good("a", &[]);
    let process = &loaded.profile.process;
    assert_eq!((process.nice, process.umask, process.oom_score_adj), (Some(1), 3, Some(4)));
    assert_eq!(process.env_pass, ["D", "B", "C"]);
    assert_eq!(loaded.profile.name, "a", "a parent's name is the parent's");
    assert_eq!(loaded.profile.files.len(), 4);
}

#[test]
fn lists_grow_or_are_replaced() {
    let world = World::new(&[
        (
            "base.toml",
            "[process]\ncommand = ['/a']\nargs = ['1', '2']\ngroups = ['x']\nenv = { A = 'a', B = 'b' }\n\
             [seccomp]\nallow = ['ptrace', 'bpf']\n[capabilities]\nkeep = ['setuid', 'setgid']\n\
             [landlock]\nscope = ['signal']\n",
        ),
        (
            "child.toml",
            "extends = 'base'\n[process]\ncommand = ['/b']\ngroups = ['y']\nenv = { A = false, C = 'c' }\n\
             [seccomp]\nallow = ['!bpf', 'mount']\n[capabilities]\nkeep = ['!*', 'chown']\n[landlock]\nscope = []\n",
        ),
        ("args.toml", "extends = 'base'\n[process]\nargs = ['3']\n"),
        (
            "gone.toml",
            "extends = 'base'\nseccomp = false\n[process]\ngroups = false\nenv = false\n[landlock]\nscope = false\n",
        ),
        ("all.toml", "extends = 'base'\n[capabilities]\nkeep = 'all'\n"),
    ]);
    let profile = world.good("child", &[]).profile;
    assert_eq!((strings(&profile.process.command), strings(&profile.process.args)), (vec!["/b"], vec![]));
    assert_eq!(profile.process.groups, Some(vec!["y".into()]));
    assert_eq!(profile.process.env, BTreeMap::from([("B".into(), "b".into()), ("C".into(), "c".into())]));
    assert_eq!(profile.seccomp.allow.iter().flatten().map(|call| &*call.name).collect::<Vec<_>>(), ["ptrace", "mount"]);
    assert_eq!(profile.capabilities.keep, Keep::Only(vec!["chown".into()]));
    assert_eq!(profile.landlock.scope.map(|scope| scope.len()), Some(1), "an empty list adds nothing");
    let profile = world.good("args", &[]).profile;
    assert_eq!((strings(&profile.process.command), strings(&profile.process.args)), (vec!["/a"], vec!["3"]));
    let profile = world.good("gone", &[]).profile;
    assert_eq!((profile.process.groups, profile.process.env.len()), (None, 0));
    assert_eq!((profile.seccomp.allow.iter().flatten().count(), profile.landlock.scope), (0, None));
    assert_eq!(world.bad("all", &[]), ["`keep` lists capabilities beside \"all\", which holds them already"]);
}

#[test]
fn what_removes_nothing_is_an_error() {
    let world = World::new(&[
        ("base.toml", "[process]\nenv-pass = ['A']\n[rootfs]\nread-only = ['/srv']\nfiles = { '/etc/motd' = 'x' }\n"),
        (
            "child.toml",
            "extends = 'base'\n[process]\nenv-pass = ['!B', 'C', '!C']\nnice = false\nenv = { X = false }\n\
             [rootfs]\nhide = ['!/srv']\nread-only = ['!/other']\nfiles = { '/etc/x' = false }\nbase = false\n",
        ),
    ]);
    assert_eq!(
        world.bad("child", &[]),
        [
            "`!B` removes nothing: no such entry of `env-pass` is inherited",
            "`!C` removes nothing: no such entry of `env-pass` is inherited",
            "`nice = false` removes nothing: it is not inherited",
            "`X = false` removes nothing: it is not inherited",
            "nothing inherited stands at /srv in `hide`",
            "nothing inherited stands at /other in `read-only`",
            "nothing inherited stands at /etc/x in `files`",
            "`base = false` removes nothing: it is not inherited",
        ]
    );
}

#[test]
fn a_place_is_taken_over_across_files() {
    let world = World::new(&[
        (
            "base.toml",
            "[rootfs]\nread-only = ['/srv', '/opt', '~/x']\nhide = ['/srv/private']\ntmpfs = ['/t']\n\
             files = { '/etc/a' = { text = 'a', mode = '0600' }, '/etc/b' = 'b' }\n",
        ),
        (
            "child.toml",
            "extends = 'base'\n[rootfs]\nread-write = ['/srv']\nread-only = ['!/opt', '!${HOME}/x', '/new']\ntmpfs = ['!*']\n\
             files = { '/etc/a' = { owner = 'root' }, '/etc/b' = false }\n",
        ),
    ]);
    let loaded = world.good("child", &[]);
    let rootfs = &loaded.profile.rootfs;
    let binds: Vec<_> = rootfs.binds.iter().map(|bind| (bind.target.to_str().unwrap(), bind.access)).collect();
    assert_eq!(binds, [("/srv", Access::ReadWrite), ("/new", Access::ReadOnly)]);
    assert_eq!((rootfs.hide.len(), rootfs.tmpfs.len(), rootfs.files.len()), (1, 0, 1));
    let file = &rootfs.files[0];
    assert_eq!((&*file.text, file.mode, file.owner.as_deref()), ("a", 0o600, Some("root")));
    let warnings: Vec<_> = loaded.warnings.list.iter().map(|warning| &*warning.message).collect();
    assert_eq!(warnings, ["`read-write` of /srv takes the place of what a parent put there"]);
}

#[test]
fn variables_bind_late() {
    let world = World::new(&[
        (
            "base.toml",
            "[vars]\nport = '80'\nurl = 'http://localhost:${port}'\n[process]\nargs = ['${url}', '$$x', '$y']\n",
        ),
        (
            "child.toml",
            "extends = 'base'\n[vars]\nport = '8080'\n[process]\nenv = { N = '${NAME}', D = '${none:-${port}}' }\n",
        ),
    ]);
    let args = |set: &[&str]| world.good("child", set).profile.process.args;
    assert_eq!(strings(&args(&[])), ["http://localhost:8080", "$x", "$y"]);
    assert_eq!(strings(&args(&["port=1", "port=2"])), ["http://localhost:2", "$x", "$y"]);
    let profile = world.good("child", &["none=${UID}"]).profile;
    assert_eq!(profile.process.env["N"], "child");
    assert_eq!(profile.process.env["D"], nix::unistd::getuid().to_string());
    assert_eq!(world.bad("child", &["prot=1"]), ["the profile has no variable `prot`"]);
    assert_eq!(world.good("child", &["process.nice=5", "process.nice=6"]).profile.process.nice, Some(6));
}

#[test]
fn built_in_variables_and_paths() {
    let mut world = World::new(&[(
        "p.toml",
        "[rootfs]\nread-only = ['${PROFILE_DIR}/a', 'b', '~/c', '${XDG_DOWNLOAD_DIR}', '${XDG_MUSIC_DIR:-/none}', \
         '${XDG_DATA_HOME}', '../up:/up', '${env.COLON}']\n",
    )]);
    world.env.insert("COLON".into(), "/x:/y".into());
    let loaded = world.good("p", &["rootfs.read-only=['here']"]);
    let sources: Vec<String> =
        loaded.profile.rootfs.binds.iter().map(|bind| bind.source.display().to_string()).collect();
    let own = world.root.join("config/sandbox/profiles");
    let below = |path: &Path, name: &str| path.join(name).display().to_string();
    assert_eq!(
        sources,
        [
            below(&own, "a"),
            below(&own, "b"),
            "/home/me/c".into(),
            "/home/me/Down".into(),
            "/none".into(),
            "/home/me/.local/share".into(),
            below(own.parent().unwrap(), "up"),
            "/x:/y".into(),
            below(&world.root, "here"),
        ]
    );
}

#[test]
fn variables_that_go_wrong() {
    let world = World::new(&[(
        "p.toml",
        "[vars]\na = '${b}'\nb = '${a}'\nHOME = 'x'\n'b c' = 'x'\nn = 5\n[process]\nargs = ['${a}', '${prot}', '${', '${x y}', '${env.NOPE}']\n",
    )]);
    assert_eq!(
        world.bad("p", &[]),
        [
            "`a` is defined by itself: a → b → a",
            "`HOME` is a variable of the language and cannot be declared",
            "`b c` cannot be the name of a variable",
            "the variable `n` takes a string, not a number",
            "${prot} is not defined",
            "`${` is never closed",
            "`x y` cannot be the name of a variable",
            "${env.NOPE} is not defined",
        ]
    );
}

#[test]
fn variables_that_explode_are_cut() {
    let mut text = String::from("[vars]\nv0 = 'xxxxxxxxxx'\ne0 = ''\n");
    for n in 1..60 {
        text += &format!("v{n} = '${{v{}}}${{v{}}}'\ne{n} = '${{e{}}}${{e{}}}'\n", n - 1, n - 1, n - 1, n - 1);
    }
    let world = World::new(&[("p.toml", &(text + "[process]\nargs = ['${v59}', '${e59}']\n"))]);
    assert_eq!(world.bad("p", &[]), ["this grows to more than 128 KiB"]);
}

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
fn what_a_built_in_base_asks_for_is_best_effort() {
    let mut world = World::new(&[("p.toml", "extends = 'service'\n[cgroup]\nmemory-max = '1G'\n")]);
    world.built_in.push(BuiltIn { name: "service", base: true, text: "[cgroup]\npids-max = 10\nmemory-max = '2G'\n" });
    let cgroup = world.good("p", &[]).profile.cgroup;
    assert_eq!((cgroup.pids_max.unwrap().required, cgroup.memory_max.unwrap().required), (false, true));
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
