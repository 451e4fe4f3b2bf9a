//! How children meet their parents.

use std::collections::BTreeMap;

use super::{World, strings};
use crate::isolation::Access;
use crate::isolation::capabilities::Keep;
use crate::profile::find::BuiltIn;

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
        ("prefix.toml", "extends = 'base'\n[capabilities]\nkeep = ['!CAP_SETUID', '!SetGid', 'CAP_CHOWN']\n"),
        ("all.toml", "extends = 'base'\n[capabilities]\nkeep = 'all'\n"),
    ]);
    let profile = world.good("child", &[]).profile;
    assert_eq!((strings(&profile.process.command), strings(&profile.process.args)), (vec!["/b"], vec![]));
    assert_eq!(profile.process.groups, Some(vec!["y".into()]));
    assert_eq!(profile.process.env, BTreeMap::from([("B".into(), "b".into()), ("C".into(), "c".into())]));
    assert_eq!(profile.seccomp.allow.iter().flatten().map(|call| &*call.name).collect::<Vec<_>>(), ["ptrace", "mount"]);
    assert_eq!(profile.capabilities.keep, Keep::Only(vec!["chown".into()]));
    assert_eq!(profile.landlock.scope.map(|scope| scope.len()), Some(1), "an empty list adds nothing");
    let profile = world.good("prefix", &[]).profile;
    assert_eq!(profile.capabilities.keep, Keep::Only(vec!["chown".into()]), "however they are written");
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

/// Only in the file that comes later the earlier one's entry can be removed, and a part of the program is not edited.
#[test]
fn a_replaced_entry_is_removed_where_somebody_can_write() {
    let mut world = World::new(&[
        ("own.toml", "extends = 'hides'\n[rootfs]\nread-only = ['/srv/x']\n"),
        ("meant.toml", "extends = 'hides'\n[rootfs]\nhide = ['!/srv/x']\nread-only = ['/srv/x']\n"),
        ("child.toml", "extends = 'grants'\n"),
        ("set.toml", "extends = 'fixed'\n"),
    ]);
    let built_in = |name, text| BuiltIn { name, base: false, text };
    world.built_in = vec![
        built_in("fixed", "extends = 'hides'\n[rootfs]\nread-only = ['/srv/x']\n"),
        built_in("grants", "extends = 'hides'\n[vars]\ndir = '/srv/x'\n[rootfs]\nread-only = ['${dir}']\n"),
        built_in("hides", "[rootfs]\nhide = ['/srv/x']\n"),
    ];
    let hints = |name| {
        let warnings = world.good(name, &[]).warnings.list;
        assert!(warnings.iter().all(|warning| warning.message.contains("takes the place of")));
        warnings.into_iter().map(|warning| warning.hint.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(hints("own"), ["if this is meant, remove it first: hide = [\"!/srv/x\"]"]);
    assert_eq!(hints("meant"), [""; 0]);
    assert_eq!(hints("child"), ["if this is not meant, name another: --set dir=PATH"]);
    assert_eq!(hints("set"), [""]);
}

#[test]
fn what_a_built_in_base_asks_for_is_best_effort() {
    let mut world = World::new(&[("p.toml", "extends = 'service'\n[cgroup]\nmemory-max = '1G'\n")]);
    world.built_in.push(BuiltIn { name: "service", base: true, text: "[cgroup]\npids-max = 10\nmemory-max = '2G'\n" });
    let cgroup = world.good("p", &[]).profile.cgroup;
    assert_eq!((cgroup.pids_max.unwrap().required, cgroup.memory_max.unwrap().required), (false, true));
}
