//! capabilities(7): the sets, the bounding set and the securebits of the calling thread, each in the one system call
//! that the kernel has for it.

use nix::errno::Errno;

/// The three sets that capset(2) sets together; bit n is capability n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sets {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
}

/// What capget(2) and capset(2) are asked with; libc leaves it out.
#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    pid: i32,
}

/// Half of each set: the low 32 capabilities first, then the high ones.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: 64-bit sets, since Linux 2.6.26.
const VERSION_3: u32 = 0x2008_0522;

/// Sets effective, permitted and inheritable at once. Bits that the kernel has no capability for are ignored by it.
pub fn set(sets: Sets) -> nix::Result<()> {
    let low = |set: u64| set as u32;
    let high = |set: u64| (set >> 32) as u32;
    let header = Header { version: VERSION_3, pid: 0 };
    let halves = [
        Half { effective: low(sets.effective), permitted: low(sets.permitted), inheritable: low(sets.inheritable) },
        Half { effective: high(sets.effective), permitted: high(sets.permitted), inheritable: high(sets.inheritable) },
    ];
    // SAFETY: version 3 reads one header and two halves, both alive across the call.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) }).map(drop)
}

pub fn get() -> nix::Result<Sets> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: version 3 writes two halves, and the header's version only when it does not know the one given.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) })?;
    let join = |field: fn(&Half) -> u32| u64::from(field(&halves[0])) | u64::from(field(&halves[1])) << 32;
    Ok(Sets {
        effective: join(|half| half.effective),
        permitted: join(|half| half.permitted),
        inheritable: join(|half| half.inheritable),
    })
}

/// Takes one capability out of the bounding set. EINVAL: the kernel has no such capability.
pub fn drop_bounding(capability: u32) -> nix::Result<()> {
    prctl(libc::PR_CAPBSET_DROP, capability.into(), 0)
}

/// Adds one capability, which must be permitted and inheritable, to the ambient set.
pub fn raise_ambient(capability: u32) -> nix::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong, capability.into())
}

/// Whether the permitted set survives a change from uid 0 to another.
pub fn set_keep_capabilities(keep: bool) -> nix::Result<()> {
    prctl(libc::PR_SET_KEEPCAPS, keep.into(), 0)
}

pub fn set_securebits(bits: u32) -> nix::Result<()> {
    prctl(libc::PR_SET_SECUREBITS, bits.into(), 0)
}

pub fn securebits() -> nix::Result<u32> {
    // SAFETY: the answer is the return value; no pointer is passed.
    let bits = Errno::result(unsafe { libc::prctl(libc::PR_GET_SECUREBITS, 0, 0, 0, 0) })?;
    Ok(bits as u32)
}

/// The kernel refuses several of these unless the arguments they do not use are 0.
fn prctl(operation: libc::c_int, second: libc::c_ulong, third: libc::c_ulong) -> nix::Result<()> {
    let unused: libc::c_ulong = 0;
    // SAFETY: only operations that take plain numbers are passed.
    Errno::result(unsafe { libc::prctl(operation, second, third, unused, unused) }).map(drop)
}
