//! The mounts as the kernel lists them after the pivot, against those the plan promises.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::host::mountinfo::{Mount, mounts};
use crate::isolation::context::{Context, Slot};
use crate::isolation::rootfs::tree::upwards;
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::mount::{NO_DEV, NO_EXEC, NO_SUID, READ_ONLY};

/// Every mount that must be there; any other must lie in a tree that was bound whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadBack {
    mounts: Vec<Expected>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    path: PathBuf,
    /// `None`: whatever the host has there.
    filesystem: Option<&'static str>,
    attributes: u64,
    /// With all that the host has mounted beneath it, under the same attributes.
    tree: bool,
}

impl ReadBack {
    pub fn len(&self) -> usize {
        self.mounts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    pub fn expect(&mut self, path: &Path, filesystem: &'static str, attributes: u64) {
        self.mounts.push(Expected { path: path.to_owned(), filesystem: Some(filesystem), attributes, tree: false });
    }

    pub fn expect_tree(&mut self, path: &Path, attributes: u64, tree: bool) {
        self.mounts.push(Expected { path: path.to_owned(), filesystem: None, attributes, tree });
    }

    /// Reads the mounts of the calling process through the private procfs.
    pub fn verify(&self, context: &Context) -> Applied {
        let fault = |call| move |errno| Fault::new(call, errno, "mountinfo");
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let file = nix::fcntl::openat(context.get(Slot::Proc)?, "self/mountinfo", flags, Mode::empty())
            .map_err(fault(Operation::Open))?;
        let mut text = Vec::with_capacity(16 * 1024);
        std::fs::File::from(file)
            .read_to_end(&mut text)
            .map_err(|error| fault(Operation::Read)(Errno::from_raw(error.raw_os_error().unwrap_or(0))))?;
        self.compare(&text)
    }

    fn compare(&self, mountinfo: &[u8]) -> Applied {
        let mut seen = vec![false; self.mounts.len()];
        // A later promise for the same path lies on top of an earlier one, as in the map.
        let by_path: BTreeMap<&OsStr, usize> =
            self.mounts.iter().enumerate().map(|(at, expected)| (expected.path.as_os_str(), at)).collect();
        for mount in mounts(mountinfo) {
            let mount = mount.map_err(|line| {
                Fault::mismatch(Operation::Mounts, format!("not understood: {}", String::from_utf8_lossy(line)))
            })?;
            let point = mount.point();
            let promised = by_path.get(point.as_os_str()).copied();
            let expected = match promised {
                Some(at) => {
                    seen[at] = true;
                    &self.mounts[at]
                }
                // In the innermost that is promised above it, if that is a whole tree.
                None => {
                    let above = upwards(&point).find_map(|above| by_path.get(above.as_os_str()));
                    above.map(|at| &self.mounts[*at]).filter(|expected| expected.tree).ok_or_else(|| {
                        let words = format!("{} is mounted, and the plan has no such mount", point.display());
                        Fault::mismatch(Operation::Mounts, words)
                    })?
                }
            };
            let path = point.display();
            if mount.propagates {
                return Err(Fault::mismatch(Operation::Mounts, format!("{path} takes part in the host's propagation")));
            }
            let missing = expected.attributes & !attributes(&mount);
            if missing != 0 {
                return Err(Fault::mismatch(Operation::Mounts, format!("{path} is not {}", words(missing))));
            }
            if promised.is_some() && expected.filesystem.is_some_and(|wanted| wanted != mount.filesystem) {
                return Err(Fault::mismatch(Operation::Mounts, format!("{path} is a {}", mount.filesystem)));
            }
        }
        match seen.iter().position(|seen| !seen) {
            None => Ok(()),
            Some(at) => Err(Fault::mismatch(
                Operation::Mounts,
                format!("nothing is mounted at {}", self.mounts[at].path.display()),
            )),
        }
    }
}

fn attributes(mount: &Mount) -> u64 {
    mount.options().fold(0, |attributes, option| {
        attributes
            | match option {
                b"ro" => READ_ONLY,
                b"nosuid" => NO_SUID,
                b"nodev" => NO_DEV,
                b"noexec" => NO_EXEC,
                _ => 0,
            }
    })
}

fn words(attributes: u64) -> String {
    let names = [(READ_ONLY, "read-only"), (NO_SUID, "nosuid"), (NO_DEV, "nodev"), (NO_EXEC, "noexec")];
    let words: Vec<_> = names.iter().filter(|(bit, _)| attributes & bit != 0).map(|(_, word)| *word).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "70 60 0:50 /root / ro,nosuid,nodev,relatime - tmpfs none rw,size=1k";
    const USR: &str = "71 70 8:1 /usr /usr ro,nosuid,nodev,relatime - ext4 /dev/sda rw";

    fn promise() -> ReadBack {
        let mut promise = ReadBack::default();
        promise.expect(Path::new("/"), "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
        promise.expect_tree(Path::new("/usr"), READ_ONLY | NO_SUID | NO_DEV, true);
        promise
    }

    #[test]
    fn what_was_promised_is_accepted() {
        assert_eq!(promise().compare(format!("{ROOT}\n{USR}\n").as_bytes()), Ok(()));
        let inner = USR.replace("/usr ro", "/usr/a\\040b ro");
        assert_eq!(promise().compare(format!("{ROOT}\n{USR}\n{inner}\n").as_bytes()), Ok(()));
    }

    #[test]
    fn each_difference_is_named() {
        let writable = USR.replace("ro,", "rw,");
        let inner = USR.replace("/usr ro", "/usr/b rw");
        let extra = USR.replace("/usr ro", "/old ro");
        for (text, words) in [
            (ROOT.to_string(), "nothing is mounted at /usr"),
            (format!("{ROOT}\n{writable}"), "/usr is not read-only"),
            (format!("{ROOT}\n{USR}\n{inner}"), "/usr/b is not read-only"),
            (format!("{ROOT}\n{USR}\n{extra}"), "/old is mounted"),
            (format!("{}\n{USR}", ROOT.replace("tmpfs", "ext4")), "/ is a ext4"),
            (format!("{ROOT}\n{}", USR.replace("relatime -", "relatime master:3 -")), "/usr takes part in"),
            ("nonsense".to_string(), "not understood"),
        ] {
            let fault = promise().compare(text.as_bytes()).unwrap_err();
            assert!(fault.detail.contains(words), "{fault:?}");
        }
    }
}
