//! Key material that leaves the TA: only keys derived from a PGK.

use alloc::boxed::Box;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};

/// A key of `LEN` octets that the TA has derived. It wipes itself, and has no
/// `Debug`, `Clone` or `==`. It stands at one address for life: moving the owner
/// leaves no copies behind.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Key<const LEN: usize>(Box<[u8; LEN]>);

/// IK or CK, 32 octets; 128-bit keys are left-aligned, the rest zero.
pub type DerivedKey = Key<32>;

/// The admission key of a PGK, 128 bits. It tells frames of the group from
/// others before the TEE is asked, and opens nothing.
pub type AdmissionKey = Key<16>;

impl<const LEN: usize> Key<LEN> {
    /// Octets of the key on the wire.
    pub const LEN: usize = LEN;

    /// A key of zeros, to be written in place by [`Self::expose_mut`].
    #[must_use]
    pub fn zero() -> Self {
        Self(Box::new([0; LEN]))
    }

    /// The key's octets. Each use is a place to review.
    #[must_use]
    pub const fn expose(&self) -> &[u8; LEN] {
        &self.0
    }

    /// The key's octets, to derive into.
    #[must_use]
    pub const fn expose_mut(&mut self) -> &mut [u8; LEN] {
        &mut self.0
    }
}

/// The integrity key and the confidentiality key of one epoch of one sender.
pub struct KeyPair {
    /// Integrity key (IK).
    pub ik: DerivedKey,
    /// Confidentiality key (CK).
    pub ck: DerivedKey,
}

impl KeyPair {
    /// Octets of a pair on the wire.
    pub const LEN: usize = 2 * DerivedKey::LEN;

    /// A pair of zeros, to be derived into.
    #[must_use]
    pub fn zero() -> Self {
        Self { ik: DerivedKey::zero(), ck: DerivedKey::zero() }
    }

    /// Where to derive to.
    #[must_use]
    pub const fn slots(&mut self) -> KeySlots<'_> {
        KeySlots { ik: self.ik.expose_mut(), ck: self.ck.expose_mut() }
    }

    /// Whether nothing was derived into it.
    pub(crate) fn is_zero(&self) -> bool {
        let octets = self.ik.expose().iter().chain(self.ck.expose());
        octets.fold(0, |any, octet| any | octet) == 0
    }
}

/// Where IK and CK are derived to: a [`KeyPair`], or the message itself that
/// carries them out, so that nothing in between has to be wiped.
pub struct KeySlots<'k> {
    /// Integrity key (IK).
    pub ik: &'k mut [u8; DerivedKey::LEN],
    /// Confidentiality key (CK).
    pub ck: &'k mut [u8; DerivedKey::LEN],
}

impl<'k> KeySlots<'k> {
    /// Appends a pair of zeros, to be derived into.
    pub fn append(w: &'k mut Writer<'_>) -> Result<Self, Full> {
        let (ik, rest) = w.zeros(KeyPair::LEN)?.split_first_chunk_mut().ok_or(Full)?;
        let ck = rest.first_chunk_mut().ok_or(Full)?;
        Ok(Self { ik, ck })
    }
}

impl Encode for KeyPair {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(self.ik.expose())?;
        w.bytes(self.ck.expose())
    }
}

impl Decode<'_> for KeyPair {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut keys = Self::zero();
        r.copy_to(keys.ik.expose_mut())?;
        r.copy_to(keys.ck.expose_mut())?;
        Ok(keys)
    }
}
