//! Secrets in the TA's memory.

use alloc::boxed::Box;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A PGK or a root: 256 bits. It wipes itself, is written in place, compared
/// in constant time, and has no `Debug`, `Clone` or `==`. It stands at one
/// address for life: moving the owner, as lists do, leaves no copies behind.
pub struct GroupKey(Box<[u8; Self::LEN]>);

impl GroupKey {
    /// Octets of a PGK (TS 33.303: 256 bits).
    pub const LEN: usize = 32;

    /// A key of zeros, to be written in place.
    #[must_use]
    pub fn zero() -> Self {
        Self(Box::new([0; Self::LEN]))
    }

    /// A copy of octets that their owner wipes.
    #[must_use]
    pub fn copied_from(octets: &[u8; Self::LEN]) -> Self {
        let mut key = Self::zero();
        key.0.copy_from_slice(octets);
        key
    }

    /// The key's octets. Each use is a place to review.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The key's octets, to write in place.
    #[must_use]
    pub const fn expose_mut(&mut self) -> &mut [u8; Self::LEN] {
        &mut self.0
    }

    /// Whether the octets are the same, in constant time.
    #[must_use]
    pub fn same_as(&self, octets: &[u8; Self::LEN]) -> bool {
        self.0.ct_eq(octets).into()
    }
}

impl Drop for GroupKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
