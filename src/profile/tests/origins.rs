//! Who wrote what: `check --origin`.

use std::ffi::OsString;

use super::World;
use crate::profile::find::BuiltIn;
use crate::profile::load::load_with;
use crate::profile::origins::{Line, json, origins, text};
use crate::profile::{Loaded, Overrides, keys};

const BASE: BuiltIn = BuiltIn {
    name: "strict",
    base: true,
    text: "[cgroup]\npids-max = 64\n[rootfs]\nhide = ['-~/.ssh', '-~/.gnupg']\nfiles = { '/etc/a' = \"a${x}\\n\" }\n",
};

fn lines(world: &World, overrides: Overrides) -> (Loaded, Vec<Line>) {
    let host = world.host();
    let loaded = load_with("web", &overrides, &host, &host, &world.built_in);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let lines = origins(&loaded, &host);
    (loaded, lines)
}

/// Those that somebody wrote, without the directory of this test.
fn written(world: &World, lines: &[Line]) -> String {
    let text = text(lines).replace(&format!("{}/", world.root.join("config/sandbox/profiles").display()), "");
    let written = text.lines().filter(|line| !line.ends_with("# default") && !line.is_empty());
    written.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// However long a value is, and whatever it holds: comments may be cut, TOML may not.
#[test]
fn what_is_printed_is_toml() {
    let long = "x".repeat(300);
    let text_of_profile = format!(
        "[process]\ncommand = ['/bin/web', '{long}', \"a\\u001b[2J\\n\\u202e'\\\"\\\\\"]\n\
         env = {{ A = \"\"\"1\n2\"\"\", B = '{long}' }}\n[rootfs]\nfiles = {{ '/etc/\u{e4}' = \"\\t{long}\" }}\n"
    );
    let world = World::new(&[("web.toml", &text_of_profile)]);
    let (loaded, lines) = lines(&world, Overrides::default());
    let printed = text(&lines);
    assert!(!printed.contains(['\x1b', '\u{202e}']), "{printed}");
    let parsed: toml::Table = printed.parse().unwrap_or_else(|error| panic!("{error}\n{printed}"));
    let command: Vec<&str> = loaded.profile.process.command.iter().filter_map(|word| word.to_str()).collect();
    let words = parsed["process"]["command"].as_array().unwrap();
    assert_eq!(words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>(), command);
    assert_eq!(parsed["process"]["env"]["A"].as_str(), Some("1\n2"));
    assert_eq!(parsed["rootfs"]["files"]["/etc/\u{e4}"].as_str(), Some(&*format!("\t{long}")));
}

#[test]
fn every_value_and_entry_says_who_wrote_it() {
    let mut world = World::new(&[(
        "web.toml",
        "extends = 'parent'\n[process]\ncommand = ['/bin/web', '${port}', '${HOME}']\nenv = { B = false }\n\
         timeout = false\n[rootfs]\nhide = ['!~/.ssh', '-~/.gnupg']\n[seccomp]\nallow = ['!*', 'bpf']\n\
         [landlock]\nscope = []\n",
    )]);
    world.write(
        "parent.toml",
        "extends = 'strict'\n[vars]\nport = '80'\n[process]\ncommand = ['/bin/web']\nargs = ['--old']\n\
         env = { A = '${port}', B = 'b' }\ntimeout = '1h'\n[rootfs]\ntmpfs = ['/data']\n\
         [seccomp]\nallow = ['bpf', '@debug']\n",
    );
    world.built_in = vec![BASE];
    let set = vec!["port=90".to_owned(), "rootfs.read-only=[\"/data\"]".to_owned()];
    let (_, lines) = lines(&world, Overrides { set, ..Overrides::default() });
    assert_eq!(
        written(&world, &lines),
        "\
name = \"web\" # the file's name
extends = [
\"parent.toml\", # web.toml:1:11
\"(built-in) strict\", # parent.toml:1:11
]
[vars]
port = \"90\" # --set port=90, over parent.toml:3:8
[process]
command = [\"/bin/web\", \"90\", \"/home/me\"] # web.toml:3:11, over parent.toml:5:11; ${port}: --set port=90; \
${HOME}: /etc/passwd
# args = [\"--old\"] # parent.toml:6:8, removed by web.toml:3:1
env.A = \"90\" # parent.toml:7:9; ${port}: --set port=90
# env.B = \"b\" # parent.toml:7:24, removed by web.toml:4:13
# timeout = \"1h\" # parent.toml:8:11, removed by web.toml:5:11
[namespaces]
[rootfs]
read-only = [
\"/data\", # --set rootfs.read-only=[\"/data\"]
]
tmpfs = [
# \"/data\", # parent.toml:10:10, replaced by --set rootfs.read-only=[\"/data\"]
]
hide = [
# \"-~/.ssh\", # (built-in) strict:4:9, removed by web.toml:7:9
# \"-~/.gnupg\", # (built-in) strict:4:20, replaced by web.toml:7:20
\"-~/.gnupg\", # web.toml:7:20
]
files.\"/etc/a\" = \"a${x}\\n\" # (built-in) strict:5:11
[cgroup]
pids-max = 64 # (built-in) strict:2:12
[network]
[capabilities]
[seccomp]
allow = [
# \"bpf\", # parent.toml:12:10, removed by web.toml:9:10
# \"@debug\", # parent.toml:12:17, removed by web.toml:9:10
\"bpf\", # web.toml:9:16
]
[landlock]
scope = [] # web.toml:11:9
"
    );
}

#[test]
fn the_command_line_is_named() {
    let args = Some(vec![OsString::from("--new")]);
    let overrides = Overrides { name: Some("site".into()), args, ..Overrides::default() };
    let world = World::new(&[("web.toml", "description = 'pages'\n[process]\ncommand = ['x']\nargs = ['--old']\n")]);
    let (loaded, lines) = lines(&world, overrides);
    let shown = written(&world, &lines);
    assert!(shown.contains("name = \"site\" # --name\n"), "{shown}");
    assert!(shown.contains("description = \"pages\" # web.toml:1:15\n"), "{shown}");
    assert!(shown.contains("args = [\"--new\"] # the command line\n"), "{shown}");
    assert_eq!(loaded.profile.process.args, ["--new"]);
}

#[test]
fn every_key_is_there_once_or_more() {
    let world = World::new(&[("web.toml", "")]);
    let (_, lines) = lines(&world, Overrides::default());
    for (section, key, refused) in keys() {
        let found = lines.iter().filter(|line| line.section == section && line.key == key).count();
        assert_eq!(found, usize::from(!refused), "[{section}] {key}");
    }
    // The JSON holds every default as a value or in words.
    for line in json(&lines).as_array().unwrap().iter().filter(|line| line["from"]["kind"] == "default") {
        assert!(line["value"].is_null() != line["words"].is_null(), "{line}");
    }
}
