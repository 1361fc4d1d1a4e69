//! From a PGK to the IK and CK of one epoch. The function is the operator's
//! choice, a profile of the PGK's policy: one module each, one arm here.

mod hkdf_sha256;

pub use hkdf_sha256::hkdf;
use proseal_proto::content::Label;
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::KeySlots;
use proseal_proto::profile::{Profile, Suite};

use crate::secret::GroupKey;

/// Whether this build derives by `profile` for `suite`.
pub const fn check_supported(profile: Profile, suite: Suite) -> Result<(), Code> {
    match (profile, suite) {
        (Profile::HkdfSha256, Suite::Aead | Suite::Integrity | Suite::ThreeGpp) => Ok(()),
        (Profile::Ts33303, _) => Err(Code::UnsupportedProfile),
    }
}

/// All that tells one epoch of one sender from any other.
pub struct Epoch<'a> {
    /// How frames are protected.
    pub suite: Suite,
    /// The destination group.
    pub group: GroupId,
    /// The PGK's generation.
    pub generation: Generation,
    /// The PGK's label on the air.
    pub pgk_id: PgkId,
    /// Who sends.
    pub sender: MemberId,
    /// The sender's counter.
    pub ptk_id: PtkId,
    /// The sender's random part.
    pub salt: EpochSalt,
    /// The operator's own mark.
    pub label: &'a Label,
}

/// All that tells the PGK of one group and generation from any other that
/// comes from the same root.
pub struct RootStep<'a> {
    /// How keys are derived from the PGK.
    pub profile: Profile,
    /// How frames are protected.
    pub suite: Suite,
    /// The group.
    pub group: GroupId,
    /// The PGK's generation.
    pub generation: Generation,
    /// The PGK's label on the air.
    pub pgk_id: PgkId,
    /// The operator's own mark.
    pub label: &'a Label,
}

/// Derives a group's PGK from a root, in place: the same HKDF in every profile.
pub fn derive_from_root(
    root: &GroupKey,
    step: &RootStep<'_>,
    pgk: &mut [u8; GroupKey::LEN],
) -> Result<(), Code> {
    hkdf_sha256::derive_from_root(root, step, pgk)
}

/// Derives IK and CK in place.
pub fn derive(
    profile: Profile,
    pgk: &GroupKey,
    epoch: &Epoch<'_>,
    keys: KeySlots<'_>,
) -> Result<(), Code> {
    match profile {
        Profile::HkdfSha256 => hkdf_sha256::derive(pgk, epoch, keys),
        Profile::Ts33303 => Err(Code::UnsupportedProfile),
    }
}
