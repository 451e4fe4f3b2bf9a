//! Finding the program, inside, as execvp(3) would.

use std::ffi::{CStr, CString};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{AccessFlags, access};

use crate::host;
use crate::isolation::{Applied, Fault, Operation};
use crate::sys::descriptor;

/// What a fault's detail ends with where no permission is to blame.
pub const NO_FILE: &str = "not a regular file";

/// What to do about a command that is not there.
pub fn where_it_is_looked_for(command: &[u8]) -> String {
    match command {
        [] => "the first word of the command is empty: name a program".to_owned(),
        [b'~', b'/', rest @ ..] => {
            format!("`~` is not replaced in a command: write \"${{HOME}}/{}\"", String::from_utf8_lossy(rest))
        }
        [b'/', ..] => "it is looked for inside: grant it in [rootfs], or correct the path".to_owned(),
        _ if command.contains(&b'/') => {
            "a relative command starts at cwd, inside: with cwd = \"${PROFILE_DIR}\" in [process] and read-only = [\".\"] \
             in [rootfs] at the profile; or write the whole path"
                .to_owned()
        }
        _ => "it is looked for inside: grant its directory in [rootfs], or correct the name".to_owned(),
    }
}

/// The path to execute. The first match that may be executed wins; a name with a slash is not searched for.
/// `interpreters`: of a script too, whatever its first line names must be no link of /proc.
pub fn find(command: &CStr, path: Option<&[CString]>, interpreters: bool) -> Result<CString, Fault> {
    let program = first(command, path)?;
    if interpreters {
        interpreter(&program, host::INTERPRETERS)?;
    }
    Ok(program)
}

fn first(command: &CStr, path: Option<&[CString]>) -> Result<CString, Fault> {
    let Some(path) = path else { return candidate(command).map(|()| command.to_owned()) };
    let mut refused = None;
    for directory in path {
        let whole = [directory.to_bytes(), b"/", command.to_bytes()].concat();
        let Ok(whole) = CString::new(whole) else { continue };
        match candidate(&whole) {
            Ok(()) => return Ok(whole),
            Err(fault) if fault.operation == Operation::ExecuteProgram => refused = refused.or(Some(fault)),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| Fault::new(Operation::FindProgram, Errno::ENOENT, command.to_string_lossy())))
}

/// The kernel opens it by the path in the file: `#!/proc/self/exe` would run the launcher, a file of the host that no
/// layer but Landlock keeps the program from opening again.
fn interpreter(program: &CStr, depth: usize) -> Applied {
    let noun = || program.to_string_lossy();
    let mut start = [0; host::BINPRM_BUF_SIZE];
    // What is no file could keep us waiting for ever, or make itself our terminal; the kernel refuses it at the exec.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let length = descriptor::openat2(descriptor::here(), program, flags, descriptor::NO_MAGICLINKS)
        .and_then(|file| nix::unistd::read(&file, &mut start))
        .map_err(|errno| {
            Fault::new(Operation::ExecuteProgram, errno, format!("{}: its first line cannot be read", noun()))
        })?;
    let Some(name) = host::interpreter(&start[..length]) else { return Ok(()) };
    let Ok(name) = CString::new(name) else { return Ok(()) };
    match descriptor::locate(descriptor::here(), name.as_c_str(), descriptor::NO_MAGICLINKS, true) {
        Ok(_) if depth > 0 => interpreter(&name, depth - 1),
        Err(Errno::ELOOP) => {
            let noun = format!("{}: its interpreter {} is a link of /proc", noun(), name.to_string_lossy());
            Err(Fault::new(Operation::ExecuteProgram, Errno::ELOOP, noun))
        }
        // What else is wrong with it the kernel says at the exec.
        _ => Ok(()),
    }
}

/// Not what execve(2) then opens, if somebody outside exchanges it meanwhile in a grant that he too may write to.
/// Executing this descriptor instead would show: AT_EXECFN and `$0` of a script become /dev/fd/N, and before Linux 6.14
/// comm the number; a script's interpreter has no /dev/fd to find it by.
fn candidate(path: &CStr) -> Result<(), Fault> {
    let noun = path.to_string_lossy();
    // /proc/self/exe would be this launcher itself: a host file that no mount of the sandbox covers (CVE-2019-5736).
    let file =
        descriptor::locate(descriptor::here(), path, descriptor::NO_MAGICLINKS, true).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR => Fault::new(Operation::FindProgram, errno, noun.clone()),
            _ => Fault::new(Operation::ExecuteProgram, errno, noun.clone()),
        })?;
    let status = fstat(&file).map_err(|errno| Fault::new(Operation::Fstat, errno, noun.clone()))?;
    if SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Fault::new(Operation::ExecuteProgram, Errno::EACCES, format!("{noun}: {NO_FILE}")));
    }
    access(path, AccessFlags::X_OK).map_err(|errno| Fault::new(Operation::ExecuteProgram, errno, noun))
}
