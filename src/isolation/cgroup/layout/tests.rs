//! Where this process stands, on machines made up.

use super::*;
use crate::host::Facts;

fn host(cgroup: &str, mountinfo: &str, files: &[&str]) -> Host {
    let text = |text: &str| Some(text.to_owned());
    Host::known(Facts {
        texts: [("/proc/self/cgroup".to_owned(), text(cgroup)), ("/proc/self/mountinfo".to_owned(), text(mountinfo))]
            .into(),
        paths: files.iter().map(|path| (path.to_string(), Node::File { uid: 0, mode: 0o644 })).collect(),
        ..Facts::default()
    })
}

#[test]
fn unified_below_a_session() {
    let own = "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope";
    let host = host("0::/user.slice/user-1000.slice/session-2.scope\n", "", &[&format!("{own}/cgroup.controllers")]);
    let layout = Layout::probe(&host);
    assert_eq!(layout.home("memory"), Home::V2(own.into()));
}

#[test]
fn hybrid_with_a_place_of_its_own_in_each_hierarchy() {
    let text = "8:pids:/\n4:memory:/api/a:b\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n";
    let files = [
        "/sys/fs/cgroup/pids/tasks",
        "/sys/fs/cgroup/memory/api/a:b/tasks",
        "/sys/fs/cgroup/cpu,cpuacct/tasks",
        "/sys/fs/cgroup/unified/cgroup.controllers",
    ];
    let host = host(text, "", &files);
    let layout = Layout::probe(&host);
    let directory = |controller| match layout.home(controller) {
        Home::V1(hierarchy) => hierarchy.directory.to_str().unwrap().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(directory("pids"), "/sys/fs/cgroup/pids");
    assert_eq!(directory("memory"), "/sys/fs/cgroup/memory/api/a:b");
    assert_eq!(directory("cpuacct"), directory("cpu"));
    assert_eq!(layout.home("io"), Home::V2("/sys/fs/cgroup/unified".into()));
}

#[test]
fn a_container_without_cgroup_namespace_sees_its_part_at_the_mount_point() {
    let mountinfo = "31 23 0:28 / /mnt\\040x rw - tmpfs tmpfs rw\n\
                     35 31 0:32 /docker/abc /cg/memory\\040x rw master:1 - cgroup cgroup rw,memory\n";
    let host = host("4:memory:/docker/abc\n", mountinfo, &["/cg/memory x/tasks"]);
    let layout = Layout::probe(&host);
    let Home::V1(hierarchy) = layout.home("memory") else { panic!("{layout:?}") };
    assert_eq!(hierarchy.directory, Path::new("/cg/memory x"));
}

#[test]
fn a_cgroup_namespace_of_its_own_is_at_the_root_of_its_own_mounts_alone() {
    let namespaced = |cgroup: &str, mountinfo: &str| {
        let files = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/pids/tasks", "/own/x/cgroup.controllers"];
        let mut facts = host(cgroup, mountinfo, &files).facts();
        let link = Node::Symlink { to: "cgroup:[4026532001]".into() };
        facts.paths.insert("/proc/self/ns/cgroup".into(), link);
        Host::known(facts)
    };
    let kept = "31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
    let machine = namespaced("0::/\n", kept);
    assert_eq!(Layout::probe(&machine).home("pids"), Home::Outside("/sys/fs/cgroup".into(), None));
    assert_eq!(Layout::probe(&machine).v2(), None);
    let again = format!("{kept}40 31 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n");
    assert_eq!(Layout::probe(&namespaced("0::/\n", &again)).v2(), Some("/sys/fs/cgroup".into()));
    let elsewhere = format!("{kept}40 31 0:28 / /own rw - cgroup2 none rw\n");
    assert_eq!(Layout::probe(&namespaced("0::/x\n", &elsewhere)).v2(), Some("/own/x".into()));
    let kept = "32 23 0:29 /.. /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
    let machine = namespaced("8:pids:/\n", kept);
    let pids = Home::Outside("/sys/fs/cgroup/pids".into(), Some("pids".into()));
    assert_eq!(Layout::probe(&machine).home("pids"), pids);
}

#[test]
fn what_is_not_mounted_or_lies_outside_is_not_found() {
    let machine = host("4:memory:/x\n0::/../other\n", "", &[]);
    let layout = Layout::probe(&machine);
    assert_eq!(layout.home("memory"), Home::NotMounted("memory".into()));
    assert_eq!(layout.home("pids"), Home::Nowhere);
    for (cgroup, mountinfo) in [("", ""), ("nonsense\n:\n1:\n::\n", "a b\n - \n"), ("0::relative\n", "")] {
        let machine = host(cgroup, mountinfo, &[]);
        assert_eq!(Layout::probe(&machine).home("pids"), Home::Nowhere, "{cgroup:?}");
    }
}
