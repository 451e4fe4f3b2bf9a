//! Trees of files that must not change.

use std::collections::hash_map::DefaultHasher;
use std::fs::{Permissions, read, read_dir, read_link, set_permissions, symlink_metadata};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A tree with one of each kind of file, and what it was when it was made.
pub struct Canary {
    pub path: PathBuf,
    before: Vec<String>,
}

impl Canary {
    pub fn in_directory(directory: &Path) -> Canary {
        let path = directory.join("canary");
        std::fs::create_dir_all(path.join("directory")).expect("making the canary");
        for (name, text, mode) in
            [("file", "sing", 0o644), ("secret", "hush", 0o600), ("directory/deep", "deep", 0o444)]
        {
            std::fs::write(path.join(name), text).expect("writing the canary");
            set_permissions(path.join(name), Permissions::from_mode(mode)).expect("modes of the canary");
        }
        symlink("file", path.join("link")).expect("linking in the canary");
        std::fs::hard_link(path.join("file"), path.join("hard")).expect("linking in the canary");
        let before = fingerprint(&path);
        Canary { path, before }
    }

    /// Takes what it is now for what it must stay.
    pub fn look_again(&mut self) {
        self.before = fingerprint(&self.path);
    }

    #[track_caller]
    pub fn lives(&self) {
        assert_eq!(fingerprint(&self.path), self.before, "the canary has changed");
    }
}

/// One line a file: contents, owner, mode, inode, times. The change time moves with extended attributes too, and no
/// program can set it back.
pub fn fingerprint(path: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    walk(path, &mut lines);
    lines.sort();
    lines
}

fn walk(path: &Path, lines: &mut Vec<String>) {
    let Ok(data) = symlink_metadata(path) else { return lines.push(format!("{} is missing", path.display())) };
    let mut hasher = DefaultHasher::new();
    if data.is_file() {
        read(path).ok().hash(&mut hasher);
    } else if data.is_symlink() {
        read_link(path).ok().hash(&mut hasher);
    }
    lines.push(format!(
        "{} {:x} mode {:o} owner {}:{} inode {}:{} links {} modified {}.{} changed {}.{}",
        path.display(),
        hasher.finish(),
        data.mode(),
        data.uid(),
        data.gid(),
        data.dev(),
        data.ino(),
        data.nlink(),
        data.mtime(),
        data.mtime_nsec(),
        data.ctime(),
        data.ctime_nsec(),
    ));
    if data.is_dir() {
        for entry in read_dir(path).into_iter().flatten().flatten() {
            walk(&entry.path(), lines);
        }
    }
}
