//! The peer: OP-TEE's PKCS#11 TA, through libckteec. It has no HKDF; what it
//! would make IK and CK with is one HMAC-SHA-256 each, by `C_SignInit` and
//! `C_Sign` with a key of the session.

#![expect(unsafe_code, reason = "libckteec is a C library; this is the edge to it")]

use std::ffi::{c_ulong, c_void};
use std::ptr;

use crate::Result;

/// `CK_RV` of success.
const CKR_OK: c_ulong = 0;
const CKF_RW_SESSION: c_ulong = 2;
const CKF_SERIAL_SESSION: c_ulong = 4;
const CKA_CLASS: c_ulong = 0x000;
const CKA_TOKEN: c_ulong = 0x001;
const CKA_PRIVATE: c_ulong = 0x002;
const CKA_VALUE: c_ulong = 0x011;
const CKA_KEY_TYPE: c_ulong = 0x100;
const CKA_SIGN: c_ulong = 0x108;
const CKO_SECRET_KEY: c_ulong = 4;
const CKK_SHA256_HMAC: c_ulong = 0x2b;
const CKM_SHA256_HMAC: c_ulong = 0x251;

/// `CK_MECHANISM` (PKCS#11 2.40).
#[repr(C)]
struct Mechanism {
    mechanism: c_ulong,
    parameter: *mut c_void,
    parameter_len: c_ulong,
}

/// `CK_ATTRIBUTE`.
#[repr(C)]
struct Attribute {
    kind: c_ulong,
    value: *const c_void,
    value_len: c_ulong,
}

impl Attribute {
    const fn new<T>(kind: c_ulong, value: &T) -> Self {
        Self { kind, value: ptr::from_ref(value).cast(), value_len: size_of::<T>() as c_ulong }
    }
}

// SAFETY: the prototypes of PKCS#11 2.40; optional callbacks are null here.
#[link(name = "ckteec")]
unsafe extern "C" {
    fn C_Initialize(arguments: *mut c_void) -> c_ulong;
    fn C_GetSlotList(present: u8, slots: *mut c_ulong, count: *mut c_ulong) -> c_ulong;
    fn C_OpenSession(
        slot: c_ulong,
        flags: c_ulong,
        application: *mut c_void,
        notify: *mut c_void,
        session: *mut c_ulong,
    ) -> c_ulong;
    fn C_CreateObject(
        session: c_ulong,
        template: *const Attribute,
        count: c_ulong,
        object: *mut c_ulong,
    ) -> c_ulong;
    fn C_SignInit(session: c_ulong, mechanism: *const Mechanism, key: c_ulong) -> c_ulong;
    fn C_Sign(
        session: c_ulong,
        data: *const u8,
        data_len: c_ulong,
        signature: *mut u8,
        signature_len: *mut c_ulong,
    ) -> c_ulong;
}

/// A session with an HMAC key in it.
pub(crate) struct Pkcs11 {
    session: c_ulong,
    key: c_ulong,
}

impl Pkcs11 {
    /// Opens a session of the first slot, and makes a key that lives in it.
    pub(crate) fn open() -> Result<Self> {
        // SAFETY: null asks for the defaults.
        ok("C_Initialize", unsafe { C_Initialize(ptr::null_mut()) })?;
        let mut slots = [0; 16];
        let mut count = slots.len() as c_ulong;
        // SAFETY: `slots` has room for `count`.
        ok("C_GetSlotList", unsafe { C_GetSlotList(1, slots.as_mut_ptr(), &raw mut count) })?;
        let mut session = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        // SAFETY: without callbacks; `session` is valid for a write.
        ok("C_OpenSession", unsafe {
            C_OpenSession(slots[0], flags, ptr::null_mut(), ptr::null_mut(), &raw mut session)
        })?;
        let (yes, no, key) = (1_u8, 0_u8, [0x5a_u8; 32]);
        let template = [
            Attribute::new(CKA_CLASS, &CKO_SECRET_KEY),
            Attribute::new(CKA_KEY_TYPE, &CKK_SHA256_HMAC),
            Attribute::new(CKA_TOKEN, &no),
            Attribute::new(CKA_PRIVATE, &no),
            Attribute::new(CKA_SIGN, &yes),
            Attribute::new(CKA_VALUE, &key),
        ];
        let mut object = 0;
        // SAFETY: the attributes point to values of their lengths, which live
        // until the call returns; `object` is valid for a write.
        ok("C_CreateObject", unsafe {
            let count = template.len() as c_ulong;
            C_CreateObject(session, template.as_ptr(), count, &raw mut object)
        })?;
        Ok(Self { session, key: object })
    }

    /// HMAC-SHA-256 of the octets by which one key would be derived.
    pub(crate) fn hmac(&self, purpose: &[u8; 2]) -> Result<[u8; 32]> {
        // As long as the info of our HKDF with a label of five octets.
        let mut info = [0_u8; 42];
        info[..2].copy_from_slice(purpose);
        let mechanism =
            Mechanism { mechanism: CKM_SHA256_HMAC, parameter: ptr::null_mut(), parameter_len: 0 };
        // SAFETY: session and key are open; the mechanism has no parameter.
        ok("C_SignInit", unsafe { C_SignInit(self.session, &raw const mechanism, self.key) })?;
        let mut mac = [0; 32];
        let mut mac_len = mac.len() as c_ulong;
        // SAFETY: both buffers have the lengths that are said.
        ok("C_Sign", unsafe {
            let info_len = info.len() as c_ulong;
            C_Sign(self.session, info.as_ptr(), info_len, mac.as_mut_ptr(), &raw mut mac_len)
        })?;
        Ok(mac)
    }
}

fn ok(call: &str, result: c_ulong) -> Result<()> {
    if result == CKR_OK { Ok(()) } else { Err(format!("{call}: {result:#x}").into()) }
}
