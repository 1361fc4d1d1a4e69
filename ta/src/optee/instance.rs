//! The TA's one instance, which all sessions share.

use core::cell::RefCell;

use optee_utee::property::{ClientIdentity, PropertyKey};
use optee_utee::{ErrorKind, LoginType, Result};

use super::OpTee;
use super::serve::Messages;
use crate::device::Ta;
use crate::session::{Login, admit};

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
        Self(RefCell::new((Ta::new(OpTee), Messages::new())))
    }

    /// Admits a session by its GlobalPlatform login.
    ///
    /// Errors: `AccessDenied` for a login that has no role.
    pub fn open_session(&self) -> Result<()> {
        let login = match ClientIdentity.get()?.login_type() {
            LoginType::Public => Login::Public,
            other => Login::Other(other.into()),
        };
        admit(login).map_err(|_| ErrorKind::AccessDenied.into())
    }

    /// The instance, for one call. `None` only if it was entered twice, which
    /// OP-TEE excludes.
    pub fn enter<T>(&self, call: impl FnOnce(&mut Ta<OpTee>, &mut Messages) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok().map(|mut inner| {
            let (ta, messages) = &mut *inner;
            call(ta, messages)
        })
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}
