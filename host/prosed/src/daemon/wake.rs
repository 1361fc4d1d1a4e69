//! How another thread wakes the loop: an eventfd that can be waited for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

/// Wakes whoever waits for it.
#[derive(Clone)]
pub(crate) struct Wake(Arc<OwnedFd>);

impl Wake {
    pub(crate) fn new() -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(Arc::new(eventfd(0, flags)?)))
    }

    /// Wakes.
    pub(crate) fn wake(&self) {
        // It fails only when 2^64 - 2 wakes are not looked at yet.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Goes to sleep again.
    pub(crate) fn clear(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
