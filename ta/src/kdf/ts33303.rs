//! Profile `3gpp-ts33303`: PGK, PTK and keys as in TS 33.303 clause 6.2 and
//! Annexes A.3 and A.4. The standard's one-to-many traffic has a ciphering key
//! only; the integrity key is its form of one-to-one traffic, as the
//! contribution wants it.

use proseal_proto::error::Code;
use proseal_proto::key::{DerivedKey, KeySlots};
use zeroize::Zeroizing;

use super::Epoch;
use super::ts33220;
use crate::secret::GroupKey;

/// FC of the PTK (A.3).
const FC_PTK: u8 = 0x4a;
/// Algorithm identities of 128-EEA2 and 128-EIA2 (TS 33.401 clause 5.1).
const ALGORITHM_AES: u8 = 2;

/// What of A.4 is from memory, and was not checked against the published
/// document: compare it before you claim conformance (docs/derivation.md has how
/// sure the rest is).
mod unchecked {
    /// FC of the keys from PTK.
    pub(super) const FC_KEYS: u8 = 0x4b;
    /// Algorithm type of the ciphering key (PEK).
    pub(super) const TYPE_PEK: u8 = 0;
    /// Algorithm type of the integrity key (PIK).
    pub(super) const TYPE_PIK: u8 = 1;
}
use unchecked::{FC_KEYS, TYPE_PEK, TYPE_PIK};

/// HMAC, keyed with the PGK.
pub(super) type Keyed = ts33220::Keyed;

pub(super) fn keyed(pgk: &GroupKey) -> Result<Keyed, Code> {
    ts33220::keyed(pgk.expose())
}

pub(super) fn derive(pgk: &Keyed, epoch: &Epoch<'_>, keys: KeySlots<'_>) -> Result<(), Code> {
    let mut ptk = Zeroizing::new([0; ts33220::LEN]);
    let (sender, ptk_id) = (epoch.sender.octets(), epoch.ptk_id.get().to_be_bytes());
    ts33220::derive(pgk, FC_PTK, &[&sender, &ptk_id, &epoch.group.octets()], &mut ptk)?;
    let ptk = ts33220::keyed(&*ptk)?;
    key_from_ptk(&ptk, TYPE_PIK, keys.ik)?;
    key_from_ptk(&ptk, TYPE_PEK, keys.ck)
}

/// The 128 least significant bits, left-aligned.
fn key_from_ptk(ptk: &Keyed, kind: u8, key: &mut [u8; DerivedKey::LEN]) -> Result<(), Code> {
    let mut derived = Zeroizing::new([0; ts33220::LEN]);
    ts33220::derive(ptk, FC_KEYS, &[&[kind], &[ALGORITHM_AES]], &mut derived)?;
    let (_, low) = derived.split_at(ts33220::LEN / 2);
    key.get_mut(..low.len()).ok_or(Code::Internal)?.copy_from_slice(low);
    Ok(())
}

#[cfg(test)]
mod tests;
