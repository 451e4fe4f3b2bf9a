//! Devices and programs that optional features need: opened, or asked for their version.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Feature;
use crate::sys::signal;

pub fn examine() -> Vec<Feature> {
    // As systemd's own rules have it.
    let tun = "as root: modprobe tun, and chmod 0666 /dev/net/tun; udev keeps it so: \
               echo 'KERNEL==\"tun\", MODE=\"0666\"' > /etc/udev/rules.d/50-tun.rules";
    let fuse = "as root: modprobe fuse, and chmod 0666 /dev/fuse; Debian's package fuse3 keeps it so";
    vec![
        pasta(),
        device("tun", "/dev/net/tun", tun, "devices = [\"tun\"]: tunnels of the program's own"),
        device("fuse", "/dev/fuse", fuse, "devices = [\"fuse\"]: file systems in user space"),
    ]
}

/// Opening them does nothing yet.
fn device(name: &'static str, path: &str, remedy: &str, lost: &str) -> Feature {
    let flags = libc::O_NONBLOCK | libc::O_CLOEXEC;
    match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
        Ok(_) => Feature::ok(name, format!("{path} opens")),
        Err(error) => {
            Feature::no(name, format!("{path}: {}", crate::sys::errno::of_io(&error))).lost(lost).remedy(remedy)
        }
    }
}

fn pasta() -> Feature {
    let name = "pasta";
    let lost = "nothing yet: private networks are not in this version";
    let install = "none is needed now; Debian's and Fedora's package is passt";
    let Some(program) = found("pasta") else {
        return Feature::no(name, "not installed").lost(lost).remedy(install);
    };
    let said = version(&program);
    match said.as_deref().and_then(|text| text.lines().next()).map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Feature::ok(name, format!("{line} ({})", program.display())),
        None => {
            Feature::no(name, format!("{} does not tell its version", program.display())).lost(lost).remedy(install)
        }
    }
}

/// On fixed paths: PATH is the caller's, and what is found runs outside any sandbox.
fn found(program: &str) -> Option<PathBuf> {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .map(|directory| Path::new(directory).join(program))
        .into_iter()
        .find(|path| nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok())
}

/// `--version`, for two seconds at most.
fn version(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = signal::unblocked(&mut command).spawn().ok()?;
    let deadline = Instant::now() + Duration::from_secs(2);
    while child.try_wait().ok()?.is_none() {
        if Instant::now() >= deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut text = String::new();
    child.stdout.take()?.take(4096).read_to_string(&mut text).ok()?;
    Some(text)
}
