//! The TA's one instance, which all sessions share.

use core::cell::{Cell, RefCell};

use optee_utee::property::{ClientIdentity, PropertyKey};
use optee_utee::{ErrorKind, LoginType, Result};

use super::OpTee;
use crate::device::Ta;
use crate::session::{Login, SESSIONS_MAX, admit};

/// The static that holds the instance.
pub struct Instance {
    ta: RefCell<Ta<OpTee>>,
    /// Open sessions.
    sessions: Cell<u32>,
}

// SAFETY: OP-TEE runs one call at a time in a TA instance without
// TA_FLAG_CONCURRENT, which no build sets; a TA has no threads of its own.
#[expect(unsafe_code, reason = "the one static of the TA")]
unsafe impl Sync for Instance {}

impl Instance {
    /// Nothing in start-up can fail.
    #[must_use]
    pub const fn new() -> Self {
        Self { ta: RefCell::new(Ta::new(OpTee)), sessions: Cell::new(0) }
    }

    /// Admits a session by its GlobalPlatform login.
    ///
    /// Errors: `AccessDenied` for a login that has no role, `Busy` if there
    /// are [`SESSIONS_MAX`] already.
    pub fn open_session(&self) -> Result<()> {
        let login = match ClientIdentity.get()?.login_type() {
            LoginType::Public => Login::Public,
            other => Login::Other(other.into()),
        };
        admit(login).map_err(|_| ErrorKind::AccessDenied)?;
        if self.sessions.get() >= SESSIONS_MAX {
            return Err(ErrorKind::Busy.into());
        }
        self.sessions.set(self.sessions.get().saturating_add(1));
        Ok(())
    }

    /// A session that was admitted has ended.
    pub fn close_session(&self) {
        self.sessions.set(self.sessions.get().saturating_sub(1));
    }

    /// The instance, for one call. `None` only if it was entered twice, which
    /// OP-TEE excludes.
    pub fn enter<T>(&self, call: impl FnOnce(&mut Ta<OpTee>) -> T) -> Option<T> {
        self.ta.try_borrow_mut().ok().map(|mut ta| call(&mut ta))
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}
