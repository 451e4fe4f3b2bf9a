//! /proc and /sys: what in them is made read-only, and what is covered.

use std::path::{Path, PathBuf};

use super::Builder;
use crate::host::{Host, Node, join};
use crate::isolation::rootfs::target::Target;
use crate::isolation::rootfs::{Step, kernel};
use crate::sys::mount::{NO_DEV, NO_EXEC, NO_SUID, READ_ONLY};

impl Builder<'_> {
    pub(super) fn proc(&mut self) {
        let Builder { host, read_back, .. } = self;
        let attributes = NO_SUID | NO_DEV | NO_EXEC;
        self.steps.push(Step::Proc);
        read_back.expect(Path::new("/proc"), "proc", attributes);
        if self.given.nested_mounts {
            return;
        }
        let found = |name: &'static str| {
            let path = join(Path::new("/proc"), Path::new(name));
            let node = host.node(&path);
            (node != Node::Missing).then_some((name, path, matches!(node, Node::Directory { .. })))
        };
        let (mut read_only, mut hidden) = (Vec::new(), Vec::new());
        for (name, path, _) in kernel::PROC_READ_ONLY.into_iter().filter_map(found) {
            read_back.expect(&path, "proc", attributes | READ_ONLY);
            read_only.push(name);
        }
        for (name, path, directory) in kernel::PROC_HIDDEN.into_iter().filter_map(found) {
            read_back.expect(&path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
            hidden.push((name, directory));
        }
        self.finish.push(Step::ProcReadOnly { names: read_only });
        self.covers.push(Step::ProcHide { names: hidden, attributes: self.cover });
    }

    pub(super) fn sys(&mut self) {
        let Builder { host, read_back, covers, cover, .. } = self;
        let attributes = NO_SUID | NO_DEV | NO_EXEC | READ_ONLY;
        self.steps.push(Step::Sys { attributes });
        read_back.expect(Path::new("/sys"), "sysfs", attributes);
        let fixed = kernel::SYS_HIDDEN.iter().map(|name| Path::new("/sys").join(name));
        for path in fixed.chain(thermal(host)) {
            if host.node(&path) != Node::Missing {
                read_back.expect(&path, "tmpfs", READ_ONLY | NO_SUID | NO_DEV);
                let target = Target { path, make: false, trusted: true };
                covers.push(Step::Hide { target, directory: true, attributes: *cover });
            }
        }
    }
}

/// How often each processor was too hot: it tells what others on the machine do.
fn thermal(host: &Host) -> impl Iterator<Item = PathBuf> {
    let processors = Path::new("/sys/devices/system/cpu");
    let is_one = |name: &String| name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok());
    host.list(processors).into_iter().filter(is_one).map(|name| processors.join(name).join("thermal_throttle"))
}
