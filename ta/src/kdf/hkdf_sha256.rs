//! Profile `hkdf-sha256`: RFC 5869 HKDF with SHA-256. docs/derivation.md is
//! the normative text of the info string.

use hkdf::Hkdf;
use proseal_proto::content::Label;
use proseal_proto::error::Code;
use proseal_proto::id::{Generation, GroupId, PgkId};
use proseal_proto::key::{AdmissionKey, DerivedKey, KeySlots};
use proseal_proto::limit;
use proseal_proto::profile::{Profile, Suite};
use sha2::Sha256;

use super::{Epoch, Scope};
use crate::secret::GroupKey;

/// First octets of each info string: they keep other uses of HKDF apart.
const DOMAIN: &[u8; 8] = b"ProSeal1";
const INFO_MAX: usize = 8 + 1 + 1 + 1 + 3 + 8 + 1 + 3 + 2 + 8 + 1 + limit::LABEL;

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
    for (purpose, key) in [(Purpose::IntegrityKey, keys.ik), (Purpose::ConfidentialityKey, keys.ck)]
    {
        let key: &mut [u8; DerivedKey::LEN] = key;
        let used = key.get_mut(..epoch.suite.key_len()).ok_or(Code::Internal)?;
        expand(prk, &Fields::of_epoch(purpose, epoch), used)?;
    }
    Ok(())
}

pub(super) fn derive_admission(
    prk: &Prk,
    scope: &Scope<'_>,
    key: &mut [u8; AdmissionKey::LEN],
) -> Result<(), Code> {
    expand(prk, &Fields::of_scope(Purpose::AdmissionKey, scope), key)
}

pub(super) fn derive_from_root(
    root: &GroupKey,
    scope: &Scope<'_>,
    pgk: &mut [u8; GroupKey::LEN],
) -> Result<(), Code> {
    expand(&extract(root), &Fields::of_scope(Purpose::PgkFromRoot, scope), pgk)
}

pub(super) fn extract(key: &GroupKey) -> Prk {
    Hkdf::new(Some(&[]), key.expose())
}

fn expand(prk: &Prk, fields: &Fields<'_>, key: &mut [u8]) -> Result<(), Code> {
    let (info, len) = info(fields)?;
    let info = info.get(..len).ok_or(Code::Internal)?;
    prk.expand(info, key).map_err(|_| Code::Internal)
}

/// What goes into the info string; what a purpose has no use for is zero.
struct Fields<'a> {
    profile: Profile,
    suite: Suite,
    purpose: Purpose,
    group: GroupId,
    generation: Generation,
    pgk_id: PgkId,
    sender: [u8; 3],
    ptk_id: u16,
    salt: [u8; 8],
    label: &'a Label,
}

impl<'a> Fields<'a> {
    const fn of_epoch(purpose: Purpose, epoch: &Epoch<'a>) -> Self {
        Self {
            profile: Profile::HkdfSha256,
            suite: epoch.suite,
            purpose,
            group: epoch.group,
            generation: epoch.generation,
            pgk_id: epoch.pgk_id,
            sender: epoch.sender.octets(),
            ptk_id: epoch.ptk_id.get(),
            salt: epoch.salt.0,
            label: epoch.label,
        }
    }

    /// Sender, PTK Id and salt are not used.
    const fn of_scope(purpose: Purpose, scope: &Scope<'a>) -> Self {
        Self {
            profile: scope.profile,
            suite: scope.suite,
            purpose,
            group: scope.group,
            generation: scope.generation,
            pgk_id: scope.pgk_id,
            sender: [0; 3],
            ptk_id: 0,
            salt: [0; 8],
            label: scope.label,
        }
    }
}

/// The info string: fixed widths, the label last behind its length, so that
/// no two epochs or purposes share one.
fn info(fields: &Fields<'_>) -> Result<([u8; INFO_MAX], usize), Code> {
    let label = fields.label.as_bytes();
    let fields: [&[u8]; 11] = [
        DOMAIN,
        &[fields.profile.number()],
        &[fields.suite.number()],
        &[fields.purpose as u8],
        &fields.group.octets(),
        &fields.generation.get().to_be_bytes(),
        &[fields.pgk_id.0],
        &fields.sender,
        &fields.ptk_id.to_be_bytes(),
        &fields.salt,
        &[u8::try_from(label.len()).map_err(|_| Code::Internal)?],
    ];
    let mut info = [0; INFO_MAX];
    let mut rest = info.as_mut_slice();
    for field in fields.into_iter().chain([label]) {
        let (here, after) = rest.split_at_mut_checked(field.len()).ok_or(Code::Internal)?;
        here.copy_from_slice(field);
        rest = after;
    }
    let unused = rest.len();
    Ok((info, INFO_MAX.saturating_sub(unused)))
}

#[cfg(test)]
mod tests;
