//! Locks belong to a process, so most of these tests need a second one: the test binary itself, run again for the one
//! test `other_process`, which does what its environment says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;

mod damage;
mod temporary;

use temporary::{Other, Temporary};

const ACT: &str = "SANDBOX_TEST_ACT";
const AT: &str = "SANDBOX_TEST_STATE_ROOT";

/// A trace that it may have, of a cgroup that there is not.
fn cgroup_of(id: &str) -> Trace {
    Trace::Cgroup { path: Path::new("/sys/fs/cgroup/nowhere").join(format!("sandbox-{id}")) }
}

#[test]
fn other_process() {
    let Ok(act) = std::env::var(ACT) else { return };
    let root = Root::open(Path::new(&std::env::var_os(AT).unwrap())).unwrap().unwrap();
    let wait = || std::io::stdin().lines().count();
    match act.as_str() {
        "supervise" => {
            let mut record = Record::create(root, "web", "", &Facts::default()).unwrap();
            record.trace(&cgroup_of(record.id())).unwrap();
            record.started(std::process::id().cast_signed()).unwrap();
            println!("said {}", record.id());
            wait();
        }
        "supervise-with-child" => {
            let record = Record::create(root, "web", "", &Facts::default()).unwrap();
            // A child that has the very same open file, as one that never executes anything would.
            let mut child = Command::new("sleep").arg("60").stdin(record.file.try_clone().unwrap()).spawn().unwrap();
            // Passing it closed a descriptor of the file here, and with it the lock was gone.
            assert!(lock::take(&record.file).unwrap());
            println!("said {}", child.id());
            wait();
            child.wait().unwrap();
        }
        "look" => println!("said {:?}", list(&root).unwrap().iter().map(|entry| &entry.life).collect::<Vec<_>>()),
        "collect-on" => {
            println!("said ready");
            loop {
                assert_eq!(gc(&root).unwrap().failed, []);
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_record_is_ours_alone_and_leaves_nothing() {
    let place = Temporary::new("life");
    let mut record = place.record();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let path = place.0.join(record.id());
    assert_eq!((mode(&place.0), mode(&path)), (0o700, 0o600));
    let trace = cgroup_of(record.id());
    record.trace(&trace).unwrap();
    record.started(std::process::id().cast_signed()).unwrap();
    let contents = record::read(&fs::read(&path).unwrap(), record.id());
    assert_eq!((contents.traces, contents.broken), (vec![trace], None));
    assert_eq!(contents.started.unwrap().init.pid, std::process::id().cast_signed());
    record.finish().unwrap();
    assert!(place.is_empty());
}

#[test]
fn names_are_checked() {
    let place = Temporary::new("names");
    for name in ["", ".", "..", "-x", ".x", "a/b", "a b", "a\n", "\u{e9}", &"x".repeat(64)] {
        assert!(Record::create(place.root(), name, "", &Facts::default()).is_err(), "{name:?}");
    }
    for name in ["_", "0", "a.-_B", &"x".repeat(63)] {
        Record::create(place.root(), name, "", &Facts::default()).unwrap().finish().unwrap();
    }
    assert!(place.is_empty());
}

#[test]
fn alive_is_whose_supervisor_lives() {
    let place = Temporary::new("alive");
    let root = place.root();
    let other = place.other("supervise");
    let id = other.said.clone();
    let seen = list(&root).unwrap();
    assert_eq!((seen.len(), &seen[0].id, &seen[0].life), (1, &id, &Life::Alive));
    assert_eq!(seen[0].header.as_ref().unwrap().supervisor, other.child.id().cast_signed());
    assert_eq!((seen[0].traces.len(), seen[0].started.is_some()), (1, true));
    assert_eq!(gc(&root).unwrap(), Report::default());
    assert_eq!(rm(&root, "web").unwrap_err().to_string(), format!("{id} is running"));
    // Whatever its owner lets himself do with it.
    fs::set_permissions(place.0.join(&id), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(rm(&root, &id).unwrap_err().to_string(), format!("{id} is running"));
    fs::set_permissions(place.0.join(&id), fs::Permissions::from_mode(0o600)).unwrap();

    other.kill();
    assert_eq!(list(&root).unwrap()[0].life, Life::Dead);
    assert_eq!(gc(&root).unwrap(), Report { removed: vec![id], ..Report::default() });
    assert!(place.is_empty());
    assert!(rm(&root, "web").is_err());
}

#[test]
fn a_child_of_the_supervisor_keeps_nothing_alive() {
    let place = Temporary::new("child");
    let root = place.root();
    let other = place.other("supervise-with-child");
    let child = other.said.clone();
    assert_eq!(list(&root).unwrap()[0].life, Life::Alive);
    other.kill();
    let still_runs = || Path::new(&format!("/proc/{child}/fd/0")).exists();
    assert!(still_runs());
    assert_eq!(list(&root).unwrap()[0].life, Life::Dead);
    assert_eq!(gc(&root).unwrap().removed.len(), 1);
    assert!(Command::new("kill").arg(&child).status().unwrap().success());
}

#[test]
fn looking_at_a_record_that_we_hold_keeps_its_lock() {
    let place = Temporary::new("held");
    let record = place.record();
    assert_eq!(list(&record.root).unwrap()[0].life, Life::Alive);
    assert_eq!(gc(&record.root).unwrap(), Report::default());
    assert!(rm(&record.root, record.id()).is_err());
    assert_eq!(place.other("look").end(), "[Alive]");
    // Nor is it opened, and its lock lost with that, under another name.
    fs::hard_link(place.0.join(record.id()), place.0.join("zz-0123abcd")).unwrap();
    let reason = format!("it is another name of {}", record.id());
    assert_eq!(list(&record.root).unwrap()[1].life, Life::Broken(reason));
    gc(&record.root).unwrap();
    assert_eq!(place.other("look").end(), "[Alive, Broken(\"line 1: the record of another sandbox\")]");
    assert_eq!(rm(&record.root, "zz-0123abcd").unwrap(), ["zz-0123abcd"]);
    assert_eq!(place.other("look").end(), "[Alive]");
    record.finish().unwrap();
}

#[test]
fn collectors_share_the_work() {
    let place = Temporary::new("shared");
    for _ in 0..60 {
        place.dead("");
    }
    let others = [place.other("collect-on"), place.other("collect-on")];
    let report = gc(&place.root()).unwrap();
    assert_eq!((report.failed, report.broken), (vec![], vec![]));
    others.into_iter().for_each(Other::kill);
    // Killed in the middle of it, they leave the rest to the next.
    assert!(gc(&place.root()).unwrap().failed.is_empty());
    assert!(place.is_empty());
}

#[test]
fn nobody_collects_what_is_being_created() {
    let place = Temporary::new("race");
    let root = place.root();
    let others = [place.other("collect-on"), place.other("collect-on")];
    for _ in 0..300 {
        let mut record = place.record();
        record.trace(&cgroup_of(record.id())).unwrap();
        assert!(place.0.join(record.id()).exists());
        record.finish().unwrap();
    }
    others.into_iter().for_each(Other::kill);
    gc(&root).unwrap();
    assert!(place.is_empty());
}

#[test]
fn an_overtaken_creator_begins_again() {
    let place = Temporary::new("overtaken");
    let root = place.root();
    // Each state a creator passes through, left as if it had been killed there.
    for (id, text) in [("web-00000001", ""), ("web-00000002", "{\"version\":1,\"id\":\"web-00")] {
        fs::write(place.0.join(id), text).unwrap();
    }
    assert!(list(&root).unwrap().iter().all(|entry| entry.life == Life::Dead && entry.header.is_none()));
    assert_eq!(gc(&root).unwrap().removed.len(), 2);
    assert!(place.is_empty());

    assert!(claim(&root, "web-00000003").unwrap().is_some());
    assert!(claim(&root, "web-00000003").unwrap().is_none());
}

#[test]
fn only_what_can_be_removed_is_written_down() {
    let place = Temporary::new("refused");
    let mut record = place.record();
    for trace in [cgroup_of("web-ffffffff"), Trace::Cgroup { path: "/sys/fs/cgroup/other".into() }] {
        assert!(record.trace(&trace).is_err());
    }
    assert!(record::read(&fs::read(place.0.join(record.id())).unwrap(), record.id()).traces.is_empty());
    record.finish().unwrap();
    assert!(place.is_empty());
}

#[test]
fn collecting_ends_what_was_started_and_nobody_who_has_its_number_since() {
    let temporary = Temporary::new("ends");
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let own = std::process::id().cast_signed();
    let started = Started::now(own, child.id().cast_signed()).unwrap();
    let dead = |started: &Started| {
        let line = serde_json::to_string(&Event::<Planned>::Started(started.clone())).unwrap();
        temporary.dead(&(line + "\n"))
    };
    let mut later = started.clone();
    later.init.start_time += 1;
    let mut rebooted = started.clone();
    rebooted.boot = "another".into();
    let ids = [dead(&later), dead(&rebooted)];
    let removed = gc(&temporary.root()).unwrap().removed;
    assert!(ids.iter().all(|id| removed.contains(id)), "{removed:?}");
    assert!(child.try_wait().unwrap().is_none());
    // It shares our pids, and would end by itself if it were an init; it is given the time to.
    assert_eq!(
        gc(&{
            dead(&started);
            temporary.root()
        })
        .unwrap()
        .removed
        .len(),
        1
    );
    assert!(!child.wait().unwrap().success());
}

#[test]
fn those_of_its_name_are_found_among_however_many() {
    let place = Temporary::new("namesakes");
    let record = place.record();
    assert_eq!(record.namesakes(), [""; 0]);
    // The second is of a sandbox that is called as the first.
    let others = ["web-0123abcd", "web-0123abcd-01234567", "web2-0123abcd", "we-0123abcd1"].map(str::to_owned);
    for id in others.into_iter().chain((0..40).map(|number| format!("other-{number:08x}"))) {
        fs::write(place.0.join(id), "").unwrap();
    }
    assert_eq!(record.namesakes(), ["web-0123abcd"]);
    assert_eq!(record.others(), [""; 0], "they are many");
}
