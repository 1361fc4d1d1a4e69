//! The real TEE, by libteec's raw API: the safe API of the crate has no
//! shared memory that a session keeps (two temporary references cost more
//! than three empty calls), and passes no data for a group login.

#![expect(unsafe_code, reason = "libteec is a C library; this is the edge to it")]

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::{self, NonNull};

use optee_teec::Uuid;
use optee_teec::raw::{
    TEEC_AllocateSharedMemory, TEEC_CloseSession, TEEC_Context, TEEC_ERROR_ACCESS_DENIED,
    TEEC_ERROR_BAD_STATE, TEEC_ERROR_EXCESS_DATA, TEEC_ERROR_ITEM_NOT_FOUND, TEEC_ERROR_SECURITY,
    TEEC_FinalizeContext, TEEC_InitializeContext, TEEC_InvokeCommand, TEEC_LOGIN_GROUP,
    TEEC_LOGIN_PUBLIC, TEEC_MEM_INPUT, TEEC_MEM_OUTPUT, TEEC_MEMREF_PARTIAL_INPUT,
    TEEC_MEMREF_PARTIAL_OUTPUT, TEEC_NONE, TEEC_ORIGIN_API, TEEC_ORIGIN_TEE,
    TEEC_ORIGIN_TRUSTED_APP, TEEC_OpenSession, TEEC_Operation, TEEC_PARAM_TYPES, TEEC_Parameter,
    TEEC_RegisteredMemoryReference, TEEC_ReleaseSharedMemory, TEEC_SUCCESS, TEEC_Session,
    TEEC_SharedMemory, TEEC_SharedMemory__Imp, TEEC_Value,
};
use proseal_proto::buffer::Buffer;
use proseal_proto::role::Role;
use zeroize::Zeroize;

use crate::application::Application;
use crate::device;
use crate::error::{Fault, TARGET_DEAD};
use crate::places::{KEPT, places};
use crate::transport::{Opener, Transport};

/// `TEE_ERROR_CORRUPT_OBJECT` (GlobalPlatform Internal Core API).
const CORRUPT_OBJECT: u32 = 0xf010_0001;

/// A trusted application of the real TEE.
#[derive(Clone)]
pub struct Tee {
    application: Application,
}

impl Tee {
    /// A way to this one.
    #[must_use]
    pub const fn new(application: Application) -> Self {
        Self { application }
    }
}

impl Opener for Tee {
    fn may(&self, role: Role) -> bool {
        role.gid().is_none_or(device::is_in_group)
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        Ok(Box::new(Session::open(self.application.uuid(), role)?))
    }
}

/// An open session with its kept memory. Fields are dropped in order:
/// session, then shared memory, then context.
struct Session {
    session: Open,
    /// Both messages: registering a memory costs as much as a call.
    memory: Shared,
    _context: Context,
}

impl Session {
    fn open(uuid: &str, role: Role) -> Result<Self, Fault> {
        let context = Context::new()?;
        let memory = Shared::allocate(&context, KEPT)?;
        let session = Open::new(&context, uuid, role)?;
        Ok(Self { session, memory, _context: context })
    }
}

impl Transport for Session {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault> {
        let Some((input, room)) = places(request.len(), response_max) else {
            return Err(Fault::Tee {
                during: "the call",
                result: TEEC_ERROR_EXCESS_DATA,
                origin: TEEC_ORIGIN_API,
            });
        };
        self.memory.octets()[input.clone()].copy_from_slice(request);
        let result = self.session.invoke(number, self.memory.part(&input), self.memory.part(&room));
        let octets = self.memory.octets();
        let result = result.map(|len| {
            response.extend_from_slice(&octets[room.clone()][..len.min(response_max)]);
        });
        // Shared memory is the normal world's: no key stays in it.
        octets[input].zeroize();
        octets[room].zeroize();
        result
    }
}

/// A value that libteec knows by its address, which it keeps. So it stands
/// on the heap behind a plain pointer: a `Box` promises to be the only way to
/// what it holds.
struct Fixed<T>(NonNull<T>);

impl<T> Fixed<T> {
    fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(value))))
    }

    /// All zeros.
    ///
    /// # Safety
    ///
    /// Zeros must be a value of `T`.
    unsafe fn zeroed() -> Self {
        // SAFETY: as the caller promises.
        Self::new(unsafe { MaybeUninit::<T>::zeroed().assume_init() })
    }

    const fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Fixed<T> {
    fn drop(&mut self) {
        // SAFETY: leaked from a box by `new`, taken back only here.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// A context.
struct Context(Fixed<TEEC_Context>);

impl Context {
    fn new() -> Result<Self, Fault> {
        // SAFETY: a C structure of numbers.
        let context = unsafe { Fixed::zeroed() };
        // SAFETY: a null name is the default TEE; the context is valid and
        // stays where it is.
        match unsafe { TEEC_InitializeContext(ptr::null(), context.as_ptr()) } {
            TEEC_SUCCESS => Ok(Self(context)),
            // libteec does not tell why.
            result => Err(device::probe().err().unwrap_or(Fault::Tee {
                during: "TEEC_InitializeContext",
                result,
                origin: TEEC_ORIGIN_API,
            })),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: initialised once, finalised once, after what it holds.
        unsafe { TEEC_FinalizeContext(self.0.as_ptr()) }
    }
}

/// Memory that both worlds see, for as long as the session lives.
struct Shared {
    memory: Fixed<TEEC_SharedMemory>,
    buffer: *mut u8,
    size: usize,
}

impl Shared {
    fn allocate(context: &Context, size: usize) -> Result<Self, Fault> {
        let memory = Fixed::new(TEEC_SharedMemory {
            buffer: ptr::null_mut(),
            size,
            flags: TEEC_MEM_INPUT | TEEC_MEM_OUTPUT,
            imp: TEEC_SharedMemory__Imp {
                id: 0,
                alloced_size: 0,
                shadow_buffer: ptr::null_mut(),
                registered_fd: 0,
                flags: 0,
            },
        });
        // SAFETY: both are valid and stay where they are.
        match unsafe { TEEC_AllocateSharedMemory(context.0.as_ptr(), memory.as_ptr()) } {
            TEEC_SUCCESS => {
                // SAFETY: libteec has put there what it allocated.
                let buffer = unsafe { (*memory.as_ptr()).buffer.cast() };
                Ok(Self { memory, buffer, size })
            }
            result => Err(Fault::Tee {
                during: "TEEC_AllocateSharedMemory",
                result,
                origin: TEEC_ORIGIN_API,
            }),
        }
    }

    /// Some of its octets as a parameter.
    fn part(&self, octets: &Range<usize>) -> TEEC_Parameter {
        TEEC_Parameter {
            memref: TEEC_RegisteredMemoryReference {
                parent: self.memory.as_ptr(),
                size: octets.len(),
                offset: octets.start,
            },
        }
    }

    /// The octets, to be copied from or to.
    fn octets(&mut self) -> &mut [u8] {
        // SAFETY: libteec allocated `size` octets, only this session uses
        // them, and no call is under way while the slice lives.
        unsafe { std::slice::from_raw_parts_mut(self.buffer, self.size) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: allocated once, released once.
        unsafe { TEEC_ReleaseSharedMemory(self.memory.as_ptr()) }
    }
}

/// An open session.
struct Open(Fixed<TEEC_Session>);

impl Open {
    fn new(context: &Context, uuid: &str, role: Role) -> Result<Self, Fault> {
        let parsed = Uuid::parse_str(uuid).map_err(|_| Fault::Tee {
            during: "reading the UUID",
            result: 0,
            origin: TEEC_ORIGIN_API,
        })?;
        // SAFETY: a C structure of numbers and pointers.
        let session = unsafe { Fixed::zeroed() };
        let gid = role.gid();
        let (login, data) = match &gid {
            None => (TEEC_LOGIN_PUBLIC, ptr::null()),
            Some(gid) => (TEEC_LOGIN_GROUP, ptr::from_ref(gid).cast::<c_void>()),
        };
        let mut origin = 0;
        // SAFETY: all pointers are valid for the call; context and session
        // stay where they are; a public login takes no data, a group's takes
        // its number, which is as wide as `gid_t`.
        let result = unsafe {
            TEEC_OpenSession(
                context.0.as_ptr(),
                session.as_ptr(),
                parsed.as_raw_ptr(),
                login,
                data,
                ptr::null_mut(),
                &raw mut origin,
            )
        };
        let uuid = uuid.to_owned();
        Err(match (result, origin) {
            (TEEC_SUCCESS, _) => return Ok(Self(session)),
            (TEEC_ERROR_ACCESS_DENIED, TEEC_ORIGIN_TRUSTED_APP) => Fault::LoginRefused,
            (TEEC_ERROR_ITEM_NOT_FOUND, _) => Fault::NoTa { uuid },
            (TEEC_ERROR_SECURITY, _) => Fault::BadSignature { uuid },
            // How OP-TEE 4.5 shows a store that died (docs/storage.md).
            (CORRUPT_OBJECT | TEEC_ERROR_BAD_STATE, TEEC_ORIGIN_TEE) => {
                Fault::StorageDamaged { result }
            }
            // The open met the end of a TA that panicked.
            (TARGET_DEAD, _) => Fault::Died,
            (result, origin) => Fault::Tee { during: "TEEC_OpenSession", result, origin },
        })
    }

    /// One call; the number of octets that the TA says it has written.
    fn invoke(
        &mut self,
        number: u32,
        request: TEEC_Parameter,
        response: TEEC_Parameter,
    ) -> Result<usize, Fault> {
        let none = TEEC_Parameter { value: TEEC_Value { a: 0, b: 0 } };
        // SAFETY: an operation of zeros is one that has not started.
        let mut operation = unsafe { MaybeUninit::<TEEC_Operation>::zeroed().assume_init() };
        operation.paramTypes = TEEC_PARAM_TYPES(
            TEEC_MEMREF_PARTIAL_INPUT,
            TEEC_MEMREF_PARTIAL_OUTPUT,
            TEEC_NONE,
            TEEC_NONE,
        );
        operation.params = [request, response, none, none];
        let mut origin = 0;
        // SAFETY: the session is open, and the memory that the parameters
        // point to is kept by the caller.
        let result = unsafe {
            TEEC_InvokeCommand(self.0.as_ptr(), number, &raw mut operation, &raw mut origin)
        };
        match result {
            // SAFETY: the parameter is a memory reference, as set above.
            TEEC_SUCCESS => Ok(unsafe { operation.params[1].memref.size }),
            TARGET_DEAD => Err(Fault::Died),
            result => Err(Fault::Tee { during: "TEEC_InvokeCommand", result, origin }),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once, while its context still lives.
        unsafe { TEEC_CloseSession(self.0.as_ptr()) }
    }
}
