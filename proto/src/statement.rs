//! Statements: what a device signs of itself, and the only thing that it signs.
//! Identity, challenge answer and receipt in one (docs/package.md).

use alloc::vec::Vec;

use crate::cose;
use crate::id::DeviceId;
use crate::message::DeviceState;
use crate::package::typ;

/// The public halves of a device's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeys {
    /// X25519: packages are sealed to it.
    pub x25519: [u8; 32],
    /// Ed25519: statements are verified by it.
    pub ed25519: [u8; 32],
}

/// What a device says of itself.
#[derive(Clone, Copy)]
pub struct Statement {
    /// The device's id: what its keys give.
    pub device: DeviceId,
    /// Its keys.
    pub keys: PublicKeys,
    /// The TA's version: 10203 is 1.2.3.
    pub ta_version: u32,
    /// The caller's nonce, or SHA-256 of the request's body.
    pub nonce: [u8; 32],
    /// Drawn when the TA started.
    pub start_nonce: [u8; 32],
    /// The floor, seconds since 1970 UTC; 0 unknown.
    pub floor: u64,
    /// Sequence of the last package; 0 none.
    pub sequence: u64,
    /// SHA-256 of that package's payload; zeros if none.
    pub package_digest: [u8; 32],
    /// SHA-256 over group (3 octets) and generation (8) of each PGK held, in
    /// ascending order.
    pub held_digest: [u8; 32],
    /// SHA-256 of the root key; zeros if none is pinned.
    pub root_digest: [u8; 32],
    /// The device's state.
    pub state: DeviceState,
}

impl Statement {
    /// Most octets of a signed statement.
    pub const MAX: usize = 512;

    /// The statement as a COSE_Sign1, at most [`Self::MAX`] octets; `sign` is asked
    /// once, and its error is handed on.
    pub fn sign<E>(&self, sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>) -> Result<Vec<u8>, E> {
        cose::sign1(typ::STATEMENT, &self.payload(), sign)
    }

    fn payload(&self) -> Vec<u8> {
        cose::encoded(300, |e| {
            e.map(12)?;
            e.u8(1)?.bytes(&self.device.0)?;
            e.u8(2)?.bytes(&self.keys.x25519)?;
            e.u8(3)?.bytes(&self.keys.ed25519)?;
            e.u8(4)?.u32(self.ta_version)?;
            e.u8(5)?.bytes(&self.nonce)?;
            e.u8(6)?.bytes(&self.start_nonce)?;
            e.u8(7)?.u64(self.floor)?;
            e.u8(8)?.u64(self.sequence)?;
            e.u8(9)?.bytes(&self.package_digest)?;
            e.u8(10)?.bytes(&self.held_digest)?;
            e.u8(11)?.bytes(&self.root_digest)?;
            e.u8(12)?.u8(self.state.number())?.ok()
        })
    }
}
