//! The TA's one instance, which all sessions share.

use alloc::vec::Vec;
use core::cell::RefCell;

use optee_utee::property::{ClientIdentity, PropertyKey};
use optee_utee::{Error, ErrorKind, LoginType, Result, Uuid};
use proseal_proto::role::Role;

use super::OpTee;
use super::serve::{Memrefs, Messages};
use crate::device::Ta;
use crate::dispatch::depth;
use crate::session::{self, Login};

/// A session: who is calling.
pub struct Session {
    role: Role,
}

impl Default for Session {
    /// Until it is opened it may do nothing more than anyone.
    fn default() -> Self {
        Self { role: Role::Public }
    }
}

impl Session {
    /// Takes the role that the session's GlobalPlatform login gives.
    ///
    /// Errors: `AccessDenied` for a login that gives none.
    pub fn open(&mut self) -> Result<()> {
        let identity = ClientIdentity.get()?;
        let login = match identity.login_type() {
            LoginType::Public => Login::Public,
            LoginType::Group => Login::Group(octets(&identity.uuid())),
            other => Login::Other(other.into()),
        };
        self.role = session::role(login).map_err(|_| Error::from(ErrorKind::AccessDenied))?;
        Ok(())
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }
}

/// A UUID's octets, in the order in which it is written.
fn octets(uuid: &Uuid) -> [u8; 16] {
    // SAFETY: the pointer is to the UUID's own fields, and it lives.
    #[expect(unsafe_code, reason = "the crate gives a UUID's fields as a pointer only")]
    let raw = unsafe { &*uuid.as_raw_ptr() };
    let mut octets = [0; 16];
    let (head, node) = octets.split_at_mut(8);
    let low = u64::from(raw.timeLow) << 32
        | u64::from(raw.timeMid) << 16
        | u64::from(raw.timeHiAndVersion);
    head.copy_from_slice(&low.to_be_bytes());
    node.copy_from_slice(&raw.clockSeqAndNode);
    octets
}

/// The static that holds the instance, and the memory for its messages.
pub struct Instance(RefCell<(Ta<OpTee>, Messages)>);

// SAFETY: OP-TEE runs one call at a time in a TA instance without
// TA_FLAG_CONCURRENT, which no build sets; a TA has no threads of its own.
#[expect(unsafe_code, reason = "the one static of the TA")]
unsafe impl Sync for Instance {}

impl Instance {
    /// Nothing in start-up can fail.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new((Ta::new(OpTee::new()), Messages::new())))
    }

    /// Has the command `number` answered by `answer`, which gets the request, the room
    /// for the response, and where that goes. `looks_at_time` is for [`Ta::begin_call`].
    ///
    /// Errors, with nothing done: `ShortBuffer` if the response might not fit,
    /// `BadParameters` if request and room share a page; `Busy` only if the instance was entered
    /// twice, which OP-TEE excludes.
    pub fn serve(
        &self,
        memrefs: &mut Memrefs<'_>,
        number: u32,
        looks_at_time: bool,
        answer: impl FnOnce(&mut Ta<OpTee>, &[u8], usize, &mut Vec<u8>),
    ) -> Result<()> {
        let mut inner = self.0.try_borrow_mut().map_err(|_| Error::from(ErrorKind::Busy))?;
        let (ta, messages) = &mut *inner;
        ta.begin_call(looks_at_time);
        messages.serve(memrefs, depth(number), |request, room, response| {
            answer(ta, request, room, response);
        })
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}
