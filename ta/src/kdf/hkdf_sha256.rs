//! Profile `hkdf-sha256`: RFC 5869 HKDF with SHA-256. docs/derivation.md is
//! the normative text of the info string.

use hkdf::Hkdf;
use proseal_proto::error::Code;
use proseal_proto::id::EpochSalt;
use proseal_proto::key::{AdmissionKey, KeySlots};
use proseal_proto::profile::Profile;
use sha2::Sha256;

use super::{Epoch, Scope};
use crate::secret::GroupKey;

/// First octets of each info string: they keep other uses of HKDF apart.
const DOMAIN: &[u8; 8] = b"ProSeal1";
/// Octets of the info string before the label.
const HEAD: usize = 8 + 1 + 1 + 1 + 3 + 8 + 1 + 3 + 2 + 8 + 1;

/// What the output is for. A number is never used again.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Purpose {
    IntegrityKey = 1,
    ConfidentialityKey = 2,
    AdmissionKey = 3,
    PgkFromRoot = 4,
}

/// HKDF (RFC 5869 section 2) of any length up to 255 blocks, in place.
pub fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8], okm: &mut [u8]) -> Result<(), Code> {
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, okm).map_err(|_| Code::Internal)
}

/// HMAC, keyed with the PRK. sha2 and hmac wipe it when it is dropped (their
/// feature `zeroize`).
pub(super) type Prk = Hkdf<Sha256>;

pub(super) fn derive(prk: &Prk, epoch: &Epoch<'_>, keys: KeySlots<'_>) -> Result<(), Code> {
    let len = epoch.suite.key_len();
    let (ik, ck) = (keys.ik.get_mut(..len), keys.ck.get_mut(..len));
    let info = Info::of_epoch(Purpose::IntegrityKey, epoch);
    expand(prk, &info, ik.ok_or(Code::Internal)?)?;
    let info = Info::of_epoch(Purpose::ConfidentialityKey, epoch);
    expand(prk, &info, ck.ok_or(Code::Internal)?)
}

pub(super) fn derive_admission(
    prk: &Prk,
    scope: &Scope<'_>,
    key: &mut [u8; AdmissionKey::LEN],
) -> Result<(), Code> {
    expand(prk, &Info::of_scope(Purpose::AdmissionKey, scope), key)
}

pub(super) fn derive_from_root(
    root: &GroupKey,
    scope: &Scope<'_>,
    pgk: &mut [u8; GroupKey::LEN],
) -> Result<(), Code> {
    expand(&extract(root), &Info::of_scope(Purpose::PgkFromRoot, scope), pgk)
}

pub(super) fn extract(key: &GroupKey) -> Prk {
    Hkdf::new(Some(&[]), key.expose())
}

fn expand(prk: &Prk, info: &Info<'_>, key: &mut [u8]) -> Result<(), Code> {
    prk.expand_multi_info(&[&info.head, info.label], key).map_err(|_| Code::Internal)
}

/// The info string: a head of fixed widths, which ends with the length of the
/// label that follows, so that no two epochs or purposes share one.
struct Info<'a> {
    head: [u8; HEAD],
    label: &'a [u8],
}

impl<'a> Info<'a> {
    fn of_epoch(purpose: Purpose, epoch: &Epoch<'a>) -> Self {
        let scope = Scope {
            profile: Profile::HkdfSha256,
            suite: epoch.suite,
            group: epoch.group,
            generation: epoch.generation,
            pgk_id: epoch.pgk_id,
            label: epoch.label,
        };
        Self::new(purpose, &scope, epoch.sender.octets(), epoch.ptk_id.get(), epoch.salt)
    }

    /// Sender, PTK Id and salt are not used, and zero.
    fn of_scope(purpose: Purpose, scope: &Scope<'a>) -> Self {
        Self::new(purpose, scope, [0; 3], 0, EpochSalt::NONE)
    }

    /// Written as one array: a buffer that is filled field by field took longer
    /// than what is derived with it.
    #[rustfmt::skip]
    fn new(
        purpose: Purpose,
        scope: &Scope<'a>,
        [m0, m1, m2]: [u8; 3],
        ptk_id: u16,
        EpochSalt([s0, s1, s2, s3, s4, s5, s6, s7]): EpochSalt,
    ) -> Self {
        let [d0, d1, d2, d3, d4, d5, d6, d7] = *DOMAIN;
        let [r0, r1, r2] = scope.group.octets();
        let [g0, g1, g2, g3, g4, g5, g6, g7] = scope.generation.get().to_be_bytes();
        let [p0, p1] = ptk_id.to_be_bytes();
        let label = scope.label.as_bytes();
        let head = [
            d0, d1, d2, d3, d4, d5, d6, d7,
            scope.profile.number(), scope.suite.number(), purpose as u8,
            r0, r1, r2,
            g0, g1, g2, g3, g4, g5, g6, g7,
            scope.pgk_id.0,
            m0, m1, m2,
            p0, p1,
            s0, s1, s2, s3, s4, s5, s6, s7,
            scope.label.len(),
        ];
        Self { head, label }
    }
}

#[cfg(test)]
mod tests;
