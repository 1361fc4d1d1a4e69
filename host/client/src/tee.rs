//! The real TEE, by libteec's raw API: the safe API of the crate has no
//! shared memory that a session keeps (two temporary references cost more
//! than three empty calls), and passes no data for a group login.

#![expect(unsafe_code, reason = "libteec is a C library; this is the edge to it")]

use std::ffi::c_void;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;

use optee_teec::Uuid;
use optee_teec::raw::{
    TEEC_AllocateSharedMemory, TEEC_CloseSession, TEEC_Context, TEEC_ERROR_ACCESS_DENIED,
    TEEC_ERROR_BAD_STATE, TEEC_ERROR_EXCESS_DATA, TEEC_ERROR_ITEM_NOT_FOUND, TEEC_ERROR_SECURITY,
    TEEC_FinalizeContext, TEEC_InitializeContext, TEEC_InvokeCommand, TEEC_LOGIN_PUBLIC,
    TEEC_MEM_INPUT, TEEC_MEM_OUTPUT, TEEC_MEMREF_PARTIAL_INPUT, TEEC_MEMREF_PARTIAL_OUTPUT,
    TEEC_NONE, TEEC_ORIGIN_TRUSTED_APP, TEEC_OpenSession, TEEC_Operation, TEEC_PARAM_TYPES,
    TEEC_Parameter, TEEC_RegisteredMemoryReference, TEEC_ReleaseSharedMemory, TEEC_SUCCESS,
    TEEC_Session, TEEC_SharedMemory, TEEC_SharedMemory__Imp, TEEC_Value,
};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Fault, TARGET_DEAD};
use crate::places::{KEPT, places};
use crate::transport::{Opener, Transport};

/// `TEE_ERROR_CORRUPT_OBJECT` (GlobalPlatform Internal Core API).
const CORRUPT_OBJECT: u32 = 0xf010_0001;

/// A TA of the real TEE, by its UUID.
#[derive(Clone)]
pub struct Tee {
    uuid: &'static str,
}

impl Tee {
    /// The TA with this UUID.
    #[must_use]
    pub const fn new(uuid: &'static str) -> Self {
        Self { uuid }
    }
}

impl Opener for Tee {
    fn open(&self) -> Result<Box<dyn Transport>, Fault> {
        Ok(Box::new(Session::open(self.uuid)?))
    }
}

/// An open session with its kept memory. Fields are dropped in order:
/// session, then shared memory, then context.
struct Session {
    session: Open,
    /// Both messages: registering a memory costs as much as a call.
    memory: Shared,
    /// libteec keeps a pointer to it: it must not move, and goes last.
    _context: Box<Context>,
}

impl Session {
    fn open(uuid: &str) -> Result<Self, Fault> {
        let mut context = Context::new()?;
        let memory = Shared::allocate(&mut context, KEPT)?;
        let session = Open::new(&mut context, uuid)?;
        Ok(Self { session, memory, _context: context })
    }
}

impl Transport for Session {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let Some((input, room)) = places(request.len(), response_max) else {
            return Err(Fault::Tee {
                during: "the call",
                result: TEEC_ERROR_EXCESS_DATA,
                origin: 1,
            });
        };
        self.memory.octets()[input.clone()].copy_from_slice(request);
        let result = self.session.invoke(number, self.memory.part(&input), self.memory.part(&room));
        let octets = self.memory.octets();
        let response = result.map(|len| {
            let len = len.min(response_max);
            Zeroizing::new(octets[room.clone()][..len].to_vec())
        });
        // Shared memory is the normal world's: no key stays in it.
        octets[input].zeroize();
        octets[room].zeroize();
        response
    }
}

/// A context, at an address of its own.
struct Context(TEEC_Context);

impl Context {
    fn new() -> Result<Box<Self>, Fault> {
        let mut raw = MaybeUninit::<TEEC_Context>::zeroed();
        // SAFETY: a null name is the default TEE; `raw` is valid for a write.
        let result = unsafe { TEEC_InitializeContext(ptr::null(), raw.as_mut_ptr()) };
        match result {
            // SAFETY: libteec has filled it in.
            TEEC_SUCCESS => Ok(Box::new(Self(unsafe { raw.assume_init() }))),
            result => Err(no_context(result)),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: initialised once, finalised once, after what it holds.
        unsafe { TEEC_FinalizeContext(&raw mut self.0) }
    }
}

/// Why there is no context: libteec does not tell.
fn no_context(result: u32) -> Fault {
    let devices = (0..10).map(|n| format!("/dev/tee{n}"));
    for device in devices {
        match OpenOptions::new().read(true).write(true).open(&device) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Fault::NoPermission { device };
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Ok(_) | Err(_) => {
                return Fault::Tee { during: "TEEC_InitializeContext", result, origin: 1 };
            }
        }
    }
    Fault::NoDevice
}

/// Memory that both worlds see, for as long as the session lives.
struct Shared(Box<TEEC_SharedMemory>);

impl Shared {
    fn allocate(context: &mut Context, size: usize) -> Result<Self, Fault> {
        let mut memory = Box::new(TEEC_SharedMemory {
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
        // SAFETY: both are valid and stay where they are (boxed).
        match unsafe { TEEC_AllocateSharedMemory(&raw mut context.0, &raw mut *memory) } {
            TEEC_SUCCESS => Ok(Self(memory)),
            result => Err(Fault::Tee { during: "TEEC_AllocateSharedMemory", result, origin: 1 }),
        }
    }

    /// Some of its octets as a parameter.
    fn part(&mut self, octets: &Range<usize>) -> TEEC_Parameter {
        TEEC_Parameter {
            memref: TEEC_RegisteredMemoryReference {
                parent: &raw mut *self.0,
                size: octets.len(),
                offset: octets.start,
            },
        }
    }

    /// The octets, to be copied from or to.
    fn octets(&mut self) -> &mut [u8] {
        // SAFETY: libteec allocated `size` octets, only this session uses
        // them, and no call is under way while the slice lives.
        unsafe { std::slice::from_raw_parts_mut(self.0.buffer.cast::<u8>(), self.0.size) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: allocated once, released once.
        unsafe { TEEC_ReleaseSharedMemory(&raw mut *self.0) }
    }
}

// SAFETY: libteec's objects may be used from any thread, one at a time; a
// `Session` is owned by one thread.
unsafe impl Send for Session {}

/// An open session, at an address of its own.
struct Open(Box<TEEC_Session>);

impl Open {
    fn new(context: &mut Context, uuid: &str) -> Result<Self, Fault> {
        let parsed = Uuid::parse_str(uuid).map_err(|_| Fault::Tee {
            during: "reading the UUID",
            result: 0,
            origin: 1,
        })?;
        let mut session = Box::new(MaybeUninit::<TEEC_Session>::zeroed());
        let mut origin = 0;
        // SAFETY: all pointers are valid for the call; context and session
        // stay where they are (boxed); a public login takes no data.
        let result = unsafe {
            TEEC_OpenSession(
                &raw mut context.0,
                session.as_mut_ptr(),
                parsed.as_raw_ptr(),
                TEEC_LOGIN_PUBLIC,
                ptr::null::<c_void>(),
                ptr::null_mut(),
                &raw mut origin,
            )
        };
        let uuid = uuid.to_owned();
        Err(match (result, origin) {
            // SAFETY: libteec has filled it in.
            (TEEC_SUCCESS, _) => return Ok(Self(unsafe { session.assume_init() })),
            (TEEC_ERROR_ACCESS_DENIED, TEEC_ORIGIN_TRUSTED_APP) => Fault::LoginRefused,
            (TEEC_ERROR_ITEM_NOT_FOUND, _) => Fault::NoTa { uuid },
            (TEEC_ERROR_SECURITY, _) => Fault::BadSignature { uuid },
            // How OP-TEE 4.5 shows a store that died (docs/storage.md).
            (CORRUPT_OBJECT | TEEC_ERROR_BAD_STATE, _) => Fault::StorageDamaged { result },
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
            TEEC_InvokeCommand(&raw mut *self.0, number, &raw mut operation, &raw mut origin)
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
        unsafe { TEEC_CloseSession(&raw mut *self.0) }
    }
}
