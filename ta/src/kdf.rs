//! From a PGK to the IK and CK of one epoch. The function is the operator's
//! choice, a profile of the PGK's policy: one module each, one arm here.

mod hkdf_sha256;

use alloc::boxed::Box;
use core::cell::OnceCell;

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

/// What a profile makes of a PGK once, for all its epochs: as secret as the
/// PGK, at one address for life, and wiped with it.
pub struct Prepared(OnceCell<Box<hkdf_sha256::Prk>>);

impl Prepared {
    /// Nothing yet: it is made by the first derivation.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }
}

impl Default for Prepared {
    fn default() -> Self {
        Self::new()
    }
}

/// Derives IK and CK in place. `prepared` belongs to `pgk`, and to no other.
pub fn derive(
    profile: Profile,
    pgk: &GroupKey,
    prepared: &Prepared,
    epoch: &Epoch<'_>,
    keys: KeySlots<'_>,
) -> Result<(), Code> {
    match profile {
        Profile::HkdfSha256 => {
            let prk = prepared.0.get_or_init(|| Box::new(hkdf_sha256::extract(pgk)));
            hkdf_sha256::derive(prk, epoch, keys)
        }
        Profile::Ts33303 => Err(Code::UnsupportedProfile),
    }
}
