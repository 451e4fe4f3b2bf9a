//! What the presets ask of arguments, and what `nested` opens.

use super::*;

#[test]
fn clone_makes_no_namespace() {
    let both = Seccomp { architectures: both(), ..Seccomp::default() };
    let (closed, open) = (filter(&both), nested(&both, true, false));
    let thread = 0x003d_0f00;
    for arch in [Arch::X86_64, Arch::I386] {
        for flags in [0, thread, libc::SIGCHLD as u64, 0x4111, 0x80 | thread] {
            assert_eq!(ask(&closed, arch, "clone", &[flags]), "allow", "{flags:#x}");
        }
        for bit in [17, 25, 26, 27, 28, 29, 30] {
            for flags in [1u64 << bit, thread | 1 << bit, u64::MAX, 1 << 63 | 1 << bit] {
                assert_eq!(ask(&closed, arch, "clone", &[flags]), "EPERM", "{flags:#x}");
                assert_eq!(ask(&open, arch, "clone", &[flags]), "allow", "{flags:#x}");
            }
        }
        for name in ["unshare", "setns", "sethostname", "setdomainname"] {
            assert_eq!(ask(&closed, arch, name, &[]), "EPERM");
            assert_eq!(ask(&open, arch, name, &[]), "allow");
        }
        assert_eq!(ask(&open, arch, "clone3", &[]), "ENOSYS");
        assert_eq!(ask(&open, arch, "mount", &[]), "EPERM");
        assert_eq!(ask(&open, arch, "fsopen", &[]), "ENOSYS");
    }
}

#[test]
fn nested_mounts_open_mounts_and_namespaces() {
    for (namespaces, mounts) in [(true, true), (false, true)] {
        let filter = nested(&Seccomp::default(), namespaces, mounts);
        for name in "mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr \
                     open_tree_attr unshare setns clone3"
            .split_whitespace()
        {
            assert_eq!(native(&filter, name, &[]), "allow", "{name}");
        }
        assert_eq!(native(&filter, "clone", &[u64::from(u32::MAX)]), "allow");
        for (name, verdict) in [("io_uring_setup", "ENOSYS"), ("bpf", "EPERM"), ("ptrace", "EPERM")] {
            assert_eq!(native(&filter, name, &[]), verdict, "{name}");
        }
        let denied = Seccomp { deny: names(&["mount"]), ..Seccomp::default() };
        assert_eq!(native(&nested(&denied, namespaces, mounts), "mount", &[]), "EPERM");
    }
}

#[test]
fn terminals_take_no_input_from_ioctl() {
    let filter = filter(&Seccomp { architectures: both(), ..Seccomp::default() });
    for arch in [Arch::X86_64, Arch::I386] {
        for request in [0x5412, 0x541c, 0x5423, 0x541d] {
            for high in [0, 1 << 32, 1 << 63, 0xffff_ffff_0000_0000] {
                assert_eq!(ask(&filter, arch, "ioctl", &[0, request | high]), "EPERM", "{request:#x} {high:#x}");
            }
        }
        // KDGKBTYPE, KDSETMODE, KDSKBMODE, KDSKBLED, VT_SETMODE, VT_ACTIVATE, and the ends of the ranges.
        for request in [0x4b33, 0x4b3a, 0x4b45, 0x4b65, 0x5602, 0x5606, 0x4b00, 0x4bff, 0x5600, 0x56ff] {
            for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
                assert_eq!(ask(&filter, arch, "ioctl", &[0, request | high]), "EPERM", "{request:#x} {high:#x}");
            }
        }
        // VIDIOC_QUERYCAP is of the second one's letter, and has a size.
        for request in
            [0x8068_5600, 0x4aff, 0x4c00, 0x55ff, 0x5700, 0x5401, 0x5413, 0x541b, 0x5411, 0x5422, 0x5424, 0, u64::MAX]
        {
            assert_eq!(ask(&filter, arch, "ioctl", &[u64::MAX, request]), "allow", "{request:#x}");
        }
    }
}

#[test]
fn no_lease_is_taken() {
    let both = || Seccomp { architectures: both(), ..Seccomp::default() };
    let (set, lifted) = (filter(&both()), filter(&Seccomp { allow: Some(names(&["fcntl"])), ..both() }));
    for (arch, name) in [(Arch::X86_64, "fcntl"), (Arch::I386, "fcntl"), (Arch::I386, "fcntl64")] {
        for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
            assert_eq!(ask(&set, arch, name, &[0, 1024 | high, 0]), "EPERM", "{name} {high:#x}");
        }
        // F_GETLEASE, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_SETLK, and none.
        for command in [1025, 1030, 1033, 6, 0, u64::MAX] {
            assert_eq!(ask(&set, arch, name, &[0, command, 1024]), "allow", "{name} {command}");
        }
    }
    assert_eq!(native(&lifted, "fcntl", &[0, 1024, 0]), "allow", "by its own name");
}

#[test]
fn sockets_are_of_the_families_that_applications_need() {
    let [default, compat] = [Preset::Default, Preset::Compat]
        .map(|preset| filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() }));
    for arch in [Arch::X86_64, Arch::I386] {
        for family in (0..64).chain([0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX]) {
            for high in [0, 1 << 32] {
                let verdict = if [1, 2, 10, 16].contains(&(family & 0xffff_ffff)) { "allow" } else { "EAFNOSUPPORT" };
                assert_eq!(ask(&default, arch, "socket", &[family | high, 1, 0]), verdict, "{family}");
                assert_eq!(ask(&compat, arch, "socket", &[family | high, 1, 15]), verdict, "{family}");
                let pair = if family == 1 { "allow" } else { "EAFNOSUPPORT" };
                assert_eq!(ask(&default, arch, "socketpair", &[family | high, 1, 0]), pair, "{family}");
            }
        }
        for protocol in 1..32 {
            assert_eq!(ask(&default, arch, "socket", &[16, 3, protocol]), "EAFNOSUPPORT", "{protocol}");
        }
        assert_eq!(ask(&default, arch, "socket", &[16, 3, 1 << 32]), "allow", "the kernel reads 32 bits");
        for (kind, verdict) in [(10, "EAFNOSUPPORT"), (0x8_080a, "EAFNOSUPPORT"), (3, "allow"), (0x8_0801, "allow")] {
            assert_eq!(ask(&default, arch, "socket", &[2, kind, 0]), verdict, "SOCK_PACKET becomes a packet socket");
        }
    }
}

#[test]
fn personalities_are_the_known_few() {
    let filter = filter(&Seccomp { architectures: both(), ..Seccomp::default() });
    for arch in [Arch::X86_64, Arch::I386] {
        for value in [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff] {
            for high in [0, 1 << 32] {
                assert_eq!(ask(&filter, arch, "personality", &[value | high]), "allow", "{value:#x}");
            }
        }
        for value in [1, 4, 9, 0x4_0000, 0x40_0000, 0x10_0008, 0xffff_fffe, 0x8000_0000] {
            assert_eq!(ask(&filter, arch, "personality", &[value]), "EPERM", "{value:#x}");
        }
    }
}

#[test]
fn no_file_gets_a_setuid_or_setgid_bit() {
    let (creat, directory, tmpfile, cloexec) = (0o100, 0o200_000, 0o20_000_000, 0o2_000_000);
    for preset in PRESETS {
        let filter = filter(&Seccomp { preset, architectures: both(), ..Seccomp::default() });
        let refused = if preset == Preset::Compat { "allow" } else { "EPERM" };
        for arch in [Arch::X86_64, Arch::I386] {
            for (name, mode) in [
                ("chmod", 1),
                ("fchmod", 1),
                ("creat", 1),
                ("mknod", 1),
                ("fchmodat", 2),
                ("fchmodat2", 2),
                ("mknodat", 2),
                ("open", 2),
                ("openat", 3),
            ] {
                if preset == Preset::Strict && name.starts_with("mknod") {
                    assert_eq!(ask(&filter, arch, name, &[]), "EPERM");
                    continue;
                }
                let opens = name.starts_with("open");
                let with = |flags, bits| {
                    let mut args = [u64::MAX; 4];
                    if opens {
                        args[mode - 1] = flags;
                    }
                    args[mode] = bits;
                    ask(&filter, arch, name, &args)
                };
                for high in [0, 1 << 16, 1 << 32, 0xffff_ffff_0000_0000] {
                    for flags in [creat, creat | cloexec, directory | tmpfile, tmpfile, u64::MAX, creat | 1 << 40] {
                        for bits in [0o2000, 0o4000, 0o6755, 0o107_777] {
                            assert_eq!(with(flags, bits | high), refused, "{preset} {name} {flags:o} {bits:o}");
                        }
                        for bits in [0, 0o644, 0o1777, 0o100_755, 0o1_000] {
                            assert_eq!(with(flags, bits | high), "allow", "{preset} {name} {flags:o} {bits:o}");
                        }
                    }
                    if opens {
                        for flags in [0, cloexec, directory, !(creat | tmpfile)] {
                            assert_eq!(with(flags | high, u64::MAX), "allow", "{preset} {name} {flags:o}");
                        }
                    }
                }
            }
            let unseen = if preset == Preset::Compat { "allow" } else { "ENOSYS" };
            assert_eq!(ask(&filter, arch, "openat2", &[]), unseen, "{preset}");
        }
    }
    let section = Seccomp { allow: Some(names(&["chmod", "openat2", "@file-system"])), ..Seccomp::default() };
    let filter = filter(&section);
    assert_eq!(native(&filter, "chmod", &[0, 0o6755]), "allow", "by its own name");
    assert_eq!(native(&filter, "openat2", &[]), "allow", "by its own name");
    assert_eq!(native(&filter, "fchmod", &[0, 0o6755]), "EPERM", "a group lifts no condition");
    assert_eq!(native(&nested(&Seccomp::default(), true, true), "openat2", &[]), "allow", "a sandbox needs it");
}
