//! getrandom(2).

use nix::errno::Errno;

/// Unpredictable bits. The kernel interrupts no request this small, and fills it whole.
pub fn bits() -> nix::Result<u32> {
    let mut bytes = [0u8; 4];
    // SAFETY: the kernel writes at most the length given into an array of that length.
    Errno::result(unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) })?;
    Ok(u32::from_ne_bytes(bytes))
}
