//! One file of a profile: opened first, then judged by what was opened.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::sys::errno;

/// Profiles are written by hand; what is larger is something else.
const LARGEST: u64 = 1024 * 1024;

/// A file that was read.
pub struct Text {
    pub text: String,
    /// With symbolic links followed.
    pub path: PathBuf,
    /// Device and inode: two names of one file are one profile.
    pub identity: (u64, u64),
    /// Where the text stops being UTF-8, if it does.
    pub invalid_at: Option<usize>,
    /// Who else can write the file, which only an explicit path may lead to, and what chmod(1) takes to end that.
    pub writers: Option<(&'static str, &'static str)>,
    /// The same of the directory that it was found in, where they could put another in its place.
    pub movers: Option<Box<Movers>>,
}

/// Who can rename and remove in a directory that is not theirs.
pub struct Movers {
    pub directory: PathBuf,
    pub who: &'static str,
    pub remedy: &'static str,
}

#[derive(Debug)]
pub enum Refusal {
    Missing,
    /// It is there, and must not be used.
    Unfit {
        message: String,
        hint: String,
    },
}

/// How a file was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its path: a person chose this very file.
    Path,
    /// By a word that was looked up, or by what that led to: whoever can write the file decides what runs.
    Word,
}

pub fn read(path: &Path, named: Named, host: &Host) -> Result<Text, Refusal> {
    // O_NONBLOCK: opening a FIFO must not wait for somebody to write. Nothing is judged before it is open, so that it
    // cannot be exchanged in between.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| unopened(path, &error))?;
    let metadata = file.metadata().map_err(|error| unfit(path, &errno::of_io(&error), "look at its file system"))?;
    suitable(path, &metadata)?;
    trusted(path, &metadata, named, host)?;
    let writers = writers(&metadata, host);
    let movers = movers(path, host);
    let bytes = contents(&file, path, metadata.len())?;
    let real = real_path(&file, path);
    let identity = (metadata.dev(), metadata.ino());
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Text { text, path: real, identity, invalid_at: None, writers, movers },
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Text { text, path: real, identity, invalid_at: Some(at), writers, movers }
        }
    })
}

fn unopened(path: &Path, error: &std::io::Error) -> Refusal {
    let circle = error.raw_os_error() == Some(libc::ELOOP);
    match error.kind() {
        // What comes later on the search path is not what whoever made the link meant.
        ErrorKind::NotFound | ErrorKind::NotADirectory if path.is_symlink() => broken_link(path, "which leads nowhere"),
        _ if circle && path.is_symlink() => broken_link(path, "which leads back to itself"),
        ErrorKind::NotFound | ErrorKind::NotADirectory => Refusal::Missing,
        ErrorKind::PermissionDenied => unfit(path, "permission denied", "make it readable for the user who runs it"),
        // An unconnected socket or device.
        _ if error.raw_os_error() == Some(libc::ENXIO) => {
            unfit(path, "not a regular file", "write the profile to a file")
        }
        _ => unfit(path, &errno::of_io(error), "check the path"),
    }
}

fn broken_link(path: &Path, how: &str) -> Refusal {
    let to = std::fs::read_link(path).unwrap_or_default();
    let hint = "remove the link, or have it lead to a profile";
    unfit(path, &format!("it is a link to {}, {how}", to.display()), hint)
}

fn unfit(path: &Path, why: &str, hint: &str) -> Refusal {
    Refusal::Unfit { message: format!("cannot read profile {}: {why}", path.display()), hint: hint.to_owned() }
}

fn suitable(path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.is_dir() {
        return Err(unfit(path, "it is a directory", "name the file in it"));
    }
    if !metadata.is_file() {
        return Err(unfit(path, "not a regular file", "write the profile to a file"));
    }
    if metadata.len() > LARGEST {
        return Err(too_large(path));
    }
    Ok(())
}

fn too_large(path: &Path) -> Refusal {
    unfit(path, "larger than 1 MiB", "a profile is a few lines of TOML; is this the right file?")
}

/// Who may have written a file that decides what a program can reach.
fn trusted(path: &Path, metadata: &Metadata, named: Named, host: &Host) -> Result<(), Refusal> {
    let owner = metadata.uid();
    let user = host.uid();
    let sudo = || (user == 0).then(|| host.env("SUDO_UID")?.parse::<u32>().ok()).flatten();
    let name = |uid| host.user_by_uid(uid).map_or_else(|| format!("user {uid}"), |user| user.name);
    let known = owner == user || owner == 0 || named == Named::Path && Some(owner) == sudo();
    if !known {
        let who = if user == 0 { "root".to_owned() } else { format!("{} or to root", name(user)) };
        let hint = format!("a profile must belong to {who}: read it, and copy it");
        return Err(unfit(path, &format!("it belongs to {}", name(owner)), &hint));
    }
    if named == Named::Path {
        return Ok(());
    }
    if let Some((who, remedy)) = writers(metadata, host) {
        let hint = format!("chmod {remedy} {}", path.display());
        return Err(unfit(path, &format!("it is writable by {who}"), &hint));
    }
    // Whoever can write the directory can put another file in this one's place.
    let Some((directory, metadata)) = path.parent().and_then(|above| Some((above, above.metadata().ok()?))) else {
        return Ok(());
    };
    if ![user, 0].contains(&metadata.uid()) {
        let message = format!("its directory belongs to {}", name(metadata.uid()));
        return Err(unfit(path, &message, "keep profiles in a directory of your own"));
    }
    if let Some((who, remedy)) = writers(&metadata, host) {
        let hint = format!("chmod {remedy} {}", directory.display());
        return Err(unfit(path, &format!("its directory is writable by {who}"), &hint));
    }
    Ok(())
}

/// Who but its owner can rename and remove in the directory of a file. In a sticky one, as /tmp, whom the file belongs to.
fn movers(path: &Path, host: &Host) -> Option<Box<Movers>> {
    const STICKY: u32 = 0o1000;
    let directory = path.parent().map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above })?;
    let metadata = directory.metadata().ok().filter(|metadata| metadata.mode() & STICKY == 0)?;
    let (who, remedy) = writers(&metadata, host)?;
    Some(Box::new(Movers { directory: directory.to_owned(), who, remedy }))
}

/// Who but its owner can write to it, and what chmod(1) takes to end that.
fn writers(metadata: &Metadata, host: &Host) -> Option<(&'static str, &'static str)> {
    let mode = metadata.mode();
    if mode & 0o002 != 0 {
        return Some(("everybody", "o-w"));
    }
    let group = mode & 0o020 != 0 && !private_group(metadata.uid(), metadata.gid(), host);
    group.then_some(("its group", "g-w"))
}

/// Whether a group holds nobody but this user, as distributions make one for each.
fn private_group(owner: u32, gid: u32, host: &Host) -> bool {
    let Some(user) = host.user_by_uid(owner).filter(|user| user.gid == gid) else { return false };
    let lines = |path: &str| host.text(Path::new(path)).unwrap_or_default();
    // passwd(5) and group(5): others have it as their own group, or are listed as members.
    let shared = lines("/etc/passwd").lines().any(|line| {
        let mut fields = line.split(':');
        let name = fields.next().unwrap_or_default();
        name != user.name && fields.nth(2).and_then(|field| field.parse().ok()) == Some(gid)
    });
    let group = lines("/etc/group");
    let mut members = group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(gid)).then(|| fields.get(3).copied().unwrap_or_default().to_owned())
    });
    !shared && members.all(|members| members.split(',').all(|member| member.is_empty() || member == user.name))
}

fn contents(mut file: &File, path: &Path, expected: u64) -> Result<Vec<u8>, Refusal> {
    let unread = |error: std::io::Error| unfit(path, &errno::of_io(&error), "check the file");
    let expected = usize::try_from(expected.min(LARGEST)).unwrap_or(0);
    let mut bytes = vec![0; expected + 1];
    let read = file.read(&mut bytes).map_err(unread)?;
    bytes.truncate(read);
    // It may have grown since its size was asked, or come in parts; mostly one call is all it takes.
    if read != expected {
        let rest = LARGEST + 1 - read as u64;
        file.take(rest).read_to_end(&mut bytes).map_err(unread)?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(too_large(path));
    }
    Ok(bytes)
}

fn real_path(file: &File, path: &Path) -> PathBuf {
    use std::os::fd::AsRawFd;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .ok()
        .filter(|real| real.is_absolute())
        .or_else(|| std::fs::canonicalize(path).ok())
        .unwrap_or_else(|| path.to_owned())
}
