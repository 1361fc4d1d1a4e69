//! Admission tags: whether an epoch was announced by somebody who holds the group's
//! PGK, before the TEE is asked for its keys. The tag proves nothing else.

use hmac::{Hmac, KeyInit, Mac};
use proseal_proto::id::{EpochSalt, GroupId, MemberId, PtkId};
use proseal_proto::key::AdmissionKey;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::frame::{AdmissionTag, first_octet};

/// The admission key of a PGK, made ready. It wipes itself.
pub struct Admission(Hmac<Sha256>);

/// What an admission tag is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The destination group.
    pub group: GroupId,
    /// Who sends.
    pub sender: MemberId,
    /// The five low bits of the PGK Id.
    pub index: u8,
    /// The epoch's PTK Id.
    pub ptk_id: PtkId,
    /// The epoch's salt.
    pub salt: EpochSalt,
}

impl Admission {
    /// Makes a key ready.
    #[must_use]
    pub fn new(key: &AdmissionKey) -> Option<Self> {
        Hmac::new_from_slice(key.expose()).ok().map(Self)
    }

    /// The tag of an epoch: the first 8 octets of HMAC-SHA-256 over octets 0 to 6 of
    /// its frames with extension, index, PTK Id and salt.
    #[must_use]
    pub fn tag(&self, epoch: &Announced) -> AdmissionTag {
        let mut mac = self.0.clone();
        mac.update(&[first_octet(true)]);
        mac.update(&epoch.group.octets());
        mac.update(&epoch.sender.octets());
        mac.update(&[epoch.index]);
        mac.update(&epoch.ptk_id.get().to_be_bytes());
        mac.update(&epoch.salt.0);
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, e, f, g, h, ..] = mac;
        AdmissionTag([a, b, c, d, e, f, g, h])
    }

    /// Whether `tag` is the epoch's, in constant time.
    #[must_use]
    pub fn admits(&self, epoch: &Announced, tag: &AdmissionTag) -> bool {
        self.tag(epoch).0.ct_eq(&tag.0).into()
    }
}
