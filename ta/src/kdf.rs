//! From a PGK to the keys that leave the TA. The function is the operator's
//! choice, a profile of the PGK's policy: one module each, one arm here.
//! docs/derivation.md is the normative text.

mod hkdf_sha256;
mod ts33220;
mod ts33303;

use alloc::boxed::Box;
use core::cell::OnceCell;

pub use hkdf_sha256::hkdf;
use proseal_proto::content::{Label, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeySlots};
use proseal_proto::profile::{Profile, Suite};
pub use ts33220::{hmac_sha256, kdf as ts33220};

use crate::secret::GroupKey;

/// Whether keys can be derived as a policy says: an allowed pair of profile and
/// suite, and a label only where it makes a difference.
pub fn check_supported(policy: &Policy, is_root: bool) -> Result<(), Code> {
    if !policy.profile.suites().contains(&policy.suite) {
        return Err(Code::UnsupportedSuite);
    }
    // The root step has the label, whatever the profile.
    if !policy.label.is_empty() && !policy.profile.has_label() && !is_root {
        return Err(Code::LabelUnused);
    }
    Ok(())
}

/// Whether an epoch can have this salt: none where the profile has none, since
/// what a caller gives is never without effect.
pub fn check_salt(profile: Profile, salt: EpochSalt) -> Result<(), Code> {
    if profile.has_salt() || salt == EpochSalt::NONE { Ok(()) } else { Err(Code::OutOfRange) }
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
    /// The sender's random part; zeros where the profile has none.
    pub salt: EpochSalt,
    /// The operator's own mark.
    pub label: &'a Label,
}

/// All that tells the PGK of one group and generation from any other.
pub struct Scope<'a> {
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

impl<'a> Scope<'a> {
    /// Of a PGK with this policy.
    #[must_use]
    pub const fn new(
        group: GroupId,
        generation: Generation,
        pgk_id: PgkId,
        policy: &'a Policy,
    ) -> Self {
        let Policy { profile, suite, label, .. } = policy;
        Self { profile: *profile, suite: *suite, group, generation, pgk_id, label }
    }
}

/// Derives a group's PGK from a root, in place: the same HKDF in every profile.
pub fn derive_from_root(
    root: &GroupKey,
    scope: &Scope<'_>,
    pgk: &mut [u8; GroupKey::LEN],
) -> Result<(), Code> {
    hkdf_sha256::derive_from_root(root, scope, pgk)
}

/// What a profile makes of a PGK once, for all its epochs: as secret as the
/// PGK, at one address for life, and wiped with it.
pub struct Prepared(OnceCell<Box<Keyed>>);

/// One arm a profile.
enum Keyed {
    HkdfSha256(hkdf_sha256::Prk),
    Ts33303(ts33303::Keyed),
}

impl Prepared {
    /// Nothing yet: it is made by the first derivation.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }

    /// Of `pgk`, and of no other ever after.
    fn of(&self, profile: Profile, pgk: &GroupKey) -> Result<&Keyed, Code> {
        if let Some(keyed) = self.0.get() {
            return Ok(keyed);
        }
        let keyed = Box::new(match profile {
            Profile::HkdfSha256 => Keyed::HkdfSha256(hkdf_sha256::extract(pgk)),
            Profile::Ts33303 => Keyed::Ts33303(ts33303::keyed(pgk)?),
        });
        Ok(self.0.get_or_init(|| keyed))
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
    check_salt(profile, epoch.salt)?;
    match prepared.of(profile, pgk)? {
        Keyed::HkdfSha256(prk) => hkdf_sha256::derive(prk, epoch, keys),
        Keyed::Ts33303(keyed) => ts33303::derive(keyed, epoch, keys),
    }
}

/// Derives the admission key in place; `no_admission_key` if the profile has
/// none. `prepared` as for [`derive`].
pub fn derive_admission(
    pgk: &GroupKey,
    prepared: &Prepared,
    scope: &Scope<'_>,
    key: &mut [u8; AdmissionKey::LEN],
) -> Result<(), Code> {
    match prepared.of(scope.profile, pgk)? {
        Keyed::HkdfSha256(prk) => hkdf_sha256::derive_admission(prk, scope, key),
        Keyed::Ts33303(_) => Err(Code::NoAdmissionKey),
    }
}

#[cfg(test)]
mod tests;
