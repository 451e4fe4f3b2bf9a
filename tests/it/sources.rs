//! RACE: what a source or a kept directory was when it was planned need not be what it is when it is mounted. Somebody
//! who may write above it waits for the launch to begin, which the record of it tells, and puts a link there.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::harness::{Sandbox, is_root};
use crate::oracle::Canary;

/// So many launches, for some of which the link must come in time.
const LAUNCHES: usize = 40;

#[test]
fn a_source_that_is_exchanged_after_the_plan_leads_nowhere() {
    // The source itself, and a directory above it.
    for (granted, exchanged, to) in [("granted", "granted", "canary"), ("above/canary", "above", "")] {
        let sandbox = Sandbox::new();
        let canary = Canary::in_directory(sandbox.dir());
        let tree = sandbox.dir().join("tree");
        std::fs::create_dir_all(tree.join(granted)).expect("making the source");
        std::fs::write(tree.join(granted).join("file"), "granted").expect("writing the source");
        let link = tree.join("link");
        symlink(sandbox.dir().join(to), &link).expect("making a link");
        let line = format!("read-write = [\"{}:/bound\"]", tree.join(granted).display());
        let sandbox = sandbox.with("rootfs", &line);
        exchanged_while_launching(&sandbox, &tree.join(exchanged), &link, &["granted"]);
        canary.lives();
        // The control: to a link that is there before the launch the author's path leads.
        renameat2(AT_FDCWD, &tree.join(exchanged), AT_FDCWD, &link, RenameFlags::RENAME_EXCHANGE).expect("exchanging");
        assert_eq!(sandbox.probe("cat /bound/file").succeeds().stdout, "sing\n");
    }
}

#[test]
fn a_kept_directory_that_is_exchanged_after_the_plan_leads_nowhere() {
    let sandbox = Sandbox::new().with("rootfs", "persist = [\"/bound\"]");
    let canary = Canary::in_directory(sandbox.dir());
    let data = sandbox.dir().join("data");
    let sandbox = sandbox.env("XDG_DATA_HOME", &data.display().to_string());
    let root = if is_root() { PathBuf::from("/var/lib/sandbox") } else { data.join("sandbox") };
    let (kept, beside) = (root.join("persist").join(&sandbox.name), root.join("persist"));
    sandbox.probe("write /bound/file kept").succeeds();
    std::fs::write(kept.join("bound/file"), "kept").expect("writing what is kept");
    let link = beside.join(format!("{}-link", sandbox.name));
    // Once the directory itself leads to the canary, once that of all that this sandbox keeps.
    for (exchanged, to) in [(kept.join("bound"), canary.path.clone()), (kept.clone(), sandbox.dir().join("of-others"))]
    {
        std::fs::create_dir_all(sandbox.dir().join("of-others")).expect("making a directory");
        let _ = symlink(&canary.path, sandbox.dir().join("of-others/bound"));
        symlink(to, &link).expect("making a link");
        exchanged_while_launching(&sandbox, &exchanged, &link, &["kept"]);
        std::fs::remove_file(&link).expect("removing the link");
        canary.lives();
    }
    std::fs::remove_dir_all(kept).expect("removing what was kept");
}

/// Every launch shows what was granted, or is refused; some of them must have met the link.
#[track_caller]
fn exchanged_while_launching(sandbox: &Sandbox, place: &Path, link: &Path, granted: &[&str]) {
    let records = if is_root() { PathBuf::from("/run/sandbox") } else { sandbox.runtime().join("sandbox") };
    let exchange = || renameat2(AT_FDCWD, place, AT_FDCWD, link, RenameFlags::RENAME_EXCHANGE).expect("exchanging");
    let mut met = 0;
    for _ in 0..LAUNCHES {
        let over = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) && !begun(&records, &sandbox.name) {
                    std::hint::spin_loop();
                }
                exchange();
            });
            let seen = sandbox.probe("cat /bound/file + create /bound/mark");
            over.store(true, Ordering::Relaxed);
            seen
        });
        exchange();
        match seen.status.code() {
            Some(0) => assert!(granted.contains(&seen.stdout.lines().next().unwrap_or_default()), "{seen}"),
            Some(125) => {
                assert!(seen.stderr.contains("ELOOP"), "{seen}");
                met += 1;
            }
            _ => panic!("{seen}"),
        }
    }
    assert!(met > 0, "no launch of {LAUNCHES} has met the link");
}

/// The plan is made when the record is.
fn begun(records: &Path, name: &str) -> bool {
    let Ok(records) = std::fs::read_dir(records) else { return false };
    records.flatten().any(|record| record.file_name().to_string_lossy().starts_with(&format!("{name}-")))
}
