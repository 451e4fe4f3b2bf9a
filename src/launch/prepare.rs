//! Readying the launcher itself, before anything is planned.

use std::os::fd::AsFd;

use crate::sys::signal;

const OPEN_FILES: u64 = 20;

/// Readies this process for launching: it must still be single-threaded.
///
/// Callers ignore or block signals, and both survive exec: the program is to start with neither.
pub fn prepare() -> Result<(), String> {
    // Below this the launch would fail half-way; the program itself gets the caller's limit.
    if let Some(limit) = open_files()
        && limit < OPEN_FILES
    {
        return Err(format!(
            "the limit of open files is {limit}, and a launch needs {OPEN_FILES}: raise it by `ulimit -n`"
        ));
    }
    refuse_directories()?;
    signal::reset_dispositions();
    signal::discard_blocked();
    signal::block_all();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    Ok(())
}

/// A directory on a standard descriptor stays a way into the host's tree, past every mount of ours: Landlock has no say
/// in stat, chmod and utime beneath it, and lets read what the program may read by its own path.
fn refuse_directories() -> Result<(), String> {
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    for (number, descriptor) in [input.as_fd(), output.as_fd(), errors.as_fd()].into_iter().enumerate() {
        let kind = nix::sys::stat::fstat(descriptor).map(|status| status.st_mode & libc::S_IFMT);
        if kind == Ok(libc::S_IFDIR) {
            return Err(format!(
                "descriptor {number} is a directory, by which the program could leave its root; redirect it to a file"
            ));
        }
    }
    Ok(())
}

/// How many files this process may have open; `None` where nothing limits it.
pub fn open_files() -> Option<u64> {
    crate::sys::process::limits(libc::RLIMIT_NOFILE).ok()?.soft
}
