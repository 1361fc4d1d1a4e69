//! Statements: what a device signs of itself. Identity, challenge answer and
//! receipt in one.

use proseal_proto::id::{DeviceId, Generation, GroupId};
use proseal_proto::message::DeviceState;
use sha2::{Digest, Sha256};

#[cfg(feature = "testing")]
use crate::cbor::Writer;
use crate::cbor::{self, Entries};
use crate::cose::{EDDSA, Header, Signed};
use crate::device::DeviceKeys;
use crate::error::Error;
use crate::kind::Kind;

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its public keys, and the id that comes of them.
    pub device: DeviceKeys,
    /// The TA's version: 10203 is 1.2.3.
    pub ta_version: u32,
    /// The caller's nonce. `enrol` and `import` answer SHA-256 of the request's body.
    pub nonce: [u8; 32],
    /// Drawn when the TA started: what a fresh package echoes.
    pub start_nonce: [u8; 32],
    /// The device's lower bound of the time, seconds since 1970 UTC; 0 is unknown.
    pub floor: u64,
    /// The last package's sequence; 0 is none.
    pub sequence: u64,
    /// The last package's [`digest`](crate::Package::digest); zeros are none.
    pub package_digest: [u8; 32],
    /// [`held_digest`] of what it holds.
    pub held_digest: [u8; 32],
    /// The root key's [`digest`](crate::VerifyKey::digest); zeros are none.
    pub root_digest: [u8; 32],
    /// Its state of life.
    pub state: DeviceState,
}

impl Statement {
    /// Checks a statement's signature by the key in it, and that the device id comes of
    /// its keys. That the keys are a known device's, and that it is fresh, is the
    /// caller's to compare.
    ///
    /// Errors, in this order: [`Error::TooLong`] (over 512 octets),
    /// [`Error::Malformed`] or [`Error::WrongType`], [`Error::BadKey`],
    /// [`Error::BadSignature`], [`Error::Algorithm`], [`Error::WrongDeviceId`].
    pub fn verify(octets: &[u8]) -> Result<Self, Error> {
        Self::read(octets, true)
    }

    /// One that was [verified](Self::verify) before it was written down where only this
    /// program writes: all is checked again but the signature and that the keys are some.
    pub fn recorded(octets: &[u8]) -> Result<Self, Error> {
        Self::read(octets, false)
    }

    fn read(octets: &[u8], is_new: bool) -> Result<Self, Error> {
        let kind = Kind::Statement;
        let signed = Signed::read(octets, kind)?;
        let malformed = |part| Error::Malformed { kind, part };
        let entries = cbor::read(&signed.payload).and_then(Entries::of);
        let mut entries = entries.ok_or(malformed("payload"))?;
        let keys = (entries.octets(2)).zip(entries.octets(3)).ok_or(malformed("keys"))?;
        let device = if is_new {
            let (device, key) = DeviceKeys::checked(&keys.0, &keys.1)?;
            if !signed.is_by(&key) {
                return Err(Error::BadSignature { kind });
            }
            device
        } else {
            DeviceKeys::recorded(&keys.0, &keys.1)
        };
        if signed.header.alg != EDDSA {
            return Err(Error::Algorithm { kind });
        }
        if signed.header != Header::signed(kind, None) || signed.delegation.is_some() {
            return Err(malformed("header"));
        }
        let (id, statement) = fields(device, entries).ok_or(malformed("payload"))?;
        if id == device.id() { Ok(statement) } else { Err(Error::WrongDeviceId) }
    }

    /// As [`verify`](Self::verify), and that it answers `nonce`; else
    /// [`Error::OldStatement`].
    pub fn verify_answer(octets: &[u8], nonce: &[u8; 32]) -> Result<Self, Error> {
        let statement = Self::verify(octets)?;
        if statement.nonce == *nonce { Ok(statement) } else { Err(Error::OldStatement) }
    }

    /// The payload's one encoding.
    #[cfg(feature = "testing")]
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut w = Writer(&mut octets);
        w.map(12);
        w.uint(1_u8).bytes(&self.device.id().0);
        w.uint(2_u8).bytes(self.device.x25519());
        w.uint(3_u8).bytes(self.device.ed25519());
        w.uint(4_u8).uint(self.ta_version);
        w.uint(5_u8).bytes(&self.nonce);
        w.uint(6_u8).bytes(&self.start_nonce);
        w.uint(7_u8).uint(self.floor);
        w.uint(8_u8).uint(self.sequence);
        w.uint(9_u8).bytes(&self.package_digest);
        w.uint(10_u8).bytes(&self.held_digest);
        w.uint(11_u8).bytes(&self.root_digest);
        w.uint(12_u8).uint(self.state as u8);
        octets
    }
}

fn fields(device: DeviceKeys, mut entries: Entries) -> Option<(DeviceId, Statement)> {
    let id = DeviceId(entries.octets(1)?);
    let statement = Statement {
        device,
        ta_version: entries.uint(4)?.try_into().ok()?,
        nonce: entries.octets(5)?,
        start_nonce: entries.octets(6)?,
        floor: entries.uint(7)?,
        sequence: entries.uint(8)?,
        package_digest: entries.octets(9)?,
        held_digest: entries.octets(10)?,
        root_digest: entries.octets(11)?,
        state: DeviceState::try_from(u8::try_from(entries.uint(12)?).ok()?).ok()?,
    };
    entries.end_of_payload()?;
    Some((id, statement))
}

/// What a statement says of the PGKs that a device holds: SHA-256 over group (3
/// octets) and generation (8 octets) of each, in ascending order.
#[must_use]
pub fn held_digest(held: impl IntoIterator<Item = (GroupId, Generation)>) -> [u8; 32] {
    let mut held: Vec<_> = held.into_iter().collect();
    held.sort_unstable();
    let mut hash = Sha256::new();
    for (group, generation) in held {
        hash.update(group.octets());
        hash.update(generation.get().to_be_bytes());
    }
    hash.finalize().into()
}
