//! Buffers for whole messages, which may hold keys.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A vector of fixed room, which is never exceeded, so that it never moves. It
/// wipes what was written; the rest of the room never held anything, and wiping
/// that too took longer than deriving a key.
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer without room.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Wipes what was written.
    pub fn wipe(&mut self) {
        self.0.as_mut_slice().zeroize();
        self.0.clear();
    }

    /// Gives an empty buffer room for `room` octets, if it has less.
    pub fn make_room(&mut self, room: usize) {
        debug_assert!(self.0.is_empty(), "a buffer that moved would leave octets behind");
        self.0.reserve_exact(room.saturating_sub(self.0.len()));
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.wipe();
    }
}
