//! The keys that the TA must give, computed apart from its code: profile
//! `hkdf-sha256` as docs/derivation.md writes it. Only the HKDF itself is the
//! same, and the published vectors of suite `kat` stand for that.

use hkdf::Hkdf;
use proseal_proto::content::Pgk;
use proseal_proto::id::GroupId;
use proseal_proto::message::ReceiveItem;
use sha2::Sha256;

/// IK and CK, 32 octets each; 128-bit keys are left-aligned, the rest zero.
pub(crate) struct Expected {
    /// Integrity key.
    pub(crate) ik: [u8; 32],
    /// Confidentiality key.
    pub(crate) ck: [u8; 32],
}

/// The keys of one epoch of one sender under `pgk`.
pub(crate) fn expected(pgk: &Pgk<'_>, epoch: &ReceiveItem) -> Expected {
    Expected { ik: derived(pgk, epoch, 1), ck: derived(pgk, epoch, 2) }
}

fn derived(pgk: &Pgk<'_>, epoch: &ReceiveItem, purpose: u8) -> [u8; 32] {
    let sender = [&epoch.sender.octets()[..], &epoch.ptk_id.get().to_be_bytes(), &epoch.salt.0];
    // Suite 3 (`3gpp`) has keys of 128 bits.
    let len = if pgk.policy.suite.number() == 3 { 16 } else { 32 };
    let key = if pgk.is_root { from_root(pgk, epoch.group) } else { *pgk.key };
    hkdf(&key, pgk, purpose, epoch.group, &sender.concat(), len)
}

/// The group's PGK, where `pgk` brings a root.
fn from_root(pgk: &Pgk<'_>, group: GroupId) -> [u8; 32] {
    hkdf(pgk.key, pgk, 4, group, &[0; 3 + 2 + 8], 32)
}

/// `sender` is sender, PTK Id and salt.
fn hkdf(
    key: &[u8; 32],
    pgk: &Pgk<'_>,
    purpose: u8,
    group: GroupId,
    sender: &[u8],
    len: usize,
) -> [u8; 32] {
    let label = pgk.policy.label.as_bytes();
    let info = [
        b"ProSeal1".as_slice(),
        &[1, pgk.policy.suite.number(), purpose],
        &group.octets(),
        &pgk.generation.get().to_be_bytes(),
        &[pgk.id.0],
        sender,
        &[label.len() as u8],
        label,
    ]
    .concat();
    let mut okm = [0; 32];
    Hkdf::<Sha256>::new(None, key)
        .expand(&info, &mut okm[..len])
        .expect("32 octets are within 255 blocks");
    okm
}
