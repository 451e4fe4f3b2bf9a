//! `new`: a starting profile for real programs, which start with it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Sandbox, Seen, home, is_root, skip};

/// A directory in the caller's home that goes with the test.
struct Yours(PathBuf);

impl Yours {
    fn new(sandbox: &Sandbox, name: &str) -> Yours {
        let path = home().join(name).join(&sandbox.name);
        std::fs::create_dir_all(&path).expect("making a directory in the home");
        Yours(path)
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("joined")).expect("making a directory");
        std::fs::write(&path, text).expect("writing a program");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }
}

impl Drop for Yours {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
        // Only where the test has made it.
        let _ = self.0.parent().map(std::fs::remove_dir);
    }
}

/// Writes the draft, and holds it to be clean.
#[track_caller]
fn drafted(sandbox: &Sandbox, app: &str) -> (String, String) {
    let file = sandbox.dir().join("draft.toml").display().to_string();
    sandbox.sandbox(&["new", app, "--force", "--output", &file]).succeeds();
    let text = std::fs::read_to_string(&file).expect("reading the draft");
    let checked = sandbox.sandbox(&["check", &file]).exits(0);
    let complaint = |line: &str| ["error: ", "warning: ", "missing: "].iter().any(|word| line.starts_with(word));
    assert!(!checked.stderr.lines().any(complaint), "{text}{checked}");
    (file, text)
}

#[track_caller]
fn runs(sandbox: &Sandbox, app: &str, arguments: &[&str]) -> (Seen, String) {
    let (file, text) = drafted(sandbox, app);
    (started(sandbox, &[&[file.as_str(), "--"], arguments].concat()), text)
}

/// What a server keeps lies in the test's own directory, but root's.
fn started(sandbox: &Sandbox, words: &[&str]) -> Seen {
    let keeper = Sandbox::bare().env("XDG_DATA_HOME", &sandbox.dir().join("data").display().to_string());
    let seen = keeper.sandbox(&[&["run", "--name", &sandbox.name], words].concat());
    if is_root() {
        let _ = std::fs::remove_dir_all(Path::new("/var/lib/sandbox/persist").join(&sandbox.name));
    }
    seen
}

#[test]
fn installed_programs_start_with_their_draft() {
    for (program, option, base) in [
        ("jq", "--version", "application"),
        ("git", "--version", "application"),
        ("python3", "--version", "application"),
        ("perl", "-v", "application"),
        ("ffmpeg", "-version", "application"),
        ("sqlite3", "--version", "application"),
        ("redis-server", "--version", "service"),
        ("nginx", "-v", "service"),
        ("bash", "--version", "application"),
    ] {
        let sandbox = Sandbox::bare();
        let usual = ["/usr/bin", "/usr/sbin"].map(|directory| Path::new(directory).join(program));
        if !usual.iter().any(|path| path.exists()) {
            skip(&format!("{program} is not installed"));
            continue;
        }
        let (inside, text) = runs(&sandbox, program, &[option]);
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let outside = Command::new(program).arg(option).env_clear().env("PATH", path).output().expect(program);
        let expected = String::from_utf8_lossy(&outside.stdout);
        assert_eq!(inside.exits(0).stdout, expected, "{text}");
        assert!(text.contains(&format!("extends = \"{base}\"\n")), "{text}");
        let keeps = text.contains("persist = [\"/var/lib/redis\"]\n");
        assert_eq!(keeps, program == "redis-server", "what its unit says that it writes is kept: {text}");
    }
}

/// Nothing is claimed of a server that only a start would show; what its unit and the file system tell is taken over.
#[test]
fn drafts_of_servers_say_what_to_fill_in() {
    let known: [(&str, &[&str], &[&str]); 8] = [
        ("nginx", &["# - args: its unit has it go to the background", "\n# args = [\"-g\", "], &["/var/lib/nginx"]),
        ("lighttpd", &["\nargs = [\"-D\", \"-f\", \"/etc/lighttpd/lighttpd.conf\"]\n"], &["/var/log/lighttpd"]),
        (
            "mariadbd",
            &["/mariadb.service starts it as\n", "# - args: its unit has another program"],
            &["/var/lib/mysql"],
        ),
        ("memcached", &["extends = \"service\"", "# - args: its unit has another program"], &[]),
        ("redis-server", &["\nargs = [\"/etc/redis/redis.conf\", ", "persist = [\"/var/lib/redis\"]\n"], &[]),
        ("mosquitto", &["\nargs = [\"-c\", \"/etc/mosquitto/mosquitto.conf\"]\n"], &["/var/lib/mosquitto"]),
        ("haproxy", &["# - args: its unit takes them from variables"], &["/var/lib/haproxy"]),
        ("postgres", &["sandbox profiles show postgresql\n"], &[]),
    ];
    let sandbox = Sandbox::bare();
    for (program, words, directories) in known {
        let mut places = vec![PathBuf::from("/usr/sbin"), "/usr/bin".into()];
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        places.extend(versions.map(|version| version.path().join("bin")));
        let Some(path) = places.into_iter().map(|place| place.join(program)).find(|path| path.exists()) else {
            skip(&format!("{program} is not installed"));
            continue;
        };
        let (_, text) = drafted(&sandbox, &path.display().to_string());
        assert!(!text.contains("it runs") && text.contains(", read and not run: "), "{text}");
        let directories = directories.iter().filter(|path| Path::new(path).is_dir());
        for words in words.iter().chain(directories) {
            assert!(text.contains(words), "{program}: {words}\n{text}");
        }
        if program == "postgres" {
            continue;
        }
        assert!(text.contains("# Before it serves, fill in:\n# - ") && text.contains("# - whatever else"), "{text}");
        // As Debian has it: for its own group.
        let closed = program == "redis-server" && std::fs::File::open("/etc/redis/redis.conf").is_err();
        assert_eq!(text.contains("# - args: you may not read /etc/redis/redis.conf: "), closed, "{text}");
        let own = ["mariadbd", "mosquitto", "haproxy", "redis-server"].contains(&program);
        assert_eq!(text.contains("\nuser = "), own && is_root(), "{text}");
        let asked = !own && is_root();
        assert_eq!(
            text.contains("# - user: its unit names none") && text.contains("\n# user = \"…\"\n"),
            asked,
            "{text}"
        );
    }
}

/// A package brings a unit along for the few who serve with it.
#[test]
fn what_nobody_has_serve_here_is_no_server() {
    let (unit, wanted) = ("/usr/lib/systemd/system/rsync.service", "/etc/rsyncd.conf");
    if !Path::new(unit).exists() {
        return skip("rsync is not installed, or brings no unit along");
    }
    let (_, text) = drafted(&Sandbox::bare(), "rsync");
    let would = format!("# Note: {unit} would start it as a server, but for {wanted}, which does not exist.\n");
    let serves = Path::new(wanted).exists();
    assert_eq!((text.contains(&would), text.contains("--daemon")), (!serves, serves), "{text}");
    assert_eq!(text.contains("\nextends = \"service\"\n"), serves, "{text}");
}

/// Whose configuration needs nothing else, it serves as it was drafted.
#[test]
fn a_server_is_started_as_its_unit_does() {
    let (program, user) = if is_root() { ("mosquitto", "mosquitto") } else { ("lighttpd", "") };
    if !Path::new("/usr/sbin").join(program).exists() {
        return skip(&format!("{program} is not installed"));
    }
    let sandbox = Sandbox::bare();
    let (file, text) = drafted(&sandbox, program);
    assert!(user.is_empty() || text.contains(&format!("\nuser = \"{user}\"\n")), "{text}");
    // Its network is its own: it is up as long as it does not end, which both do well when asked to.
    let start = std::time::Instant::now();
    let seen = started(&sandbox, &["--set", "process.timeout=\"3s\"", &file]).exits(0);
    assert!(start.elapsed().as_secs() >= 3, "{text}{seen}");
}

/// A person asks for the name that they know, and is told of what is there for it under another.
#[test]
fn a_link_is_called_as_it_was_asked_for_and_profiles_for_it_are_named() {
    if !["/usr/bin/shellcheck", "/usr/bin/redis-server"].iter().all(|program| Path::new(program).exists()) {
        return skip("shellcheck or redis-server is not installed");
    }
    let sandbox = Sandbox::bare();
    let config = sandbox.dir().join("config").display().to_string();
    let sandbox = sandbox.env("XDG_CONFIG_HOME", &config);
    sandbox.file("config/sandbox/profiles/mine.toml", "process.command = [\"shellcheck\"]\n");
    sandbox.file("config/sandbox/profiles/broken.toml", "process.command = [\"shellcheck\"\n");
    let (_, text) = drafted(&sandbox, "shellcheck");
    assert!(text.contains("# There are profiles for it already (sandbox profiles show): mine, shellcheck\n"), "{text}");
    let (_, text) = drafted(&sandbox, "redis-server");
    assert!(text.contains("# There is a profile for it already: sandbox profiles show redis\n"), "{text}");
    let program = Path::new("/usr/bin/redis-server");
    if let Ok(real) = program.canonicalize().map(|real| real.display().to_string()) {
        let said = match real == program.display().to_string() {
            true => format!("# {real} is an ELF program.\n"),
            false => format!("# {} is a link to {real}, an ELF program.\n", program.display()),
        };
        assert!(text.contains(&said), "{said}{text}");
    }
    let (_, text) = drafted(&sandbox, "tar");
    assert!(text.contains("# There is a profile for it already: sandbox profiles show unpack\n"), "{text}");
    let (_, text) = drafted(&sandbox, "true");
    assert!(!text.contains("already"), "{text}");
}

#[test]
fn power_that_a_file_gives_is_said_to_be_none_inside() {
    let sandbox = Sandbox::bare();
    let (_, text) = drafted(&sandbox, "mount");
    assert!(text.contains("it is setuid or setgid, which gives nothing inside"), "{text}");
    // Where its file system could not hold capabilities it is setuid, too.
    if Path::new("/usr/bin/ping").exists() {
        let (_, text) = drafted(&sandbox, "ping");
        assert!(text.contains("nothing inside"), "{text}");
    }
    let (_, text) = drafted(&sandbox, "true");
    assert!(!text.contains("nothing inside"), "{text}");
}

#[test]
fn a_script_of_ones_own_is_granted_and_nothing_beside_it() {
    let sandbox = Sandbox::bare();
    let bin = Yours(home().join("bin").join(&sandbox.name));
    std::fs::create_dir_all(bin.0.parent().expect("joined")).expect("making ~/bin");
    let text = "#!/usr/bin/env sh\necho \"$@\"; ls \"$(dirname \"$0\")\"\n";
    let neighbour = bin.0.with_extension("neighbour");
    for path in [&bin.0, &neighbour] {
        std::fs::write(path, text).expect("writing a script");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let (seen, text) = runs(&sandbox, &bin.0.display().to_string(), &["--version"]);
    [&bin.0, &neighbour].iter().for_each(|path| std::fs::remove_file(path).expect("removing a script"));
    assert_eq!(seen.succeeds().stdout, format!("--version\n{}\n", sandbox.name), "{text}");
    assert!(text.contains(&format!("\"~/bin/{}\",  # the program itself", sandbox.name)), "{text}");
    assert!(text.contains(&format!("command = [\"${{HOME}}/bin/{}\"]", sandbox.name)), "{text}");
}

/// What would turn a line around is written as what it is.
#[test]
fn a_name_that_hides_what_it_is_is_spelled_out() {
    let sandbox = Sandbox::bare();
    let text = "#!/bin/sh\necho started\n";
    let path = sandbox.file("\u{202e}txt.hs", text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let (seen, text) = runs(&sandbox, &path.display().to_string(), &[]);
    assert_eq!(seen.succeeds().stdout, "started\n", "{text}");
    assert!(text.contains("\\u202Etxt.hs") && !text.contains('\u{202e}'), "{text}");
}

/// Found by a link in PATH, started by an interpreter that env(1) finds elsewhere.
#[test]
fn links_and_interpreters_are_followed() {
    let sandbox = Sandbox::bare();
    let (apps, tools) = (Yours::new(&sandbox, "apps-of-test"), Yours::new(&sandbox, "tools-of-test"));
    std::fs::create_dir(tools.0.join("bin")).expect("making a directory");
    std::fs::copy("/bin/dash", tools.0.join("bin/my-shell")).expect("copying a shell");
    apps.program("real/start", "#!/usr/bin/env my-shell\necho started \"$@\"; cat \"${0%/*}/data\"\n");
    apps.program("real/data", "data\n");
    let link = sandbox.dir().join("by-link");
    symlink(apps.0.join("real/start"), &link).expect("making a link");
    let path = format!("{}:{}:/usr/bin:/bin", sandbox.dir().display(), tools.0.join("bin").display());
    let sandbox = sandbox.env("PATH", &path);
    let (seen, text) = runs(&sandbox, "by-link", &["now"]);
    assert!(seen.stdout.starts_with("started now\n"), "{text}{seen}");
    assert!(text.contains(&format!("\"~/tools-of-test/{}\"", sandbox.name)), "{text}");
    assert!(text.contains("env = { PATH = "), "{text}");
}

#[test]
fn a_python_environment_belongs_together() {
    let sandbox = Sandbox::bare();
    let apps = Yours::new(&sandbox, "apps-of-test");
    let venv = apps.0.join("venv");
    let made = Command::new("/usr/bin/python3").args(["-m", "venv", "--without-pip"]).arg(&venv).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return skip("/usr/bin/python3 makes no virtual environments here");
    }
    let line = format!("#!{}/bin/python3\nimport module, sys\nprint(module.name, sys.prefix)\n", venv.display());
    let script = apps.program("tool.py", &line);
    let packages = venv.join("lib").read_dir().expect("listing").next().expect("one version").expect("listing").path();
    std::fs::write(packages.join("site-packages/module.py"), "name = 'found'\n").expect("writing a module");
    let (seen, text) = runs(&sandbox, &script.display().to_string(), &[]);
    assert_eq!(seen.stdout, format!("found {}\n", venv.display()), "{text}{seen}");
}

#[test]
fn libraries_outside_the_system_are_found() {
    let sandbox = Sandbox::bare();
    let apps = Yours::new(&sandbox, "apps-of-test");
    let source = |name: &str, text: &str| sandbox.file(name, text).display().to_string();
    let far = apps.0.join("far/lib");
    for directory in [&far, &apps.0.join("app/bin"), &apps.0.join("app/lib")] {
        std::fs::create_dir_all(directory).expect("making a directory");
    }
    let cc = |words: &[&str]| {
        let output = Command::new("cc").args(words).current_dir(&apps.0).output().expect("starting cc");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let far = far.display().to_string();
    let (deep, near) = (
        source("deep.c", "int deep(void) { return 40; }"),
        source("near.c", "int deep(void); int near(void) { return deep() + 2; }"),
    );
    let main = source("main.c", "#include <stdio.h>\nint near(void);\nint main(void) { printf(\"%d\\n\", near()); }");
    cc(&["-shared", "-fPIC", "-o", "far/lib/libdeep.so", &deep]);
    let runpath = format!("-Wl,--enable-new-dtags,-rpath,{far}");
    cc(&["-shared", "-fPIC", "-o", "app/lib/libnear.so", &near, "-Lfar/lib", "-ldeep", &runpath]);
    let origin = "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib";
    cc(&["-o", "app/bin/app", &main, "-Lapp/lib", "-lnear", origin, "-Wl,--allow-shlib-undefined"]);
    let app = apps.0.join("app/bin/app").display().to_string();
    let (seen, text) = runs(&sandbox, &app, &[]);
    assert_eq!(seen.exits(0).stdout, "42\n", "{text}");
    let far = format!("    \"~/apps-of-test/{}/far\",  # its libraries\n", sandbox.name);
    assert!(text.contains(&far), "{text}");

    // Without the grant that was found, it does not start.
    let less = sandbox.file("less.toml", &text.replace(&far, "")).display().to_string();
    let seen = sandbox.sandbox(&["run", &less]);
    assert!(seen.status.code() != Some(0) && seen.stderr.contains("libdeep.so"), "{seen}");
    // And of what is nowhere it says so.
    std::fs::remove_dir_all(apps.0.join("far")).expect("removing a library");
    assert!(drafted(&sandbox, &app).1.contains("Note: libdeep.so, which libnear.so is linked to, was not found"));
}

#[test]
fn what_it_keeps_and_what_it_is_for_is_found() {
    let sandbox = Sandbox::bare();
    let name = sandbox.name.clone();
    let apps = Yours::new(&sandbox, "apps-of-test");
    let program = apps.program("app/run", "#!/bin/sh\ncat \"$XDG_CONFIG_HOME/x\"; echo changed > \"$1\"\n");
    std::fs::rename(&program, program.with_file_name(&name)).expect("renaming the program");
    let program = program.with_file_name(&name);
    sandbox.file(&format!("config/{name}/settings"), "settings\n");
    sandbox.file(&format!("data/{name}/data"), "data\n");
    let entry = format!(
        "[Desktop Entry]\nComment=Browses\nExec={} %U\nTerminal=false\nCategories=Network;\n",
        program.display()
    );
    sandbox.file(&format!("data/applications/{name}.desktop"), &entry);
    let [config, data] = ["config", "data"].map(|place| sandbox.dir().join(place).display().to_string());
    let sandbox = sandbox.env("XDG_CONFIG_HOME", &config).env("XDG_DATA_HOME", &data);
    let (_, text) = drafted(&sandbox, &program.display().to_string());
    for words in [
        format!("description = \"{name}: Browses\"\n"),
        "extends = \"gui\"\n".into(),
        "# Its categories are Network: it needs the network.".into(),
        format!("    \"{config}/{name}\",  # its settings"),
        format!("    \"{data}/{name}\",  # its data\n"),
    ] {
        assert!(text.contains(&words), "{words}\n{text}");
    }
    let (read, write) = text.split_once("read-write").expect("both lists");
    assert!(read.contains(&config) && write.contains(&format!("{data}/{name}")), "{text}");
}

#[test]
fn there_is_no_draft_of_what_is_no_program() {
    let sandbox = Sandbox::bare();
    let dir = sandbox.dir().display().to_string();
    let plain = |name: &str, text: &[u8], mode| {
        let path = sandbox.dir().join(name);
        std::fs::write(&path, text).expect("writing a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
        path.display().to_string()
    };
    let mut foreign = b"\x7fELF\x02\x01\x01".to_vec();
    foreign.resize(64, 0);
    foreign[18] = 183;
    for (app, words) in [
        (
            "no-such-program-anywhere".to_owned(),
            ["no program is called `no-such-program-anywhere`", "hint: install it"],
        ),
        ("bahs".to_owned(), ["no program is called `bahs`", "did you mean `bash`?"]),
        (format!("{dir}/missing"), ["missing does not exist", "hint: "]),
        (dir.clone(), ["is a directory", "hint: "]),
        (plain("text", b"hello\n", 0o644), ["text is not executable", "hint: "]),
        (plain("silent", b"echo\n", 0o755), ["is neither an ELF program nor a script with #!", "hint: write #!"]),
        (
            plain("lost", b"#!/no/such/shell\n", 0o755),
            ["is a script for `/no/such/shell`, which is not there", "hint: "],
        ),
        (
            plain("astray", b"#!/usr/bin/env no-such-shell\n", 0o755),
            ["`no-such-shell`, which is in no directory of PATH", "hint: "],
        ),
        (plain("foreign", &foreign, 0o755), ["it is built for another kind of machine", "hint: "]),
        (
            plain("cut", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0", 0o755),
            ["its headers lead nowhere", "hint: "],
        ),
    ] {
        let seen = sandbox.sandbox(&["new", &app]).refused(1, &words);
        assert!(seen.stdout.is_empty(), "{seen}");
    }
    let circle = plain("circle", format!("#!{dir}/circle\n").as_bytes(), 0o755);
    sandbox.sandbox(&["new", &circle]).refused(1, &["a script for a script"]);
}

#[test]
fn a_file_that_is_there_is_left_alone() {
    let sandbox = Sandbox::bare();
    let file = sandbox.file("mine.toml", "# mine\n");
    let path = file.display().to_string();
    let text = || std::fs::read_to_string(&file).expect("reading");
    sandbox.sandbox(&["new", "bash", "--output", &path]).refused(1, &["exists already", "--force"]);
    assert_eq!(text(), "# mine\n");
    sandbox.sandbox(&["new", "bash", "--output", &path, "--force"]).succeeds();
    assert!(text().starts_with("#:schema ./schema.json\n# A start for bash"), "{}", text());
    let nowhere = sandbox.dir().join("no/such/x.toml").display().to_string();
    sandbox.sandbox(&["new", "bash", "--output", &nowhere]).refused(1, &["cannot be written"]);
    sandbox.sandbox(&["new", "bash", "--force"]).exits(2);
}
