//! The bases: what a child of each inherits, and that every profile of the library is sound.

use super::{Directory, Network, Shipped};
use crate::harness::home;

const SHELL: &str = "/bin/sh";

#[test]
fn application_grants_nothing() {
    let Some(shipped) = Shipped::new("application", SHELL) else { return };
    shipped.run(&[SHELL, "-c", "ls -A ~; ulimit -c"]).succeeds().prints("0\n");
    shipped.reaches(Directory::Unseen, Network::None);
}

#[test]
fn online_reaches_the_hosts_network() {
    let Some(shipped) = Shipped::new("online", SHELL) else { return };
    shipped.reaches(Directory::Unseen, Network::Host);
}

#[test]
fn project_has_one_directory() {
    let Some(shipped) = Shipped::new("project", SHELL) else { return };
    shipped.file("tool", "#!/bin/sh\necho started\n");
    let path = shipped.work().join("tool");
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("changing its mode");
    shipped.run(&["./tool"]).succeeds().prints("started\n");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn another_directory_can_be_named() {
    let Some(shipped) = Shipped::new("project", SHELL) else { return };
    let file = shipped.sandbox.file("other/file", "x\n");
    let other = file.parent().expect("it has one").display().to_string();
    shipped.file("not-here", "");
    let shipped = shipped.set(&format!("dir={other}"));
    let seen = shipped.run(&[SHELL, "-c", "pwd; ls"]).succeeds();
    seen.prints(&format!("{other}\nfile\n"));
}

#[test]
fn the_whole_home_is_no_project() {
    let Some(shipped) = Shipped::new("project", SHELL) else { return };
    let shipped = shipped.set(&format!("dir={}", home().display()));
    shipped.run(&["/bin/true"]).refused(125, &["the whole home"]);
}

#[test]
fn a_readable_home_still_hides_its_secrets() {
    let Some(shipped) = Shipped::new("reader", SHELL) else { return };
    let place = home().join(".ssh");
    let fresh = std::fs::create_dir(&place).is_ok();
    let key = place.join(&shipped.sandbox.name);
    std::fs::write(&key, "key\n").expect("writing to ~/.ssh");
    let shipped = shipped.set(&format!("dir={}", home().display()));
    let (key_shown, secret) = (key.display().to_string(), shipped.secret.0.display().to_string());
    let seen = shipped.probe(&format!("read {secret} + read {key_shown} + list {}", place.display()));
    std::fs::remove_file(&key).expect("tidying up");
    if fresh {
        std::fs::remove_dir(&place).expect("tidying up");
    }
    seen.allows(&format!("read {secret}"));
    seen.refuses(&format!("read {key_shown}"), &["EACCES", "ENOENT"]);
    seen.refuses(&format!("list {}", place.display()), &["EACCES"]);
}

#[test]
fn converter_starts_nothing_from_its_directory() {
    let Some(shipped) = Shipped::new("converter", SHELL) else { return };
    std::fs::copy("/bin/true", shipped.work().join("program")).expect("copying a program");
    shipped.run(&["./program"]).refused(126, &["program"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn reader_changes_nothing() {
    let Some(shipped) = Shipped::new("reader", SHELL) else { return };
    shipped.reaches(Directory::Read, Network::None);
}

#[test]
fn strict_has_no_sockets_and_few_processes() {
    let Some(shipped) = Shipped::new("strict", SHELL) else { return };
    let seen = shipped.probe("socket 1 1 + socket 2 1 + socket 16 3 + forks 300 + read /etc/machine-id + setuid 0");
    for attempt in ["socket 1 1", "socket 2 1", "socket 16 3", "setuid 0"] {
        seen.refuses(attempt, &["EPERM"]);
    }
    seen.refuses("forks 300", &["EAGAIN"]);
    seen.refuses("read /etc/machine-id", &["EACCES", "ENOENT"]);
    shipped.reaches(Directory::Unseen, Network::None);
}

#[test]
fn build_keeps_the_compilers_variables() {
    let Some(mut shipped) = Shipped::new("build", SHELL) else { return };
    shipped.sandbox = shipped.sandbox.env("CFLAGS", "-O3").env("SECRET_TOKEN", "hush");
    shipped.run(&[SHELL, "-c", "echo $CFLAGS $SECRET_TOKEN"]).succeeds().prints("-O3\n");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn service_has_no_terminal_and_makes_private_files() {
    let Some(shipped) = Shipped::new("service", SHELL) else { return };
    let script = "umask; readlink -f /var/run; echo $SHELL; (: < /dev/tty) 2>/dev/null && echo terminal; true";
    shipped.run(&[SHELL, "-c", script]).succeeds().prints("0027\n/run\n/bin/sh\n");
    shipped.reaches(Directory::Unseen, Network::None);
}

#[test]
fn gui_sees_the_callers_fonts() {
    let Some(shipped) = Shipped::new("gui", "/usr/bin/fc-list") else { return };
    let fonts = home().join(".local/share/fonts");
    let fresh = !fonts.exists();
    std::fs::create_dir_all(&fonts).expect("making a directory");
    let font = fonts.join(format!("{}.ttf", shipped.sandbox.name));
    std::fs::copy("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", &font).expect("copying a font");
    let seen = shipped.run(&["fc-list", "DejaVu Sans", "file"]);
    std::fs::remove_file(&font).expect("tidying up");
    if fresh {
        std::fs::remove_dir(&fonts).expect("tidying up");
    }
    let seen = seen.exits(0);
    assert!(seen.stdout.contains(&font.display().to_string()), "{seen}");
}

/// Every profile that comes with the program; those of the first line have their tests in tests/it/profiles.rs.
pub const LIBRARY: &str = "hello nginx python redis shell
    application build converter gui online project reader service strict
    agent bash caddy cargo curl debug exiftool ffmpeg gcc ghostscript git git-online gnuplot go gpgv graphviz haproxy
    imagemagick jq lighttpd lua make mariadb memcached mosquitto node npm pandoc perl php pip poppler postgresql
    qemu-img ripgrep rsync rsync-ssh ruby shellcheck sox sqlite3 ssh tesseract unknown unpack vim wget";

#[test]
fn every_profile_is_listed_here() {
    let place = std::env::var_os("SANDBOX_TEST_PROGRAMS").map(std::path::PathBuf::from);
    let place = place.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).join("profiles");
    let files =
        [place.clone(), place.join("base")].map(|place| std::fs::read_dir(place).expect("listing the profiles"));
    let paths = files.into_iter().flatten().map(|file| file.expect("listing the profiles").path());
    let mut names = Vec::new();
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        let text = std::fs::read_to_string(&path).expect("reading a profile");
        assert!(text.contains("\ndescription = "), "{}", path.display());
        // What an editor completes and checks by, from wherever the directory is.
        let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).unwrap_or_default();
        let schema = path.parent().expect("it lies in a directory").join(schema);
        let schema = schema.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(schema, place.join("schema.json").canonicalize().expect("there is a schema"));
        names.push(path.file_stem().expect("it ends in .toml").to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let mut listed: Vec<&str> = LIBRARY.split_whitespace().collect();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn every_profile_is_sound() {
    let Some(shipped) = Shipped::new("application", SHELL) else { return };
    shipped.file("haproxy.cfg", "defaults\n");
    let here = format!("www={}", shipped.work().display());
    for name in LIBRARY.split_whitespace() {
        let mut words = vec!["check", name];
        if name == "nginx" {
            words.extend(["--set", &here]);
        }
        words.extend(["--", "/bin/true"]);
        let seen = shipped.sandbox.sandbox(&words).exits(0);
        // Of the host's network docs/cli.md says this, and tests/golden.rs which profiles it is about.
        let known = |line: &&str| line.starts_with("warning: network: mode = \"host\": whatever listens");
        let warnings = seen.stderr.lines().filter(|line| line.starts_with("warning: ") && !known(line));
        assert_eq!(warnings.collect::<Vec<_>>(), [""; 0], "{seen}");
    }
}
