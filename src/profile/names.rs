//! Names that the kernel's own documentation gives to numbers.

/// `("EPERM", libc::EPERM), …`
macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

/// Every errno of Linux, as in errno(3).
#[rustfmt::skip]
pub const ERRNOS: &[(&str, i32)] = constants!(
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV
    ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK
    ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP EWOULDBLOCK ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH
    ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT EDEADLOCK EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG
    EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD
    ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT
    EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
    ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED
    EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM
    EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON
);

/// The kernel takes no larger one for a return value (MAX_ERRNO).
pub const LARGEST_ERRNO: i128 = 4095;

/// As in signal(7), without real-time signals.
#[rustfmt::skip]
pub const SIGNALS: &[(&str, i32)] = constants!(
    SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM
    SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO
    SIGPWR SIGSYS SIGPOLL
);

/// The kernel's range of real-time signals; the C library keeps the first two for itself.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// How much a resource limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Count,
}

/// By the names of prlimit(1), as in getrlimit(2).
pub const RLIMITS: &[(&str, Unit)] = &[
    ("as", Unit::Bytes),
    ("core", Unit::Bytes),
    ("cpu", Unit::Count),
    ("data", Unit::Bytes),
    ("fsize", Unit::Bytes),
    ("locks", Unit::Count),
    ("memlock", Unit::Bytes),
    ("msgqueue", Unit::Bytes),
    ("nice", Unit::Count),
    ("nofile", Unit::Count),
    ("nproc", Unit::Count),
    ("rss", Unit::Bytes),
    ("rtprio", Unit::Count),
    ("rttime", Unit::Count),
    ("sigpending", Unit::Count),
    ("stack", Unit::Bytes),
];

pub fn errno(name: &str) -> Option<u16> {
    let (_, number) = ERRNOS.iter().find(|(known, _)| *known == name)?;
    u16::try_from(*number).ok()
}

/// The first name of an errno.
pub fn errno_name(number: u16) -> Option<&'static str> {
    ERRNOS.iter().find(|(_, known)| *known == i32::from(number)).map(|(name, _)| *name)
}

/// `TERM`, `SIGTERM`, `RTMIN+3`, `RTMAX-1` or `15`.
pub fn signal(text: &str) -> Option<i32> {
    if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return text.parse().ok().filter(|number| (1..=64).contains(number));
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let real_time = |offset: &str, sign: i32| {
        let base = if sign > 0 { *REAL_TIME.start() } else { *REAL_TIME.end() };
        let digits = !offset.is_empty() && offset.bytes().all(|digit| digit.is_ascii_digit());
        let offset = if digits { offset.parse::<i32>().ok()? } else { return None };
        base.checked_add(sign * offset.min(100)).filter(|number| REAL_TIME.contains(number))
    };
    match name {
        "RTMIN" => Some(*REAL_TIME.start()),
        "RTMAX" => Some(*REAL_TIME.end()),
        _ => name
            .strip_prefix("RTMIN+")
            .and_then(|offset| real_time(offset, 1))
            .or_else(|| name.strip_prefix("RTMAX-").and_then(|offset| real_time(offset, -1)))
            .or_else(|| SIGNALS.iter().find(|(known, _)| known[3..] == *name).map(|(_, number)| *number)),
    }
}

/// As it is written in a profile.
pub fn signal_name(number: i32) -> String {
    match SIGNALS.iter().find(|(_, known)| *known == number) {
        Some((name, _)) => name[3..].to_owned(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, number) in [
            ("TERM", Some(15)),
            ("SIGTERM", Some(15)),
            ("15", Some(15)),
            ("RTMIN", Some(34)),
            ("SIGRTMIN+3", Some(37)),
            ("RTMAX-1", Some(63)),
            ("RTMIN+31", None),
            ("RTMIN+99999999999", None),
            ("RTMIN+-1", None),
            ("term", None),
            ("0", None),
            ("65", None),
            ("", None),
            ("-9", None),
            ("+9", None),
        ] {
            assert_eq!(signal(text), number, "{text}");
        }
        for number in 1..=64 {
            assert_eq!(signal(&signal_name(number)), Some(number));
        }
    }

    #[test]
    fn every_errno_reads_back() {
        assert_eq!(errno("EPERM"), Some(1));
        assert_eq!(errno("EHWPOISON"), Some(133));
        assert_eq!(errno("eperm"), None);
        for (name, _) in ERRNOS {
            let number = errno(name).unwrap();
            assert_eq!(errno(errno_name(number).unwrap()), Some(number));
        }
    }
}
