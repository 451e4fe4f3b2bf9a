//! Interfaces by ioctl(2), as netdevice(7) has it.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use super::{Call, check};

/// Brings `lo` of the caller's network namespace up.
pub fn loopback_up() -> Result<(), (Call, Errno)> {
    let socket = socket().map_err(|errno| (Call::Socket, errno))?;
    let mut request = request(c"lo");
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: SIOCSIFFLAGS reads one struct ifreq.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into())
        .map(drop)
        .map_err(|errno| (Call::SetInterfaceFlags, errno))
}

/// The `IFF_*` flags of an interface.
pub fn interface_flags(name: &CStr) -> Result<i16, Errno> {
    let socket = socket()?;
    let mut request = request(name);
    // SAFETY: SIOCGIFFLAGS reads the name from one struct ifreq and writes its flags.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) }.into())?;
    // SAFETY: the call above has written the flags.
    Ok(unsafe { request.ifr_ifru.ifru_flags })
}

fn socket() -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    let answer = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }.into())?;
    // SAFETY: the kernel has just returned this new descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(answer as i32) })
}

fn request(name: &CStr) -> libc::ifreq {
    // SAFETY: an all-zero ifreq is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.to_bytes().iter().take(libc::IFNAMSIZ - 1)) {
        *to = *from as libc::c_char;
    }
    request
}
