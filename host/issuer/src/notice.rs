//! Notices: in one group everything below a generation is ended. Public; anyone
//! may carry one.

use proseal_proto::id::{Generation, GroupId};

use crate::cbor::{self, Entries, Writer};
use crate::chain::Trust;
use crate::cose::Header;
use crate::delegation::{Signer, SignerVersion};
use crate::error::Error;
use crate::kind::Kind;

/// A notice whose signatures hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    octets: Vec<u8>,
    version: SignerVersion,
    group: GroupId,
    below: Generation,
    time: u64,
}

impl Notice {
    /// Ends what is below `below` in `group`. `time`, seconds since 1970 UTC, says
    /// which of two notices is newer; it moves no clock.
    #[must_use]
    pub fn sign(signer: &Signer, group: GroupId, below: Generation, time: u64) -> Self {
        let version = signer.delegation().version();
        let [a, b, c] = group.octets();
        let mut payload = Vec::new();
        let mut w = Writer(&mut payload);
        w.map(3);
        w.uint(1_u8).uint(u32::from_be_bytes([0, a, b, c]));
        w.uint(2_u8).uint(below.get());
        w.uint(3_u8).uint(time);
        let octets = signer.sign(&Header::signed(Kind::Notice, Some(version)), payload);
        Self { octets, version, group, below, time }
    }

    /// Checks a notice's signatures and reads it.
    ///
    /// Errors, in this order: [`Error::TooLong`] (over 512 octets),
    /// [`Error::Malformed`] or [`Error::WrongType`]; what [`Delegation::verify`]
    /// says; [`Error::WrongManager`], [`Error::BadSignature`],
    /// [`Error::Algorithm`], [`Error::Disagree`], [`Error::OldSigner`];
    /// [`Error::Malformed`] for the payload.
    ///
    /// [`Delegation::verify`]: crate::Delegation::verify
    pub fn verify(octets: &[u8], trust: &Trust) -> Result<Self, Error> {
        let kind = Kind::Notice;
        let (signed, delegation) = trust.check(octets, kind)?;
        let (group, below, time) =
            fields(&signed.payload).ok_or(Error::Malformed { kind, part: "payload" })?;
        Ok(Self { octets: octets.to_vec(), version: delegation.version(), group, below, time })
    }

    /// The notice as it travels.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The version of who signed it.
    #[must_use]
    pub const fn version(&self) -> SignerVersion {
        self.version
    }

    /// The group.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        self.group
    }

    /// What is below this generation is ended.
    #[must_use]
    pub const fn below(&self) -> Generation {
        self.below
    }

    /// When it was made, seconds since 1970 UTC.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.time
    }
}

fn fields(payload: &[u8]) -> Option<(GroupId, Generation, u64)> {
    let mut entries = Entries::of(cbor::read(payload)?)?;
    let group = GroupId::new(entries.uint(1)?.try_into().ok()?).ok()?;
    let below = Generation::new(entries.uint(2)?).ok()?;
    let time = entries.uint(3)?;
    entries.end_of_payload()?;
    Some((group, below, time))
}
