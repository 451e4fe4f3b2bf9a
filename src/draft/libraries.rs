//! Where the loader finds what a program is linked to: ld.so(8).

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Findings, installation, is_system};
use crate::host::Host;
use crate::host::elf::{self, Elf};

/// Beyond this it is no program that somebody wrote.
const MOST: usize = 1000;

/// The directories of the system, and those that /etc/ld.so.conf adds.
const USUAL: [&str; 6] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/lib32"];

/// What the libraries of a program, and theirs in turn, need of places outside the system.
pub fn examine(real: &Path, elf: &Elf, home: Option<&Path>, host: &Host, findings: &mut Findings) {
    let usual = usual(elf.i386, host);
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(real.to_owned(), places(real, elf, &[]), elf.needed.clone())]);
    while let Some((user, own, needed)) = queue.pop_front() {
        for name in needed {
            if seen.len() > MOST || !seen.insert(name.clone()) {
                continue;
            }
            let found = match name.contains('/') {
                true => Some(PathBuf::from(&name)).filter(|path| path.is_file()),
                false => own.iter().chain(&usual).map(|place| place.join(&name)).find(|path| path.is_file()),
            };
            let Some(path) = found else {
                let user = user.file_name().unwrap_or_default().to_string_lossy();
                findings.remarks.push(format!("{name}, which {user} is linked to, was not found on this machine"));
                continue;
            };
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            for place in [&path, &real].into_iter().filter(|place| !is_system(place)) {
                let directory = place.parent().unwrap_or(place);
                let tree = match installation(place, home) {
                    // A library alone is of no use to those beside it.
                    alone if alone == **place => directory.to_owned(),
                    tree => tree,
                };
                findings.needs(&tree, "its libraries");
            }
            if !is_system(&real)
                && let Ok(file) = File::open(&real)
                && let Ok(Some(library)) = elf::read(&file)
            {
                queue.push_back((real.clone(), places(&real, &library, &own), library.needed));
            }
        }
    }
}

/// DT_RUNPATH, or without one DT_RPATH and that of whoever is above.
fn places(user: &Path, elf: &Elf, above: &[PathBuf]) -> Vec<PathBuf> {
    let origin = user.parent().unwrap_or(user);
    let expanded = |list: &str| -> Vec<PathBuf> {
        let place = |place: &str| {
            let place = place.replace("${ORIGIN}", "$ORIGIN").replace("${LIB}", "$LIB").replace("$LIB", "lib");
            match place.strip_prefix("$ORIGIN") {
                Some(rest) => origin.join(rest.trim_start_matches('/')),
                None => PathBuf::from(place),
            }
        };
        list.split(':').map(place).filter(|place| place.is_absolute()).collect()
    };
    match (&elf.runpath, &elf.rpath) {
        (Some(list), _) => expanded(list),
        (None, Some(list)) => expanded(list).into_iter().chain(above.iter().cloned()).collect(),
        (None, None) => above.to_vec(),
    }
}

fn usual(i386: bool, host: &Host) -> Vec<PathBuf> {
    let triple = if i386 { "i386-linux-gnu" } else { "x86_64-linux-gnu" };
    let mut places: Vec<PathBuf> = ["/lib", "/usr/lib"].iter().map(|place| Path::new(place).join(triple)).collect();
    places.extend(USUAL.map(PathBuf::from));
    let further = Path::new("/etc/ld.so.conf.d");
    let files = host.list(further).into_iter().map(|name| further.join(name));
    for file in std::iter::once(PathBuf::from("/etc/ld.so.conf")).chain(files) {
        let text = host.text(&file).unwrap_or_default();
        places.extend(text.lines().map(str::trim).filter(|line| line.starts_with('/')).map(PathBuf::from));
    }
    places
}
