//! Buffers for whole messages, which may hold keys.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A vector of fixed room, to which octets are only appended, so that it never
/// moves. Dropped, it wipes what was written; the rest of the room never held
/// anything, and wiping that too took longer than deriving a key.
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer with room for `room` octets.
    #[must_use]
    pub fn with_room(room: usize) -> Self {
        Self(Vec::with_capacity(room))
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

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}
