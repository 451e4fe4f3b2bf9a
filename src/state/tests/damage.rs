//! Records and directories that are not what a supervisor left.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown, symlink};
use std::path::Path;

use super::Temporary;
use crate::state::*;

#[test]
fn broken_records_harm_no_other() {
    let place = Temporary::new("broken");
    let root = place.root();
    let good = place.dead("");
    let broken = place.dead("nonsense\n");
    let path = place.0.join(&broken).join("data");
    let trace = serde_json::to_string(&Event::<Planned>::Trace(Trace::Directory { path: path.clone() })).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(
        place.0.join(&broken).join("record"),
        fs::read_to_string(place.0.join(&broken).join("record")).unwrap() + &trace + "\n",
    )
    .unwrap();
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
    fs::create_dir_all(beside.0.join("data")).unwrap();
    let id = place.dead("");
    let path = place.0.join(&id).join("record");
    let data = place.0.join(&id).join("data");
    fs::create_dir(&data).unwrap();
    let trace = serde_json::to_string(&Event::<Planned>::Trace(Trace::Directory { path: data.clone() })).unwrap();
    let elsewhere = trace.replace(data.to_str().unwrap(), beside.0.join("data").to_str().unwrap());
    let whole = format!("{}{trace}\n{elsewhere}\n", fs::read_to_string(&path).unwrap()).into_bytes();
    let (mut believed, mut removed) = (0, 0);
    for bit in (0..whole.len() * 8).step_by(5).chain([usize::MAX]) {
        let mut bytes = whole.clone();
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        fs::DirBuilder::new().mode(0o700).recursive(true).create(&data).unwrap();
        fs::write(&path, &bytes).unwrap();
        let entries = list(&root).unwrap();
        assert_eq!(entries.len(), 1, "{bit}");
        believed += usize::from(entries[0].life == Life::Dead);
        let _ = (gc(&root), rm(&root, &id));
        removed += usize::from(!data.exists());
        assert!(beside.0.join("data").is_dir(), "{bit}");
    }
    // Many a flip does no harm, and the sandbox's own directory goes then.
    assert!(believed > 10 && removed > 10, "{believed} {removed}");
}

#[test]
fn forged_entries_are_refused() {
    let place = Temporary::new("forged");
    let root = place.root();
    let outside = Temporary::new("forged-outside");
    fs::create_dir(&outside.0).unwrap();
    fs::write(outside.0.join("record"), "").unwrap();
    symlink(&outside.0, place.0.join("a-00000001")).unwrap();
    fs::create_dir(place.0.join("a-00000002")).unwrap();
    symlink(outside.0.join("record"), place.0.join("a-00000002/record")).unwrap();
    fs::write(place.0.join("a-00000003"), "").unwrap();
    fs::create_dir(place.0.join("a-00000004")).unwrap();
    nix::unistd::mkfifo(&place.0.join("a-00000004/record"), Mode::S_IRWXU).unwrap();
    fs::create_dir_all(place.0.join("a-00000005/record")).unwrap();
    fs::create_dir(place.0.join("a-00000008")).unwrap();
    fs::File::create(place.0.join("a-00000008/record")).unwrap().set_len((16 << 20) + 1).unwrap();
    let mut forged = 6;
    if nix::unistd::geteuid().is_root() {
        for (id, foreign) in [("a-00000006", ""), ("a-00000007", "record")] {
            fs::create_dir(place.0.join(id)).unwrap();
            fs::write(place.0.join(id).join("record"), "").unwrap();
            chown(place.0.join(id).join(foreign), Some(12345), None).unwrap();
            forged += 1;
        }
    }
    let seen = list(&root).unwrap();
    assert!(seen.iter().all(|entry| matches!(entry.life, Life::Broken(_))), "{seen:?}");
    let report = gc(&root).unwrap();
    assert_eq!((report.broken.len(), report.removed, report.failed), (forged, vec![], vec![]));
    for entry in seen {
        assert_eq!(rm(&root, &entry.id).unwrap(), [entry.id]);
    }
    assert!(place.is_empty());
    assert!(outside.0.join("record").exists());
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
