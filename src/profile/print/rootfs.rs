//! `[rootfs]`.

use std::fmt::Write;

use super::Lines;
use super::toml::{dashed, escaped, fields, flag, mode, path, quoted, spread};
use crate::isolation::Access;
use crate::isolation::rootfs::{Base, Bind, Home, Rootfs, Sys, Writes};
use crate::profile::units::show_size;

pub fn keys(rootfs: &Rootfs) -> Lines {
    let mut lines = Lines::new();
    match rootfs.base {
        Base::System => {}
        Base::Host => lines.push(("base", quoted("host"))),
        Base::None => lines.push(("base", quoted("none"))),
    }
    if rootfs.writes == Writes::Discard {
        lines.push(("writes", quoted("discard")));
    }
    match rootfs.home {
        Home::Empty => {}
        Home::ReadOnly => lines.push(("home", quoted("read-only"))),
        Home::ReadWrite => lines.push(("home", quoted("read-write"))),
    }
    let owner = |owner: &Option<String>| owner.as_ref().map(|owner| ("owner", quoted(owner)));
    let exec = |exec: bool| (!exec).then(|| ("exec", "false".to_owned()));
    let mut put = |key, entries: Vec<String>| {
        if !entries.is_empty() {
            lines.push((key, spread(&entries)));
        }
    };
    let persist = rootfs.persist.iter().map(|entry| {
        fields([Some(("target", path(&entry.target))), Some(("mode", mode(entry.mode))), owner(&entry.owner)])
    });
    put("persist", persist.collect());
    let binds = |access: Access| rootfs.binds.iter().filter(move |bind| bind.access == access).map(bind).collect();
    put("read-only", binds(Access::ReadOnly));
    put("read-write", binds(Access::ReadWrite));
    let tmpfs = rootfs.tmpfs.iter().map(|entry| {
        let size = entry.size.map(|size| ("size", quoted(&show_size(size))));
        let target = Some(("target", path(&entry.target)));
        fields([target, size, Some(("mode", mode(entry.mode))), owner(&entry.owner), exec(entry.exec)])
    });
    put("tmpfs", tmpfs.collect());
    let hide = rootfs
        .hide
        .iter()
        .map(|entry| fields([Some(("target", path(&entry.target))), flag("optional", entry.optional)]));
    put("hide", hide.collect());
    let devices = rootfs.devices.iter().map(|device| dashed(&device.name, device.optional));
    put("devices", devices.collect());
    if rootfs.sys == Sys::ReadOnly {
        lines.push(("sys", quoted("read-only")));
    }
    lines
}

/// Tables of their own, since TOML 1.0 has inline ones on a single line.
pub fn tables(out: &mut String, rootfs: &Rootfs) {
    if !rootfs.files.is_empty() {
        out.push_str("\n[rootfs.files]\n");
    }
    for file in &rootfs.files {
        let owner = file.owner.as_ref().map(|owner| ("owner", quoted(owner)));
        let fields = fields([Some(("text", escaped(&file.text))), Some(("mode", mode(file.mode))), owner]);
        let _ = writeln!(out, "{} = {fields}", path(&file.target));
    }
    if !rootfs.symlinks.is_empty() {
        out.push_str("\n[rootfs.symlinks]\n");
    }
    for link in &rootfs.symlinks {
        let _ = writeln!(out, "{} = {}", path(&link.target), path(&link.text));
    }
}

fn bind(bind: &Bind) -> String {
    fields([
        Some(("source", path(&bind.source))),
        (bind.source != bind.target).then(|| ("target", path(&bind.target))),
        flag("optional", bind.optional),
        (!bind.exec).then(|| ("exec", "false".to_owned())),
        flag("create", bind.create),
    ])
}
