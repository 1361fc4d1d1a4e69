//! What the world must offer the TA. OP-TEE implements it in `optee`, the
//! host in `sim`, which also fails on demand. Cryptography is here only where it
//! needs a private key of the device: all other is the same code on both.

use alloc::vec::Vec;

use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::VersionReply;
use proseal_proto::statement::PublicKeys;
use zeroize::Zeroizing;

/// The platform under the TA.
pub trait Platform {
    /// Fills `out` with random octets fit for keys.
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomFailed>;

    /// Milliseconds of powered time, from an origin that differs from start to
    /// start. It does not fall while the TA lives.
    fn uptime_ms(&mut self) -> u64;

    /// Whether that time is the TEE's own, not the normal world's.
    fn has_own_clock(&self) -> bool;

    /// The one sealed object.
    fn store(&mut self) -> &mut impl Store;

    /// The device's two key pairs.
    fn identity(&mut self) -> &mut impl Identity;

    /// Shows the id of a new identity where the normal world cannot change it.
    fn announce(&mut self, device: DeviceId);

    /// `gpd.tee.trustedStorage.antiRollback.protectionLevel`: 0 none, 100 by
    /// means of the normal world, 1000 by the TEE's own.
    fn rollback_protection(&self) -> u16;

    /// Whether nobody can put yesterday's storage back unnoticed.
    fn is_rollback_protected(&self) -> bool {
        self.rollback_protection() >= VersionReply::ROLLBACK_PROTECTED
    }
}

/// The random source did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomFailed;

impl From<RandomFailed> for Code {
    fn from(_: RandomFailed) -> Self {
        Self::Internal
    }
}

/// A store of one object that is confidential, authentic and replaced whole.
/// It is not protected from rollback.
pub trait Store {
    /// The object; `None` if there is none.
    fn read(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Makes `bytes` the object. After a success it survives a power cut;
    /// after a failure or a cut it is the old object or the new one, whole.
    /// What is as long as the object is written where the object lies: after a
    /// second time nothing of the one before is left. An object that is made
    /// has room for one version of its blocks; from the second time on there
    /// is room for both, and nothing that is as long needs any.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Writes zeros over the object where it lies, until neither of the two
    /// versions that OP-TEE keeps of each block holds an octet of it. It is
    /// no state any more then; no error if there is none.
    fn blank(&mut self) -> Result<(), StoreError>;

    /// Removes the object; no error if there is none.
    fn remove(&mut self) -> Result<(), StoreError>;
}

/// Why the store did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// It failed now; it may work again.
    Failed,
    /// No room is left.
    Full,
    /// The object is not what was stored. OP-TEE has deleted it by now.
    Corrupt,
}

impl From<StoreError> for Code {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Failed => Self::StoreFailed,
            StoreError::Full => Self::StoreFull,
            StoreError::Corrupt => Self::Damaged,
        }
    }
}

/// The device's two key pairs, which never leave the platform: X25519 (RFC 7748)
/// for opening packages, Ed25519 (RFC 8032) for signing statements. A call of
/// [`agree`](Self::agree) or [`sign`](Self::sign) without a pair is
/// [`StoreError::Corrupt`].
pub trait Identity {
    /// What there is of them.
    fn find(&mut self) -> Result<Found, StoreError>;

    /// Makes both anew, whatever was there. After a failure or a cut there may be
    /// any part of the old and the new. `mark` is what the caller says that no other device
    /// is told, a nonce: where the random source is poor it tells identities apart.
    fn make(&mut self, mark: &[u8; 32]) -> Result<PublicKeys, StoreError>;

    /// The Diffie-Hellman value of the device's X25519 key and `public`, which
    /// [`crate::hpke::is_good_key`] has passed.
    fn agree(&mut self, public: &[u8; 32], agreed: &mut [u8; 32]) -> Result<(), StoreError>;

    /// The Ed25519 key's signature over `message`.
    fn sign(&mut self, message: &[u8]) -> Result<[u8; 64], StoreError>;

    /// Removes both; no error if there are none.
    fn remove(&mut self) -> Result<(), StoreError>;
}

/// What there is of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Neither pair.
    Nothing,
    /// One of the two.
    Part,
    /// Both.
    Whole(PublicKeys),
}
