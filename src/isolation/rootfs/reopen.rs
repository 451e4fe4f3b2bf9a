//! What is open on 0 to 2 and is one of the few devices: it is opened again by its node inside.
//!
//! Services are started on `/dev/null`, and a descriptor leads to the mount that it was opened on. The caller's node may be
//! written to there: root inside would change its mode, times and attributes for the whole machine.

use std::io::{stderr, stdin, stdout};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::{Mode, SFlag, fstat, makedev};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::devices::Minimal;
use crate::isolation::{Applied, Fault, Operation};

/// What open(2) takes of the flags of an open file.
const KEPT: OFlag = OFlag::O_ACCMODE.union(OFlag::O_APPEND).union(OFlag::O_NONBLOCK).union(OFlag::O_PATH);

/// A descriptor is left as it is where its device has no node inside, or may not be opened there: a terminal by
/// `/dev/tty` without a session at one, or by whoever is kept out.
pub fn reopen(devices: &[Minimal]) -> Applied {
    let (stdin, stdout, stderr) = (stdin(), stdout(), stderr());
    for (number, file) in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()].into_iter().enumerate() {
        let fault = |operation| move |errno| Fault::new(operation, errno, format!("descriptor {number}"));
        let status = match fstat(file) {
            Err(Errno::EBADF) => continue,
            answer => answer.map_err(fault(Operation::Fstat))?,
        };
        let is_device = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFCHR;
        let same = |device: &&Minimal| makedev(device.major.into(), device.minor.into()) == status.st_rdev;
        let Some(device) = devices.iter().find(same).filter(|_| is_device) else { continue };
        let flags = fcntl(file, FcntlArg::F_GETFL).map_err(fault(Operation::Fcntl))?;
        let flags = OFlag::from_bits_retain(flags) & KEPT | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let node = match open(device.path, flags, Mode::empty()) {
            Err(Errno::EACCES | Errno::ENXIO | Errno::EIO | Errno::EBUSY) => continue,
            answer => answer.map_err(|errno| Fault::new(Operation::Open, errno, device.path))?,
        };
        let duplicated = match number {
            0 => dup2_stdin(&node),
            1 => dup2_stdout(&node),
            _ => dup2_stderr(&node),
        };
        duplicated.map_err(fault(Operation::Dup2))?;
    }
    Ok(())
}
