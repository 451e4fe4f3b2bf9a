//! What `${…}`, `~` and relative paths come to.

use std::path::Path;

use super::{World, strings};

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
    let profile = world.good("child", &["vars.none='${UID}'"]).profile;
    assert_eq!(profile.process.env["N"], "child");
    assert_eq!(profile.process.env["D"], nix::unistd::getuid().to_string());
    assert_eq!(world.bad("child", &["prot=1"]), ["the profile has no variable `prot`"]);
    assert_eq!(world.good("child", &["process.nice=5", "process.nice=6"]).profile.process.nice, Some(6));
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let nested =
        |depth: usize| format!("[process]\ncommand = [\"{}/bin/true{}\"]\n", "${a:-".repeat(depth), "}".repeat(depth));
    let chain: String = (0..15_000).map(|at| format!("v{at} = \"${{v{}}}\"\n", at + 1)).collect();
    let chain = format!("[vars]\n{chain}v15000 = \"x\"\n[process]\ncommand = [\"${{v0}}\"]\n");
    let (deep, sound) = (nested(20_000), nested(60));
    let world = World::new(&[("deep.toml", &deep), ("chain.toml", &chain), ("sound.toml", &sound)]);
    for name in ["deep", "chain"] {
        assert!(world.bad(name, &[]).contains(&"variables lie in one another more than 64 deep".to_owned()), "{name}");
    }
    assert_eq!(strings(&world.good("sound", &[]).profile.process.command), ["/bin/true"]);
}

/// A wrapper that puts a number into it must not be made to put a section into the profile.
#[test]
fn one_set_sets_one_key() {
    let world = World::new(&[("p.toml", "[process]\ncommand = ['true']\n")]);
    for more in ["process.nice=1\n[rootfs]\nhome='read-write'", "process.nice=1\nprocess.umask='0000'"] {
        assert_eq!(world.bad("p", &[more]), ["`--set` sets more than one key"]);
    }
    assert_eq!(world.good("p", &["process.args=[\n'a',\n'b']"]).profile.process.args.len(), 2);
}

/// What a script hands on may be any file's name.
#[test]
fn the_value_of_a_variable_that_is_set_is_plain_text() {
    let mut world = World::new(&[(
        "p.toml",
        "[vars]\nx = 'none'\ny = '${none:-}${x}'\nz = '~/z'\n[process]\ncommand = ['true', '${x}', '${y}']\n",
    )]);
    world.env.insert("KEY".into(), "s3cr3t".into());
    let args = |assignment: &str| world.good("p", &[assignment]).profile.process.command;
    for text in ["${env.KEY}", "$$", "$", "${", "${x}", "$HOME", "~", "~/.ssh", "-a", "!b", "/a:/b", "é ${x:-${y}}", ""]
    {
        assert_eq!(strings(&args(&format!("x={text}"))), ["true", text, text]);
    }
    // As a key it is a text of the language.
    assert_eq!(strings(&args("vars.x='${env.KEY}'")), ["true", "s3cr3t", "s3cr3t"]);
    world.write("path.toml", "extends = 'p'\n[rootfs]\nread-only = ['${y}', '-${z}']\n");
    let sources = |assignment: &str| {
        let binds = world.good("path", &[assignment]).profile.rootfs.binds;
        binds.into_iter().map(|bind| bind.source.display().to_string()).collect::<Vec<_>>()
    };
    let own = world.root.join("config/sandbox/profiles");
    let here = |name: &str| own.join(name).display().to_string();
    assert_eq!(sources("x=${env.KEY}"), [&here("${env.KEY}"), "/home/me/z"]);
    assert_eq!(sources("x=./~/.ssh"), [&here("~/.ssh"), "/home/me/z"]);
    assert_eq!(sources("x=-/a:/b"), [&here("-/a:/b"), "/home/me/z"]);
    assert_eq!(sources("vars.x='~/a'"), ["/home/me/a", "/home/me/z"]);
    for text in ["~", "~/.ssh", "~root/x"] {
        let said = format!("`~` is not replaced in what --set gives to a path of `read-only`: {text:?}");
        assert_eq!(world.bad("path", &[&format!("x={text}")]), [said]);
    }
    world.write("child.toml", "extends = '${base}'\n[vars]\nbase = 'p'\n");
    let said = "`~` is not replaced in what --set gives: \"~/p.toml\"";
    assert_eq!(world.bad("child", &["base=~/p.toml"]), [said]);
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

/// What only a child defines is missing where the parent stands alone, used or not.
#[test]
fn an_unused_variable_may_refer_to_what_a_child_declares() {
    let world = World::new(&[
        ("parent.toml", "[vars]\na = '${b}'\nc = '${'\n"),
        ("child.toml", "extends = 'parent'\n[vars]\nb = 'x'\nc = 'y'\n"),
    ]);
    world.good("child", &[]);
    assert_eq!(world.bad("parent", &[]), ["${b} is not defined", "`${` is never closed"]);
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
