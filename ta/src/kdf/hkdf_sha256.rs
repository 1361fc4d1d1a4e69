//! Profile `hkdf-sha256`: RFC 5869 HKDF with SHA-256. docs/derivation.md is
//! the normative text of the info string.

use hkdf::Hkdf;
use proseal_proto::error::Code;
use proseal_proto::key::{DerivedKey, KeySlots};
use proseal_proto::limit;
use proseal_proto::profile::Profile;
use sha2::Sha256;

use super::Epoch;
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
}

/// HKDF (RFC 5869 section 2) of any length up to 255 blocks, in place.
pub fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8], okm: &mut [u8]) -> Result<(), Code> {
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, okm).map_err(|_| Code::Internal)
}

pub(super) fn derive(pgk: &GroupKey, epoch: &Epoch<'_>, keys: KeySlots<'_>) -> Result<(), Code> {
    // One extract serves both expands.
    let prk = Hkdf::<Sha256>::new(Some(&[]), pgk.expose());
    expand(&prk, Purpose::IntegrityKey, epoch, keys.ik)?;
    expand(&prk, Purpose::ConfidentialityKey, epoch, keys.ck)
}

fn expand(
    prk: &Hkdf<Sha256>,
    purpose: Purpose,
    epoch: &Epoch<'_>,
    key: &mut [u8; DerivedKey::LEN],
) -> Result<(), Code> {
    let (info, len) = info(purpose, epoch)?;
    let info = info.get(..len).ok_or(Code::Internal)?;
    let okm = key.get_mut(..epoch.suite.key_len()).ok_or(Code::Internal)?;
    prk.expand(info, okm).map_err(|_| Code::Internal)
}

/// The info string: fixed widths, the label last behind its length, so that
/// no two epochs or purposes share one.
fn info(purpose: Purpose, epoch: &Epoch<'_>) -> Result<([u8; INFO_MAX], usize), Code> {
    let label = epoch.label.as_bytes();
    let fields: [&[u8]; 11] = [
        DOMAIN,
        &[Profile::HkdfSha256.number()],
        &[epoch.suite.number()],
        &[purpose as u8],
        &epoch.group.octets(),
        &epoch.generation.get().to_be_bytes(),
        &[epoch.pgk_id.0],
        &epoch.sender.octets(),
        &epoch.ptk_id.get().to_be_bytes(),
        &epoch.salt.0,
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
