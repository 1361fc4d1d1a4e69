//! The keys that the TA must give, computed apart from its code: profile
//! `hkdf-sha256` as docs/derivation.md writes it. Only the HKDF itself is the
//! same, and the published vectors of suite `kat` stand for that.

use hkdf::Hkdf;
use proseal_proto::content::Pgk;
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
    let label = pgk.policy.label.as_bytes();
    let suite = pgk.policy.suite.number();
    let info = [
        b"ProSeal1".as_slice(),
        &[1, suite, purpose],
        &epoch.group.octets(),
        &pgk.generation.get().to_be_bytes(),
        &[pgk.id.0],
        &epoch.sender.octets(),
        &epoch.ptk_id.get().to_be_bytes(),
        &epoch.salt.0,
        &[label.len() as u8],
        label,
    ]
    .concat();
    // Suite 3 (`3gpp`) has keys of 128 bits.
    let len = if suite == 3 { 16 } else { 32 };
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, pgk.key)
        .expand(&info, &mut key[..len])
        .expect("32 octets are within 255 blocks");
    key
}
