//! Which file a program is, and what has to be there for it to start.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{Findings, Refused, installation, is_system, libraries};
use crate::host::{Host, INTERPRETERS, Node, elf};
use crate::isolation::nearest;
use crate::profile;
use crate::sys::{descriptor, errno};

/// The directories that a program is looked for in inside; servers are in some that a person's PATH may lack.
const INSIDE: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The file of a program, by its name or path.
pub fn find(app: &str, host: &Host) -> Result<PathBuf, Refused> {
    if app.is_empty() || app.contains('\0') {
        return Err(refused("a program has a name".into(), "write the name or the path of a program"));
    }
    if !app.contains('/') {
        return search(app, host).ok_or_else(|| missing(app, host));
    }
    let path = match app.strip_prefix("~/").zip(host.user_by_uid(host.uid())) {
        Some((below, user)) => user.home.join(below),
        None => host.absolute(Path::new(app)).ok_or_else(|| {
            let message = format!("{app} is relative, and the working directory has been removed");
            refused(message, "cd to a directory that exists, or write the whole path")
        })?,
    };
    let clean = plain(&path);
    match runnable(&clean) {
        Ok(()) => Ok(clean),
        Err(why) => Err(refused(format!("{app} {why}"), "write the path of a program")),
    }
}

/// Without `.` and `..`; links stay.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn search(name: &str, host: &Host) -> Option<PathBuf> {
    directories(host).into_iter().map(|directory| directory.join(name)).find(|path| runnable(path).is_ok())
}

fn directories(host: &Host) -> Vec<PathBuf> {
    let path = host.env("PATH").unwrap_or_default();
    let own = path.split(':').filter(|entry| entry.starts_with('/')).map(PathBuf::from);
    own.chain(INSIDE.iter().map(PathBuf::from)).collect()
}

fn runnable(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err("does not exist".into()),
        Err(error) => Err(format!("cannot be looked at: {}", errno::of_io(&error))),
        Ok(file) if file.is_dir() => Err("is a directory".into()),
        Ok(file) if !file.is_file() => Err("is no regular file".into()),
        Ok(file) if file.mode() & 0o111 == 0 => Err("is not executable".into()),
        Ok(_) => Ok(()),
    }
}

fn missing(app: &str, host: &Host) -> Refused {
    let mut names: Vec<String> = directories(host).iter().flat_map(|directory| host.list(directory)).collect();
    names.sort();
    names.dedup();
    // Among thousands of names some are near to any word.
    names.retain(|name| name.chars().next() == app.chars().next());
    let library = profile::library().starting(Path::new(app), app);
    let hint = match nearest(app, names.iter().map(String::as_str)) {
        _ if !library.is_empty() => format!("there is a profile of that name: sandbox profiles show {}", library[0]),
        Some(near) => format!("did you mean `{near}`? otherwise install it, or write its path"),
        None => "install it, or write its path".into(),
    };
    refused(format!("no program is called `{app}`: it is in no directory of PATH"), &hint)
}

fn refused(message: String, hint: &str) -> Refused {
    Refused { message, hint: hint.into() }
}

/// Follows links, interpreters and libraries.
pub fn examine(path: &Path, home: Option<&Path>, host: &Host, findings: &mut Findings) -> Result<(), Refused> {
    let real = follow(path, home, host, findings);
    privileged(&real, findings);
    let mut kinds: Vec<String> = Vec::new();
    let (mut named, mut at) = (path.to_owned(), real);
    for _ in 0..INTERPRETERS {
        let noun = at.display().to_string();
        // By the name it was asked for: what a link leads to may go by another.
        let called = match named == at {
            true => format!("{noun} is"),
            false => format!("{} is a link to {noun},", named.display()),
        };
        let unreadable = |error: &std::io::Error| {
            refused(format!("{noun} cannot be read: {}", errno::of_io(error)), "run this as somebody who may")
        };
        let file = File::open(&at).map_err(|error| unreadable(&error))?;
        match elf::read(&file)
            .map_err(|why| refused(format!("{noun} cannot run here: {why}"), "choose a program for this machine"))?
        {
            Some(elf) => {
                kinds.push(format!(
                    "{called} an ELF program{}",
                    if elf.interpreter.is_none() { ", linked statically" } else { "" }
                ));
                findings.i386 |= elf.i386;
                findings.libraries.extend(elf.needed.iter().cloned());
                if let Some(loader) = &elf.interpreter {
                    let loader = Path::new(loader);
                    follow(loader, home, host, findings);
                    findings.needs(&installation(loader, home), "its loader");
                }
                libraries::examine(&at, &elf, home, host, findings);
                python(&at, home, host, findings);
                findings.what = kinds.join("; ");
                return Ok(());
            }
            None => {
                let interpreter = script(&file, &at, host, findings)?;
                kinds.push(format!("{called} a script for {}", interpreter.display()));
                environment(&at, findings);
                at = follow(&interpreter, home, host, findings);
                named = interpreter;
            }
        }
    }
    Err(refused(format!("{} is a script for a script for a script …", path.display()), "name the last of them"))
}

/// Grants whatever is on the way to a file outside the system; returns where the links end.
fn follow(path: &Path, home: Option<&Path>, host: &Host, findings: &mut Findings) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..16 {
        findings.needs(&installation(&at, home), if at == path { "the program itself" } else { "where it leads" });
        match host.node(&at) {
            Node::Symlink { to } => at = plain(&at.parent().unwrap_or(Path::new("/")).join(to)),
            _ => break,
        }
    }
    let real = path.canonicalize().unwrap_or(at);
    findings.needs(&installation(&real, home), "where it leads");
    // A virtual environment's python is a link; what makes it one lies around it.
    environment(path, findings);
    // The compilers of rustup are links to it, and lie elsewhere.
    if let Some(toolchains) = home.map(|home| home.join(".rustup"))
        && real.file_name() == Some("rustup".as_ref())
        && toolchains.is_dir()
    {
        findings.needs(&toolchains, "its toolchains");
    }
    real
}

/// `#!INTERPRETER [ARGUMENT]`, as execve(2) reads it; what env(1) would find in its place.
fn script(file: &File, at: &Path, host: &Host, findings: &mut Findings) -> Result<PathBuf, Refused> {
    let mut line = [0; 256];
    let read = file.read_at(&mut line, 0).unwrap_or(0);
    let line = String::from_utf8_lossy(&line[..read]);
    let noun = at.display();
    let Some(line) = line.strip_prefix("#!").and_then(|rest| rest.lines().next()) else {
        let hint = "write #! and the path of its interpreter on its first line, or name the interpreter";
        return Err(refused(format!("{noun} is neither an ELF program nor a script with #!"), hint));
    };
    let mut words = line.split_whitespace();
    let interpreter = words.next().unwrap_or_default();
    let absolute = Path::new(interpreter);
    if !absolute.is_absolute() || runnable(absolute).is_err() {
        return Err(refused(format!("{noun} is a script for `{interpreter}`, which is not there"), "install it"));
    }
    if absolute.file_name() != Some("env".as_ref()) {
        return Ok(absolute.to_owned());
    }
    let Some(name) = words.find(|word| !word.starts_with('-') && !word.contains('=')) else {
        return Ok(absolute.to_owned());
    };
    let Some(found) = search(name, host) else {
        return Err(refused(
            format!("{noun} is a script for `{name}`, which is in no directory of PATH"),
            "install it",
        ));
    };
    let directory = found.parent().unwrap_or(Path::new("/")).to_owned();
    if !INSIDE.iter().any(|usual| Path::new(usual) == directory) && !findings.search.contains(&directory) {
        findings.search.push(directory);
    }
    Ok(found)
}

/// A file in the `bin` of a Python environment belongs to the whole of it.
fn environment(file: &Path, findings: &mut Findings) {
    let Some(tree) = file.parent().and_then(Path::parent) else { return };
    if tree.join("pyvenv.cfg").is_file() {
        findings.needs(tree, "its Python environment");
    }
}

/// What was installed with `pip install --user` for this version.
fn python(real: &Path, home: Option<&Path>, host: &Host, findings: &mut Findings) {
    let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(home) = home.filter(|_| name.starts_with("python")) else { return };
    let packages = home.join(".local/lib").join(name);
    if matches!(host.node(&packages), Node::Directory { .. }) {
        findings.needs(&packages, "packages of your own");
    }
}

fn privileged(real: &Path, findings: &mut Findings) {
    let Ok(file) = std::fs::metadata(real) else { return };
    if file.mode() & 0o6000 != 0 && is_system(real) {
        let remark = "it is setuid or setgid, which gives nothing inside: what it does with that power will be refused";
        findings.remarks.push(remark.into());
    }
    if descriptor::attribute(real, c"security.capability").is_some() && is_system(real) {
        let remark = "it has file capabilities (getcap shows them), which give nothing inside: what it does with them \
                      will be refused";
        findings.remarks.push(remark.into());
    }
}
