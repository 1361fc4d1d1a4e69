//! The keys that the TA must give, computed apart from its code: the profiles as
//! docs/derivation.md writes them. Only HMAC and HKDF themselves are the same,
//! and the published vectors of suite `kat` stand for those.

use hkdf::Hkdf;
use proseal_proto::content::Pgk;
use proseal_proto::id::GroupId;
use proseal_proto::message::ReceiveItem;
use proseal_proto::profile::Profile;
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
    let key = pgk_of(pgk, epoch.group);
    match pgk.policy.profile {
        Profile::HkdfSha256 => {
            Expected { ik: derived(&key, pgk, epoch, 1), ck: derived(&key, pgk, epoch, 2) }
        }
        Profile::Ts33303 => ts33303(&key, epoch),
    }
}

/// The admission key of `pgk` in a group.
pub(crate) fn expected_admission(pgk: &Pgk<'_>, group: GroupId) -> [u8; 16] {
    let okm = hkdf(&pgk_of(pgk, group), pgk, 3, group, &NO_EPOCH, 16);
    std::array::from_fn(|at| okm[at])
}

/// Sender, PTK Id and salt where they are not used.
const NO_EPOCH: [u8; 3 + 2 + 8] = [0; 13];

/// The group's PGK: derived first, where `pgk` brings a root.
fn pgk_of(pgk: &Pgk<'_>, group: GroupId) -> [u8; 32] {
    if pgk.is_root { hkdf(pgk.key, pgk, 4, group, &NO_EPOCH, 32) } else { *pgk.key }
}

fn derived(key: &[u8; 32], pgk: &Pgk<'_>, epoch: &ReceiveItem, purpose: u8) -> [u8; 32] {
    let sender = [&epoch.sender.octets()[..], &epoch.ptk_id.get().to_be_bytes(), &epoch.salt.0];
    // Suite 3 (`3gpp`) has keys of 128 bits.
    let len = if pgk.policy.suite.number() == 3 { 16 } else { 32 };
    hkdf(key, pgk, purpose, epoch.group, &sender.concat(), len)
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
        &[pgk.policy.profile.number(), pgk.policy.suite.number(), purpose],
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

/// TS 33.303 Annex A.3 and A.4: the last 128 bits of each output.
fn ts33303(pgk: &[u8; 32], epoch: &ReceiveItem) -> Expected {
    let (sender, group) = (epoch.sender.octets(), epoch.group.octets());
    let [high, low] = epoch.ptk_id.get().to_be_bytes();
    let s = [&[0x4a][..], &sender, &[0, 3, high, low, 0, 2], &group, &[0, 3]].concat();
    let ptk = hmac(pgk, &s);
    let key = |kind: u8| {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&hmac(&ptk, &[0x4b, kind, 0, 1, 2, 0, 1])[16..]);
        key
    };
    Expected { ik: key(1), ck: key(0) }
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // The Extract step of HKDF is HMAC with the salt as its key.
    let (prk, _) = Hkdf::<Sha256>::extract(Some(key), message);
    prk.into()
}
