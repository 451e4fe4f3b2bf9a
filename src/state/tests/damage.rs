//! Records and directories that are not what a supervisor left.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use super::Temporary;
use crate::state::*;

#[test]
fn broken_records_harm_no_other() {
    let place = Temporary::new("broken");
    let root = place.root();
    let good = place.dead("");
    let broken = place.dead("nonsense\n");
    assert_eq!(list(&root).unwrap().iter().filter(|entry| matches!(entry.life, Life::Broken(_))).count(), 1);
    let report = gc(&root).unwrap();
    assert_eq!((report.removed, report.failed), (vec![good], vec![]));
    assert_eq!(report.broken[0].0, broken);
    assert!(report.broken[0].1.starts_with("line 3: "));
    assert_eq!(rm(&root, &broken).unwrap(), [broken]);
    assert!(place.is_empty());
}

/// On disk, where `ps`, `rm` and `gc` meet it: whatever a bit has become, nothing else is removed, and nothing panics.
#[test]
fn a_flipped_record_harms_nothing_else() {
    let place = Temporary::new("flipped");
    let root = place.root();
    let beside = Temporary::new("flipped-beside");
    let id = place.dead("");
    let path = place.0.join(&id);
    // Named after it, but no cgroup.
    let directory = beside.0.join(format!("sandbox-{id}"));
    fs::create_dir_all(&directory).unwrap();
    let traces = [super::cgroup_of(&id), Trace::Cgroup { path: directory.clone() }];
    let traces = traces.map(|trace| serde_json::to_string(&Event::<Planned>::Trace(trace)).unwrap() + "\n").concat();
    let whole = (fs::read_to_string(&path).unwrap() + &traces).into_bytes();
    let (mut believed, mut removed) = (0, 0);
    for bit in (0..whole.len() * 8).step_by(5).chain([usize::MAX]) {
        let mut bytes = whole.clone();
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        fs::write(&path, &bytes).unwrap();
        let entries = list(&root).unwrap();
        assert_eq!(entries.len(), 1, "{bit}");
        believed += usize::from(entries[0].life == Life::Dead);
        let _ = (gc(&root), rm(&root, &id));
        removed += usize::from(!path.exists());
        assert!(directory.is_dir(), "{bit}");
        let _ = fs::remove_file(&path);
    }
    // Many a flip does no harm to the record, and where it made the second trace harmless the record goes.
    assert!(believed > 10 && removed > 10, "{believed} {removed}");
}

#[test]
fn forged_entries_are_refused() {
    let place = Temporary::new("forged");
    let root = place.root();
    let outside = Temporary::new("forged-outside");
    fs::create_dir(&outside.0).unwrap();
    fs::write(outside.0.join("file"), "").unwrap();
    symlink(&outside.0, place.0.join("a-00000001")).unwrap();
    symlink(outside.0.join("file"), place.0.join("a-00000002")).unwrap();
    nix::unistd::mkfifo(&place.0.join("a-00000003"), Mode::S_IRWXU).unwrap();
    fs::create_dir_all(place.0.join("a-00000004/data")).unwrap();
    std::os::unix::net::UnixListener::bind(place.0.join("a-00000005")).unwrap();
    fs::File::create(place.0.join("a-00000006")).unwrap().set_len((16 << 20) + 1).unwrap();
    fs::write(place.0.join("read-only"), "").unwrap();
    fs::set_permissions(place.0.join("read-only"), fs::Permissions::from_mode(0o444)).unwrap();
    // Empty as a record that is being begun, and called as none is.
    fs::write(place.0.join("lock"), "").unwrap();
    let mut forged = 8;
    if nix::unistd::geteuid().is_root() {
        fs::write(place.0.join("a-00000007"), "").unwrap();
        chown(place.0.join("a-00000007"), Some(12345), None).unwrap();
        forged += 1;
    }
    let seen = list(&root).unwrap();
    assert!(seen.iter().all(|entry| matches!(entry.life, Life::Broken(_))), "{seen:?}");
    let report = gc(&root).unwrap();
    assert_eq!((report.broken.len(), report.removed, report.failed), (forged, vec![], vec![]));
    for entry in seen {
        assert_eq!(rm(&root, &entry.id).unwrap(), [entry.id]);
    }
    assert!(place.is_empty());
    assert!(outside.0.join("file").exists());
    assert!(rm(&root, "../x").is_err());
}

#[test]
fn a_root_that_others_reach_is_refused() {
    let place = Temporary::new("root");
    assert!(Root::open(&place.0).unwrap().is_none());
    let refused = |path: &Path| Root::create(path).unwrap_err().to_string();
    place.root();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(refused(&place.0).ends_with("has mode 0750, so that others reach into it"));
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o700)).unwrap();
    let link = place.0.join("link");
    symlink(&place.0, &link).unwrap();
    assert!(refused(&link).ends_with("is a link or no directory at all"));
    fs::write(place.0.join("file"), "").unwrap();
    assert!(refused(&place.0.join("file")).ends_with("is a link or no directory at all"));
    Root::create(&place.0.join("a/b/c")).unwrap();
    assert_eq!(fs::metadata(place.0.join("a")).unwrap().permissions().mode() & 0o777, 0o700);
    if nix::unistd::geteuid().is_root() {
        chown(&place.0, Some(12345), None).unwrap();
        assert!(refused(&place.0).ends_with("belongs to uid 12345, not to 0"));
    }
}
