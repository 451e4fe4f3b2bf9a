//! Conditions on arguments: those of the presets, and those that a profile's rules become.

use super::calls::{Arch, Call};
use super::chain::{Chain, Clause, Test};
use super::{Action, Condition, OnDeny, Op};

/// What the presets ask of the arguments of a call that they allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Threads and processes, but no namespaces.
    Clone,
    /// No input pushed into a terminal, no console taken over, nothing of a virtual terminal switched off.
    Ioctl,
    /// Nor signals by a terminal's events.
    IoctlScoped,
    /// No lease.
    Fcntl,
    /// Nor signals by a file's events.
    FcntlScoped,
    /// The families that applications need: the others are old, rarely run, and where the kernel's holes are.
    Socket,
    /// The same with every netlink protocol.
    SocketAnyNetlink,
    Socketpair,
    /// Only what changes nothing but what uname(2) says.
    Personality,
    /// Not the priority of the own process group.
    Setpriority,
    IoprioSet,
    /// Not the own process group.
    Kill,
    /// No pid but 0, the caller itself.
    Own,
    SetpriorityOwn,
    IoprioSetOwn,
    /// No setuid or setgid bit in the mode, which is this argument.
    Mode(u8),
    /// The same of a file that is made: the flags are this argument, the mode is the next.
    OpenMode(u8),
}

impl Check {
    pub fn chain(self, on_deny: OnDeny) -> Chain {
        let refuse = |errno| on_deny.refusal(errno);
        let only = |tests: &[Test]| Clause { tests: tests.to_vec(), action: Action::Allow };
        let never = |tests: &[Test], errno| Clause { tests: tests.to_vec(), action: refuse(errno) };
        match self {
            // The kernel takes clone's flags from the lower half of the register.
            Check::Clone => Chain { clauses: vec![only(&[masked(0, NEW_NAMESPACES, 0)])], end: refuse(libc::EPERM) },
            // The kernel names the receiver of a terminal's signals where the program named none: the process group in
            // the foreground, which is the caller's; and the program chooses the signal (F_SETSIG).
            Check::Ioctl | Check::IoctlScoped => Chain {
                clauses: [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD, libc::TIOCCONS]
                    .into_iter()
                    .chain((self == Check::IoctlScoped).then_some(libc::FIOASYNC))
                    .map(|request| eq(1, request))
                    .chain(CONSOLE_REQUESTS.map(|range| masked(1, !0xff & u64::from(u32::MAX), range)))
                    .map(|test| never(&[test], libc::EPERM))
                    .collect(),
                end: Action::Allow,
            },
            // Of a file that the caller has open too it outlives the program, and keeps whoever opens it waiting.
            Check::Fcntl | Check::FcntlScoped => {
                let asks = [eq(1, libc::F_SETFL as u64), masked(2, libc::O_ASYNC as u64, libc::O_ASYNC as u64)];
                let mut clauses = vec![never(&[eq(1, libc::F_SETLEASE as u64)], libc::EPERM)];
                clauses.extend((self == Check::FcntlScoped).then(|| never(&asks, libc::EPERM)));
                Chain { clauses, end: Action::Allow }
            }
            Check::Socket | Check::SocketAnyNetlink => {
                let mut netlink = vec![eq(0, libc::AF_NETLINK as u64)];
                if self == Check::Socket {
                    netlink.push(eq(2, libc::NETLINK_ROUTE as u64));
                }
                Chain {
                    clauses: vec![
                        // The kernel turns this pair into a packet socket.
                        never(
                            &[eq(0, libc::AF_INET as u64), masked(1, SOCK_TYPE_MASK, SOCK_PACKET)],
                            libc::EAFNOSUPPORT,
                        ),
                        only(&[eq(0, libc::AF_UNIX as u64)]),
                        only(&[eq(0, libc::AF_INET as u64)]),
                        only(&[eq(0, libc::AF_INET6 as u64)]),
                        only(&netlink),
                    ],
                    end: refuse(libc::EAFNOSUPPORT),
                }
            }
            Check::Socketpair => {
                Chain { clauses: vec![only(&[eq(0, libc::AF_UNIX as u64)])], end: refuse(libc::EAFNOSUPPORT) }
            }
            Check::Personality => Chain {
                clauses: vec![
                    only(&[masked(0, !HARMLESS_PERSONALITY & u64::from(u32::MAX), 0)]),
                    // It only asks.
                    only(&[eq(0, u64::from(u32::MAX))]),
                ],
                end: refuse(libc::EPERM),
            },
            // With their pids known, these reach all processes outside that have the program's uid.
            Check::Own => Chain { clauses: vec![only(&[eq(0, 0)])], end: refuse(libc::EPERM) },
            Check::SetpriorityOwn => {
                Chain { clauses: vec![only(&[eq(0, libc::PRIO_PROCESS as u64), eq(1, 0)])], end: refuse(libc::EPERM) }
            }
            Check::IoprioSetOwn => {
                Chain { clauses: vec![only(&[eq(0, IOPRIO_WHO_PROCESS), eq(1, 0)])], end: refuse(libc::EPERM) }
            }
            // A file with them outlives the sandbox, and gives the program's ids to whoever runs it outside.
            Check::Mode(index) => Chain { clauses: vec![only(&[masked(index, SET_ID, 0)])], end: refuse(libc::EPERM) },
            Check::OpenMode(flags) => Chain {
                // Without these flags the argument is not there, and its register may hold anything.
                clauses: vec![only(&[masked(flags, MAKES_FILE, 0)]), only(&[masked(flags + 1, SET_ID, 0)])],
                end: refuse(libc::EPERM),
            },
            // By 0 the kernel goes through the whole group, whichever pid namespaces its members are in, and at a
            // terminal the caller's other processes are members. Groups by number and users it looks up in the
            // caller's pid namespace.
            Check::Setpriority => Chain {
                clauses: vec![never(&[eq(0, libc::PRIO_PGRP as u64), eq(1, 0)], libc::EPERM)],
                end: Action::Allow,
            },
            Check::Kill => Chain { clauses: vec![never(&[eq(0, 0)], libc::EPERM)], end: Action::Allow },
            Check::IoprioSet => {
                Chain { clauses: vec![never(&[eq(0, IOPRIO_WHO_PGRP), eq(1, 0)], libc::EPERM)], end: Action::Allow }
            }
        }
    }
}

/// Of linux/kd.h and linux/vt.h, each with what it may still grow: keyboard, picture and change of virtual terminals,
/// which stay as the program leaves them. The few that only ask have answers for no usual program.
const CONSOLE_REQUESTS: [u64; 2] = [0x4b00, 0x5600];

/// All the flags that clone(2) takes for a new namespace; CLONE_NEWTIME lies where it keeps the exit signal.
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;
/// As in linux/net.h: the type's other bits are flags.
const SOCK_TYPE_MASK: u64 = 0xf;
const SOCK_PACKET: u64 = 10;

/// Of linux/ioprio.h.
const IOPRIO_WHO_PROCESS: u64 = 1;
pub const IOPRIO_WHO_PGRP: u64 = 2;

/// S_ISUID and S_ISGID.
const SET_ID: u64 = 0o6000;
/// WILL_CREATE of linux/fcntl.h: O_CREAT, and of O_TMPFILE the bit that is not O_DIRECTORY.
const MAKES_FILE: u64 = (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY) as u64;

/// UNAME26 and PER_LINUX32 of linux/personality.h.
const HARMLESS_PERSONALITY: u64 = 0x0002_0000 | 0x8;

const fn eq(index: u8, value: u64) -> Test {
    Test { index, wide: false, op: Op::Eq, value }
}

const fn masked(index: u8, mask: u64, value: u64) -> Test {
    Test { index, wide: false, op: Op::MaskedEq(mask), value }
}

impl OnDeny {
    /// What a refusal becomes that would otherwise be this errno.
    pub(super) fn refusal(self, errno: i32) -> Action {
        match self {
            OnDeny::Errno => Action::Errno(errno as u16),
            OnDeny::Kill => Action::KillProcess,
            OnDeny::Log => Action::Log,
        }
    }
}

impl Condition {
    /// The condition on this call's argument, at the width at which the kernel reads it.
    pub(super) fn test(&self, call: &Call, arch: Arch) -> Test {
        let (index, wide) = (self.index, call.width(arch, self.index) == Some(64));
        let short = call.width(arch, self.index) == Some(16);
        // A negative int, as a 64-bit number.
        let negative = !wide && (self.value as i64) < 0 && self.value as i64 >= i64::from(i32::MIN);
        let value = if negative { self.value & u64::from(u32::MAX) } else { self.value };
        match self.op {
            Op::Eq if short => Test { index, wide, op: Op::MaskedEq(0xffff), value: value & 0xffff },
            Op::MaskedEq(mask) if short => Test { index, wide, op: Op::MaskedEq(mask & 0xffff), value },
            // A pointer or size of i386 has 32 bits, so that a larger value is compared in full and found too large.
            op => Test { index, wide: wide || value > u64::from(u32::MAX), op, value },
        }
    }

    /// Why the condition cannot mean what it says, for this call.
    pub(super) fn complaint(&self, call: &Call, arch: Arch) -> Option<String> {
        let (name, index, count) = (call.name, self.index, call.arguments());
        let Some(width) = call.width(arch, index) else {
            return Some(match count {
                0 => format!("{name} takes no arguments, so there is none with index {index}"),
                _ => format!("{name} has no argument {index}: its {count} arguments count from 0"),
            });
        };
        if arch == Arch::I386 && call.differs_on_i386() {
            return Some(format!("i386 passes the arguments of {name} in another way, so no condition fits both"));
        }
        if let Op::MaskedEq(mask) = self.op
            && self.value & !mask != 0
        {
            return Some(format!(
                "the value {:#x} has bits that the mask {mask:#x} lacks: it never matches",
                self.value
            ));
        }
        // Of a value too large for i386 x86-64 has been asked about already, unless only i386 reads so few bits.
        if width == 64 || arch == Arch::I386 && width == 32 {
            return None;
        }
        let fits = |value: u64| value >> width == 0 || value as i64 >= -(1 << (width - 1)) && (value as i64) < 0;
        match self.op {
            Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge if width == 16 => {
                Some(format!("argument {index} of {name} has 16 bits: only eq and masked-eq compare so few"))
            }
            Op::MaskedEq(mask) if mask >> width != 0 && !fits(mask) => {
                Some(format!("argument {index} of {name} has {width} bits, the mask {mask:#x} has more"))
            }
            _ if !fits(self.value) => {
                Some(format!("argument {index} of {name} has {width} bits, the value {:#x} has more", self.value))
            }
            _ => None,
        }
    }
}
