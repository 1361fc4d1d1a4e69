//! How frames are protected, in place and without allocation: one module a suite.

use proseal_proto::id::{EpochSalt, PtkId};
use proseal_proto::key::KeyPair;
use proseal_proto::profile::Suite;

mod aead;
pub mod eps;
mod integrity;

/// What makes a packet the only one of its kind: an epoch's salt and PTK Id, and a
/// sequence number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketId {
    /// The epoch's salt.
    pub salt: EpochSalt,
    /// The epoch's PTK Id.
    pub ptk_id: PtkId,
    /// The sequence number.
    pub sn: u32,
}

/// A tag that does not fit its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

/// IK and CK of one epoch, made ready for its suite. They wipe themselves.
pub struct Keys(Ready);

enum Ready {
    Aead(aead::Keys),
    Integrity(integrity::Keys),
    ThreeGpp(Box<eps::Keys>),
}

impl Keys {
    /// Makes keys ready; `None` only if a library refuses their length.
    #[must_use]
    pub fn new(suite: Suite, keys: &KeyPair) -> Option<Self> {
        Some(Self(match suite {
            Suite::Aead => Ready::Aead(aead::Keys::new(keys)?),
            Suite::Integrity => Ready::Integrity(integrity::Keys::new(keys)?),
            Suite::ThreeGpp => Ready::ThreeGpp(Box::new(eps::Keys::new(keys)?)),
        }))
    }

    /// Protects a packet in place: `body` is the payload and room for the tag.
    pub fn protect(&self, packet: PacketId, header: &[u8], body: &mut [u8]) {
        match &self.0 {
            Ready::Aead(keys) => keys.protect(packet, header, body),
            Ready::Integrity(keys) => keys.protect(header, body),
            Ready::ThreeGpp(keys) => keys.protect(packet, header, body),
        }
    }

    /// Checks a packet and opens it in place: what stands in `body` before the tag is
    /// the payload then. After a failure its octets mean nothing.
    pub fn unprotect(
        &self,
        packet: PacketId,
        header: &[u8],
        body: &mut [u8],
    ) -> Result<(), NotAuthentic> {
        match &self.0 {
            Ready::Aead(keys) => keys.unprotect(packet, header, body),
            Ready::Integrity(keys) => keys.unprotect(header, body),
            Ready::ThreeGpp(keys) => keys.unprotect(packet, header, body),
        }
    }
}

#[cfg(test)]
mod tests;
