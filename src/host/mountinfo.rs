//! The kernel's list of mounts, as in proc_pid_mountinfo(5).

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// One line. Names are bytes: they need not be text.
#[derive(Debug)]
pub struct Mount<'a> {
    /// Escaped, as is the mount point.
    root: &'a [u8],
    point: &'a [u8],
    options: &'a [u8],
    /// It takes part in the propagation of others, or receives from them.
    pub propagates: bool,
    pub filesystem: Cow<'a, str>,
    super_options: &'a [u8],
}

/// Every mount, in the order in which they were made; of a line that is none, the line.
pub fn mounts(text: &[u8]) -> impl Iterator<Item = Result<Mount<'_>, &[u8]>> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| parse(line).ok_or(line))
}

fn parse(line: &[u8]) -> Option<Mount<'_>> {
    let mut fields = line.split(|byte| *byte == b' ').skip(3);
    let (root, point, options) = (fields.next()?, fields.next()?, fields.next()?);
    let mut propagates = false;
    // Any number of optional fields, and then a lone `-`.
    loop {
        match fields.next()? {
            b"-" => break,
            field => propagates |= field.starts_with(b"shared:") || field.starts_with(b"master:"),
        }
    }
    let (filesystem, super_options) = (String::from_utf8_lossy(fields.next()?), fields.nth(1)?);
    Some(Mount { root, point, options, propagates, filesystem, super_options })
}

impl<'a> Mount<'a> {
    /// What of the file system is seen.
    pub fn root(&self) -> Cow<'a, Path> {
        unescape(self.root)
    }

    /// Where it is mounted.
    pub fn point(&self) -> Cow<'a, Path> {
        unescape(self.point)
    }

    pub fn options(&self) -> impl Iterator<Item = &'a [u8]> {
        self.options.split(|byte| *byte == b',')
    }

    pub fn has_super_option(&self, name: &str) -> bool {
        self.super_options.split(|byte| *byte == b',').any(|option| option == name.as_bytes())
    }
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &[u8]) -> Cow<'_, Path> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(Path::new(OsStr::from_bytes(text)));
    }
    let mut parts = text.split(|byte| *byte == b'\\');
    let mut plain = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        match part {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                plain.extend(rest);
            }
            _ => plain.extend([b"\\", part].concat()),
        }
    }
    Cow::Owned(OsString::from_vec(plain).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_found_and_names_are_bytes() {
        let text =
            b"35 31 0:32 /a\\040b /c\\011\xff\\134\\9 ro,nosuid shared:7 master:1 - cgroup none rw,cpu,cpuacct\n";
        let mount = mounts(text).next().unwrap().unwrap();
        assert_eq!(mount.root(), Path::new("/a b"));
        assert_eq!(mount.point().as_os_str(), OsStr::from_bytes(b"/c\t\xff\\\\9"));
        assert!(mount.options().eq([&b"ro"[..], b"nosuid"]) && mount.propagates);
        assert_eq!(mount.filesystem, "cgroup");
        assert!(mount.has_super_option("cpuacct") && !mount.has_super_option("cpua"));
        // The kernel leaves a source without a name empty.
        let text = b"35 31 0:32 / /- ro - tmpfs  rw";
        let mount = mounts(text).next().unwrap().unwrap();
        assert_eq!((mount.point().to_str(), mount.propagates), (Some("/-"), false));
        assert!(mount.has_super_option("rw"));
    }

    #[test]
    fn what_is_no_mount_is_handed_back() {
        for text in ["a b", " - ", "1 2 3 / /x rw", "1 2 3 / /x rw - tmpfs", "1 2 3 / /x rw shared:1 tmpfs a rw"] {
            assert_eq!(mounts(text.as_bytes()).next().unwrap().unwrap_err(), text.as_bytes());
        }
        assert!(mounts(b"").next().is_none() && mounts(b"\n").next().is_none());
    }
}
