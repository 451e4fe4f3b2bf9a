//! Values of cgroup's files.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

/// These files take a value in one write(2), or say why not: half a value would be another one.
pub fn write(mut opened: &File, value: &str) -> io::Result<()> {
    loop {
        match opened.write(value.as_bytes()) {
            Ok(written) if written == value.len() => return Ok(()),
            Ok(_) => return Err(io::Error::from_raw_os_error(libc::EIO)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_by_halves_is_refused() {
        let (read, write_end) = nix::unistd::pipe2(nix::fcntl::OFlag::O_NONBLOCK).unwrap();
        let full = "x".repeat(1 << 20);
        let opened = File::from(write_end);
        assert_eq!(write(&opened, &full).unwrap_err().raw_os_error(), Some(libc::EIO));
        assert_eq!(write(&opened, "y").unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(read);
    }
}
