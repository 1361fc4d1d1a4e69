//! The TEE below libteec: the kernel's device and its calls, as
//! include/uapi/linux/tee.h has them. Nothing is checked here that the
//! kernel, OP-TEE or the TA should check; whatever is passed goes down.

#![expect(unsafe_code, reason = "system calls; nothing else here is unsafe")]

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::io::Errno;
use rustix::ioctl::{self, Ioctl, IoctlOutput, Opcode, opcode};
use rustix::mm::{MapFlags, ProtFlags};

/// The default TEE.
const DEVICE: &str = "/dev/tee0";
/// `TEE_IOC_MAGIC`.
const MAGIC: u8 = 0xa4;
/// `TEE_MEMREF_NULL`: a memory reference to nothing.
pub(crate) const NO_MEMORY: u64 = u64::MAX;
/// Parameters of a call (`TEEC_CONFIG_PAYLOAD_REF_COUNT`).
pub(crate) const PARAMS: usize = 4;

/// Kinds of parameters (`TEE_IOCTL_PARAM_ATTR_TYPE_*`).
pub(crate) mod kind {
    pub(crate) const NONE: u64 = 0;
    pub(crate) const VALUE_INOUT: u64 = 3;
    pub(crate) const INPUT: u64 = 5;
    pub(crate) const OUTPUT: u64 = 6;
    pub(crate) const INOUT: u64 = 7;
    /// All that exist.
    pub(crate) const ALL: [u64; 7] = [NONE, 1, 2, VALUE_INOUT, INPUT, OUTPUT, INOUT];
}

/// Kinds of logins (`TEE_IOCTL_LOGIN_*`).
pub(crate) mod login {
    pub(crate) const PUBLIC: u32 = 0;
    pub(crate) const USER: u32 = 1;
    pub(crate) const GROUP: u32 = 2;
    pub(crate) const APPLICATION: u32 = 4;
    pub(crate) const USER_APPLICATION: u32 = 5;
    pub(crate) const GROUP_APPLICATION: u32 = 6;
    pub(crate) const KERNEL: u32 = 0x8000_0000;
}

/// Why a call did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The kernel refused it.
    Kernel(Errno),
    /// OP-TEE or the TA did.
    Tee {
        /// `TEEC_Result`.
        result: u32,
        /// `TEEC_ORIGIN_*`: 2 the kernel's driver, 3 OP-TEE, 4 the TA.
        origin: u32,
    },
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Self {
        Self::Kernel(error)
    }
}

/// One parameter (`struct tee_ioctl_param`): of a value its two halves; of a
/// memory reference its offset, size and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Param {
    pub(crate) kind: u64,
    pub(crate) a: u64,
    pub(crate) b: u64,
    pub(crate) c: u64,
}

impl Param {
    pub(crate) const NONE: Self = Self { kind: kind::NONE, a: 0, b: 0, c: 0 };

    /// A part of `memory`, which need not be within it.
    pub(crate) fn part(kind: u64, memory: &Memory, offset: u64, size: u64) -> Self {
        Self { kind, a: offset, b: size, c: memory.id }
    }

    /// `size` octets of no memory.
    pub(crate) const fn null(kind: u64, size: u64) -> Self {
        Self { kind, a: 0, b: size, c: NO_MEMORY }
    }
}

/// `struct tee_ioctl_open_session_arg` with its parameters.
#[repr(C)]
struct OpenArg {
    uuid: [u8; 16],
    client: [u8; 16],
    login: u32,
    cancel_id: u32,
    session: u32,
    result: u32,
    origin: u32,
    count: u32,
    params: [Param; PARAMS],
}

/// `struct tee_ioctl_invoke_arg` with its parameters.
#[repr(C)]
struct InvokeArg {
    number: u32,
    session: u32,
    cancel_id: u32,
    result: u32,
    origin: u32,
    count: u32,
    params: [Param; PARAMS],
}

impl InvokeArg {
    const fn new(session: u32, number: u32, params: [Param; PARAMS]) -> Self {
        let count = PARAMS as u32;
        Self { number, session, cancel_id: 0, result: 0, origin: 0, count, params }
    }
}

/// `struct tee_ioctl_buf_data`: where an argument lies.
#[repr(C)]
struct Buffer {
    at: u64,
    len: u64,
}

/// `struct tee_ioctl_shm_alloc_data`.
#[repr(C)]
struct AllocArg {
    size: u64,
    flags: u32,
    id: i32,
}

/// `struct tee_ioctl_shm_register_data`.
#[repr(C)]
struct RegisterArg {
    at: u64,
    len: u64,
    flags: u32,
    id: i32,
}

/// `struct tee_ioctl_close_session_arg`.
#[repr(C)]
struct CloseArg {
    session: u32,
}

/// One system call with its argument.
struct Call<'a, T> {
    opcode: Opcode,
    argument: &'a mut T,
}

// SAFETY: the argument is the structure that tee.h pairs with the opcode (the
// callers below are all there are), and it is read by nobody else meanwhile.
unsafe impl<T> Ioctl for Call<'_, T> {
    type Output = IoctlOutput;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::from_mut(self.argument).cast()
    }

    // SAFETY: it touches no memory.
    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<IoctlOutput> {
        Ok(out)
    }
}

/// The TEE's device, opened once. Sessions and memory belong to it.
pub(crate) struct Device(File);

impl Device {
    pub(crate) fn open() -> Result<Self, Errno> {
        let file = OpenOptions::new().read(true).write(true).open(DEVICE);
        file.map(Self).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }

    fn call<T>(&self, opcode: Opcode, argument: &mut T) -> Result<IoctlOutput, Errno> {
        // SAFETY: see the trait's implementation.
        unsafe { ioctl::ioctl(&self.0, Call { opcode, argument }) }
    }

    /// A call whose argument is a buffer that holds the structure `T`.
    fn call_with<T>(&self, number: u8, argument: &mut T) -> Result<(), Errno> {
        let at = ptr::from_mut(argument).expose_provenance() as u64;
        let mut buffer = Buffer { at, len: size_of::<T>() as u64 };
        self.call(opcode::read::<Buffer>(MAGIC, number), &mut buffer).map(drop)
    }

    /// Opens a session; its number. `client` is what the login stands on: of
    /// a group its number, little-endian, then zeros.
    pub(crate) fn open_session(
        &self,
        uuid: [u8; 16],
        login: u32,
        client: [u8; 16],
        params: [Param; PARAMS],
    ) -> Result<u32, Refusal> {
        let mut argument = OpenArg {
            uuid,
            client,
            login,
            cancel_id: 0,
            session: 0,
            result: 0,
            origin: 0,
            count: PARAMS as u32,
            params,
        };
        self.call_with(2, &mut argument)?;
        match argument {
            OpenArg { result: 0, session, .. } => Ok(session),
            OpenArg { result, origin, .. } => Err(Refusal::Tee { result, origin }),
        }
    }

    /// Calls a command; `params` are what they are afterwards.
    pub(crate) fn invoke(
        &self,
        session: u32,
        number: u32,
        params: &mut [Param; PARAMS],
    ) -> Result<(), Refusal> {
        let mut argument = InvokeArg::new(session, number, *params);
        self.call_with(3, &mut argument)?;
        *params = argument.params;
        match argument {
            InvokeArg { result: 0, .. } => Ok(()),
            InvokeArg { result, origin, .. } => Err(Refusal::Tee { result, origin }),
        }
    }

    /// A call that lies about how many parameters it has.
    pub(crate) fn invoke_counted(
        &self,
        session: u32,
        number: u32,
        count: u32,
    ) -> Result<(), Refusal> {
        let mut argument = InvokeArg::new(session, number, [Param::NONE; PARAMS]);
        argument.count = count;
        Ok(self.call_with(3, &mut argument)?)
    }

    pub(crate) fn close_session(&self, session: u32) -> Result<(), Errno> {
        self.call(opcode::read::<CloseArg>(MAGIC, 5), &mut CloseArg { session }).map(drop)
    }

    /// Memory that both worlds see: at least `size` octets, in whole pages.
    pub(crate) fn memory(&self, size: usize) -> Result<Memory, Errno> {
        let mut argument = AllocArg { size: size as u64, flags: 0, id: 0 };
        let fd = self.call(opcode::read_write::<AllocArg>(MAGIC, 1), &mut argument)?;
        // SAFETY: the kernel has just made this descriptor for this caller.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let size = usize::try_from(argument.size).map_err(|_| Errno::OVERFLOW)?;
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new mapping, wherever the kernel wants it.
        let at = unsafe { rustix::mm::mmap(ptr::null_mut(), size, access, flags, &fd, 0)? };
        Ok(Memory { id: u64::from(argument.id.unsigned_abs()), at: at.cast(), size, _fd: fd })
    }

    /// Registers memory of this program that it may itself only read.
    pub(crate) fn register_read_only(&self) -> Result<(), Errno> {
        static READ_ONLY: [u8; 2 * PAGE] = [1; 2 * PAGE];
        let at = READ_ONLY.as_ptr().expose_provenance() as u64;
        let mut argument = RegisterArg { at, len: PAGE as u64, flags: 0, id: 0 };
        let fd = self.call(opcode::read_write::<RegisterArg>(MAGIC, 9), &mut argument)?;
        // SAFETY: the kernel has just made this descriptor for this caller.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
        Ok(())
    }
}

/// Octets of a page, in which shared memory is counted.
pub(crate) const PAGE: usize = 4096;

/// Memory that both worlds see, and other threads too.
pub(crate) struct Memory {
    id: u64,
    at: *const AtomicU8,
    size: usize,
    _fd: OwnedFd,
}

// SAFETY: the memory is shared as atomic octets only; the rest never changes.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// All of it.
    pub(crate) fn octets(&self) -> &[AtomicU8] {
        // SAFETY: mapped for as long as `self` lives; whoever else writes to
        // it, here or in the other world, does so while it is atomic here.
        unsafe { std::slice::from_raw_parts(self.at, self.size) }
    }

    pub(crate) const fn len(&self) -> u64 {
        self.size as u64
    }

    pub(crate) fn put(&self, at: usize, octets: &[u8]) {
        for (to, octet) in self.octets().iter().skip(at).zip(octets) {
            to.store(*octet, Ordering::Relaxed);
        }
    }

    pub(crate) fn take(&self, at: usize, len: usize) -> Vec<u8> {
        self.octets().iter().skip(at).take(len).map(|o| o.load(Ordering::Relaxed)).collect()
    }

    /// Whether all octets of a part are this one. It is looked at in its place, since
    /// thousands of calls are followed by it.
    pub(crate) fn is_all(&self, at: usize, len: usize, octet: u8) -> bool {
        self.octets().iter().skip(at).take(len).all(|o| o.load(Ordering::Relaxed) == octet)
    }

    pub(crate) fn fill(&self, octet: u8) {
        self.octets().iter().for_each(|to| to.store(octet, Ordering::Relaxed));
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped once, unmapped once, with no reference left.
        let _ = unsafe { rustix::mm::munmap(self.at.cast_mut().cast(), self.size) };
    }
}
